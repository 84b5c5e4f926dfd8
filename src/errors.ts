import createError from '@fastify/error'

/*
 * Every coded error. Operators get them as { statusCode, code, error, message }. Jambonz only ever sees 401 and 413.
 */

/** What an error reply has besides that. */
export interface ErrorExtras {
  /** Asking again makes no sense before that, milliseconds from now: becomes Retry-After. */
  retryInMs?: number
  /** Further properties of the reply's body. */
  body?: Record<string, string | number | undefined>
}

/** Adds to an error what its reply says besides its message. */
export const withExtras = <E extends Error>(error: E, extras: ErrorExtras): E => Object.assign(error, { extras })

/** A hook or request did not prove who sent it. The message does not say what was wrong. */
export const UnauthorizedError = createError('BRIDGE_UNAUTHORIZED', 'Unauthorized', 401)

/** A hook's body cannot be used. Names what is missing or wrong, and never a value. */
export const HookBodyError = createError<[string]>('BRIDGE_HOOK_BODY', 'The hook has no usable %s', 400)

/** LiveKit's event carried no valid signature for its body. */
export const LiveKitSignatureError = createError('BRIDGE_LIVEKIT_SIGNATURE', 'Unauthorized', 401)

/** The operator API is off without OPERATOR_TOKEN. */
export const OperatorApiOffError = createError(
  'BRIDGE_OPERATOR_API_OFF',
  'The operator API is off. Set OPERATOR_TOKEN to switch it on.',
  404
)

export const CallNotFoundError = createError<[string]>(
  'BRIDGE_CALL_NOT_FOUND',
  'No call %s. Ended calls can be looked at for CALL_RETENTION_S and CALL_HISTORY_S seconds.',
  404
)

export const CallEndedError = createError<[string]>('BRIDGE_CALL_ENDED', 'Call %s has already ended.', 409)

export const DigitsBodyError = createError<[string]>(
  'BRIDGE_DTMF_BODY',
  'The body has no digits that can be sent: %s. Send JSON such as { "digits": "12w34#" }: 1 to 32 of 0-9, * and #, ' +
    'and w for half a second of silence. Jambonz sends no A-D.',
  400
)

export const NotAnsweredError = createError<[string]>(
  'BRIDGE_NOT_ANSWERED',
  'Call %s is not answered yet, so nobody would hear the digits.',
  409
)

/** Of `to: person`: nobody was called for the caller, or only as a part of the caller's own call. */
export const NoPersonError = createError<[string]>(
  'BRIDGE_NO_PERSON',
  'Call %s has no person who could hear digits: no transfer with the mode `consult` or `add` has called one.',
  409
)

/** Two sets of digits on one leg would be mixed. */
export const DigitsUnderWayError = createError(
  'BRIDGE_DTMF_UNDER_WAY',
  'Other digits are still being sent to this leg. Send these when that request is answered.',
  409
)

export const NoDigitsError = createError(
  'BRIDGE_NO_DTMF',
  'Digits are sent over the Jambonz REST API. Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY.',
  501
)

export const DigitQueueError = createError<[sent: number]>(
  'BRIDGE_DTMF_QUEUE_FULL',
  'Too many requests wait for the Jambonz REST API, which JAMBONZ_REST_PER_MINUTE limits. Digits sent before: %s.',
  429
)

export const DigitRefusedError = createError<[status: string, sent: number]>(
  'BRIDGE_DTMF_REFUSED',
  'Jambonz refused a digit with status %s. Digits sent before: %s.',
  502
)

export const DigitUnreachableError = createError<[why: string, sent: number]>(
  'BRIDGE_DTMF_UNREACHABLE',
  'The Jambonz REST API cannot be reached (%s). Digits sent before: %s.',
  504
)

/** A digit may have been played. It is not sent again: twice would be a wrong number. */
export const DigitUnknownError = createError<[why: string, sent: number]>(
  'BRIDGE_DTMF_UNKNOWN',
  'Jambonz gave no answer (%s), so whether the next digit was sent is not known. Digits sent before: %s.',
  504
)

export const VerdictBodyError = createError<[string]>(
  'BRIDGE_VERDICT_BODY',
  'The body is no verdict: %s. Send JSON such as { "verdict": "machine", "reason": "beep" }.',
  400
)

export const NotOutboundError = createError<[string]>(
  'BRIDGE_NOT_OUTBOUND',
  'Call %s was not ordered with POST /calls, so nobody asks who answered it.',
  422
)

