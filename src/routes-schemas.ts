import { Type, type Static } from 'typebox'
import { STRATEGIES, type Way } from './calls/fold/way.ts'
import type { Verbs } from './jambonz/verbs.ts'
import { ErrorReply, INTERNAL_ERROR, OPERATOR_SECURITY, OPERATORS_ONLY, Shared } from './schemas.ts'

/*
 * The schemas of the operator API about routes.
 */

const Time = Type.String({ format: 'date-time', examples: ['2026-11-28T22:10:00.000Z'] })
const Line = Type.Integer({ description: 'Line of the route in the file', examples: [14] })
/** What the file may say there, the file's own schema tells. */
const AsWritten = { additionalProperties: true } as const

export const RoutesProblemSchema = Type.Object({
  severity: Type.Enum(['error', 'warning'], { type: 'string' }),
  line: Type.Integer({ description: '0: the problem is the file as a whole', examples: [14] }),
  column: Type.Integer({ examples: [7] }),
  path: Type.String({ description: 'Where in the document', examples: ['routes[2].when.hours'] }),
  message: Type.String({ description: 'What is wrong, and what to write instead' })
}, { $id: 'RoutesProblem' })

const Cap = (description: string) => Type.Optional(Type.Integer({ description }))

const RoutesPolicySchema = Type.Object({
  allow: Type.Array(Type.String(), { description: 'Countries, beginnings of numbers, numbers', examples: [['DE']] }),
  deny: Type.Array(Type.String(), { description: 'The same. It wins over `allow`' }),
  sip: Type.Array(Type.String(), { description: 'Hosts that a SIP address may name as the target of a transfer' }),
  caps: Type.Object({
    concurrent: Cap('Most calls at the same time'),
    perMinute: Cap('Most calls a minute'),
    perDay: Cap('Most calls a day'),
    perCallerPerDay: Cap('Most calls a day for one caller'),
    longestS: Cap('Longest call, seconds')
  })
}, { description: 'What may be dialled. Absent: nothing that somebody else may have chosen' })

export const RoutesSchema = Type.Object({
  file: Type.Optional(
    Type.String({ description: 'Absent without ROUTES_FILE', examples: ['/etc/bridge/routes.yaml'] })
  ),
  readAt: Type.Optional(Time),
  routes: Type.Array(
    Type.Object({
      name: Type.String({ examples: ['sales at night'] }),
      when: Type.Optional(Type.Unsafe<Record<string, unknown>>(Type.Object({}, AsWritten))),
      connect: Type.Optional(Type.Array(Type.Unsafe<Record<string, unknown>>(Type.Object({}, AsWritten))))
    }),
    {
      description: 'In the order in which they are tried, with conditions and ways as the file writes them',
      examples: [[{
        name: 'sales at night',
        when: { to: '+15551230000', hours: { zone: 'Europe/Berlin', not: ['Mon-Fri 08:00-18:00'] } },
        connect: [{ agent: 'night-desk', ring: '20s' }, { phone: '+15551230009' }]
      }]]
    }
  ),
  agent: Type.Optional(Type.String({ description: '`defaults.agent` of the file' })),
  country: Type.Optional(Type.String({ description: 'Its national numbers are understood', examples: ['DE'] })),
  numbers: Type.Optional(Type.Array(Type.String(), {
    description: 'Numbers that are ours, as the file writes them. Absent without a file',
    examples: [['+15551230000']]
  })),
  policy: Type.Optional(RoutesPolicySchema),
  problems: Type.Array(Shared<Static<typeof RoutesProblemSchema>>('RoutesProblem'), {
    description: 'What the last reading found. With an error among them the routes are those of an earlier reading'
  })
}, { $id: 'Routes', description: 'The routes in force' })
export type RoutesView = Static<typeof RoutesSchema>

/** Longest text of a question, characters. */
const LONGEST = 256
const Text = (description: string) => Type.Optional(Type.String({ maxLength: LONGEST, description }))

export const RoutesTrialRequestSchema = Type.Object({
  to: Type.String({ minLength: 1, maxLength: LONGEST, description: 'Called number' }),
  from: Text('Number of the caller, or `anonymous`'),
  carrier: Text('Name of the carrier that delivers the call'),
  application: Text('sid of the Jambonz application'),
  direction: Type.Optional(Type.Enum(['inbound', 'outbound'], { type: 'string', description: 'inbound' })),
  headers: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: LONGEST }), Type.String({ maxLength: 1024 }), {
      maxProperties: 64,
      description: 'Headers of the INVITE by name'
    })
  ),
  at: Text('When, such as `23:10` (today), `2026-11-28T23:10` or `2026-11-28T23:10+01:00`. Now, if it is missing'),
  zone: Text('Time zone of `at`, such as `Europe/Berlin`. The service\'s own, if it is missing'),
  callSid: Text('Weighted agents are chosen by it. Any, if it is missing')
}, {
  $id: 'RoutesTrialRequest',
  description: 'A call that nobody makes',
  additionalProperties: false,
  examples: [{ to: '+15551230000', from: 'anonymous', at: '2026-11-28T23:10+01:00' }]
})
export type RoutesTrialRequest = Static<typeof RoutesTrialRequestSchema>

