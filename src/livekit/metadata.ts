import type { Attempt, Call } from '../calls/call.ts'

/** Version of the job metadata contract (docs/agents.md). Within a version fields are only added. */
export const JOB_METADATA_VERSION = 1

/** What the agent of a call is told, as JSON: a contract for agent authors. */
export function jobMetadata (call: Call, attempt: Attempt): string {
  const { direction, from, to, callerName, trunk, headers } = call.facts
  return JSON.stringify({
    v: JOB_METADATA_VERSION,
    call: { callSid: call.callSid, direction, from, to, callerName, trunk, attempt: attempt.n, headers },
    app: call.app.metadata
  })
}

/** What a room says of its call, as JSON: enough to recognise it without any other record. */
export function roomMetadata (call: Call, attempt: Attempt): string {
  const { direction, from, to, withheld, applicationSid } = call.facts
  return JSON.stringify({ v: 1, callSid: call.callSid, attempt: attempt.n, direction, from, to, withheld, applicationSid, agent: attempt.agent, receivedAt: call.at.received })
}
