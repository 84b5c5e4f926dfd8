import type { Attempt, Call } from '../calls/fold/call.ts'
import type { OpenContext } from '../calls/fold/way.ts'
import type { Dial } from '../jambonz/verbs.ts'
import type { VerbConfig } from '../jambonz/verb-config.ts'

/** How rooms and the SIP users that lead into them are named. */
export interface Naming {
  tokenOf(callSid: string, attempt: number): string
  roomPrefix: string
}

/** One way of connecting a call: who is dialled, and how. Pure. */
export interface Strategy<W> {
  /** What an attempt of this way has from the beginning. One with a `room` is dialled once the room was made. */
  open(way: W, context: OpenContext, naming: Naming): Partial<Pick<Attempt, 'token' | 'room' | 'agent' | 'number'>>
  /** What its dial has besides what every dial has. */
  dial(call: Call, attempt: Attempt, config: VerbConfig): Pick<Dial, 'target'> & Partial<Dial>
}
