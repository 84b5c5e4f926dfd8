import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { envSchema } from 'env-schema'
import { Type, type Static, type TSchema } from 'typebox'
import { receiverProblems } from './events/receivers.ts'
import { namesRetiredRetellHost } from './retell/retired-host.ts'
import { isTrustedProxies } from './trusted-proxies.ts'

const URL_PATTERN = '^https?://[^\\s?#]+$'
const SIP_HOST_PATTERN = '^(\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?$'
const US_RING_TONE = 'tone_stream://L=20;%(2000,4000,440,480)'

/** Every setting of the service. The settings table, `.env.example` and the start-up errors are generated from it. */
export const SettingsSchema = Type.Object({
  PORT: Type.Integer({
    default: 3000,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on. HTTP_PORT is accepted too',
    examples: [3000]
  }),
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on', examples: ['0.0.0.0'] }),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    type: 'string',
    default: 'info',
    description: 'Log level. LOGLEVEL is accepted too',
    examples: ['info']
  }),
  PUBLIC_URL: Type.String({
    pattern: URL_PATTERN,
    description:
      'Public base URL of the bridge, under which Jambonz and LiveKit call its hooks. If it has a path, the ingress ' +
      'must strip it',
    examples: ['https://bridge.example.com']
  }),
  LIVEKIT_URL: Type.String({
    pattern: '^(wss?|https?)://[^\\s]+$',
    description: 'URL of the LiveKit server',
    examples: ['wss://myproject-1a2b3c4d.livekit.cloud']
  }),
  LIVEKIT_API_KEY: Type.String({ minLength: 1, description: 'LiveKit API key', examples: ['APIxxxxxxxxxxxx'] }),
  LIVEKIT_API_SECRET: Type.String({
    minLength: 1,
    description: 'LiveKit API secret. The SIP users that Jambonz dials are derived from it as well',
    examples: ['a-long-random-secret']
  }),
  LIVEKIT_SIP_HOST: Type.String({
    pattern: SIP_HOST_PATTERN,
    description:
      'Host or host:port on which LiveKit accepts SIP. On LiveKit Cloud this is the project id without p_, not the ' +
      'host of LIVEKIT_URL',
    examples: ['vjnxecm0tjk.sip.livekit.cloud']
  }),
  LIVEKIT_SIP_TRANSPORT: Type.Enum(['udp', 'tcp', 'tls'], {
    type: 'string',
    default: 'tcp',
    description: 'SIP transport between Jambonz and LiveKit',
    examples: ['tcp']
  }),
  LIVEKIT_SIP_USERNAME: Type.Optional(
    Type.String({ description: "User name of LiveKit's inbound trunk", examples: ['jambonz'] })
  ),
  LIVEKIT_SIP_PASSWORD: Type.Optional(
    Type.String({ description: "Password of LiveKit's inbound trunk", examples: ['a-strong-password'] })
  ),
  LIVEKIT_SIP_SRTP: Type.Boolean({
    default: false,
    description: 'Encrypt the audio between Jambonz and LiveKit with SDES SRTP. Needs feature-server 0.9.8 or newer',
    examples: [false]
  }),
  LIVEKIT_ROOM_PREFIX: Type.String({
    default: 'jambonz',
    pattern: '^[A-Za-z0-9_-]{1,64}$',
    description: 'Prefix of every room name, the same as in the dispatch rule. Use one prefix per LiveKit project',
    examples: ['jambonz']
  }),
  LIVEKIT_AGENT_NAME: Type.String({
    minLength: 1,
    description: 'Name of the agent that answers calls, the same as in the dispatch rule',
    examples: ['my-agent']
  }),
  AGENT_METADATA: Type.Optional(
    Type.String({
      description: 'Text that the agent receives unchanged as `app` in its job metadata',
      examples: ['{"tenant":"acme"}']
    })
  ),
  FALLBACK_NUMBER: Type.Optional(
    Type.String({
      pattern: '^\\+?[0-9*#]{2,32}$',
      description: 'Phone number to dial when the agent cannot be reached',
      examples: ['+15551230009']
    })
  ),
  ROUTES_FILE: Type.Optional(
    Type.String({
      description:
        'YAML file of routes: which number reaches whom, in which order, and what may be dialled (docs/routes.md). ' +
        'The service reads it again when it changes and on SIGHUP',
      examples: ['/etc/bridge/routes.yaml']
    })
  ),
  RETELL_API_BASE_URL: Type.String({
    default: 'https://api.retellai.com',
    pattern: URL_PATTERN,
    description: "Base URL of Retell's API, for ways with `retell`",
    examples: ['https://api.retellai.com']
  }),
  RETELL_SIP_HOST: Type.String({
    default: 'sip.retellai.com',
    pattern: SIP_HOST_PATTERN,
    description: 'Host or host:port on which Retell accepts SIP over TCP',
    examples: ['sip.retellai.com']
  }),
  CALLER_HEADERS: Type.Optional(
    Type.String({
      pattern: '^[Xx]-[A-Za-z0-9-]+(\\s*,\\s*[Xx]-[A-Za-z0-9-]+)*$',
      description: 'Inbound X- SIP headers that the agent receives in its job metadata, separated by commas',
      examples: ['X-Customer-Id,X-Language']
    })
  ),
  AGENT_REDISPATCH_MS: Type.Integer({
    default: 8000,
    minimum: 0,
    description:
      'Milliseconds without an agent in the room after which the agent is dispatched again, once. 0 disables this',
    examples: [8000]
  }),
  AGENT_REJOIN_MS: Type.Integer({
    default: 5000,
    minimum: 0,
    description:
      'Milliseconds after which an agent that left its caller is dispatched again. If none joins within ' +
      'the same time, the agent counts as lost. 0 disables both: the caller stays in the room',
    examples: [5000]
  }),
  AGENT_LOST_ACTION: Type.Enum(['end', 'next'], {
    type: 'string',
    default: 'end',
    description: 'What happens to a caller whose agent is lost: `end` the call, or try the `next` attempt',
    examples: ['end']
  }),
  LIVEKIT_TIMEOUT_MS: Type.Integer({
    default: 3000,
    minimum: 100,
    maximum: 9000,
    description: 'Milliseconds to wait for LiveKit or Retell while Jambonz waits for the reply to the call hook',
    examples: [3000]
  }),
  CALL_HOOK_DEADLINE_MS: Type.Integer({
    default: 6000,
    minimum: 200,
    maximum: 9500,
    description:
      'Milliseconds within which every call hook is answered, whatever happens. Jambonz gives up after 10000',
    examples: [6000]
  }),
  DIAL_TIMEOUT_S: Type.Integer({
    default: 40,
    minimum: 1,
    maximum: 160,
    description: 'Seconds for which an attempt may ring',
    examples: [40]
  }),
  MAX_CALL_DURATION_S: Type.Integer({
    default: 7200,
    minimum: 1,
    maximum: 86400,
    description: 'Seconds that a call may last after it was answered',
    examples: [7200]
  }),
  RINGBACK_TONE: Type.String({
    default: US_RING_TONE,
    description: 'What the caller hears until the agent answers: a tone stream or a URL. An empty value means silence',
    examples: [US_RING_TONE]
  }),
  JAMBONZ_WEBHOOK_SECRET: Type.Optional(
    Type.String({
      description:
        'Webhook secret of the Jambonz account. While you rotate it, several separated by commas. WEBHOOK_SECRET is ' +
        'accepted too',
      examples: ['wh_secret_abc']
    })
  ),
  HTTP_USERNAME: Type.Optional(
    Type.String({ description: 'User name for Basic authentication of the hooks', examples: ['jambonz'] })
  ),
  HTTP_PASSWORD: Type.Optional(
    Type.String({ description: 'Password for Basic authentication of the hooks', examples: ['a-strong-password'] })
  ),
  JAMBONZ_REST_API_BASE_URL: Type.Optional(
    Type.String({
      pattern: URL_PATTERN,
      description: 'Base URL of the Jambonz REST API. With it the bridge can hang up the caller leg',
      examples: ['https://jambonz.cloud/api/v1']
    })
  ),
  JAMBONZ_ACCOUNT_SID: Type.Optional(
    Type.String({ description: 'SID of the Jambonz account', examples: ['9351f46a-678c-43f5-b8a6-d4eb58d131af'] })
  ),
  JAMBONZ_API_KEY: Type.Optional(
    Type.String({ description: 'API key of that Jambonz account', examples: ['38700987-c7a4-4685-a5bb-af378f9734de'] })
  ),
  JAMBONZ_APPLICATION_SID: Type.Optional(
    Type.String({
      description:
        'SID of the Jambonz application whose hooks are ours, for outbound calls. Without it the bridge looks for ' +
        'that application itself',
      examples: ['0e0681b0-d49f-4fb8-b973-b5a3c6758de1']
    })
  ),
  JAMBONZ_REST_PER_MINUTE: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 60_000,
      description:
        'How often the Jambonz REST API may be asked per minute, on average over five minutes. Without it, as often ' +
        'as Jambonz itself says in its answers: 600 requests in 5 minutes by default',
      examples: [120]
    })
  ),
  OUTBOUND_CARRIER: Type.Optional(
    Type.String({
      description:
        'Name of the Jambonz carrier for outbound calls whose order names none. Without it the only carrier of the ' +
        'account is used',
      examples: ['MyCarrier']
    })
  ),
  LIVEKIT_OUTBOUND_TRUNK: Type.String({
    default: 'livekit-out',
    description:
      'Name of the Jambonz carrier through which LiveKit calls out (`bridge provision --outbound`). Its calls are ' +
      'those of agents',
    examples: ['livekit-out']
  }),
  CALLERS: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_.-]{1,64}:[^\\s,:]{16,}(\\s*,\\s*[A-Za-z0-9_.-]{1,64}:[^\\s,:]{16,})*$',
      description:
        'Keys that may place calls, and see only their own: `name:token`, separated by commas. A token has at least ' +
        '16 characters',
      examples: ['shop:at-least-16-random-characters']
    })
  ),
  EVENTS_URL: Type.Optional(
    Type.String({
      description:
        'URLs that receive the events of calls as signed webhooks, separated by commas: https://, or http:// with ' +
        'EVENTS_ALLOW_PRIVATE (docs/events.md)',
      examples: ['https://example.com/hooks/calls']
    })
  ),
  EVENTS_SECRET: Type.Optional(
    Type.String({
      description:
        'Secrets of these webhooks, `whsec_` and base64, separated by commas: one for each URL, or one for all. ' +
        'While you rotate one, write both with a space between them',
      examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']
    })
  ),
  EVENTS_ALLOW_PRIVATE: Type.Boolean({
    default: false,
    description: 'Send events to private and loopback addresses too',
    examples: [false]
  }),
  EVENTS_MAX_PENDING: Type.Integer({
    default: 50_000,
    minimum: 100,
    description: 'How many events may wait for delivery. When there are more, the oldest are dropped',
    examples: [50_000]
  }),
  OPERATOR_TOKEN: Type.Optional(
    Type.String({
      minLength: 16,
      description: 'Bearer token of the operator API. Without it those routes answer 404',
      examples: ['at-least-16-random-characters']
    })
  ),
  TRUST_PROXY: Type.Optional(
    Type.String({
      description:
        'Proxies whose X-Forwarded-For header is trusted: their addresses or networks, comma ' +
        'separated (also loopback, linklocal, uniquelocal), or how many proxies stand in front. It decides whose ' +
        'requests count against the rate limit, and which client the log names. Without it that is the proxy itself',
      examples: ['10.0.0.0/8']
    })
  ),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://[^\\s]+$',
      description:
        'Redis 6.2 or newer, or Valkey, in which any number of replicas share the calls. Use rediss:// for TLS. ' +
        'Without it the calls live in the memory of one process',
      examples: ['redis://user:password@localhost:6379/0']
    })
  ),
  CALL_RETENTION_S: Type.Integer({
    default: 900,
    minimum: 1,
    description: 'Seconds for which an ended call stays visible',
    examples: [900]
  }),
  MAX_CALLS: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Maximum number of concurrent calls. Further calls are declined. 0 means no limit',
    examples: [0]
  }),
  CAPACITY_STATUS: Type.Integer({
    default: 486,
    minimum: 400,
    maximum: 699,
    description: 'SIP status of a call that is declined because of MAX_CALLS',
    examples: [486]
  }),
  DRAIN_DELAY_S: Type.Number({
    default: 5,
    minimum: 0,
    description: 'Seconds after SIGTERM during which new calls are still connected',
    examples: [5]
  }),
  SHUTDOWN_TIMEOUT_S: Type.Number({
    default: 25,
    minimum: 1,
    description: 'Seconds after SIGTERM within which the process exits. Includes DRAIN_DELAY_S',
    examples: [25]
  }),
  ALLOW_UNSIGNED_HOOKS: Type.Boolean({
    default: false,
    description: 'Accept hooks without any authentication. For tests only',
    examples: [false]
  })
})
export type Settings = Static<typeof SettingsSchema>

