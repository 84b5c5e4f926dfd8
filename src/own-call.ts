import type { Calls } from './calls/calls.ts'
import type { Call } from './calls/fold/call.ts'
import { CallNotFoundError } from './errors.ts'
import type { KeyHolder } from './keyring.ts'

/**
 * Finds a call for the holder of a key: an operator has every call, a key of CALLERS those that it ordered.
 * @throws {CallNotFoundError} also for a call of somebody else's key
 */
export async function ownCall (
  calls: Pick<Calls, 'find'>,
  callSid: string,
  { isOperator, name }: KeyHolder
): Promise<Call> {
  const call = await calls.find(callSid)
  if (!call || !(isOperator || call.order?.placedBy === name)) throw new CallNotFoundError(callSid)
  return call
}
