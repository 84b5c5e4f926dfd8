/** Status of a Twirp error code on HTTP (Twirp spec, "Error Codes"). */
const STATUS = {
  invalid_argument: 400,
  malformed: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  bad_route: 404,
  deadline_exceeded: 408,
  failed_precondition: 412,
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

/** What the API says when the far end refused: 403 and 500 are recorded, the rest follows gRPC's usual mapping. */
export function sipCallError (status: number, reason: string): TwirpError {
  const code = status === 403
    ? 'permission_denied'
    : status === 404
      ? 'not_found'
      : status === 408
        ? 'deadline_exceeded'
        : status === 501
          ? 'unimplemented'
          : status === 503 || status === 486
            ? 'unavailable'
            : 'failed_precondition'
  return new TwirpError(code, `twirp error unknown: sip status: ${status}: ${reason}`, {
    sip_status_code: String(status),
    sip_status: reason
  })
}