/** Names that Jambonz applications commonly use for the same settings. */
export const ALIASES: Record<string, keyof Settings> = {
  HTTP_PORT: 'PORT',
  LOGLEVEL: 'LOG_LEVEL',
  WEBHOOK_SECRET: 'JAMBONZ_WEBHOOK_SECRET'
}

/** Whether a name is one of the bridge's own settings, of which several hold secrets or lead to them. */
export const isSetting = (name: string): boolean =>
  Object.hasOwn(SettingsSchema.properties, name) || Object.hasOwn(ALIASES, name)

/**
 * Makes the function that reads the environment variables which a routes file names. It never reads the bridge's own
 * settings.
 */
export const createSecretOf = (env: Environment) => (name: string): string | undefined =>
  isSetting(name) ? undefined : env[name] || undefined

/** Thrown by {@link loadSettings}. `problems` has one line for each setting that is missing or wrong. */
export class SettingsError extends Error {
  readonly problems: string[]
  constructor (problems: string[]) {
    super(`The settings cannot be used:\n${problems.map(line => `  - ${line}`).join('\n')}`)
    this.name = 'SettingsError'
    this.problems = problems
  }
}

export type Environment = Record<string, string | undefined>
type SettingSchema = TSchema & { description?: string, examples?: unknown[], default?: unknown }
type Name = keyof Settings

