import type { Attempt, Call } from '../calls/fold/call.ts'
import type { Dial } from '../jambonz/verbs.ts'
import type { VerbConfig } from '../jambonz/verb-config.ts'

/** What an attempt is opened with. */
export interface OpenContext {
  callSid: string
  n: number
  tokenOf(callSid: string, attempt: number): string
  roomPrefix: string
}

/** One way of connecting a call. Pure: who is dialled, and how. */
export interface Strategy<W> {
  /**
   * What an attempt of this way has from the beginning. One with a `room` waits for it to be made before it is dialled.
   */
  open(way: W, context: OpenContext): Partial<Pick<Attempt, 'token' | 'room' | 'agent' | 'number'>>
  /** What its dial has besides what every dial has. */
  dial(call: Call, attempt: Attempt, config: VerbConfig): Pick<Dial, 'target'> & Partial<Dial>
}
