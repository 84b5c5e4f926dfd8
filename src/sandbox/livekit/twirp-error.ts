/** The HTTP status of each Twirp error code (Twirp specification, "Error Codes"). */
const STATUS = {
  invalid_argument: 400,
  malformed: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  bad_route: 404,
  deadline_exceeded: 408,
  aborted: 409,
  failed_precondition: 412,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
  unavailable: 503
} as const

/** An error reply of the Twirp API. */
export class TwirpError extends Error {
  override readonly name = 'TwirpError'
  readonly code: keyof typeof STATUS
  readonly meta: Record<string, string> | undefined

  constructor (code: keyof typeof STATUS, message: string, meta?: Record<string, string>) {
    super(message)
    this.code = code
    this.meta = meta
  }

  get status (): number {
    return STATUS[this.code]
  }
}

/** LiveKit's reply when the server of a room does not respond. */
export const noServer = (): TwirpError =>
  new TwirpError('unavailable', 'twirp error unknown: no response from servers')

/** The Twirp codes for the SIP statuses of a far end, as recorded. */
const CODE_OF_SIP_STATUS: Record<number, keyof typeof STATUS> = {
  403: 'permission_denied',
  404: 'not_found',
  408: 'deadline_exceeded',
  480: 'resource_exhausted',
  486: 'resource_exhausted',
  487: 'aborted',
  603: 'permission_denied'
}

/** The reply of the API when the far end refused with a SIP status. */
export function sipCallError (status: number, reason: string): TwirpError {
  const code = CODE_OF_SIP_STATUS[status] ?? 'failed_precondition'
  return new TwirpError(code, `twirp error unknown: sip status: ${status}: ${reason}`, {
    sip_status_code: String(status),
    sip_status: reason
  })
}
