import { Type, type Static } from 'typebox'
import { startOf } from './attempt-start.ts'
import type { Attempt, Call } from './fold/call.ts'
import { CAUSES } from './fold/vocabulary.ts'
import { COLD_REASONS } from './fold/warm.ts'
import { STRATEGIES } from './fold/way.ts'
import { iso, times } from './view-times.ts'

/*
 * What operators see of an attempt.
 */

/** `roomMade`: of a room that was made before its call. */
const ATTEMPT_TIMES = [
  'roomMade',
  'opened',
  'replied',
  'dialing',
  'ringing',
  'agentJoined',
  'agentAudio',
  'answered',
  'ended'
] as const

export const AttemptSchema = Type.Object({
  attempt: Type.Integer({ examples: [1] }),
  strategy: Type.Enum([...STRATEGIES], { type: 'string', description: 'The way that was tried' }),
  room: Type.Optional(Type.String({ description: 'LiveKit room', examples: ['jambonz_c3f6zq2x7m4n5kd2aobr2w7gtha'] })),
  agent: Type.Optional(Type.String({ examples: ['my-agent'] })),
  number: Type.Optional(Type.String({ description: 'Dialled number', examples: ['+15551230009'] })),
  transfer: Type.Optional(Type.String({ description: 'Id of the transfer for which a person was dialled' })),
  start: Type.Optional(Type.Enum(['warm', 'replaced', 'cold'], {
    type: 'string',
    description:
      'Of a LiveKit room: whether an agent waited in it before the call. `replaced`: one waited, and was gone or ' +
      'dead before the caller was answered, so another one had to take its place. Absent: not decided yet'
  })),
  whyCold: Type.Optional(Type.Enum([...COLD_REASONS], {
    type: 'string',
    description:
      'Why no agent waited. `no-pool`: no rooms are kept for this agent and its metadata. `empty`: none of them was ' +
      'ready. `store`: Redis did not answer in time, or its rooms had not been looked at yet after a start. ' +
      '`ordered`: calls that are placed over the API never take one'
  })),
  degraded: Type.Boolean({
    description: "Dialled without our own room: the dispatch rule's agent answered, without this call's metadata"
  }),
  cause: Type.Optional(Type.Enum([...CAUSES], { type: 'string' })),
  sipStatus: Type.Optional(Type.Integer()),
  detail: Type.Optional(Type.String()),
  at: times(ATTEMPT_TIMES)
}, { $id: 'Attempt' })

/** An attempt as operators see it. */
export function presentAttempt (call: Call, attempt: Attempt): Static<typeof AttemptSchema> {
  const { n, strategy, room, agent, number, degraded, end, at: { lastRinging: _, ...at } } = attempt
  return {
    attempt: n,
    strategy,
    room,
    agent,
    number,
    ...startOf(call, attempt),
    degraded,
    cause: end?.cause,
    sipStatus: end?.sipStatus,
    detail: end?.detail,
    at: iso({ ...at, roomMade: attempt.warm?.madeAt })
  }
}
