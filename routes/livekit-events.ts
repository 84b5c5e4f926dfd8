import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { BODY_LIMIT } from '../plugins/jambonz-hooks.ts'
import { LiveKitSignatureError } from '../src/errors.ts'
import { createDoctorEcho } from '../src/livekit/doctor-echo.ts'
import { createRefusalReader } from '../src/livekit/event-refusal.ts'
import { fromWebhook } from '../src/livekit/events.ts'
import { ErrorReply, INTERNAL_ERROR } from '../src/schemas.ts'
import { packageVersion } from '../src/version.ts'

/** LiveKit's webhooks: what happens in the rooms of our calls. */
const livekitEvents: FastifyPluginAsyncTypebox = async fastify => {
  const { LIVEKIT_ROOM_PREFIX: roomPrefix, LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret } = fastify.settings
  const { rooms, clock } = fastify
  const doctors = createDoctorEcho({ rooms, roomPrefix, version: packageVersion(), now: () => clock.now() })
  const refusalOf = createRefusalReader(key, secret)

  const { refused, badInput } = fastify.metrics
  refused.inc({ operation: 'livekit-events' }, 0)
  badInput.inc({ operation: 'livekit-events' }, 0)

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(
    '*',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (_request, body, done) => done(null, body)
  )

  fastify.post('/livekit-events', {
    config: { operation: 'livekit-events' },
    schema: {
      operationId: 'livekitEvent',
      tags: ['livekit'],
      summary: 'Something happened in a room',
      description:
        'A webhook of LiveKit (`application/webhook+json`), verified over its raw body. Events about other rooms, ' +
        'and bodies that are no event, are accepted and counted.',
      security: [{ livekitJwt: [] }],
      body: {
        content: {
          'application/webhook+json': {
            schema: Type.Unknown({ description: 'A WebhookEvent (livekit/protocol livekit_webhook.proto)' })
          }
        }
      },
      response: {
        200: Type.Object({}, { description: 'Taken' }),
        401: ErrorReply('No valid JWT for this body'),
        413: ErrorReply('Larger than 256 KiB'),
        ...INTERNAL_ERROR
      }
    }
  }, async request => {
    const event = await verified(typeof request.body === 'string' ? request.body : '', request.headers.authorization)
    if (!event) {
      // LiveKit would send the same again after an error.
      badInput.inc({ operation: 'livekit-events' })
      return {}
    }
    if (doctors.heard(event)) return {}

    const known = fromWebhook(event)
    const whose = known && await fastify.calls.hear({ ...known, at: fastify.clock.now() }, event.room?.metadata)
    if (whose === undefined) fastify.metrics.unknownRooms.inc()
    else if (whose !== 'pool') request.callSid = whose.callSid
    return {}
  })

  async function verified (body: string, authorization: string | undefined) {
    try {
      return await fastify.receiveLiveKitEvent(body, authorization)
    } catch (error) {
      if (error instanceof LiveKitSignatureError) {
        refused.inc({ operation: 'livekit-events' })
        doctors.refused(body, () => refusalOf(body, authorization))
      }
      throw error
    }
  }
}

export default livekitEvents
