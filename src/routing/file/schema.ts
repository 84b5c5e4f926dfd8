import { Type } from 'typebox'
import { DIALLED_PATTERN, DURATION_PATTERN, WAY_SCHEMAS, oneOrMore, text } from './way-schemas.ts'

/*
 * The routes file as people write it. `routes.schema.json` is made from it, and the keys that are read are its keys.
 * What a schema cannot say, such as that a time zone exists, is checked where it is read.
 */

const closed = { additionalProperties: false }

const number = Type.String({ minLength: 1 })

const HoursSchema = Type.Object({
  zone: text('Time zone', ['Europe/Berlin']),
  in: Type.Optional(oneOrMore(Type.String({ minLength: 1 }), {
    description: 'The route matches in one of these hours',
    examples: [['Mon-Fri 08:00-18:00', 'Sat 09:00-12:00']]
  })),
  not: Type.Optional(oneOrMore(Type.String({ minLength: 1 }), {
    description: 'The route matches in none of these hours',
    examples: [['Mon-Fri 08:00-18:00'], ['22:00-06:00']]
  }))
}, {
  ...closed,
  anyOf: [{ required: ['in'] }, { required: ['not'] }],
  description: 'Local time: days (Mon-Fri, or Sat,Sun), times (08:00-18:00, or 22:00-06:00 over midnight), or both'
})

const value = Type.String({ minLength: 1 })

const WhenSchema = Type.Object({
  to: Type.Optional(oneOrMore(number, {
    description: 'The number that was called: a number, a prefix with *, or an /expression/ (RE2)',
    examples: ['+4953118054630', ['+49531180*'], '/^\\+49531.*11$/']
  })),
  from: Type.Optional(oneOrMore(number, {
    description: "The caller's number, as in `to`, or `anonymous` for a caller that withholds it",
    examples: [['anonymous', '+49900*']]
  })),
  carrier: Type.Optional(oneOrMore(value, {
    description: 'Name of the Jambonz carrier that delivered the call',
    examples: [['Telnyx']]
  })),
  application: Type.Optional(oneOrMore(value, {
    description: 'sid of the Jambonz application',
    examples: ['7087fe50-8acb-4f3b-b820-97b573723aab']
  })),
  direction: Type.Optional(oneOrMore(Type.Enum(['inbound', 'outbound'], { type: 'string' }), {
    description: 'Direction of the call',
    examples: ['inbound']
  })),
  header: Type.Optional(Type.Record(Type.String(), oneOrMore(value, {}), {
    minProperties: 1,
    description: 'Headers of the INVITE: a value, a beginning with *, an /expression/, or `present`',
    examples: [{ 'X-Tenant': 'acme' }]
  })),
  hours: Type.Optional(HoursSchema)
}, { ...closed, minProperties: 1, description: 'Conditions, all of which must hold. Of several values one is enough' })

const RouteSchema = Type.Object({
  name: text('Names the route in calls, logs and metrics', ['sales at night'], { maxLength: 100 }),
  when: Type.Optional(WhenSchema),
  connect: Type.Optional(Type.Array(Type.Union(Object.values(WAY_SCHEMAS)), {
    minItems: 1,
    maxItems: 16,
    description:
      "Ways to connect the call. The next one is tried when one fails. Without it: the application's agent, then its " +
      'fallback number'
  }))
}, closed)

const allowed = Type.String({ pattern: '^([A-Z]{2}|\\+[1-9][\\d\\s().\\-/\\u2010-\\u2015]*|(?!00[1-9])\\d{2,6})$' })
const cap = (description: string, example: number) =>
  Type.Optional(Type.Integer({ minimum: 1, description, examples: [example] }))

const PolicySchema = Type.Object({
  allow: Type.Optional(Type.Array(allowed, {
    description:
      'What may be dialled: countries (ISO 3166), beginnings of numbers, numbers. Nothing else. Premium rate numbers ' +
      'only when they are named in full',
    examples: [['DE', 'AT', '+1555']]
  })),
  deny: Type.Optional(Type.Array(allowed, {
    description: 'What may not be dialled, whatever `allow` says',
    examples: [['+49180']]
  })),
  sip: Type.Optional(Type.Array(Type.String({ minLength: 1 }), {
    description: 'Hosts that a SIP address may name as the target of a transfer',
    examples: [['pbx.example.com']]
  })),
  concurrent: cap('Most calls at the same time', 10),
  per_minute: cap('Most calls a minute', 30),
  per_day: cap('Most calls a day', 1000),
  per_caller_per_day: cap('Most calls a day for one caller', 20),
  longest: Type.Optional(Type.String({
    pattern: DURATION_PATTERN,
    description: 'Longest call, up to 24h',
    examples: ['1h']
  }))
}, { ...closed, description: 'What may be dialled. Without it: nothing that somebody else may have chosen' })

const DefaultsSchema = Type.Object({
  agent: Type.Optional(text('The agent of applications that name none. Default: LIVEKIT_AGENT_NAME', ['receptionist'])),
  ring: Type.Optional(Type.String({
    pattern: DURATION_PATTERN,
    description: 'How long one way may ring: 1s to 3m. Default: DIAL_TIMEOUT_S',
    examples: ['40s']
  })),
  country: Type.Optional(Type.String({
    pattern: '^[A-Z]{2}$',
    description: 'The country (ISO 3166) whose national numbers are understood',
    examples: ['DE']
  }))
}, { ...closed, description: 'What a route does not say' })

/** The whole file. */
export const RoutesFileSchema = Type.Object({
  version: Type.Literal(1, { description: 'Version of this format' }),
  defaults: Type.Optional(DefaultsSchema),
  policy: Type.Optional(PolicySchema),
  numbers: Type.Optional(Type.Array(Type.String({ pattern: DIALLED_PATTERN }), {
    description: 'Numbers that are yours: caller ids of outbound calls, never a target',
    examples: [['+4953118054630']]
  })),
  routes: Type.Optional(Type.Array(RouteSchema, { description: 'Tried in order. The first that matches wins' }))
}, {
  ...closed,
  title: 'Routes of jambonz-livekit-bridge',
  description: 'Who calls whom, and what may be dialled'
})

const keysOf = ({ properties }: { properties: object }): readonly string[] => Object.keys(properties)

export const FILE_KEYS = keysOf(RoutesFileSchema)
export const DEFAULTS_KEYS = keysOf(DefaultsSchema)
export const POLICY_KEYS = keysOf(PolicySchema)
export const ROUTE_KEYS = keysOf(RouteSchema)
export const WHEN_KEYS = keysOf(WhenSchema)
export const HOURS_KEYS = keysOf(HoursSchema)