const properties = SettingsSchema.properties as unknown as Record<Name, SettingSchema>
const NAMES = Object.keys(properties) as Name[]

/** The environment of this process. A `.env` file in the working directory adds the variables that are not set. */
export function readEnvironment (env: Environment = process.env, file = '.env'): Environment {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return env
  }
  return { ...parseEnv(text), ...env }
}

/**
 * What env-schema and @fastify/env need to turn values into settings. Both take it from here, so that one schema,
 * compiled once, is all there is.
 */
export const envOptions = (data: Record<string, unknown>) => ({ schema: SettingsSchema, data, env: false })

/**
 * Turns environment variables into settings: aliases, defaults, types, and the rules between settings.
 * @throws {SettingsError} with every problem at once, each with the variable's name and an example
 */
export function loadSettings (env: Environment): Settings {
  const data = givenValues(env)
  const problems: string[] = []
  let settings: Settings | undefined
  try {
    settings = envSchema<Settings>(envOptions(data))
  } catch (error) {
    for (const problem of (error as { errors?: AjvError[] }).errors ?? []) problems.push(describeProblem(problem))
    if (problems.length === 0) throw error
  }
  problems.push(...contradictions(settings ?? data))
  if (problems.length > 0 || !settings) throw new SettingsError([...new Set(problems)])
  return settings
}