export const NoCallControlError = createError<[string]>(
  'BRIDGE_NO_CALL_CONTROL',
  'Call %s is not in a LiveKit room, and its caller leg can only be hung up over the Jambonz REST API. Set ' +
    'JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY.',
  501
)

/** A misspelt filter would silently list everything. */
export const UnknownQueryError = createError<[unknown: string, known: string]>(
  'BRIDGE_UNKNOWN_QUERY',
  'No query parameter %s. Known parameters: %s.',
  400
)

/** Of the query or the path. The message names the parameter and what belongs there. */
export const ParameterError = createError<[string]>('BRIDGE_PARAMETER', '%s', 400)

export const InvalidCursorError = createError(
  'BRIDGE_INVALID_CURSOR',
  'This is no cursor that GET /calls returned in `next`. Leave it out to begin with the newest call.',
  400
)

export const PostOnlyError = createError(
  'BRIDGE_POST_ONLY',
  "Jambonz sends no call data with GET. Set the method of the application's call hook to POST.",
  405
)

/** The call hook could not be answered within CALL_HOOK_DEADLINE_MS. */
export const HookDeadlineError = createError(
  'BRIDGE_HOOK_DEADLINE',
  'The call hook was not answered within CALL_HOOK_DEADLINE_MS',
  500
)

/** The reason is one of a few fixed phrases. It never holds an address with credentials, a command or its data. */
export const StoreUnavailableError = createError<[string]>(
  'BRIDGE_STORE_UNAVAILABLE',
  'The store of calls cannot be used now: %s. Check Redis and REDIS_URL. The bridge reconnects by itself.',
  503
)

/** A question about routes cannot be answered as it is put. The message says what to write. */
export const RoutesTrialError = createError<[string]>('BRIDGE_ROUTES_TRIAL', '%s', 400)

export const UnknownCarrierError = createError<[name: string, known: string]>(
  'BRIDGE_UNKNOWN_CARRIER',
  'Jambonz has no carrier %s. Carriers of the account: %s.',
  400
)

export const CarrierNeededError = createError<[known: string]>(
  'BRIDGE_CARRIER_NEEDED',
  'Several carriers could place this call. Name one in `carrier`, or set OUTBOUND_CARRIER. Carriers: %s.',
  400
)

export const TooManyRequestsError = createError(
  'BRIDGE_TOO_MANY_REQUESTS',
  'Too many requests from this address. Wait for as many seconds as Retry-After says.',
  429
)

/** An order of a call cannot be read. The message names the property and what belongs there. */
export const OrderBodyError = createError<[string]>('BRIDGE_ORDER_BODY', '%s', 400)

export const IdempotencyKeyError = createError(
  'BRIDGE_IDEMPOTENCY_KEY',
  'The Idempotency-Key must have 1 to 255 visible ASCII characters and no space.',
  400
)

/** A key of CALLERS may only place calls, and look at and end its own; an agent may only control its own call. */
export const KeyNotAllowedError = createError<[may: string]>(
  'BRIDGE_KEY_NOT_ALLOWED',
  'This key may only %s. Anything else needs OPERATOR_TOKEN.',
  403
)

/** A token of VIEWER_TOKEN looks at everything and changes nothing. */
export const ViewerError = createError(
  'BRIDGE_VIEWERS_LOOK_ONLY',
  'This token may only look. A change needs a token of OPERATOR_TOKEN.',
  403
)

export const TooManyViewersError = createError(
  'BRIDGE_TOO_MANY_VIEWERS',
  'Too many pages are connected to this replica. Close some, or try again.',
  503
)

export const ProbeBodyError = createError<[string]>(
  'BRIDGE_PROBE_BODY',
  'The body is no probe: %s. Send JSON such as { "agent": "my-agent" }, or {} for the agent of the settings.',
  400
)

/** A probe opens ports and makes a call. One at a time is enough to see what is wrong. */
export const ProbeRunsError = createError(
  'BRIDGE_PROBE_RUNS',
  'A probe is already under way here. Send this one when it has ended.',
  409
)

/** The token of a call is not accepted. */
export const CallTokenError = createError<[why: string]>(
  'BRIDGE_CALL_TOKEN',
  'The token of a call is not accepted. %s. Send `control.token` of the job metadata, unchanged, while the call lasts.',
  401
)

