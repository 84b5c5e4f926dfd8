import type { Attempt, Call } from '../../calls/fold/call.ts'
import type { VerbConfig } from '../../jambonz/verb-config.ts'

/** Where Jambonz reports that the agent asked for a transfer. Without it a REFER is refused with 501. */
export const referHookOf = (call: Call, attempt: Attempt, { publicUrl }: VerbConfig): string =>
  `${publicUrl}/refer?call=${encodeURIComponent(call.callSid)}&attempt=${attempt.n}`
