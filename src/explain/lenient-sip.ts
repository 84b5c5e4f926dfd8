import { headerList, type SipMessage } from '../sip/message.ts'
import { parseAddress, parseUri, type SipUri } from '../sip/address.ts'
import { SipParseError } from '../sip/parse-error.ts'

/*
 * Parts of SIP messages that may be malformed: captures hold what somebody sent, not what is right.
 */

/** Undefined where the parser refuses the SIP. */
export function tolerant<T> (read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof SipParseError) return undefined
    throw error
  }
}

/** The URI of a From, To or Refer-To header. */
export const addressUri = (value: string | undefined): SipUri | undefined =>
  value === undefined ? undefined : tolerant(() => parseUri(parseAddress(value).uri))

/** The tag of a From or To header. */
export const addressTag = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : /;\s*tag=([^;\s>]+)/i.exec(value.slice(value.lastIndexOf('>') + 1))?.[1]

/** The top Via's transport (RFC 3261 18.1.1). */
export const viaTransport = (message: SipMessage): string | undefined =>
  /^SIP\/2\.0\/(\w+)/i.exec(headerList(message, 'via')[0] ?? '')?.[1]?.toLowerCase()
