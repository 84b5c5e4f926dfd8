import {
  CapReachedError,
  JambonzRefusedError,
  JambonzUnreachableError,
  NumberRefusedError,
  OutboundNotConfiguredError,
  OwnNumberError,
  StoreUnavailableError,
  withExtras
} from '../errors.ts'
import { JambonzRestError } from '../jambonz/rest.ts'
import type { Refused } from '../routing/policy/policy.ts'

/*
 * Why somebody is not dialled whom a client of the API wants to be dialled.
 */

/** What a question to Jambonz gives, before anybody is dialled. */
export async function asked<T> (question: Promise<T>): Promise<T> {
  try {
    return await question
  } catch (error) {
    if (!(error instanceof JambonzRestError)) throw error
    throw error.status === undefined
      ? new JambonzUnreachableError(error.message)
      : new JambonzRefusedError(error.message)
  }
}

/** Nobody knows when a call ends. A few seconds later one may have. */
const ONE_MAY_HAVE_ENDED_MS = 10_000

/** What the number policy says, as an error. */
export function refusalError ({ reason, rule, why, retryInMs = ONE_MAY_HAVE_ENDED_MS }: Refused): Error {
  switch (reason) {
    case 'no-policy':
      return new OutboundNotConfiguredError(why)
    case 'own-number':
      return new OwnNumberError(why)
    case 'store-unavailable':
      return new StoreUnavailableError('the caps of the number policy cannot be counted')
    case 'concurrent':
    case 'per-minute':
    case 'per-day':
    case 'per-caller-per-day':
      return withExtras(new CapReachedError(reason, why), { retryInMs })
    default:
      return new NumberRefusedError(`${reason} ${rule}`.trim(), why)
  }
}
