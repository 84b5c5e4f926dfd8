import { currentAttempt, type Call, type Duty } from './call.ts'

/** When time itself next changes the call, whatever it owes; undefined: never. */
export function turnsAt (call: Call): number | undefined {
  if (call.late) return call.late.until
  const times = [
    ...(call.phase === 'ended'
      ? []
      : [
          call.deadline,
          call.settleAt,
          call.closing?.until,
          call.merge?.until,
          call.transfer?.redirect?.until,
          currentAttempt(call)?.agentless?.due,
          currentAttempt(call)?.bridgesAt
        ]),
    ...call.attempts.map(attempt => attempt.closing?.until),
    call.duties.length === 0 ? call.expiresAt : undefined
  ].filter(time => time !== undefined)
  return times.length === 0 ? undefined : Math.min(...times)
}

/** Whether a duty waits for another one: the events of a call are published one after another. */
export const isHeldBack = (duty: Duty, duties: readonly Duty[]): boolean =>
  duty.kind === 'publish' && duties.find(({ kind }) => kind === 'publish') !== duty

/** Whether an ended call was kept for as long as it should be: it is forgotten, or goes into the history. */
export const isOver = ({ phase, duties, expiresAt }: Call, now: number): boolean =>
  phase === 'ended' && duties.length === 0 && expiresAt !== undefined && now >= expiresAt

/** When the call next needs somebody's attention, milliseconds since the epoch; undefined: never. */
export function wakeAt (call: Call): number | undefined {
  const duties = call.late ? [] : call.duties.filter((duty, _i, all) => !isHeldBack(duty, all))
  const times = [turnsAt(call), ...duties.map(({ due }) => due)].filter(time => time !== undefined)
  return times.length === 0 ? undefined : Math.min(...times)
}
