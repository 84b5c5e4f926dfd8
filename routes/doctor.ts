import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { SEVERITIES } from '../src/finding.ts'
import type { FindingCode } from '../src/finding-codes.ts'
import { ErrorReply, INTERNAL_ERROR, OPERATOR_SECURITY, OPERATORS_ONLY, Shared } from '../src/schemas.ts'

const SeveritySchema = Type.Enum([...SEVERITIES], { type: 'string' })

const FindingSchema = Type.Object({
  // Not listed: there are many, and every release may add some.
  code: Type.Unsafe<FindingCode>(
    Type.String({
      description: 'Stable; docs/troubleshooting.md says more of each',
      examples: ['trunk-ringing-timeout']
    })
  ),
  severity: SeveritySchema,
  seen: Type.String({
    description: 'What was seen',
    examples: ['Inbound trunk ST_abc: ringing_timeout is "30s", should be "55s"']
  }),
  todo: Type.Optional(Type.String({ description: 'What to do about it' })),
  command: Type.Optional(Type.String({ description: 'The command that does it', examples: ['bridge doctor --fix'] }))
})

const DoctorReportSchema = Type.Object({
  at: Type.String({ format: 'date-time', description: 'When the checks began' }),
  summary: Type.Object(
    { ok: Type.Integer(), warning: Type.Integer(), failed: Type.Integer(), skipped: Type.Integer() },
    { description: 'How many checks ended in which way' }
  ),
  checks: Type.Array(Type.Object({
    name: Type.String({ examples: ['trunk-and-rule'] }),
    title: Type.String({ description: 'What was asked' }),
    status: Type.Enum([...SEVERITIES], { type: 'string', description: 'The worst of the findings' }),
    findings: Type.Array(FindingSchema),
    ms: Type.Integer({ description: 'How long it took, milliseconds' })
  }))
}, { $id: 'DoctorReport', description: 'What stands in the way of calls' })
type DoctorReportView = Static<typeof DoctorReportSchema>

/** What stands in the way of calls, for operators: the read-only checks of `bridge doctor`, each bounded in time. */
const doctor: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, rooms, clock, routesFile: routes, secretOf } = fastify
  const closing = new AbortController()
  let running: Promise<DoctorReportView> | undefined

  fastify.addSchema(DoctorReportSchema)
  fastify.addHook('preClose', async () => {
    closing.abort()
  })

  /** A request that comes while checks run gets their result. */
  function report (): Promise<DoctorReportView> {
    running ??= look().finally(() => {
      running = undefined
    })
    return running
  }

  async function look (): Promise<DoctorReportView> {
    const at = new Date(clock.now()).toISOString()
    const { CHECKS, countStatuses, doctorContext, runChecks } = await loadDoctor()
    // Checks that change nothing anywhere and call nobody.
    const readOnly = CHECKS.filter(check => check.readOnly)
    const context = doctorContext(settings, { rooms, clock, routes, secretOf })
    const checks = await runChecks(readOnly, context, { signal: closing.signal })
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
        'slowest of them, at most half a minute; requests that come meanwhile get the same answer.',
      security: OPERATOR_SECURITY,
      response: {
        200: Shared<DoctorReportView>('DoctorReport'),
        ...INTERNAL_ERROR,
        ...OPERATORS_ONLY,
        401: ErrorReply('No valid token'),
        404: ErrorReply('The operator API is off'),
        429: ErrorReply('Too many requests from this address')
      }
    }
  }, report)
}

/** The checks bring a SIP stack and RTP with them, so a service whose operators never ask does not load them. */
async function loadDoctor () {
  const [{ CHECKS }, { doctorContext }, { countStatuses, runChecks }] = await Promise.all([
    import('../src/doctor/checks.ts'),
    import('../src/doctor/context.ts'),
    import('../src/doctor/run.ts')
  ])
  return { CHECKS, countStatuses, doctorContext, runChecks }
}

export default doctor
