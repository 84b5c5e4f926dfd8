import { OPERATOR_NAME, staffKeys, VIEWER_NAME } from '../caller-keys.ts'

/*
 * Where a running bridge is, and with which token it is asked.
 */

/** Arguments or settings that a command cannot be run with. */
export class UnusableError extends Error {}

/** What is wrong with how a command was called. Any other error is thrown again. */
export function usageProblem (error: unknown): string {
  const known = error instanceof UnusableError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  if (!known) throw error
  return (error as Error).message
}

/** @throws {UnusableError} */
export function baseUrl (url: string | undefined): string {
  if (!url) {
    throw new UnusableError('Where is the bridge? Give --url, or set PUBLIC_URL. Example: --url http://127.0.0.1:3000')
  }
  if (!/^https?:$/.test(protocolOf(url))) {
    throw new UnusableError('--url must be an http or https URL. Example: --url http://127.0.0.1:3000')
  }
  return url.replace(/\/+$/, '')
}

/**
 * The first token of OPERATOR_TOKEN, or of VIEWER_TOKEN, which suffices for looking.
 * @throws {UnusableError}
 */
export function tokenOf (env: Record<string, string | undefined>): string {
  const [key] = [
    ...staffKeys(env['OPERATOR_TOKEN'], OPERATOR_NAME),
    ...staffKeys(env['VIEWER_TOKEN'], VIEWER_NAME)
  ]
  if (key) return key.token
  throw new UnusableError('OPERATOR_TOKEN is not set: the operator API needs the token that the bridge runs with')
}

function protocolOf (url: string): string {
  try {
    return new URL(url).protocol
  } catch {
    return ''
  }
}
