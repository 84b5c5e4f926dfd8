import createError from '@fastify/error'

/*
 * Every coded error. Operators get them as { statusCode, code, error, message }. Jambonz only ever sees 401 and 413.
 */

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
  'No call %s. Ended calls are kept for CALL_RETENTION_S seconds.',
  404
)

export const CallEndedError = createError<[string]>('BRIDGE_CALL_ENDED', 'Call %s has already ended.', 409)

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