/** The number policy refuses the callee. */
export const NumberRefusedError = createError<[rule: string, why: string]>(
  'BRIDGE_NUMBER_REFUSED',
  '`to` is not dialled (%s). %s',
  403
)

export const OwnNumberError = createError<[string]>('BRIDGE_OWN_NUMBER', '`to` is not dialled (own-number). %s', 403)

export const FromNotOursError = createError(
  'BRIDGE_FROM_NOT_OURS',
  '`from` is not one of `numbers` in the routes file. Add it there, or leave `from` out to use the first of them.',
  403
)

export const BodyTooLargeError = createError<[largest: string]>(
  'BRIDGE_BODY_TOO_LARGE',
  'The body is larger than %s.',
  413
)

export const NotJsonError = createError(
  'BRIDGE_NOT_JSON',
  'The body must be JSON. Send it with `Content-Type: application/json`.',
  415
)

/** The first request with the same Idempotency-Key is not decided yet. */
export const IdempotencyUnderWayError = createError(
  'BRIDGE_IDEMPOTENCY_UNDER_WAY',
  'A request with this Idempotency-Key is still under way. Send it again after as many seconds as Retry-After says.',
  409
)

/** `notAfter` has passed, or the order waited too long for its turn. */
export const OrderTooLateError = createError<[string]>('BRIDGE_ORDER_TOO_LATE', '%s', 409)

/** The call was hung up before Jambonz was asked for it. */
export const OrderCancelledError = createError(
  'BRIDGE_ORDER_CANCELLED',
  'The call was hung up before it was placed.',
  409
)

export const IdempotencyBodyError = createError(
  'BRIDGE_IDEMPOTENCY_BODY',
  'This Idempotency-Key was used with another body. Use a new key for a new request.',
  422
)

/** A cap of the number policy is reached. */
export const CapReachedError = createError<[cap: string, why: string]>(
  'BRIDGE_CAP_REACHED',
  'The call was not placed (%s). %s',
  429
)

export const QueueFullError = createError(
  'BRIDGE_QUEUE_FULL',
  'Too many requests wait for the Jambonz REST API, which JAMBONZ_REST_PER_MINUTE limits. The call was not placed.',
  429
)

/** Outbound calls need something that is not configured. */
export const OutboundNotConfiguredError = createError<[missing: string]>(
  'BRIDGE_OUTBOUND_NOT_CONFIGURED',
  'Outbound calls need more configuration: %s',
  501
)

export const JambonzRefusedError = createError<[what: string]>(
  'BRIDGE_JAMBONZ_REFUSED',
  'Jambonz did not place the call: %s',
  502
)

/** As many calls as MAX_CALLS allows are active. */
export const CapacityError = createError(
  'BRIDGE_CAPACITY',
  'As many calls as MAX_CALLS allows are active. The call was not placed.',
  503
)

export const DrainingError = createError(
  'BRIDGE_DRAINING',
  'This process is about to end, and places no more calls. Another replica does.',
  503
)

/** Jambonz was not reached, so nothing was placed. */
export const JambonzUnreachableError = createError<[why: string]>(
  'BRIDGE_JAMBONZ_UNREACHABLE',
  '%s. The call was not placed.',
  504
)

/** Whether Jambonz placed the call is not known. The message never says why in Jambonz' own words. */
export const PlacementUnknownError = createError<[why: string]>(
  'BRIDGE_PLACEMENT_UNKNOWN',
  'Whether Jambonz placed the call is not known (%s). It is not placed a second time. GET /calls/{callSid} tells ' +
    'what becomes of it.',
  504
)

/** The events of calls are sent nowhere. */
export const NoEventsError = createError(
  'BRIDGE_NO_EVENTS',
  'Nobody receives events. Set EVENTS_URL and EVENTS_SECRET.',
  501
)

export const EventNotFoundError = createError<[string]>(
  'BRIDGE_EVENT_NOT_FOUND',
  'No event %s. Its id is the call_sid, or the id of an order that Jambonz never named, then a colon and the type.',
  404
)

export const EventPendingError = createError<[string]>(
  'BRIDGE_EVENT_PENDING',
  'Event %s still waits for delivery. GET /events/pending shows when it is tried again.',
  409
)

/** Whether an error of an order proves that nothing was placed. What nobody expected proves nothing. */
export const provesNothingPlaced = (error: unknown): boolean =>
  String((error as { code?: unknown }).code).startsWith('BRIDGE_') && !(error instanceof PlacementUnknownError)
