import type { Call } from './calls/fold/call.ts'
import type { CallSummary } from './calls/view.ts'
import { isFailure } from './diagnosis/diagnose.ts'

/** What operators see of a call, with whether it failed: that is for the diagnosis to say. */
export const withOutcome = <V extends CallSummary>(view: V, call: Call): V => ({ ...view, failed: isFailure(call) })
