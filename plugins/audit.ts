import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { callOfRequest } from '../src/call-of-request.ts'
import { CallNotFoundError } from '../src/errors.ts'
import type { KeyHolder } from '../src/keyring.ts'
import { loggedError } from '../src/log-error.ts'
import { ownCall } from '../src/own-call.ts'

/**
 * Every change that somebody asks for over the operator API is a line of the log: who, what, of which call, and whether
 * it was allowed. A refusal is an event of the call as well; what is allowed becomes one where it is done. Lines have
 * no phone numbers and nothing of a body. Needs `calls` and `clock`.
 */
export default fp(async fastify => {
  const { calls, clock } = fastify

  // Not when the reply is out: a client that goes away early asked for the change all the same.
  fastify.addHook('onSend', async (request, reply) => {
    const { keyHolder: holder, method, routeOptions: { config } } = request
    if (!holder || method === 'GET' || method === 'HEAD' || config.changesNothing) return
    if (!isRefusal(request, reply)) {
      log(request, reply, holder, callOfRequest(request, reply))
      return
    }
    note(request, holder).then(callSid => log(request, reply, holder, callSid), error => {
      log(request, reply, holder, undefined)
      fastify.log.warn({ operation: 'audit', error: loggedError(error) }, 'operation failed')
    })
  })

  function log (
    { operator, errorCode, routeOptions: { config: { operation } } }: FastifyRequest,
    { statusCode: status }: FastifyReply,
    { name, role }: KeyHolder,
    callSid: string | undefined
  ): void {
    fastify.log.info({
      operation,
      by: name,
      role,
      tokenId: operator?.tokenId,
      ...(callSid === undefined ? {} : { callSid }),
      status,
      allowed: !refuses(status, errorCode),
      ...(errorCode === null ? {} : { code: errorCode })
    }, 'operator change')
  }

  /** Adds a refusal to the events of the call that it is about. @returns the call, if the holder may know of it */
  async function note (request: FastifyRequest, holder: KeyHolder): Promise<string | undefined> {
    const { params, errorCode, routeOptions: { config: { operation } } } = request
    const named = (params as { callSid?: string }).callSid ?? holder.callSid
    if (named === undefined) return undefined
    try {
      const { callSid } = await ownCall(calls, named, holder)
      await calls.apply(callSid, {
        kind: 'refused',
        operation: operation!,
        by: holder.name,
        code: errorCode!,
        at: clock.now()
      })
      return callSid
    } catch (error) {
      if (error instanceof CallNotFoundError) return undefined
      throw error
    }
  }
}, { name: 'audit', dependencies: ['operator-auth', 'call-registry'] })

const isRefusal = ({ errorCode }: FastifyRequest, { statusCode }: FastifyReply): boolean =>
  refuses(statusCode, errorCode)

/** Whether the role of the key or the number policy stands in the way, and not the state of things. */
const refuses = (status: number, code: string | null): boolean => status === 403 || code === 'BRIDGE_CAP_REACHED'
