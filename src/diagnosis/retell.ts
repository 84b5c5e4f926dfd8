import type { RegistrationFailure } from '../calls/ports.ts'

/*
 * What Retell's registration can fail by. The event and the end have the class of the failure, never Retell's own text.
 */

const REASONS: Record<RegistrationFailure, string> = {
  'key-missing': 'the environment variable that `key` names is not set',
  'key-unusable': 'the API key has characters that no key has',
  'key-refused': 'it refused the API key',
  'no-balance': 'the account has no balance',
  'no-agent': "the key's workspace has no such agent, or no such version of it",
  'too-many': 'it had too many requests',
  failed: 'it failed by itself (5xx)',
  refused: 'it refused the request',
  'bad-answer': 'its answer had no call id',
  timeout: 'it did not answer in time',
  unreachable: 'it could not be reached',
  skipped: 'the bridge did not ask, because too many registrations were under way'
}

/** Why Retell did not register a call. @param detail the class of the failure, perhaps with a status behind it */
export function reasonOfRetell (detail: string | undefined): string {
  const failure = /^[a-z-]+/.exec(detail ?? '')?.[0] ?? ''
  return isFailure(failure) ? REASONS[failure] : 'why is not known'
}

const isFailure = (text: string): text is RegistrationFailure => Object.hasOwn(REASONS, text)
