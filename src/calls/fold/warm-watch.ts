import { isOpen, oweRedispatch, oweRedispatchNow } from './agent-watch.ts'
import type { Attempt, Call, Duty } from './call.ts'
import { note, owe } from './duties.ts'
import { oweDeleteRoom } from './room-cleanup.ts'
import { TIMES, type Rules } from './rules.ts'
import { awaitsWarmAgent, DEAD, MADE_AGAIN, TOLD } from './warm.ts'

/*
 * An agent that waited for its call may be gone, or dead, when the call comes, and so may its room.
 */

/** The agent that waited in the room was told who calls. `detail` says what was found, where it was not there. */
export function onAgentTold (draft: Call, target: string, at: number, detail: string | undefined, rules: Rules): void {
  const attempt = draft.attempts.find(({ n }) => n === Number(target))
  if (!attempt || (detail !== TOLD.gone && detail !== TOLD.dead)) return
  note(draft, at, { from: 'bridge', what: detail, attempt: attempt.n })
  if (!isOpen(draft, attempt)) return
  if (detail === TOLD.dead) agentDead(draft, attempt, at, rules)
  else if (awaitsWarmAgent(attempt)) oweRoomAgain(draft, attempt, at)
}

/** The agent that waited in the room is dead. LiveKit may have answered the caller: its track is still listed. */
function agentDead (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  const { agent } = attempt.view
  if (!agent || agent.left) return
  agent.left = { at, reason: DEAD }
  if (rules.redispatchMs > 0) oweRedispatchNow(draft, attempt, at, rules)
}

/**
 * The room was closed before the caller's leg came. It is made again for the call: the leg that is on its way would
 * have LiveKit's dispatch rule make it, with the rule's own agent.
 * @returns false where the room is needed no more
 */
export function warmRoomGone (draft: Call, attempt: Attempt, at: number): boolean {
  if (!awaitsWarmAgent(attempt) || attempt.view.sip || !isOpen(draft, attempt)) return false
  oweRoomAgain(draft, attempt, at)
  return true
}

function oweRoomAgain (draft: Call, attempt: Attempt, at: number): void {
  const { agent } = attempt.view
  if (agent && !agent.left) agent.left = { at, reason: 'ROOM_CLOSED' }
  owe(draft, at, { kind: 'make-room', target: String(attempt.n), due: at })
}

/** The room of a warm call was made again, by us or by LiveKit's dispatch rule (`detail`). */
export function onMadeAgain (draft: Call, target: string, at: number, detail: string | undefined, rules: Rules): void {
  const attempt = draft.attempts.find(({ n }) => n === Number(target))
  if (!attempt || (detail !== MADE_AGAIN.made && detail !== MADE_AGAIN.byRule)) return
  attempt.pendingSince = undefined
  note(draft, at, { from: 'bridge', what: detail, attempt: attempt.n })
  if (!isOpen(draft, attempt)) {
    oweDeleteRoom(draft, attempt, at)
    return
  }
  if (!awaitsWarmAgent(attempt)) return
  if (detail === MADE_AGAIN.byRule && attempt.agent === rules.ruleAgent) attempt.degraded = true
  // The agent of the new room has the time that every agent has. Somebody else's agent must go.
  const isOurs = detail === MADE_AGAIN.made || attempt.degraded
  if (rules.redispatchMs > 0) oweRedispatch(draft, attempt, at, isOurs ? at + rules.redispatchMs : at)
}

/** A look found no reason to dispatch the agent again. One that waited is watched until the caller is answered. */
export function onNotDispatched (draft: Call, { target }: Duty, at: number): void {
  const attempt = draft.attempts.find(({ n }) => n === Number(target))
  if (!attempt || !awaitsWarmAgent(attempt) || !isOpen(draft, attempt) || attempt.redispatches.length > 0) return
  oweRedispatch(draft, attempt, at, at + TIMES.warmAnswers)
}
