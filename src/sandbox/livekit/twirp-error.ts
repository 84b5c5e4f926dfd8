/** The HTTP status of each Twirp error code (Twirp specification, "Error Codes"). */
const STATUS = {
  invalid_argument: 400,
  malformed: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  bad_route: 404,
  canceled: 408,
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

/** The reply of the API when the far end refused with a SIP status. `what` says what it refused. */
export function sipCallError (status: number, reason: string, what = ''): TwirpError {
  const code = CODE_OF_SIP_STATUS[status] ?? 'failed_precondition'
  return new TwirpError(code, `twirp error unknown: ${what}sip status: ${status}: ${reason}`, {
    sip_status_code: String(status),
    sip_status: reason
  })
}

/** The statuses of an INVITE that LiveKit words as a failure, and not as unexpected (livekit/sip outbound.go). */
const EXPECTED_STATUSES = [400, 404, 480, 486, 488]

/** The reply of CreateSIPParticipant when the callee was not reached. */
export function inviteError (status: number, reason: string, hasCredentials: boolean): TwirpError {
  if ((status === 401 || status === 407) && !hasCredentials) {
    return new TwirpError(
      'failed_precondition',
      'twirp error unknown: sip server required auth, but no username or password was provided'
    )
  }
  const what = EXPECTED_STATUSES.includes(status) ? 'INVITE failed: ' : 'unexpected status from INVITE response: '
  return sipCallError(status, reason, what)
}

/** The reply when nobody answered within `ringing_timeout`, or the participant was removed before. */
export const requestTimedOut = (): TwirpError =>
  new TwirpError('canceled', 'twirp error unknown: sip request timed out')
