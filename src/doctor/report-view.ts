import { Type, type Static } from 'typebox'
import { SEVERITIES } from '../finding.ts'
import type { FindingCode } from '../finding-codes.ts'

/*
 * What the doctor found, as operators get it.
 */

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

export const DoctorReportSchema = Type.Object({
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
export type DoctorReportView = Static<typeof DoctorReportSchema>
