import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyError } from 'fastify'
import { Type } from 'typebox'
import { translateBodyErrors } from '../src/body-errors.ts'
import { DrainingError, ProbeBodyError, withExtras } from '../src/errors.ts'
import { BYE, EventStream, PROBLEM } from '../src/live/event-stream.ts'
import { STREAM_HEADERS } from '../src/live/server-sent.ts'
import { loggedError } from '../src/log-error.ts'
import { ProbeRuns, type ProbeRequest } from '../src/probe-runs.ts'
import {
  codes,
  ErrorReply,
  EventStreamReply,
  INTERNAL_ERROR,
  OPERATOR_SECURITY,
  OPERATORS_ONLY,
  Shared
} from '../src/schemas.ts'

/** Largest request, bytes. */
const LARGEST_BODY = 4 * 1024

const ProbeRequestSchema = Type.Object({
  agent: Type.Optional(Type.String({
    minLength: 1,
    maxLength: 255,
    description: 'Agent of the room that the probe makes. Default: LIVEKIT_AGENT_NAME. Not with `to` or `options`',
    examples: ['my-agent']
  })),
  to: Type.Optional(Type.String({
    pattern: '^[A-Za-z0-9_.+-]+$',
    maxLength: 64,
    description:
      'SIP user or number that is called at LIVEKIT_SIP_HOST, instead of the token of a new room. Trunks and rules ' +
      'decide who answers',
    examples: ['+15551230000']
  })),
  transport: Type.Optional(Type.Enum(['udp', 'tcp', 'tls'], {
    type: 'string',
    description: 'Instead of LIVEKIT_SIP_TRANSPORT'
  })),
  seconds: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: 120,
    default: 5,
    description: 'How long to listen after the answer'
  })),
  options: Type.Optional(Type.Boolean({ description: 'Only send SIP OPTIONS, whose answer proves little' }))
}, { $id: 'ProbeRequest', additionalProperties: false, description: 'What is probed. All may be left out' })

const DESCRIPTION = `A SIP call to LiveKit as Jambonz would make it, but without Jambonz, as with \`bridge probe\`. It
makes a room with the agent, dials the room's token, sends silence, listens, hangs up and deletes the room. Only the
LiveKit project of this bridge is called. The reply is a stream of server-sent events, each with JSON as its data.

- \`step\`: \`{ seq, at, ms, from, to, via, what, count }\`, a row of the ladder. A row that comes again has the same
  \`seq\` and a larger \`count\`.
- \`result\`: \`{ uri, transport, room, codec, audio, timings, findings, notProven, failed }\`, and the end.
- \`problem\`: \`{ code, message }\`, and the end: something went wrong here.

The probe hangs up early when the client goes away or the bridge ends. One runs at a time in each process.`

/** Probe calls, for operators. Needs `settings`, `rooms`, `clock` and `draining`. */
const probe: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, rooms, clock, draining } = fastify
  const runs = new ProbeRuns({ settings, rooms, clock })

  fastify.addSchema(ProbeRequestSchema)
  fastify.removeContentTypeParser('text/plain')
  fastify.setErrorHandler(translateBodyErrors(`${LARGEST_BODY / 1024} KiB`, () => new ProbeBodyError('it is not JSON')))
  draining.onDrain(() => runs.interrupt())
  // Its room is deleted before the process ends.
  fastify.addHook('onClose', () => runs.close())

  fastify.post('/probe', {
    config: { operation: 'probe' },
    bodyLimit: LARGEST_BODY,
    schemaErrorFormatter: ([problem]) => new ProbeBodyError(`${problem!.instancePath} ${problem!.message}`.trim()),
    schema: {
      operationId: 'probe',
      tags: ['operators'],
      summary: 'Call LiveKit, without Jambonz',
      description: DESCRIPTION,
      security: OPERATOR_SECURITY,
      body: Shared<ProbeRequest>('ProbeRequest'),
      response: {
        200: EventStreamReply('event: step\ndata: {"seq":0,"from":"bridge","to":"livekit","what":"INVITE"}\n\n'),
        400: codes('The body is wrong', 'PROBE_BODY'),
        ...INTERNAL_ERROR,
        ...OPERATORS_ONLY,
        401: ErrorReply('No valid token'),
        404: ErrorReply('The operator API is off'),
        409: codes('Another probe is under way in this process', 'PROBE_RUNS'),
        413: codes('The body is larger than 4 KiB', 'BODY_TOO_LARGE'),
        415: codes('The body is not JSON', 'NOT_JSON'),
        429: ErrorReply('Too many requests from this address'),
        503: codes('The bridge is about to end', 'DRAINING')
      }
    }
  }, async (request, reply) => {
    const { body } = request
    assertUsable(body)
    if (draining.active) throw withExtras(new DrainingError(), { retryInMs: BYE.retryMs })
    runs.assertFree()

    const stream = new EventStream(clock)
    reply.raw.once('close', () => {
      stream.destroy()
    })
    const probed = runs.run(body, row => stream.event('step', row))
    let isOver = false
    probed.then(result => stream.last('result', result), (error: FastifyError) => {
      request.log.error({ operation: 'probe', error: loggedError(error) }, 'operation failed')
      stream.last('problem', PROBLEM)
    }).finally(() => {
      isOver = true
    })
    stream.once('close', () => {
      if (!isOver) runs.interrupt()
    })
    return reply.headers(STREAM_HEADERS).send(stream as never)
  })
}

/** @throws {ProbeBodyError} */
function assertUsable ({ agent, to, options }: ProbeRequest): void {
  if (agent !== undefined && (to !== undefined || options)) {
    throw new ProbeBodyError('agent is for the room that the probe makes, so it does not go with to or options')
  }
  if (to !== undefined && options) throw new ProbeBodyError('to does not go with options')
}

export default probe
