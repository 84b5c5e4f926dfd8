import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CHECKS } from '../src/doctor/checks.ts'
import { doctorContext } from '../src/doctor/context.ts'
import { DoctorReportSchema, type DoctorReportView } from '../src/doctor/report-view.ts'
import { countStatuses, runChecks } from '../src/doctor/run.ts'
import { ErrorReply, INTERNAL_ERROR, OPERATOR_SECURITY, Shared } from '../src/schemas.ts'

/** Checks that change nothing anywhere and call nobody. */
const READ_ONLY = CHECKS.filter(({ readOnly }) => readOnly)

/** What stands in the way of calls, for operators: the read-only checks of `bridge doctor`, each bounded in time. */
const doctor: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, rooms, clock } = fastify
  const closing = new AbortController()
  let running: Promise<DoctorReportView> | undefined

  fastify.addSchema(DoctorReportSchema)
  fastify.addHook('preClose', async () => {
    closing.abort()
  })

  /** Whoever asks while checks run gets the result of these. */
  function report (): Promise<DoctorReportView> {
    running ??= look().finally(() => {
      running = undefined
    })
    return running
  }

  async function look (): Promise<DoctorReportView> {
    const at = new Date(clock.now()).toISOString()
    const checks = await runChecks(READ_ONLY, doctorContext(settings, { rooms, clock }), { signal: closing.signal })
    return { at, summary: countStatuses(checks), checks }
  }

  fastify.get('/doctor', {
    config: { operation: 'doctor' },
    schema: {
      operationId: 'doctor',
      tags: ['operators'],
      summary: 'What stands in the way of calls',
      description:
        'The checks of `bridge doctor` that change nothing and call nobody, run now. It takes as long as the ' +
        'slowest of them, at most half a minute; whoever asks meanwhile gets the same answer.',
      security: OPERATOR_SECURITY,
      response: {
        200: Shared<DoctorReportView>('DoctorReport'),
        ...INTERNAL_ERROR,
        401: ErrorReply('No valid token'),
        404: ErrorReply('The operator API is off'),
        429: ErrorReply('Too many requests from this address')
      }
    }
  }, report)
}

export default doctor
