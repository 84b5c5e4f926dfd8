import type { AgentControl, WarmAgentControl } from '../agent-control.ts'
import type { Attempt, Call } from '../calls/fold/call.ts'
import { transfersOf } from '../calls/fold/transfers.ts'
import type { WarmPool } from '../calls/warm/warm-room.ts'

/** Version of the job metadata contract (docs/agents.md). Within a version fields are only added. */
export const JOB_METADATA_VERSION = 1

/**
 * What the agent of a call receives, as JSON: a contract for agent authors. It holds the token of the call, so it goes
 * to LiveKit as the metadata of a job and nowhere else.
 */
export function jobMetadata (call: Call, attempt: Attempt, control: AgentControl): string {
  return JSON.stringify({
    v: JOB_METADATA_VERSION,
    call: callForAgent(call, attempt),
    transfer: purposeOf(call),
    lastTransfer: lastTransferOf(call),
    app: (attempt.way.strategy === 'room' && attempt.way.metadata) || call.app.metadata,
    control
  })
}

/**
 * What an agent receives that waits for its call, as JSON: {@link jobMetadata} without what only a call can tell. The
 * metadata of the room tell that, once a call has it.
 */
export const warmJobMetadata = ({ metadata }: Pick<WarmPool, 'metadata'>, control: WarmAgentControl): string =>
  JSON.stringify({ v: JOB_METADATA_VERSION, mode: 'warm', app: metadata, control })

/** `call` of the job metadata. Of a warm room it is a part of the room's metadata. */
export function callForAgent (call: Call, attempt: Attempt) {
  const { direction, from, to, callerName, trunk, headers } = call.facts
  return {
    callSid: call.callSid,
    direction,
    from,
    to,
    callerName,
    trunk,
    route: call.route?.name,
    attempt: attempt.n,
    headers,
    reference: call.order?.reference,
    placedBy: call.order?.placedBy,
    // The agent is to find out who answered, and to tell the bridge.
    voicemail: call.order?.voicemail === 'agent' ? 'agent' : undefined
  }
}

/** What the agent needs to know that talks with a person whom another agent wants the caller to talk with. */
function purposeOf ({ order }: Call) {
  if (!order?.transfer) return undefined
  const { id, mode, callSid, brief } = order.transfer
  return { id, mode, callSid, brief }
}

/** What the agent needs to know to whom a caller comes back. */
export function lastTransferOf (call: Call) {
  const transfer = transfersOf(call).findLast(({ request }) => request !== undefined)
  if (!transfer) return undefined
  const { request, outcome, failedFor } = transfer
  return { id: request!.id, mode: request!.mode, result: outcome?.result, reason: (outcome ?? failedFor)?.reason }
}
