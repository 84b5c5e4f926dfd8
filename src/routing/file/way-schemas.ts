import { Type, type TSchema, type TSchemaOptions } from 'typebox'
import { MOST_WARM_AGENTS } from '../../settings-schema.ts'

/*
 * What an entry of `connect` may say. The keys that are read are those of these schemas.
 */

const closed = { additionalProperties: false }

/** Longest texts, characters. */
export const LONGEST = { name: 100, say: 2000, url: 2000, sip: 256, metadata: 16_384, variable: 1000 } as const
export const MOST_VARIABLES = 64

/** One value or several, of which one is enough. */
export const oneOrMore = <T extends TSchema>(schema: T, options: TSchemaOptions) =>
  Type.Union([schema, Type.Array(schema, { minItems: 1 })], options)

export const text = (description: string, examples: string[], options: object = {}) =>
  Type.String({ minLength: 1, description, examples, ...options })

const name = (description: string, examples: string[]) =>
  text(description, examples, { maxLength: LONGEST.name })

export const DURATION_PATTERN = '^(?=\\d)(\\d{1,5}h)?(\\d{1,5}m)?(\\d{1,5}s)?$'

export const ring = Type.Optional(Type.String({
  pattern: DURATION_PATTERN,
  description: 'How long it may ring before the next way is tried: 1s to 10m, and to 3m for an agent',
  examples: ['20s', '1m30s']
}))

export const DIALLED_PATTERN =
  '^(?=(.*\\d){2})(tel:)?\\+?[\\d\\s().\\-/\\u2010-\\u2015]*\\d[\\s().\\-/\\u2010-\\u2015]*$'

const dialled = (description: string, examples: string[]) => text(description, examples, { pattern: DIALLED_PATTERN })

/** The name of an environment variable. Keys themselves are longer, or have small letters. */
export const VARIABLE_PATTERN = '^(?=.*_|.{1,19}$)[A-Z_][A-Z0-9_]{0,63}$'

const variable = (description: string, example: string) =>
  text(`${description}: the name of the environment variable that holds it, never the value`, [example], {
    pattern: VARIABLE_PATTERN
  })

const mapping = Type.Record(Type.String(), Type.Unknown())

const roomMetadata = Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: LONGEST.metadata }), mapping], {
  description: "The agent's job metadata: a text, or a mapping that becomes JSON",
  examples: [{ tenant: 'acme', language: 'de' }]
}))

const rooms = { minimum: 1, maximum: MOST_WARM_AGENTS }

const WarmSchema = Type.Object({
  min: Type.Integer({ ...rooms, description: 'Rooms that are always ready' }),
  max: Type.Optional(Type.Integer({ ...rooms, description: 'Most rooms while many calls come in. Default: min' }))
}, closed)

const warm = Type.Optional(Type.Union([Type.Integer(rooms), WarmSchema], {
  description: 'Rooms that are kept ready with a waiting agent: how many, or from how many to how many',
  examples: [5, { min: 2, max: 10 }]
}))

const WeightedAgentSchema = Type.Object({
  agent: name('Name of the LiveKit agent', ['receptionist']),
  weight: Type.Number({ minimum: 0, maximum: 1_000_000, description: 'Its share of the calls', examples: [95, 5] }),
  warm
}, closed)

const RetellSchema = Type.Object({
  agent: name('Id of the Retell agent', ['agent_0123']),
  key: variable('API key of Retell', 'RETELL_API_KEY'),
  version: Type.Optional(Type.Integer({ minimum: 0, description: 'Version of the agent', examples: [3] })),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown(), {
    description: 'Metadata of the Retell call',
    examples: [{ tenant: 'acme' }]
  })),
  variables: Type.Optional(Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: LONGEST.variable }), {
    maxProperties: MOST_VARIABLES,
    description: 'Dynamic variables of the Retell agent',
    examples: [{ customer: 'Acme' }]
  }))
}, { ...closed, description: 'A Retell agent, through a call that is registered first' })

/** By the key that says which way an entry is. */
export const WAY_SCHEMAS = {
  agent: Type.Object({
    agent: Type.Union([name('Name of the LiveKit agent', ['receptionist']), Type.Null()], {
      description: "A LiveKit room with this agent. Without a value: the application's agent",
      examples: ['receptionist']
    }),
    metadata: roomMetadata,
    warm,
    ring
  }, closed),

  agents: Type.Object({
    agents: Type.Array(WeightedAgentSchema, {
      minItems: 1,
      description: 'A LiveKit room with one of several agents. The same call always gets the same one',
      examples: [[{ agent: 'receptionist', weight: 95 }, { agent: 'receptionist-next', weight: 5 }]]
    }),
    metadata: roomMetadata,
    ring
  }, closed),

  phone: Type.Object({
    phone: dialled('A phone number', ['+4915111111111']),
    carrier: Type.Optional(name('Name of the Jambonz carrier that dials it', ['Telnyx'])),
    from: Type.Optional(dialled('Caller id: one of the `numbers`', ['+4953118054630'])),
    ring
  }, closed),

  carrier: Type.Object({
    carrier: name('Name of a Jambonz carrier that leads to LiveKit, Retell or another platform', ['Retell']),
    number: dialled('The number that decides there who answers', ['+4953118054632']),
    ring
  }, closed),

  retell: Type.Object({ retell: RetellSchema, ring }, closed),

  sip: Type.Object({
    sip: text('A SIP address with user and host, without a password', ['sip:sales@example.com;transport=tcp'], {
      pattern: '^[sS][iI][pP][sS]?:[^\\s@:;]+(;[^\\s@]*)?@\\S+$',
      maxLength: LONGEST.sip
    }),
    auth: Type.Optional(Type.Object({
      username: variable('User name', 'PBX_USERNAME'),
      password: variable('Password', 'PBX_PASSWORD')
    }, { ...closed, description: 'Digest authentication' })),
    ring
  }, closed),

  say: Type.Object({
    say: text('Answers the caller and says this', ['Nobody is here. Please call again tomorrow.'], {
      maxLength: LONGEST.say
    }),
    language: Type.Optional(name('Language', ['de-DE'])),
    voice: Type.Optional(name('Name of the voice', ['de-DE-Standard-A'])),
    vendor: Type.Optional(name('Speech vendor as Jambonz names it', ['google']))
  }, closed),

  play: Type.Object({
    play: text('Answers the caller and plays the recording at this URL', ['https://example.com/closed.mp3'], {
      pattern: '^[hH][tT][tT][pP][sS]?://[^\\s/?#@]+([/?#]\\S*)?$',
      maxLength: LONGEST.url
    })
  }, closed),

  decline: Type.Object({
    decline: Type.Integer({
      minimum: 400,
      maximum: 699,
      description: 'Declines the call with this SIP status',
      examples: [603, 486]
    }),
    reason: Type.Optional(name('Reason phrase', ['Busy Here']))
  }, closed)
} as const

/** The keys that say what an entry of `connect` is. */
export type WayKey = keyof typeof WAY_SCHEMAS
export const WAYS = Object.keys(WAY_SCHEMAS) as WayKey[]

/** What may stand in an entry of each way. */
export const WAY_KEYS = Object.fromEntries(
  Object.entries(WAY_SCHEMAS).map(([way, schema]) => [way, Object.keys(schema.properties)])
) as unknown as Record<WayKey, readonly string[]>

export const WEIGHTED_AGENT_KEYS = Object.keys(WeightedAgentSchema.properties)
export const WARM_KEYS = Object.keys(WarmSchema.properties)
export const RETELL_KEYS = Object.keys(RetellSchema.properties)
