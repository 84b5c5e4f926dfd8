import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Settings } from './config.ts'
import { callerKeys, OPERATOR_NAME } from './caller-keys.ts'

/** Who sends a request to the operator API. */
export interface KeyHolder {
  /** Name of the key in CALLERS; `operator` for OPERATOR_TOKEN, `agent` for the token of a call. */
  name: string
  /** May do everything, and sees the calls of all. */
  isOperator: boolean
  /** Of an agent: its call. No other call exists for it. */
  callSid?: string
}

/** Whether it is the agent of a call, which proved itself by the token of that call. */
export const isAgent = ({ callSid }: KeyHolder): boolean => callSid !== undefined

export interface Keyring {
  /** There is no key at all. */
  readonly isEmpty: boolean
  /** Finds out whose token it is, in a time that tells nothing of the right ones. */
  holderOf(token: string): KeyHolder | undefined
}

/** The tokens of OPERATOR_TOKEN and CALLERS. */
export function createKeyring (
  { OPERATOR_TOKEN: operator, CALLERS: callers }: Partial<Pick<Settings, 'OPERATOR_TOKEN' | 'CALLERS'>>
): Keyring {
  // Digests are equally long, so comparing them does not tell how long a token is.
  const secret = randomBytes(32)
  const digestOf = (token: string): Buffer => createHmac('sha256', secret).update(token).digest()
  const keys = [
    ...(operator === undefined ? [] : [{ digest: digestOf(operator), name: OPERATOR_NAME, isOperator: true }]),
    ...callerKeys(callers).map(({ name, token }) => ({ digest: digestOf(token), name, isOperator: false }))
  ]

  return {
    isEmpty: keys.length === 0,
    holderOf (token) {
      const digest = digestOf(token)
      let holder: KeyHolder | undefined
      for (const key of keys) {
        if (timingSafeEqual(key.digest, digest)) holder = { name: key.name, isOperator: key.isOperator }
      }
      return holder
    }
  }
}
