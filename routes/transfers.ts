import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import ignoreBodies from '../plugins/ignore-bodies.ts'
import { translateBodyErrors } from '../src/body-errors.ts'
import type { Call } from '../src/calls/fold/call.ts'
import { findTransfer, transfersOf, type Transfer } from '../src/calls/fold/transfers.ts'
import { presentTransfer, type TransferView } from '../src/calls/transfer-view.ts'
import { CallNotFoundError } from '../src/errors.ts'
import { loggedError } from '../src/log-error.ts'
import { ownCall } from '../src/own-call.ts'
import {
  beginTransferSchema,
  cancelTransferSchema,
  checkTransferSchema,
  completeTransferSchema,
  getTransferSchema,
  listTransfersSchema
} from '../src/transfer-schemas.ts'
import { bodyProblem, checkBody } from '../src/transfers/check-body.ts'
import { TransferBodyError } from '../src/transfers/errors.ts'
import { Transfers, transferOf, type AskedCall } from '../src/transfers/transfers.ts'
import { Waits } from '../src/transfers/waits.ts'

/** Largest request, bytes. */
const LARGEST_BODY = 16 * 1024
const NOT_JSON = 'The body is not JSON, or has properties that no JSON object may have.'

/**
 * Transfers of callers to people. A key of CALLERS transfers the calls that it ordered, an agent its own call. The
 * routes of a transfer work under the call of the person as well: the agent that consults them knows no other one.
 * Needs `calls`, `callChanges`, `runner`, `outbound`, `numberGate`, `routesFile`, `draining`, `clock` and `settings`.
 */
