import type { Attempt, Call } from '../../calls/fold/call.ts'
import type { OpenContext, Way } from '../../calls/fold/way.ts'
import type { VerbConfig } from '../../jambonz/verb-config.ts'
import type { Announcement, Dial } from '../../jambonz/verbs.ts'

/** How rooms and the SIP users that lead into them are named. */
export interface Naming {
  tokenOf(callSid: string, attempt: number): string
  roomPrefix: string
}

/** What an attempt has of its way from the beginning. */
export type Opened = Partial<Pick<Attempt, 'token' | 'room' | 'visits' | 'agent' | 'number'>>

/** One way of connecting a call. Pure. */
export interface Strategy<W extends Way> {
  open(way: W, context: OpenContext, naming: Naming): Opened
}

/** A way that dials somebody. */
export interface DialStrategy<W extends Way> extends Strategy<W> {
  /** What its dial has besides what every dial has. */
  dial(way: W, call: Call, attempt: Attempt, config: VerbConfig): Pick<Dial, 'target'> & Partial<Dial>
}

/** A way that answers the caller and lets it hear something. */
export interface AnnounceStrategy<W extends Way> extends Strategy<W> {
  verb(way: W): Announcement
}
