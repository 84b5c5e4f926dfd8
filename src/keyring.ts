import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Settings } from './config.ts'
import { callerKeys, OPERATOR_NAME, staffKeys, VIEWER_NAME } from './caller-keys.ts'

/**
 * What the holder of a key may do. `operator`: everything. `viewer`: look at everything. `caller`, a key of CALLERS:
 * place calls, and control those. `agent`: control its own call.
 */
export type Role = 'operator' | 'viewer' | 'caller' | 'agent'

/** Who sends a request to the operator API. */
export interface KeyHolder {
  /** Name of the key; `operator` or `viewer` where it has none, `agent` for the token of a call. */
  name: string
  role: Role
  /** Of an agent: its call. No other call exists for it. */
  callSid?: string
}

/** Whether it is the agent of a call, which proved itself by the token of that call. */
export const isAgent = ({ role }: KeyHolder): boolean => role === 'agent'

/** Whether the calls of all exist for it. */
export const seesAll = ({ role }: KeyHolder): boolean => role === 'operator' || role === 'viewer'

export interface Keyring {
  /** There is no key at all. */
  readonly isEmpty: boolean
  /** Finds out whose token it is, in a time that tells nothing of the right ones. */
  holderOf(token: string): KeyHolder | undefined
}

/** The tokens of OPERATOR_TOKEN, VIEWER_TOKEN and CALLERS. */
export function createKeyring (
  settings: Partial<Pick<Settings, 'OPERATOR_TOKEN' | 'VIEWER_TOKEN' | 'CALLERS'>>
): Keyring {
  // Digests are equally long, so comparing them does not tell how long a token is.
  const secret = randomBytes(32)
  const digestOf = (token: string): Buffer => createHmac('sha256', secret).update(token).digest()
  const keysOf = (role: Role, keys: Array<{ name: string, token: string }>) =>
    keys.map(({ name, token }) => ({ digest: digestOf(token), holder: { name, role } }))
  const keys = [
    ...keysOf('operator', staffKeys(settings.OPERATOR_TOKEN, OPERATOR_NAME)),
    ...keysOf('viewer', staffKeys(settings.VIEWER_TOKEN, VIEWER_NAME)),
    ...keysOf('caller', callerKeys(settings.CALLERS))
  ]

  return {
    isEmpty: keys.length === 0,
    holderOf (token) {
      const digest = digestOf(token)
      let found: KeyHolder | undefined
      for (const key of keys) {
        if (timingSafeEqual(key.digest, digest)) found = { ...key.holder }
      }
      return found
    }
  }
}
