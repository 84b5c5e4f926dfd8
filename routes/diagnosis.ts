import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { diagnose } from '../src/diagnosis/diagnose.ts'
import { DiagnosisSchema, presentDiagnosis, type DiagnosisView } from '../src/diagnosis/diagnosis-view.ts'
import { CallNotFoundError } from '../src/errors.ts'
import { CallParams } from '../src/operator-schemas.ts'
import { ErrorReply, INTERNAL_ERROR, OPERATOR_SECURITY, OPERATORS_ONLY, Shared } from '../src/schemas.ts'

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
        'The cause, the evidence for it, answers to common questions, next steps, and what could not be told apart. ' +
        'For a call that has not ended: what it waits for.',
      security: OPERATOR_SECURITY,
      params: CallParams,
      response: {
        200: Shared<DiagnosisView>('Diagnosis'),
        ...INTERNAL_ERROR,
        ...OPERATORS_ONLY,
        401: ErrorReply('No valid token'),
        404: ErrorReply('No such call, or the operator API is off'),
        429: ErrorReply('Too many requests from this address'),
        503: ErrorReply('The store of calls cannot be used now')
      }
    }
  }, async request => {
    const { callSid } = request.params
    const call = await fastify.calls.find(callSid)
    if (!call) throw new CallNotFoundError(callSid)
    return presentDiagnosis(diagnose(call))
  })
}

export default diagnosis