/** Settings that are allowed but seldom intended, one sentence each. */
export function settingsWarnings (settings: Settings): string[] {
  const warnings: string[] = []
  if (!settings.LIVEKIT_SIP_USERNAME) {
    warnings.push(
      'LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are not set. The LiveKit trunk must then be open, and anybody ' +
        'who finds it can call your agents'
    )
  }
  if (settings.ALLOW_UNSIGNED_HOOKS) {
    warnings.push('ALLOW_UNSIGNED_HOOKS is set. Anybody who reaches this service can start calls in its name')
  }
  if (namesRetiredRetellHost(settings.RETELL_SIP_HOST)) {
    warnings.push('RETELL_SIP_HOST names a host that Retell switched off on 2026-09-30. Set sip.retellai.com')
  }
  if (!settings.OPERATOR_TOKEN) {
    warnings.push(
      settings.CALLERS
        ? 'OPERATOR_TOKEN is not set, so only the keys of CALLERS are accepted, each for its own calls'
        : 'OPERATOR_TOKEN is not set, so /calls answers 404'
    )
  }
  return warnings
}

/**
 * Variables that look like a misspelt setting, one sentence each. Values never appear in it.
 * @param env as {@link readEnvironment} returns it
 */
export function misspeltSettings (env: Environment): string[] {
  const known = [...NAMES, ...Object.keys(ALIASES)]
  return Object.keys(env).filter(name => !known.includes(name)).flatMap(name => {
    const meant = nearestName(name, known)
    return meant === undefined ? [] : [`${name} is not a setting and has no effect. Did you mean ${meant}?`]
  })
}

