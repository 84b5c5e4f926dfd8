import { STRATEGIES } from '../calls/fold/way.ts'
import { Type, type Static } from 'typebox'
import { CAUSES, ENDED_BY, WAITING_ON } from '../calls/fold/vocabulary.ts'
import type { Diagnosis } from './diagnose.ts'
import { QUESTIONS } from './questions.ts'
import { SIGNALS, type Evidence } from './signals/evidence.ts'

/*
 * A diagnosis as operators get it. Times are ISO 8601 in UTC with milliseconds.
 */

const Time = Type.String({ format: 'date-time', examples: ['2026-11-21T10:15:30.123Z'] })

const EvidenceSchema = Type.Object({
  signal: Type.Enum([...SIGNALS], { type: 'string' }),
  at: Time,
  last: Type.Optional(Time),
  count: Type.Optional(Type.Integer()),
  seen: Type.String({ examples: ['agent leg failed 401 Unauthorized'] }),
  shows: Type.String({ examples: ['the user name or password of the trunk is wrong'] })
})

const NextStepSchema = Type.Object({
  todo: Type.String(),
  command: Type.Optional(Type.String({ examples: ['bridge provision --plan'] }))
})

const Cause = Type.Enum([...CAUSES], { type: 'string' })

export const DiagnosisSchema = Type.Object({
  callSid: Type.String(),
  route: Type.Optional(Type.String({ description: 'Route of the routes file that the call matched' })),
  cause: Type.Optional(Type.Enum([...CAUSES], { type: 'string', description: 'Absent while the call is under way' })),
  by: Type.Optional(Type.Enum([...ENDED_BY], { type: 'string' })),
  waitingOn: Type.Enum([...WAITING_ON], { type: 'string' }),
  sipStatus: Type.Optional(Type.Integer({ examples: [401] })),
  severity: Type.Enum(['ok', 'warning', 'failed'], { type: 'string' }),
  summary: Type.String({
    description: 'How the call ended, behind a sentence that names its attempts where there were several',
    examples: ["LiveKit's trunk refused the user name or password (401)."]
  }),
  meaning: Type.Optional(Type.String({ description: 'What the cause means in general' })),
  evidence: Type.Array(EvidenceSchema, { description: 'What decides, in the order of time' }),
  answers: Type.Array(Type.Object({
    id: Type.Enum(Object.keys(QUESTIONS), { type: 'string' }),
    question: Type.String({ examples: ['Was the INVITE sent?'] }),
    answer: Type.Enum(['yes', 'no', 'unknown', 'because'], { type: 'string' }),
    says: Type.String()
  })),
  nextSteps: Type.Array(NextStepSchema),
  notToldApart: Type.Array(Type.String(), { description: 'What else would look the same in this call' }),
  earlierAttempts: Type.Array(Type.Object({
    attempt: Type.Integer(),
    strategy: Type.Enum([...STRATEGIES], { type: 'string' }),
    cause: Cause,
    summary: Type.String(),
    evidence: Type.Array(EvidenceSchema),
    nextSteps: Type.Array(NextStepSchema)
  }))
}, { $id: 'Diagnosis', description: 'Why a call ended as it did, or what it waits for' })
export type DiagnosisView = Static<typeof DiagnosisSchema>

/** A diagnosis with its times written out. */
export const presentDiagnosis = (diagnosis: Diagnosis): DiagnosisView => ({
  ...diagnosis,
  evidence: diagnosis.evidence.map(presentEvidence),
  earlierAttempts: diagnosis.earlierAttempts.map(attempt => ({
    ...attempt,
    evidence: attempt.evidence.map(presentEvidence)
  }))
})

const presentEvidence = ({ at, last, ...evidence }: Evidence): DiagnosisView['evidence'][number] => ({
  ...evidence,
  at: new Date(at).toISOString(),
  ...(last === undefined ? {} : { last: new Date(last).toISOString() })
})
