import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { envSchema } from 'env-schema'
import { Type, type Static, type TSchema } from 'typebox'

const URL_PATTERN = '^https?://[^\\s?#]+$'
const US_RING_TONE = 'tone_stream://L=20;%(2000,4000,440,480)'

/** Every setting of the service. The README's table, `.env.example` and the start-up errors are made from it. */
export const SettingsSchema = Type.Object({
  PORT: Type.Integer({
    default: 3000,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on (HTTP_PORT is accepted too)',
    examples: [3000]
  }),
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on', examples: ['0.0.0.0'] }),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    type: 'string',
    default: 'info',
    description: 'pino log level (LOGLEVEL is accepted too)',
    examples: ['info']
  }),
  PUBLIC_URL: Type.String({
    pattern: URL_PATTERN,
    description: 'Absolute base of the hooks that Jambonz and LiveKit call; a path prefix is for the ingress to strip',
    examples: ['https://bridge.example.com']
  }),
  LIVEKIT_URL: Type.String({
    pattern: '^(wss?|https?)://[^\\s]+$',
    description: 'LiveKit server',
    examples: ['wss://myproject-1a2b3c4d.livekit.cloud']
  }),
  LIVEKIT_API_KEY: Type.String({ minLength: 1, description: 'LiveKit API key', examples: ['APIxxxxxxxxxxxx'] }),
  LIVEKIT_API_SECRET: Type.String({
    minLength: 1,
    description: 'LiveKit API secret; it also derives the tokens that are dialled',
    examples: ['a-long-random-secret']
  }),
  LIVEKIT_SIP_HOST: Type.String({
    pattern: '^(\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?$',
    description:
      'Host or host:port that LiveKit answers SIP on. On LiveKit Cloud the project id without p_, never the ' +
      'websocket name',
    examples: ['vjnxecm0tjk.sip.livekit.cloud']
  }),
  LIVEKIT_SIP_TRANSPORT: Type.Enum(['udp', 'tcp', 'tls'], {
    type: 'string',
    default: 'tcp',
    description: 'SIP transport of the agent leg',
    examples: ['tcp']
  }),
  LIVEKIT_SIP_USERNAME: Type.Optional(
    Type.String({ description: 'User name of the LiveKit inbound trunk', examples: ['jambonz'] })
  ),
  LIVEKIT_SIP_PASSWORD: Type.Optional(
    Type.String({ description: 'Password of the LiveKit inbound trunk', examples: ['a-strong-password'] })
  ),
  LIVEKIT_SIP_SRTP: Type.Boolean({
    default: false,
    description: "Encrypt the agent leg's audio with SDES SRTP (feature-server 0.9.8 or newer)",
    examples: [false]
  }),
  LIVEKIT_ROOM_PREFIX: Type.String({
    default: 'jambonz',
    pattern: '^[A-Za-z0-9_-]{1,64}$',
    description: 'Prefix of every room, one per LiveKit project; the dispatch rule has the same',
    examples: ['jambonz']
  }),
  LIVEKIT_AGENT_NAME: Type.String({
    minLength: 1,
    description: "Agent that answers; also the dispatch rule's default agent",
    examples: ['my-agent']
  }),
  AGENT_METADATA: Type.Optional(
    Type.String({
      description: 'Passed verbatim to the agent as `app` of the job metadata',
      examples: ['{"tenant":"acme"}']
    })
  ),
  FALLBACK_NUMBER: Type.Optional(
    Type.String({
      pattern: '^\\+?[0-9*#]{2,32}$',
      description: 'Phone number that is dialled when the agent cannot be reached',
      examples: ['+15551230009']
    })
  ),
  CALLER_HEADERS: Type.Optional(
    Type.String({
      pattern: '^[Xx]-[A-Za-z0-9-]+(\\s*,\\s*[Xx]-[A-Za-z0-9-]+)*$',
      description: 'Inbound X- SIP headers, comma separated, that the agent gets in the job metadata',
      examples: ['X-Customer-Id,X-Language']
    })
  ),
  AGENT_REDISPATCH_MS: Type.Integer({
    default: 8000,
    minimum: 0,
    description: 'Without an agent in the room for this long it is called once more, milliseconds (0 = never)',
    examples: [8000]
  }),
  AGENT_REJOIN_MS: Type.Integer({
    default: 5000,
    minimum: 0,
    description:
      'An agent that left a caller is called again after this, and counts as lost after as long again, milliseconds ' +
      '(0 = the caller waits for ever)',
    examples: [5000]
  }),
  AGENT_LOST_ACTION: Type.Enum(['end', 'next'], {
    type: 'string',
    default: 'end',
    description: 'A caller whose agent is lost: `end` the call, or connect the `next` attempt',
    examples: ['end']
  }),
  LIVEKIT_TIMEOUT_MS: Type.Integer({
    default: 3000,
    minimum: 100,
    maximum: 9000,
    description: 'Longest wait for LiveKit while Jambonz waits for the call hook, milliseconds',
    examples: [3000]
  }),
  CALL_HOOK_DEADLINE_MS: Type.Integer({
    default: 6000,
    minimum: 200,
    maximum: 9500,
    description:
      'The call hook is answered within this time whatever happens, milliseconds (Jambonz gives up after 10000)',
    examples: [6000]
  }),
  DIAL_TIMEOUT_S: Type.Integer({
    default: 40,
    minimum: 1,
    maximum: 160,
    description: 'How long an attempt may ring, seconds',
    examples: [40]
  }),
  MAX_CALL_DURATION_S: Type.Integer({
    default: 7200,
    minimum: 1,
    maximum: 86400,
    description: 'Longest call after the answer, seconds',
    examples: [7200]
  }),
  RINGBACK_TONE: Type.String({
    default: US_RING_TONE,
    description: 'What the caller hears while the agent is called: a tone stream or a URL; set it empty for none',
    examples: [US_RING_TONE]
  }),
  JAMBONZ_WEBHOOK_SECRET: Type.Optional(
    Type.String({
      description:
        'Webhook secret of the Jambonz account; several, comma separated, while it is rotated (WEBHOOK_SECRET is ' +
        'accepted too)',
      examples: ['wh_secret_abc']
    })
  ),
  HTTP_USERNAME: Type.Optional(
    Type.String({ description: 'Basic auth user name of the hooks', examples: ['jambonz'] })
  ),
  HTTP_PASSWORD: Type.Optional(
    Type.String({ description: 'Basic auth password of the hooks', examples: ['a-strong-password'] })
  ),
  JAMBONZ_REST_API_BASE_URL: Type.Optional(
    Type.String({
      pattern: URL_PATTERN,
      description: 'Jambonz REST API, with which a hang-up ends the caller leg',
      examples: ['https://jambonz.cloud/api/v1']
    })
  ),
  JAMBONZ_ACCOUNT_SID: Type.Optional(
    Type.String({ description: 'Jambonz account', examples: ['9351f46a-678c-43f5-b8a6-d4eb58d131af'] })
  ),
  JAMBONZ_API_KEY: Type.Optional(
    Type.String({ description: 'Jambonz API key of that account', examples: ['38700987-c7a4-4685-a5bb-af378f9734de'] })
  ),
  OPERATOR_TOKEN: Type.Optional(
    Type.String({
      minLength: 16,
      description: 'Bearer token of the operator API; without it those routes answer 404',
      examples: ['at-least-16-random-characters']
    })
  ),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://[^\\s]+$',
      description:
        'Calls are kept in this Redis (6.2 or newer) or Valkey, and any number of replicas share them; rediss:// ' +
        'for TLS. Without it they are in the memory of one process',
      examples: ['redis://user:password@localhost:6379/0']
    })
  ),
  CALL_RETENTION_S: Type.Integer({
    default: 900,
    minimum: 1,
    description: 'How long an ended call can be looked at, seconds',
    examples: [900]
  }),
  MAX_CALLS: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'Calls at once; further ones are declined (0 = no limit)',
    examples: [0]
  }),
  CAPACITY_STATUS: Type.Integer({
    default: 486,
    minimum: 400,
    maximum: 699,
    description: 'SIP status of a call declined for MAX_CALLS',
    examples: [486]
  }),
  DRAIN_DELAY_S: Type.Number({
    default: 5,
    minimum: 0,
    description: 'After SIGTERM: how long new calls are still connected, seconds',
    examples: [5]
  }),
  SHUTDOWN_TIMEOUT_S: Type.Number({
    default: 25,
    minimum: 1,
    description: 'After SIGTERM: the process is gone within this time, seconds',
    examples: [25]
  }),
  ALLOW_UNSIGNED_HOOKS: Type.Boolean({
    default: false,
    description: 'Accept hooks without any authentication: for a test only',
    examples: [false]
  })
})
export type Settings = Static<typeof SettingsSchema>