function nearestName (name: string, known: readonly string[]): string | undefined {
  const upper = name.toUpperCase()
  const [nearest] = known
    .map(candidate => ({ candidate, distance: editDistance(upper, candidate), cut: candidate.startsWith(upper) }))
    .filter(({ candidate, distance }) => distance <= tolerance(upper, candidate))
    // A name that was cut short (LIVEKIT_SIP_USER) means the whole one, however many letters are missing.
    .sort((a, b) => Number(b.cut) - Number(a.cut) || a.distance - b.distance)
  return nearest?.candidate
}

/**
 * How many edits still count as a misspelling. Names with our prefixes belong to nobody else, so they may be further
 * away (`LIVEKIT_SIP_USER`). Short names such as PORT have neighbours that belong to others.
 */
function tolerance (name: string, candidate: string): number {
  if (/^(LIVEKIT|JAMBONZ)_/.test(name)) return Math.floor(candidate.length / 4)
  return candidate.length < 8 ? 0 : 1
}

/** Levenshtein distance: how many letters must be inserted, removed or replaced to turn one text into the other. */
function editDistance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/** Splits a comma separated setting. */
export const commaList = (text: string | undefined): string[] =>
  (text ?? '').split(',').map(item => item.trim()).filter(item => item !== '')

/** The value of a setting under any of its names. An empty variable counts as unset, as in most deployment tools. */
export function given (name: string, env: Environment): string | undefined {
  const names = [name, ...Object.keys(ALIASES).filter(alias => ALIASES[alias] === name)]
  return names.map(key => env[key]).find(value => value !== undefined && value.trim() !== '')
}

/** Only the ring tone can be set to nothing on purpose. */
function givenValues (env: Environment): Environment {
  const data: Environment = {}
  for (const name of NAMES) {
    const value = given(name, env)
    if (value !== undefined) data[name] = name === 'AGENT_METADATA' ? value : value.trim()
    else if (name === 'RINGBACK_TONE' && env[name] === '') data[name] = ''
  }
  return data
}

interface AjvError {
  instancePath: string
  keyword: string
  message?: string
  params: { missingProperty?: string, allowedValues?: unknown[] }
}

function describeProblem (error: AjvError): string {
  const name = error.params.missingProperty ?? error.instancePath.slice(1)
  const description = properties[name as Name]?.description ?? ''
  return `${name} ${whatIsWrong(error)}: ${description}. Example: ${exampleOf(name as Name)}`
}

function whatIsWrong ({ keyword, message, params }: AjvError): string {
  if (keyword === 'required') return 'is required'
  if (keyword === 'pattern') return 'has the wrong form'
  const allowed = params.allowedValues ? ` (${params.allowedValues.join(', ')})` : ''
  return `${message ?? 'is wrong'}${allowed}`
}

const exampleOf = (name: Name): string => `${name}=${String(properties[name]?.examples?.[0] ?? '')}`

type Values = Partial<Record<Name, unknown>>

/** Rules between settings. They are checked on whatever could be read, so that all problems are listed together. */
function contradictions (values: Values): string[] {
  return [
    ...incomplete(values, ['HTTP_USERNAME', 'HTTP_PASSWORD'], 'Basic authentication needs both'),
    ...incomplete(
      values,
      ['LIVEKIT_SIP_USERNAME', 'LIVEKIT_SIP_PASSWORD'],
      'LiveKit does not challenge callers of a trunk that has only one of them'
    ),
    ...incomplete(
      values,
      ['JAMBONZ_REST_API_BASE_URL', 'JAMBONZ_ACCOUNT_SID', 'JAMBONZ_API_KEY'],
      'the Jambonz REST API needs all three'
    ),
    ...withoutAuthentication(values),
    ...unusableProxies(values),
    ...unusableKeys(values),
    ...unusableReceivers(values),
    ...notSmaller(
      values,
      'LIVEKIT_TIMEOUT_MS',
      'CALL_HOOK_DEADLINE_MS',
      'otherwise no time is left to answer when LiveKit hangs'
    ),
    ...notSmaller(values, 'DRAIN_DELAY_S', 'SHUTDOWN_TIMEOUT_S', 'which includes it')
  ]
}

