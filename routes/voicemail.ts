import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { cleanText } from '../src/clean-text.ts'
import { CallEndedError, NotOutboundError, VerdictBodyError } from '../src/errors.ts'
import { voicemailSchema } from '../src/operator-schemas.ts'
import { isAgent } from '../src/keyring.ts'
import { ownCall } from '../src/own-call.ts'

/** Largest verdict, bytes. */
const LARGEST_VERDICT = 1024

/** Takes what an agent found out of who answered. Needs `calls` and `clock`. */
const voicemail: FastifyPluginAsyncTypebox = async fastify => {
  const { calls, clock } = fastify

  fastify.removeContentTypeParser('text/plain')

  fastify.post('/calls/:callSid/voicemail', {
    config: { operation: 'voicemail', forCallers: true, forAgents: true },
    schema: voicemailSchema,
    bodyLimit: LARGEST_VERDICT,
    schemaErrorFormatter: ([problem]) =>
      new VerdictBodyError(`${problem!.instancePath} ${problem!.message}`.trim())
  }, async request => {
    const holder = request.keyHolder!
    const known = await ownCall(calls, request.params.callSid, holder)
    if (!known.order) throw new NotOutboundError(known.callSid)
    const { verdict, reason } = request.body
    const call = await calls.apply(known.callSid, {
      kind: 'voicemail',
      verdict,
      by: 'agent',
      ...(isAgent(holder) ? {} : { key: holder.name }),
      ...(reason === undefined ? {} : { reason: cleanText(reason) }),
      at: clock.now()
    })
    if (!call && known.phase === 'ended') throw new CallEndedError(known.callSid)

    request.callSid = known.callSid
    const stands = call?.voicemail ?? { verdict, by: 'agent' as const }
    return { callSid: known.callSid, verdict: stands.verdict, by: stands.by }
  })
}

export default voicemail