/** Other names that Jambonz applications use for the same settings. */
export const ALIASES: Record<string, keyof Settings> = {
  HTTP_PORT: 'PORT',
  LOGLEVEL: 'LOG_LEVEL',
  WEBHOOK_SECRET: 'JAMBONZ_WEBHOOK_SECRET'
}

/** Thrown by {@link loadSettings}; `problems` has one line for each setting that is missing or wrong. */
export class SettingsError extends Error {
  readonly problems: string[]
  constructor (problems: string[]) {
    super(`The settings are not usable:\n${problems.map(line => `  - ${line}`).join('\n')}`)
    this.name = 'SettingsError'
    this.problems = problems
  }
}

type Environment = Record<string, string | undefined>
type SettingSchema = TSchema & { description?: string, examples?: unknown[], default?: unknown }

const properties = SettingsSchema.properties as unknown as Record<string, SettingSchema>

/** The environment of this process; a `.env` file in the working directory adds what is not set already. */
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
 * Makes the settings out of environment variables: aliases, defaults, types, and the rules between them.
 * @throws {SettingsError} with every problem at once, each with the variable's name and an example
 */
export function loadSettings (env: Environment): Settings {
  const data = usable(env)
  const problems: string[] = []
  let settings: Settings | undefined
  try {
    settings = envSchema<Settings>({ schema: SettingsSchema, data, env: false })
  } catch (error) {
    for (const problem of (error as { errors?: AjvError[] }).errors ?? []) problems.push(explain(problem))
    if (problems.length === 0) throw error
  }
  problems.push(...contradictions(settings ?? data))
  if (problems.length > 0 || !settings) throw new SettingsError([...new Set(problems)])
  return settings
}

