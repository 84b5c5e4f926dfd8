import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { translateBodyErrors } from '../src/body-errors.ts'
import { Digits } from '../src/calls/digits.ts'
import type { Call } from '../src/calls/fold/call.ts'
import { latestPerson } from '../src/calls/fold/transfers.ts'
import { sendDigitsSchema } from '../src/dtmf-schemas.ts'
import {
  CallEndedError,
  DigitsBodyError,
  NoDigitsError,
  NoPersonError,
  NotAnsweredError,
  StoreUnavailableError
} from '../src/errors.ts'
import { ownCall } from '../src/own-call.ts'

/** Largest body, bytes. */
const LARGEST_BODY = 1024

/**
 * Sends key presses to the phone. They may be a card number, so they are never logged. Needs `calls`, `jambonzRest` and
 * `clock`.
 */
const dtmf: FastifyPluginAsyncTypebox = async fastify => {
  const { calls, clock, jambonzRest: { digits: sender } } = fastify
  const digits = sender && new Digits({ sender, clock })

  fastify.removeContentTypeParser('text/plain')
  fastify.setErrorHandler(translateBodyErrors('1 KiB', () => new DigitsBodyError('it is not JSON')))

  fastify.post('/calls/:callSid/dtmf', {
    config: { operation: 'send-digits', forCallers: true, forAgents: true },
    schema: sendDigitsSchema,
    bodyLimit: LARGEST_BODY,
    schemaErrorFormatter: ([problem]) => new DigitsBodyError(`${problem!.instancePath} ${problem!.message}`.trim())
  }, async request => {
    const holder = request.keyHolder!
    const call = await ownCall(calls, request.params.callSid, holder)
    if (!digits) throw new NoDigitsError()
    const { body: { to, digits: wanted } } = request
    const leg = to === 'person' ? await personOf(call) : call
    assertAnswered(leg)
    digits.assertFree(leg.callSid)
    await calls.apply(call.callSid, {
      kind: 'digits',
      by: holder.name,
      ...(to === 'person' ? { to } : {}),
      at: clock.now()
    })
    return { callSid: call.callSid, sent: await digits.play(leg.callSid, wanted) }
  })

  /** The call of the person who was called for the caller of this one. */
  async function personOf (call: Call): Promise<Call> {
    const news = latestPerson(call)
    const person = news && await calls.find(news.callSid)
    if (!person) throw new NoPersonError(call.callSid)
    return person
  }
}

/** Jambonz would take the digits of a call that is not answered, and play none of them. */
function assertAnswered (call: Call): void {
  if (call.late) throw new StoreUnavailableError('the buffered events of this call are being handed over')
  if (call.phase === 'ended') throw new CallEndedError(call.callSid)
  if (!call.caller.answered && call.at.answered === undefined) throw new NotAnsweredError(call.callSid)
}

export default dtmf
