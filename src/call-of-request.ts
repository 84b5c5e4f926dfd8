import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * The call that a request to the operator API was about. Unless the reply proves that there is such a call, the text in
 * the path may be anything, a phone number too.
 */
export function callOfRequest (request: FastifyRequest, { statusCode }: FastifyReply): string | undefined {
  const { callSid, operator, params } = request
  if (callSid) return callSid
  const provesCall = statusCode < 400 || statusCode === 409 || statusCode === 501
  return operator && provesCall ? (params as { callSid?: string } | undefined)?.callSid : undefined
}
