import { CallApiError, type Transfer } from './call-api.ts'
import { UnknownPersonError } from './people.ts'

/*
 * What happens to a transfer, in words for the model. A model that gets words of the protocol would read them out.
 */

const IN_VAIN: Record<string, string> = {
  busy: 'The line is busy.',
  declined: 'The person cannot take the call now.',
  'no-answer': 'Nobody answers.',
  'person-hung-up': 'The person hung up before the two could talk.',
  cancelled: 'The transfer was cancelled.',
  refused: 'This number cannot be reached.'
}

/** @returns what the model is to do now. Undefined: nothing, for example while the phone rings */
export function newsOf ({ mode, state, result, reason = '' }: Transfer): string | undefined {
  if (state !== 'finished') return undefined
  // Caller and person talk. With `add` the agent is still there and must let them.
  if (result === 'bridged') return mode === 'add' ? 'The person is here. Greet them in one sentence.' : undefined
  if (result === 'failed') return undefined
  const why = IN_VAIN[reason] ?? 'The transfer did not work.'
  return `${why} Tell the caller, and offer to take a message or to try somebody else.`
}

const REFUSED: Record<string, string> = {
  BRIDGE_NUMBER_REFUSED: 'Calling this person is not allowed. Do not try again.',
  BRIDGE_OWN_NUMBER: 'Calling this person is not allowed. Do not try again.',
  BRIDGE_CALL_ENDED: 'The call is over.',
  BRIDGE_TRANSFER_OPEN: 'Another transfer is under way. Cancel it first, or wait.',
  BRIDGE_NOT_CONSULTING: 'Nobody talks with the person yet. Wait.',
  BRIDGE_TRANSFER_COMPLETING: 'It is too late: the person is being connected.',
  BRIDGE_TRANSFER_FINISHED: 'This transfer is over.'
}

/** Why something was not begun at all. */
export function refusalOf (error: unknown): string {
  if (error instanceof UnknownPersonError) return error.message
  if (!(error instanceof CallApiError)) return 'The phone system cannot be reached. Apologise, and go on without it.'
  const known = REFUSED[error.code]
  if (known) return known
  if (error.status === 409) return 'That is not possible now.'
  if (error.status === 429) return 'Too many calls are being made. Offer to take a message.'
  return 'The phone system did not do it. Apologise, and go on without it.'
}
