import type { ParseVerbs } from './verbs.ts'

/** A hook in a request: its URL, and the credentials that its requests carry. */
export interface HookObject {
  url: string
  method?: string
  username?: string
  password?: string
}

/** The body of createCall. */
export interface CreateCall {
  from: string
  to: {
    type: 'phone' | 'sip' | 'user' | 'teams'
    number?: string
    sipUri?: string
    name?: string
    trunk?: string
    auth?: { username: string, password: string }
    headers?: Record<string, string>
  }
  callerName?: string
  call_hook?: string | HookObject
  call_status_hook?: string | HookObject | null
  application_sid?: string
  speech_synthesis_vendor?: string
  speech_synthesis_language?: string
  speech_synthesis_voice?: string
  speech_recognizer_vendor?: string
  speech_recognizer_language?: string
  /** It comes back in every hook of the dialled leg as `customerData`. */
  tag?: unknown
  /** Seconds to ring; by default, and for 0, 60. */
  timeout?: number
  /** Seconds that the call may last after the answer. */
  timeLimit?: number
  headers?: Record<string, string>
  amd?: { actionHook: string | { url: string }, [setting: string]: unknown }
}

/** A createCall that the feature server takes. */
export type CheckedCall = CreateCall & { call_hook: HookObject, call_status_hook?: HookObject }

/** The settings of an application that createCall takes over. */
export type ApplicationSettings =
  & Required<Pick<CreateCall, typeof SPEECH[number]>>
  & { call_hook: HookObject, call_status_hook: HookObject | null }

/** How a server refuses a request. A text is the whole body; anything else is sent as JSON. */
export interface Refusal {
  status: number
  body: unknown
}

type Body = Record<string, unknown>

const SPEECH = [
  'speech_synthesis_vendor',
  'speech_synthesis_language',
  'speech_synthesis_voice',
  'speech_recognizer_vendor',
  'speech_recognizer_language'
] as const

/**
 * Checks createCall as the API server does, and completes it with the application's settings, which replace those of
 * the request (jambonz-api-server lib/routes/api/accounts.js, validateCreateCall).
 *
 * @param application returns the application with this id, or undefined when the account has none
 */
export function completeForApi (
  body: Body,
  application: (sid: string) => ApplicationSettings | undefined
): { request: Body } | Refusal {
  const refused = (msg: string): Refusal => ({ status: 400, body: { msg } })
  const request = { ...body }
  if (!request['from']) return refused('missing from parameter')
  if (!isDiallable(request['to'])) {
    return refused(`missing or invalid to property: ${JSON.stringify(request['to'])}`)
  }

  if (request['application_sid']) {
    const sid = String(request['application_sid'])
    const settings = application(sid)
    if (settings === undefined) return refused(`application_sid not found ${sid}`)
    Object.assign(request, settings)
  } else {
    delete request['application_sid']
    if (!SPEECH.every(name => request[name])) {
      return refused(`either application_sid or set of ${SPEECH.join(', ')} required`)
    }
    if (!request['call_hook']) return refused('either call_hook or application_sid required')
  }

  for (const name of ['call_hook', 'call_status_hook'] as const) {
    const given = request[name]
    if (!given) continue
    const hook = typeof given === 'string' ? { url: given, method: 'POST' } : given as Partial<HookObject>
    request[name] = hook
    if (typeof hook.url !== 'string') {
      return refused(`${name} must be string or an object containing a url property`)
    }
    if (!/^(https?|wss?):/.test(hook.url)) return refused(`${name} url be an absolute url`)
  }
  return { request }
}

function isDiallable (to: unknown): boolean {
  if (typeof to !== 'object' || to === null) return false
  const { type, number, name, sipUri } = to as Record<string, unknown>
  if (type === 'phone' || type === 'teams') return typeof number === 'string'
  if (type === 'user') return typeof name === 'string'
  return type === 'sip' && typeof sipUri === 'string'
}

const isString = (value: unknown): boolean => typeof value === 'string'
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const isInteger = (value: unknown): boolean => /^[-+]?\d+$/.test(String(value))
const isSid = (value: unknown): boolean => String(value).length === 36

/** The rules of the feature server's schema, in its order (feature-server lib/http-routes/schemas/create-call.js). */
const RULES: [field: string, isValid: (value: unknown) => boolean, required?: 'required'][] = [
  ['application_sid', isString],
  ['application_sid', isSid],
  ['answerOnBridge', value => typeof value === 'boolean'],
  ['from', isString, 'required'],
  ['from', value => String(value ?? '').length >= 1 && String(value).length <= 256, 'required'],
  ['fromHost', isString],
  ['to', isObject, 'required'],
  ['callerName', isString],
  ['amd', isObject],
  ['tag', isObject],
  ['app_json', isString],
  ['account_sid', isString],
  ['account_sid', isSid],
  ['timeout', isInteger],
  ['timeLimit', isInteger],
  ['call_hook', isObject],
  ['call_status_hook', isObject],
  ...SPEECH.map(name => [name, isString] as [string, typeof isString])
]

/**
 * Checks createCall as the feature server does: its schema first (400), then the validator of the verbs, to which
 * createCall is the verb `rest:dial` (500). Behind the API server every refusal is a plain 500.
 */
export function completeForFeatureServer (body: Body, parse: ParseVerbs): { request: CheckedCall } | Refusal {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const errors = RULES.flatMap(([field, isValid, required]) => {
    const value = given[field]
    if ((value === undefined && required === undefined) || isValid(value)) return []
    const msg = field === 'amd' ? 'Invalid value' : `Invalid ${field}`
    return [{ type: 'field', ...value !== undefined && { value }, msg, path: field, location: 'body' }]
  })
  if (errors.length > 0) return { status: 400, body: { errors } }

  const { app_json: _, ...verb } = given
  const msg = reasonToRefuse(verb, parse)
  if (msg !== undefined) return { status: 500, body: { msg } }
  return { request: { ...verb, ...'tag' in verb && { tag: trimmed(verb['tag']) } } as unknown as CheckedCall }
}

function reasonToRefuse (verb: Body, parse: ParseVerbs): string | undefined {
  try {
    parse([{ 'rest:dial': verb }])
  } catch (error) {
    return (error as Error).message
  }
  const { call_hook: hook, to } = verb as Partial<CheckedCall>
  if (typeof hook?.url !== 'string') return 'Invalid url.'
  if (to?.type === 'teams') {
    return 'dial to ms teams not allowed; account must first be configured with teams info'
  }
  return undefined
}

/** The feature server trims the texts of a tag, and writes URLs in their normal form. */
function trimmed (value: unknown): unknown {
  if (typeof value === 'string') {
    const text = value.trim()
    return /^https?:\/\/\S+$/.test(text) ? new URL(text).toString() : text
  }
  if (Array.isArray(value)) return value.map(trimmed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, trimmed(inner)]))
}
