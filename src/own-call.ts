import type { Calls } from './calls/calls.ts'
import type { Call } from './calls/fold/call.ts'
import { CallNotFoundError } from './errors.ts'
import { seesAll, type KeyHolder } from './keyring.ts'

/**
 * Finds a call for the holder of a key: operators and viewers have every call, a key of CALLERS those that it ordered,
 * an agent its own.
 * @throws {CallNotFoundError} also for a call of somebody else's
 */
export async function ownCall (
  calls: Pick<Calls, 'find'>,
  callSid: string,
  holder: KeyHolder
): Promise<Call> {
  const call = await calls.find(callSid)
  if (!call || !isOwn(call, holder)) throw new CallNotFoundError(callSid)
  return call
}

function isOwn (call: Call, holder: KeyHolder): boolean {
  if (holder.role === 'agent') return call.callSid === holder.callSid
  return seesAll(holder) || call.order?.placedBy === holder.name
}
