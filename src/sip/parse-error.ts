/** A message or an address is not SIP as this user agent reads it. The error text never contains received data. */
export class SipParseError extends Error {
  override readonly name = 'SipParseError'
  readonly code = 'SIP_PARSE_ERROR'
}
