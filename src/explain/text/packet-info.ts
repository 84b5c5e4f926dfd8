import type { Endpoint } from '../capture/endpoint.ts'
import type { Place, SipSeen } from '../seen.ts'

/** What a list of packets has in its columns. */
interface PacketRow {
  at?: number
  source: Endpoint
  destination: Endpoint
  /** `SIP`, `SIP/SDP`, `SIP/XML` */
  protocol: string
  info: string
}

const REQUEST = /^Request: ([A-Z]{3,12}) ((?:sips?|tel):[^\s|]{1,1024})/
const STATUS = /^Status: ([1-6]\d\d)\b ?([^|]{0,200})/
/** What Wireshark adds to a reason: the method, the number of bindings, and in old versions words behind a comma. */
const METHOD = /\(([A-Z]{3,12})\)/
const ADDED = /\s*(?:\((?:[A-Z]{3,12}|\d+ bindings?)\)|, (?:with session description|in-dialog)\b.*)\s*/g

export const isSipInfo = (info: string): boolean => REQUEST.test(info) || STATUS.test(info)

/**
 * The SIP message of a row in a list of packets: its start line and its ends. The list does not show its headers
 * (wireshark epan/dissectors/packet-sip.c). Undefined for a packet of another kind.
 */
export function sipInRow ({ at, source, destination, protocol, info }: PacketRow, place: Place): SipSeen | undefined {
  const seen = {
    kind: 'sip',
    place,
    ...(at !== undefined && { at }),
    source,
    destination,
    startLineOnly: true
  } as const
  // That there is a description of media is all that the list says of the body.
  const body = /SDP/i.test(protocol) || /with session description/.test(info) ? 'v=0\r\n' : ''
  const request = REQUEST.exec(info)
  if (request) {
    const [, method = '', uri = ''] = request
    return {
      ...seen,
      ...(/, in-dialog\b/.test(info) && { inDialog: true as const }),
      message: { kind: 'request', method, uri: uri.replace(/,$/, ''), headers: [], body }
    }
  }
  const status = STATUS.exec(info)
  if (!status) return undefined

  const [, code, words = ''] = status
  const method = METHOD.exec(words)?.[1]
  return {
    ...seen,
    ...(method !== undefined && { answers: method }),
    message: { kind: 'response', status: Number(code), reason: words.replace(ADDED, ' ').trim(), headers: [], body }
  }
}
