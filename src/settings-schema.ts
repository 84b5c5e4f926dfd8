import { Type, type Static, type TSchema } from 'typebox'

const URL_PATTERN = '^https?://[^\\s?#]+$'
const SIP_HOST_PATTERN = '^(\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?$'
const US_RING_TONE = 'tone_stream://L=20;%(2000,4000,440,480)'

/** Most rooms with waiting agents that a pool may be told to keep. */
export const MOST_WARM_AGENTS = 1000

/** One or several tokens, each with a name in front or without. */
const STAFF_TOKENS = listOf('([A-Za-z0-9_.-]{1,64}:)?[^\\s,:]{16,}')

function listOf (item: string): string {
  return `^\\s*${item}(\\s*,\\s*${item})*\\s*$`
}

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
  AGENT_API_URL: Type.Optional(
    Type.String({
      pattern: URL_PATTERN,
      description:
        'Base URL under which agents reach the API for their own call: it is in their job metadata (docs/agents.md). ' +
        'Without it PUBLIC_URL, under which often only the hooks are published',
      examples: ['http://bridge.internal:3000']
    })
  ),
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
  WARM_AGENTS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: MOST_WARM_AGENTS,
    description:
      'Rooms that are always kept ready for the default agent, each with a waiting agent in it, so that calls are ' +
      'answered sooner (docs/warm-agents.md). 0 means none. Each waiting agent is a running job',
    examples: [5]
  }),
  WARM_AGENTS_MAX: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: MOST_WARM_AGENTS,
    description: 'How many such rooms may be kept ready while many calls come in. Without it WARM_AGENTS',
    examples: [20]
  })),
  WARM_AGENTS_PER_S: Type.Optional(Type.Number({
    minimum: 0.1,
    maximum: 100,
    description:
      'How many such rooms may be made per second for each agent, over all replicas. Without it a tenth of the ' +
      'rooms that are wanted, and at least 2',
    examples: [2]
  })),
  WARM_AGENT_LIFE_S: Type.Integer({
    default: 600,
    minimum: 30,
    maximum: 3600,
    description: 'Most seconds for which an agent waits for a call. Its room is replaced by a new one before that',
    examples: [600]
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
      pattern: STAFF_TOKENS,
      description:
        'Bearer tokens of the operator API and the console, which may do everything. Several are separated by ' +
        'commas, while you rotate one or for several people. A name in front, as in `alice:token`, stands in the ' +
        'log and in the calls. A token has at least 16 characters, without `:` and `,`. Without any token those ' +
        'routes answer 404',
      examples: ['at-least-16-random-characters']
    })
  ),
  VIEWER_TOKEN: Type.Optional(
    Type.String({
      pattern: STAFF_TOKENS,
      description: 'Tokens that may look at everything and change nothing, written as in OPERATOR_TOKEN',
      examples: ['wall-screen:at-least-16-other-characters']
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
    description: 'Seconds for which the whole record of an ended call is kept, and takes late events',
    examples: [900]
  }),
  CALL_HISTORY_S: Type.Integer({
    default: 86_400,
    minimum: 0,
    maximum: 31_622_400,
    description:
      'Seconds for which a call can still be looked at, searched and exported after CALL_RETENTION_S. It keeps ' +
      'phone numbers for that long. 0 means no history',
    examples: [86_400]
  }),
  CALL_HISTORY_MAX: Type.Integer({
    default: 10_000,
    minimum: 1,
    description: 'How many calls the history holds. When there are more, those that ended first are dropped',
    examples: [10_000]
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

type SettingSchema = TSchema & { description?: string, examples?: unknown[], default?: unknown }
/** Name of a setting. */
export type Name = keyof Settings

/** What the schema says of each setting. */
export const properties = SettingsSchema.properties as unknown as Record<Name, SettingSchema>
export const NAMES = Object.keys(properties) as Name[]

/** A setting as it may be written. */
export const exampleOf = (name: Name): string => `${name}=${String(properties[name]?.examples?.[0] ?? '')}`