const TriedWay = Type.Object({
  attempt: Type.Integer({ examples: [1] }),
  way: Type.Unsafe<Way>(
    Type.Object({ strategy: Type.Enum([...STRATEGIES], { type: 'string' }) }, {
      ...AsWritten,
      description: 'Secrets are only named',
      examples: [{ strategy: 'phone', number: '+15551230009', carrier: 'MyCarrier', ringS: 30 }]
    })
  ),
  ringS: Type.Optional(Type.Integer({ description: 'How long it may ring, seconds. Absent: it dials nobody' })),
  warm: Type.Optional(Type.Object({ min: Type.Integer({ examples: [2] }), max: Type.Integer({ examples: [10] }) }, {
    description: 'Rooms that are kept ready for it, each with a waiting agent. Absent: none'
  })),
  verbs: Type.Unsafe<Verbs>({ ...Type.Ref('Verbs'), description: 'What Jambonz would get. Secrets are shown as `…`' }),
  policy: Type.Optional(
    Type.Object({
      number: Type.String({ examples: ['+15551230009'] }),
      allowed: Type.Boolean(),
      why: Type.Optional(Type.String({ description: 'Why not, and what to write to allow it' }))
    }, {
      description:
        'What the number policy says of the number that is dialled. Ways of the file are dialled anyway: their ' +
        'author chose them'
    })
  ),
  missing: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Environment variables that the way needs and that are not set. It would be skipped'
    })
  )
})

export const RoutesTrialSchema = Type.Object({
  call: Type.Object({
    callSid: Type.String(),
    at: Time,
    zone: Type.String({ examples: ['Europe/Berlin'] }),
    to: Type.String({ examples: ['+15551230000'] }),
    from: Type.String({ examples: ['anonymous'] }),
    carrier: Type.Optional(Type.String()),
    application: Type.Optional(Type.String()),
    direction: Type.Enum(['inbound', 'outbound'], { type: 'string' }),
    headers: Type.Record(Type.String(), Type.String())
  }),
  route: Type.Optional(
    Type.Object({ name: Type.String({ examples: ['sales at night'] }), line: Type.Optional(Line) }, {
      description: 'Absent: no route matches, so the agent of the application or the settings is called'
    })
  ),
  before: Type.Array(
    Type.Object({
      route: Type.String(),
      line: Type.Optional(Line),
      reason: Type.String({ description: 'The first condition that does not hold' })
    }),
    { description: 'The routes that were tried before, in order' }
  ),
  ways: Type.Array(TriedWay, { description: 'In the order in which they are tried' }),
  longestWaitS: Type.Integer({
    description: 'Longest time for which the caller hears ringing, seconds',
    examples: [50]
  }),
  notes: Type.Array(Type.String(), { description: 'What else is good to know' })
}, { $id: 'RoutesTrial', description: 'What would become of a call' })
export type RoutesTrial = Static<typeof RoutesTrialSchema>

export const ROUTES_SCHEMAS = [RoutesProblemSchema, RoutesSchema, RoutesTrialRequestSchema, RoutesTrialSchema]

const REFUSALS = {
  ...INTERNAL_ERROR,
  ...OPERATORS_ONLY,
  401: ErrorReply('No valid token'),
  404: ErrorReply('The operator API is off'),
  429: ErrorReply('Too many requests from this address')
}

export const getRoutesSchema = {
  operationId: 'getRoutes',
  tags: ['operators'],
  summary: 'The routes in force',
  security: OPERATOR_SECURITY,
  response: { 200: Shared<RoutesView>('Routes'), ...REFUSALS }
}

export const testRoutesSchema = {
  operationId: 'testRoutes',
  tags: ['operators'],
  summary: 'What would become of a call',
  description: 'The same as `bridge routes test`, with the routes in force. Nobody is called.',
  security: OPERATOR_SECURITY,
  body: Shared<RoutesTrialRequest>('RoutesTrialRequest'),
  response: {
    200: Shared<RoutesTrial>('RoutesTrial'),
    400: ErrorReply('The body is wrong. The message says what'),
    413: ErrorReply('Larger than 32 KiB'),
    415: ErrorReply('The body is not JSON'),
    ...REFUSALS
  }
}
