import type { Call } from '../calls/fold/call.ts'
import { HOOK_RETRY, type VerbConfig } from './verb-config.ts'

/*
 * The addresses of the hooks that transfers need. A query says which transfer is meant, because two of these hooks of
 * one call may read the same, byte by byte.
 */

type Base = Pick<VerbConfig, 'publicUrl'>

const withQuery = (url: string, query: Record<string, string>): string => `${url}?${new URLSearchParams(query)}`

/** Where Jambonz asks what to do with a leg that it was asked to redirect. @param n which time it was asked */
export const redirectHookOf = (callSid: string, transfer: string, n: number, { publicUrl }: Base): string =>
  `${withQuery(`${publicUrl}/redirect`, { call: callSid, transfer, n: String(n) })}${HOOK_RETRY}`

/** Where Jambonz asks what the person is to hear who has answered a screened dial. */
export const screenHookOf = ({ callSid }: Pick<Call, 'callSid'>, transfer: string, { publicUrl }: Base): string =>
  `${withQuery(`${publicUrl}/screen`, { call: callSid, transfer })}${HOOK_RETRY}`

/** Where Jambonz reports the key that the person pressed. */
export const screenDigitHookOf = ({ callSid }: Pick<Call, 'callSid'>, transfer: string, { publicUrl }: Base): string =>
  `${withQuery(`${publicUrl}/screen-digit`, { call: callSid, transfer })}${HOOK_RETRY}`
