/** Status of a Twirp error code on HTTP (Twirp spec, "Error Codes"). */
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

/** A Twirp error reply. */
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

/** LiveKit's reply when no server answers for a room. */
export const noServer = (): TwirpError =>
  new TwirpError('unavailable', 'twirp error unknown: no response from servers')

/** Twirp codes of a far end's refusals, as recorded. */
const CODE_OF_SIP_STATUS: Record<number, keyof typeof STATUS> = {
  403: 'permission_denied',
  404: 'not_found',
  408: 'deadline_exceeded',
  480: 'resource_exhausted',
  486: 'resource_exhausted',
  487: 'aborted',
  603: 'permission_denied'
}

/** What the API replies when the far end refused with a SIP status. */
export function sipCallError (status: number, reason: string): TwirpError {
  const code = CODE_OF_SIP_STATUS[status] ?? 'failed_precondition'
  return new TwirpError(code, `twirp error unknown: sip status: ${status}: ${reason}`, {
    sip_status_code: String(status),
    sip_status: reason
  })
}
