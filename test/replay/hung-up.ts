import type { Json } from './json.ts'
import { field, FINAL_STATUSES, type Hook } from './recording.ts'

/**
 * The hooks that follow when updateCall ends a leg which was recorded up to here, in the order of the recordings
 * (ended-by-rest-after-answer, cancelled-while-ringing).
 * @param played the call's hooks until now
 */
export function finalsOf (played: Hook[], status: 'completed' | 'no-answer'): Hook[] {
  const ofCallee = played.findLast(({ body }) => field(body, 'parent_call_sid') === undefined)
  if (!ofCallee) return []
  const callee: Json = { ...JSON.parse(ofCallee.body) as Json }
  for (const name of ['sip', 'defaults', 'verb_id', ...DIAL]) delete callee[name]
  if (status === 'no-answer') {
    const cancelled = { call_status: 'no-answer', sip_status: 487, sip_reason: 'Request Terminated' }
    return [hookOf('/status', { ...callee, ...cancelled })]
  }
  const completed = { call_status: 'completed', sip_status: 200, sip_reason: 'OK' }
  const over = { ...callee, ...completed, call_termination_by: 'jambonz' }
  const leg = openLeg(played)
  if (!leg) return [hookOf('/status', over)]
  const answered = leg['call_status'] === 'in-progress'
  const [dialStatus, dialSip] = answered ? ['completed', 200] : ['no-answer', 487]
  return [
    hookOf('/status', over),
    hookOf('/action', { ...over, verb_id: dialIdOf(played), dial_call_status: dialStatus, dial_sip_status: dialSip }),
    hookOf('/status', { ...leg, call_status: dialStatus, sip_status: dialSip })
  ]
}

const dialIdOf = (played: Hook[]): string | undefined =>
  played.flatMap(({ verbs }) => verbs).findLast(({ verb }) => verb === 'dial')?.id

const DIAL = ['dial_call_status', 'dial_sip_status', 'dial_call_sid', 'dial_sbc_callid']

/** The last status of a leg that was dialled and is not over. */
function openLeg (played: Hook[]): Json | undefined {
  const statuses = played.filter(({ path, body }) => path === '/status' && field(body, 'parent_call_sid') !== undefined)
    .map(({ body }) => JSON.parse(body) as Json)
  const over = new Set(statuses.filter(isOver).map(({ call_sid: sid }) => sid))
  return statuses.findLast(({ call_sid: sid }) => !over.has(sid))
}

const isOver = ({ call_status: status }: Json): boolean => FINAL_STATUSES.has(String(status))

/**
 * The hooks that follow when LiveKit puts out the agent leg, or the leg of a person, in the order of the recordings
 * (transfer/agent-ends-consult).
 * @param played the call's hooks until now
 * @returns nothing when the leg is over already
 */
export function putOutOf (played: Hook[], legSid: string): Hook[] {
  const leg = openLeg(played)
  const [completed] = finalsOf(played, 'completed')
  if (leg?.['call_sid'] !== legSid || !completed) return []
  const { call_termination_by: _by, ...first } = JSON.parse(completed.body) as Json
  const dial = { dial_call_sid: legSid, dial_call_status: 'completed', dial_sip_status: 200 }
  const action = { ...first, call_status: 'in-progress', verb_id: dialIdOf(played), ...dial }
  return [
    hookOf('/status', { ...leg, call_status: 'completed', sip_status: 200 }),
    hookOf('/action', action),
    completed
  ]
}

const hookOf = (path: '/status' | '/action', body: Json): Hook =>
  ({ at: 0, path, headers: {}, body: JSON.stringify(body), verbs: [], status: undefined, repliedAt: undefined })
