import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { DoctorRuns } from '../src/doctor-runs.ts'
import { SEVERITIES } from '../src/finding.ts'
import type { FindingCode } from '../src/finding-codes.ts'
import { BYE, EventStream, PROBLEM } from '../src/live/event-stream.ts'
import { STREAM_HEADERS } from '../src/live/server-sent.ts'
import { loggedError } from '../src/log-error.ts'
import {
  ErrorReply,
  EventStreamReply,
  INTERNAL_ERROR,
  OPERATOR_SECURITY,
  OPERATORS_ONLY,
  Shared
} from '../src/schemas.ts'

const SeveritySchema = Type.Enum([...SEVERITIES], { type: 'string' })

const FindingSchema = Type.Object({
  // Not listed: there are many, and every release may add some.
  code: Type.Unsafe<FindingCode>(
    Type.String({
      description: 'Stable; docs/troubleshooting.md says more of each',
      examples: ['trunk-ringing-timeout']
    })
  ),
  severity: SeveritySchema,
  seen: Type.String({
    description: 'What was seen',
    examples: ['Inbound trunk ST_abc: ringing_timeout is "30s", should be "55s"']
  }),
  todo: Type.Optional(Type.String({ description: 'What to do about it' })),
  command: Type.Optional(Type.String({ description: 'The command that does it', examples: ['bridge doctor --fix'] }))
})

const DoctorReportSchema = Type.Object({
  at: Type.String({ format: 'date-time', description: 'When the checks began' }),
  summary: Type.Object(
    { ok: Type.Integer(), warning: Type.Integer(), failed: Type.Integer(), skipped: Type.Integer() },
    { description: 'How many checks ended in which way' }
  ),
  checks: Type.Array(Type.Object({
    name: Type.String({ examples: ['trunk-and-rule'] }),
    title: Type.String({ description: 'What was asked' }),
    status: Type.Enum([...SEVERITIES], { type: 'string', description: 'The worst of the findings' }),
    findings: Type.Array(FindingSchema),
    ms: Type.Integer({ description: 'How long it took, milliseconds' })
  }))
}, { $id: 'DoctorReport', description: 'What stands in the way of calls' })
type DoctorReportView = Static<typeof DoctorReportSchema>

const REFUSALS = {
  ...INTERNAL_ERROR,
  ...OPERATORS_ONLY,
  401: ErrorReply('No valid token'),
  404: ErrorReply('The operator API is off'),
  429: ErrorReply('Too many requests from this address')
}

/** What stands in the way of calls, for operators: the read-only checks of `bridge doctor`, each bounded in time. */
const doctor: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, rooms, clock, routesFile: routes, secretOf, draining, warmPools } = fastify
  const runs = new DoctorRuns({
    clock,
    contextWith: make => make(settings, { rooms, clock, routes, secretOf, pools: () => warmPools.views() })
  })
  const streams = new Set<EventStream>()

  fastify.addSchema(DoctorReportSchema)
  draining.onDrain(() => {
    for (const stream of streams) stream.last('bye', BYE)
  })
  fastify.addHook('preClose', async () => runs.close())

  fastify.get('/doctor', {
    config: { operation: 'doctor' },
    schema: {
      operationId: 'doctor',
      tags: ['operators'],
      summary: 'What stands in the way of calls',
      description:
        'The checks of `bridge doctor` that change nothing and call nobody, run now. It takes as long as the ' +
        'slowest of them, at most half a minute; requests that come meanwhile get the same answer.',
      security: OPERATOR_SECURITY,
      response: { 200: Shared<DoctorReportView>('DoctorReport'), ...REFUSALS }
    }
  }, () => runs.join().report)

  fastify.get('/doctor/stream', {
    config: { operation: 'stream-doctor' },
    exposeHeadRoute: false,
    schema: {
      operationId: 'streamDoctor',
      tags: ['operators'],
      summary: 'What stands in the way of calls, check by check',
      description: STREAM_DESCRIPTION,
      security: OPERATOR_SECURITY,
      response: { 200: EventStreamReply('event: check\ndata: {"name":"livekit-api","status":"ok"}\n\n'), ...REFUSALS }
    }
  }, async (request, reply) => {
    const stream = new EventStream(clock)
    streams.add(stream)
    stream.once('close', () => streams.delete(stream))
    reply.raw.once('close', () => stream.destroy())
    if (draining.active) stream.last('bye', BYE)
    else watch(stream, error => request.log.error({ error: loggedError(error) }, 'doctor'))
    return reply.headers(STREAM_HEADERS).send(stream as never)
  })

  function watch (stream: EventStream, failed: (error: unknown) => void): void {
    const { report, leave } = runs.join(({ event, data }) => stream.event(event, data))
    stream.once('close', () => {
      leave()
      streams.delete(stream)
    })
    report.then(report => stream.last('report', report), error => {
      failed(error)
      stream.last('problem', PROBLEM)
    })
  }
}

const STREAM_DESCRIPTION = `The same checks as server-sent events, each with JSON as its data. A client that comes while
checks run joins them, and gets at once what has ended.

- \`begin\`: \`{ at, checks: [{ name, title }] }\`, the checks that run.
- \`check\`: a check that has ended, as it stands in \`checks\` of the report.
- \`report\`: the whole report, and the end.
- \`problem\`: \`{ code, message }\`, and the end: something went wrong here.
- \`bye\`: \`{ reason, retryMs }\`, and the end: the bridge ends. Another replica can be asked after that time.`

export default doctor