/** Settings that only make sense together. */
function incomplete (values: Values, names: Name[], why: string): string[] {
  const missing = names.filter(name => values[name] === undefined)
  if (missing.length === 0 || missing.length === names.length) return []
  return [`${missing.join(' and ')} must be set too: ${why}. Example: ${missing.map(exampleOf).join(' ')}`]
}

function withoutAuthentication (values: Values): string[] {
  const unsigned = String(values.ALLOW_UNSIGNED_HOOKS ?? 'false') === 'true'
  const secrets = commaList(values.JAMBONZ_WEBHOOK_SECRET as string | undefined)
  const basic = values.HTTP_USERNAME !== undefined || values.HTTP_PASSWORD !== undefined
  if (unsigned || basic || secrets.length > 0) return []
  return [
    'JAMBONZ_WEBHOOK_SECRET is required (or HTTP_USERNAME and HTTP_PASSWORD): without either, anybody could start ' +
    'calls. Example: JAMBONZ_WEBHOOK_SECRET=wh_secret_abc (portal: Account, Webhook secret)'
  ]
}

function unusableProxies ({ TRUST_PROXY: proxies }: Values): string[] {
  if (proxies === undefined || isTrustedProxies(String(proxies))) return []
  return [
    'TRUST_PROXY must be a comma list of addresses or networks, or a number of proxies. It cannot be everybody: then ' +
    'any client could pretend to be another. Example: TRUST_PROXY=10.0.0.0/8'
  ]
}

/** The name that calls have which were ordered with OPERATOR_TOKEN. */
export const OPERATOR_NAME = 'operator'

/** The keys of CALLERS, in order. A name may have several, while one of them is replaced. */
export const callerKeys = (text: string | undefined): Array<{ name: string, token: string }> =>
  commaList(text).map(item => {
    const [name = '', token = ''] = item.split(':')
    return { name, token }
  })

/** A token says whose calls may be seen, so it must belong to one name. */
function unusableKeys ({ CALLERS: callers, OPERATOR_TOKEN: operator }: Values): string[] {
  const keys = callerKeys(callers as string | undefined)
  const problems: string[] = []
  if (keys.some(({ name }) => name === OPERATOR_NAME)) {
    problems.push(`CALLERS must not name a key ${OPERATOR_NAME}: that is who orders calls with OPERATOR_TOKEN`)
  }
  if (operator !== undefined && keys.some(({ token }) => token === operator)) {
    problems.push('CALLERS must not have the token of OPERATOR_TOKEN: that key may do everything')
  }
  const owners = new Map<string, string>()
  for (const { name, token } of keys) {
    const other = owners.get(token)
    if (other !== undefined && other !== name) problems.push(`CALLERS gives the same token to ${other} and ${name}`)
    owners.set(token, name)
  }
  return problems
}

const unusableReceivers = ({ EVENTS_URL, EVENTS_SECRET, EVENTS_ALLOW_PRIVATE }: Values): string[] =>
  receiverProblems({
    EVENTS_URL: EVENTS_URL as string | undefined,
    EVENTS_SECRET: EVENTS_SECRET as string | undefined,
    EVENTS_ALLOW_PRIVATE: String(EVENTS_ALLOW_PRIVATE ?? 'false') === 'true'
  })

function notSmaller (values: Values, smaller: Name, larger: Name, why: string): string[] {
  const valueOf = (name: Name) => values[name] ?? properties[name].default
  if (!(Number(valueOf(smaller)) >= Number(valueOf(larger)))) return []
  const example = [smaller, larger].map(name => `${name}=${String(properties[name].default)}`).join(' ')
  return [`${smaller} must be smaller than ${larger}, ${why}. Example: ${example}`]
}
