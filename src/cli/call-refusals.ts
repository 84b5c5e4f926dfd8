import type { RefusedError } from './calls-client.ts'

/*
 * What to do about each refusal of POST /calls, beyond what the bridge itself says.
 */

const HINTS: Record<string, string> = {
  BRIDGE_ORDER_BODY: 'Correct the option that it names: bridge call --help',
  BRIDGE_UNKNOWN_CARRIER: 'Give --carrier as Jambonz spells it',
  BRIDGE_CARRIER_NEEDED: 'Give --carrier, or set OUTBOUND_CARRIER of the bridge',
  BRIDGE_NUMBER_REFUSED: '`bridge routes check` shows the policy of a routes file',
  BRIDGE_OWN_NUMBER: 'Call a number that is not under `numbers` in the routes file',
  BRIDGE_FROM_NOT_OURS: 'Give --from one of `numbers` of the routes file, or leave it out',
  BRIDGE_CALL_TOKEN: 'Give OPERATOR_TOKEN of the bridge: the token of a call places no calls',
  BRIDGE_VIEWERS_LOOK_ONLY: 'Give OPERATOR_TOKEN of the bridge: a token of VIEWER_TOKEN places no calls',
  BRIDGE_KEY_NOT_ALLOWED: 'Give OPERATOR_TOKEN of the bridge, or a key of CALLERS',
  BRIDGE_OPERATOR_API_OFF: 'Set OPERATOR_TOKEN of the bridge',
  BRIDGE_IDEMPOTENCY_KEY: 'This is a fault of the command: report it',
  BRIDGE_IDEMPOTENCY_UNDER_WAY: 'Wait for the first request',
  BRIDGE_IDEMPOTENCY_BODY: 'This is a fault of the command: report it',
  BRIDGE_ORDER_TOO_LATE: 'Nobody was called',
  BRIDGE_ORDER_CANCELLED: 'Somebody hung up before the call was placed. Nobody was called',
  BRIDGE_BODY_TOO_LARGE: 'Give less --metadata',
  BRIDGE_NOT_JSON: 'A proxy in front of the bridge changes requests: try --url with an internal address',
  BRIDGE_CAP_REACHED: 'Nobody was called',
  BRIDGE_QUEUE_FULL: 'Nobody was called',
  BRIDGE_TOO_MANY_REQUESTS: 'Nobody was called',
  BRIDGE_OUTBOUND_NOT_CONFIGURED: '`bridge doctor` shows what is missing',
  BRIDGE_JAMBONZ_REFUSED: 'Nobody was called. `bridge doctor --only application` checks the Jambonz application',
  BRIDGE_JAMBONZ_UNREACHABLE: 'Nobody was called. Check JAMBONZ_REST_API_BASE_URL of the bridge',
  BRIDGE_CAPACITY: 'Nobody was called',
  BRIDGE_DRAINING: 'Nobody was called. Ask another replica, or wait until the bridge is back',
  BRIDGE_STORE_UNAVAILABLE: 'Nobody was called. Check Redis',
  BRIDGE_PLACEMENT_UNKNOWN: 'The callee may be called all the same. Do not order the call again before you know'
}

/** Lines about a refused order: what the bridge said, when to ask again, what to do. */
export function refusalLines ({ code, message, retryAfterS, callSid }: RefusedError): string[] {
  const hint = HINTS[code]
  return [
    `${message} (${code})`,
    ...(retryAfterS === undefined ? [] : [`Ask again in ${retryAfterS} s`]),
    ...(hint === undefined ? [] : [hint]),
    ...(callSid === undefined ? [] : [`bridge calls ${callSid} --follow`])
  ]
}