const transfers: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, calls, callChanges, runner, outbound, numberGate, routesFile, draining, clock } = fastify
  const service = new Transfers({
    calls,
    outbound,
    gate: numberGate,
    routes: routesFile,
    defaults: {
      agent: settings.LIVEKIT_AGENT_NAME,
      longestS: settings.MAX_CALL_DURATION_S,
      ringS: settings.DIAL_TIMEOUT_S
    },
    callControl: settings.JAMBONZ_API_KEY !== undefined,
    clock,
    isDraining: () => draining.active
  })
  const waits = new Waits({ calls, changes: callChanges, clock })
  draining.onDrain(() => waits.end())

  fastify.removeContentTypeParser('text/plain')
  fastify.setErrorHandler(translateBodyErrors(`${LARGEST_BODY / 1024} KiB`, () => new TransferBodyError(NOT_JSON)))

  fastify.post('/calls/:callSid/transfers', {
    config: { operation: 'begin-transfer', forCallers: true, forAgents: true },
    schema: beginTransferSchema,
    bodyLimit: LARGEST_BODY,
    schemaErrorFormatter: ([problem]) => new TransferBodyError(bodyProblem(problem!))
  }, async (request, reply) => {
    const { body, query } = request
    checkBody(body)
    const holder = request.keyHolder!
    const call = await ownCall(calls, request.params.callSid, holder)
    const key = request.headers['idempotency-key']
    const { replayed, ...asked } = await service.begin(call, {
      body,
      requestedBy: holder.name,
      ...(key === undefined ? {} : { key })
    })
    if (replayed) reply.header('idempotent-replayed', 'true')
    return answer(request, reply, asked, query.wait)
  })

  fastify.post('/calls/:callSid/transfers/check', {
    config: { operation: 'check-transfer', changesNothing: true },
    schema: checkTransferSchema,
    bodyLimit: LARGEST_BODY,
    schemaErrorFormatter: ([problem]) => new TransferBodyError(bodyProblem(problem!))
  }, async request => {
    const { body, params: { callSid } } = request
    checkBody(body)
    const call = await ownCall(calls, callSid, request.keyHolder!)
    try {
      return { allowed: true, ...await service.check(call, body) }
    } catch (error) {
      return verdictOf(error)
    }
  })

  await fastify.register(async scope => {
    await scope.register(ignoreBodies)

    scope.get('/calls/:callSid/transfers', {
      config: { operation: 'list-transfers', forCallers: true, forAgents: true },
      schema: listTransfersSchema
    }, async request => {
      const { callSid } = request.params as { callSid: string }
      const known = await ownCall(calls, callSid, request.keyHolder!)
      const purpose = known.order?.transfer
      if (!purpose) return { transfers: transfersOf(known).map(presentTransfer) }

      const call = await calls.find(purpose.callSid)
      const transfer = call && findTransfer(call, purpose.id)
      return { transfers: transfer ? [presentTransfer(transfer)] : [] }
    })

    scope.get('/calls/:callSid/transfers/:id', {
      config: { operation: 'get-transfer', forCallers: true, forAgents: true },
      schema: getTransferSchema
    }, async (request, reply) => {
      const { id } = request.params as OfTransfer
      const { wait, state } = request.query as Waiting & { state?: string }
      const call = await callOf(request)
      const isNews = (transfer: Transfer) => state !== undefined && presentTransfer(transfer).state !== state
      return waited(reply, { call, transfer: transferOf(call, id) }, wait, isNews)
    })

    scope.post('/calls/:callSid/transfers/:id/complete', {
      config: { operation: 'complete-transfer', forCallers: true, forAgents: true },
      schema: completeTransferSchema
    }, async (request, reply) => {
      const { id } = request.params as OfTransfer
      const asked = await service.complete(await callOf(request), id, request.keyHolder!.name)
      const { wait } = request.query as Waiting
      return answer(request, reply, asked, wait, ({ state }) => state !== 'completing')
    })

    scope.post('/calls/:callSid/transfers/:id/cancel', {
      config: { operation: 'cancel-transfer', forCallers: true, forAgents: true },
      schema: cancelTransferSchema
    }, async (request, reply) => {
      const { id } = request.params as OfTransfer
      const asked = await service.cancel(await callOf(request), id, request.keyHolder!.name)
      return answer(request, reply, asked, (request.query as Waiting).wait)
    })
  })

  /** The call of the caller: also where the request names that of the person. */
  async function callOf (request: FastifyRequest): Promise<Call> {
    const { callSid, id } = request.params as OfTransfer
    const known = await ownCall(calls, callSid, request.keyHolder!)
    const purpose = known.order?.transfer
    if (purpose?.id !== id) return known

    const call = await calls.find(purpose.callSid)
    if (!call) throw new CallNotFoundError(purpose.callSid)
    return call
  }

  /** Has done what the call now owes, and answers with the transfer. */
  async function answer (
    request: FastifyRequest,
    reply: FastifyReply,
    asked: AskedCall,
    waitS: number | undefined,
    isNews?: (transfer: Transfer) => boolean
  ) {
    const { callSid } = asked.call
    request.callSid = callSid
    if (waitS !== undefined) {
      // What is waited for would not happen before the reply.
      runner.run(callSid).catch(error => request.log.error({ callSid, error: loggedError(error) }, 'duties'))
    }
    return reply.code(202).send(await waited(reply, asked, waitS, isNews))
  }

  /** The transfer as it is in the end, or when the time is over. */
  async function waited (
    reply: FastifyReply,
    { call, transfer }: AskedCall,
    waitS = 0,
    isNews: (transfer: Transfer) => boolean = () => false
  ): Promise<TransferView> {
    const id = transfer.request!.id
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const isWanted = (call: Call) => {
      const latest = findTransfer(call, id)
      return latest === undefined || latest.outcome !== undefined || isNews(latest)
    }
    const latest = await waits.until(call, waitS * 1000, isWanted, gone.signal)
    return presentTransfer(findTransfer(latest, id) ?? transfer)
  }
}

/** What refuses a transfer is the answer to the question. What is wrong with the question, or with us, is not. */
const REFUSALS: ReadonlySet<number | undefined> = new Set([403, 409, 429, 501])

/** @throws the error itself, where it does not refuse the transfer */
function verdictOf (error: unknown): { allowed: false, code: string, message: string } {
  const { statusCode, code, message } = error as FastifyError
  if (!REFUSALS.has(statusCode)) throw error
  return { allowed: false, code, message }
}

interface OfTransfer {
  callSid: string
  id: string
}

interface Waiting {
  /** Seconds. */
  wait?: number
}

export default transfers
