import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { diagnose } from '../src/diagnosis/diagnose.ts'
import { DiagnosisSchema, presentDiagnosis, type DiagnosisView } from '../src/diagnosis/diagnosis-view.ts'
import { CallNotFoundError } from '../src/errors.ts'
import { ErrorReply, INTERNAL_ERROR, OPERATOR_SECURITY, Shared } from '../src/schemas.ts'

/** Why a call ended, for operators. */
const diagnosis: FastifyPluginAsyncTypebox = async fastify => {
  fastify.addSchema(DiagnosisSchema)

  fastify.get('/calls/:callSid/diagnosis', {
    config: { operation: 'diagnose-call' },
    schema: {
      operationId: 'diagnoseCall',
      tags: ['operators'],
      summary: 'Why a call ended',
      description:
        'Cause, evidence, answers to what people ask, next steps, and what could not be told apart. Of a call under ' +
        'way: what it waits for.',
      security: OPERATOR_SECURITY,
      params: Type.Object({
        callSid: Type.String({
          description: "The A leg's call_sid",
          examples: ['d00d8a36-93f1-4a61-b3df-98751116d97a']
        })
      }),
      response: {
        200: Shared<DiagnosisView>('Diagnosis'),
        ...INTERNAL_ERROR,
        401: ErrorReply('No valid token'),
        404: ErrorReply('No such call, or the operator API is off'),
        429: ErrorReply('Too many requests from this address'),
        503: ErrorReply('The store of calls cannot be used now')
      }
    }
  }, async request => {
    const { callSid } = request.params
    const call = await fastify.registry.get(callSid)
    if (!call) throw new CallNotFoundError(callSid)
    return presentDiagnosis(diagnose(call))
  })
}

export default diagnosis