/** What an operator should know about usable settings: not wrong, but seldom meant. */
export function settingsWarnings (settings: Settings): string[] {
  const warnings: string[] = []
  if (!settings.LIVEKIT_SIP_USERNAME) {
    warnings.push(
      'LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are not set: the LiveKit trunk must then be open, and anybody ' +
        'who finds it can call your agents'
    )
  }
  if (settings.ALLOW_UNSIGNED_HOOKS) {
    warnings.push('ALLOW_UNSIGNED_HOOKS is set: anybody who reaches this service can make calls in its name')
  }
  if (!settings.OPERATOR_TOKEN) warnings.push('OPERATOR_TOKEN is not set: /calls answers 404')
  return warnings
}

/** Splits a comma separated setting. */
export const commaList = (text: string | undefined): string[] =>
  (text ?? '').split(',').map(item => item.trim()).filter(item => item !== '')

/** What a setting was given under any of its names; an empty variable is unset, as in most deployment tools. */
export function given (name: string, env: Environment): string | undefined {
  const names = [name, ...Object.keys(ALIASES).filter(alias => ALIASES[alias] === name)]
  return names.map(key => env[key]).find(value => value !== undefined && value.trim() !== '')
}

/** Only the ring tone can be emptied on purpose. */
function usable (env: Environment): Environment {
  const data: Environment = {}
  for (const name of Object.keys(properties)) {
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

function explain (error: AjvError): string {
  const name = error.params.missingProperty ?? error.instancePath.slice(1)
  const { description, examples } = properties[name] ?? {}
  const what = error.keyword === 'required'
    ? 'is required'
    : error.keyword === 'pattern'
      ? 'has the wrong form'
      : `${error.message ?? 'is wrong'}${error.params.allowedValues ? ` (${error.params.allowedValues.join(', ')})` : ''}`
  return `${name} ${what}: ${description ?? ''}. Example: ${name}=${String(examples?.[0] ?? '')}`
}

/** Rules between settings, on whatever could be read, so that they are listed together with the missing ones. */
function contradictions (settings: Partial<Record<keyof Settings, unknown>>): string[] {
  const problems: string[] = []
  const set = (name: keyof Settings) => settings[name] !== undefined
  const together = (names: Array<keyof Settings>, why: string) => {
    const missing = names.filter(name => !set(name))
    if (missing.length > 0 && missing.length < names.length) {
      problems.push(
        `${missing.join(' and ')} must be set too: ${why}. Example: ${
          missing.map(name => `${name}=${String(properties[name]?.examples?.[0])}`).join(' ')
        }`
      )
    }
  }
  together(['HTTP_USERNAME', 'HTTP_PASSWORD'], 'Basic authentication needs both')
  together(
    ['LIVEKIT_SIP_USERNAME', 'LIVEKIT_SIP_PASSWORD'],
    'LiveKit does not challenge callers of a trunk with only one of them'
  )
  together(
    ['JAMBONZ_REST_API_BASE_URL', 'JAMBONZ_ACCOUNT_SID', 'JAMBONZ_API_KEY'],
    'the Jambonz REST API needs all three'
  )
  const unsigned = String(settings.ALLOW_UNSIGNED_HOOKS ?? 'false') === 'true'
  if (
    !unsigned && commaList(settings.JAMBONZ_WEBHOOK_SECRET as string | undefined).length === 0 &&
    !(set('HTTP_USERNAME') || set('HTTP_PASSWORD'))
  ) {
    problems.push(
      'JAMBONZ_WEBHOOK_SECRET is required (or HTTP_USERNAME and HTTP_PASSWORD): without either anybody could make ' +
        'calls. Example: JAMBONZ_WEBHOOK_SECRET=wh_secret_abc (portal: Account, Webhook secret)'
    )
  }
  const number = (name: keyof Settings) => Number(settings[name] ?? properties[name]?.default)
  if (number('LIVEKIT_TIMEOUT_MS') >= number('CALL_HOOK_DEADLINE_MS')) {
    problems.push(
      'LIVEKIT_TIMEOUT_MS must be smaller than CALL_HOOK_DEADLINE_MS, or no time is left to answer when LiveKit ' +
        'hangs. Example: LIVEKIT_TIMEOUT_MS=3000 CALL_HOOK_DEADLINE_MS=6000'
    )
  }
  if (number('DRAIN_DELAY_S') >= number('SHUTDOWN_TIMEOUT_S')) {
    problems.push(
      'DRAIN_DELAY_S must be smaller than SHUTDOWN_TIMEOUT_S, which includes it. Example: DRAIN_DELAY_S=5 ' +
        'SHUTDOWN_TIMEOUT_S=25'
    )
  }
  return problems
}
