/** What came in is not SIP as this agent reads it. The text never contains what was received. */
export class SipParseError extends Error {
  override readonly name = 'SipParseError'
  readonly code = 'SIP_PARSE_ERROR'
}
