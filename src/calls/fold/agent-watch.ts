import { currentAttempt, type Attempt, type Call } from './call.ts'
import { lateDeleteId, note, owe, oweDeleteRoom, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { TIMES, type Rules } from './rules.ts'

/*
 * Whether an agent is there. One that does not come is called once more; a caller who is connected is not left in
 * silence.
 */

/** An agent that crashes again and again is called so often in one attempt. */
const MOST_REDISPATCHES = 3

/** So long after we called an agent again a second one has come because of that, milliseconds. */
const OUR_DOING = 60_000

const redispatchId = (attempt: Attempt): string => `redispatch:${attempt.n}`

const isOpen = (draft: Call, attempt: Attempt): boolean =>
  attempt === currentAttempt(draft) && !attempt.end && !attempt.closing && !attempt.final &&
  attempt.agentLostAt === undefined &&
  draft.phase !== 'ended' && !draft.closing && draft.hangupAt === undefined

/** The room was made and its agent called: it has some time to come. */
export function awaitAgent (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  if (attempt.room === undefined || rules.redispatchMs === 0 || attempt.view.agent || attempt.redispatches.length > 0) {
    return
  }
  owe(draft, at, 'redispatch', String(attempt.n), at + rules.redispatchMs, redispatchId(attempt))
}

/** An agent is in the room. A second one that only came because we called again has to go. */
export function agentSeen (draft: Call, attempt: Attempt, at: number, identity: string): void {
  const { view } = attempt
  if (view.agent?.identity === identity) {
    if (view.agent.left?.reason === 'UNSEEN') {
      view.agent.left = undefined
      stopWaiting(draft, attempt)
    }
    return
  }
  if (view.agent && !view.agent.left) {
    if (view.moreAgents?.includes(identity)) return
    view.moreAgents = [...view.moreAgents ?? [], identity]
    if (at - (attempt.redispatches.at(-1)?.at ?? -Infinity) < OUR_DOING) {
      owe(draft, at, 'remove-agent', `${attempt.n} ${identity}`, at)
    }
    return
  }
  view.agent = { identity, joinedAt: at }
  attempt.at.agentJoined ??= at
  draft.at.agentJoined ??= at
  stopWaiting(draft, attempt)
}

/**
 * An agent has left the room; another one that is there takes its place.
 * @param at when it left
 * @returns whether none is left
 */
export function agentLeft (attempt: Attempt, at: number, identity: string, reason: string): boolean {
  const { view } = attempt
  const [next, ...more] = view.moreAgents?.filter(other => other !== identity) ?? []
  if (view.agent?.identity !== identity) {
    view.moreAgents = next === undefined ? undefined : [next, ...more]
    return false
  }
  if (next === undefined) {
    view.agent.left ??= { at, reason }
    return true
  }
  view.agent = { identity: next, joinedAt: at, audioAt: view.agent.audioAt }
  view.moreAgents = more
  return false
}

/** Somebody talks with the caller, or nobody has to. */
export function stopWaiting (draft: Call, attempt: Attempt): void {
  attempt.agentless = undefined
  unowe(draft, duty => duty.id === redispatchId(attempt))
}

/**
 * No agent is in the room any more. While it rings another one is called; a connected caller is not kept waiting for
 * long.
 */
export function agentGone (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  if (!isOpen(draft, attempt) || attempt.room === undefined || rules.rejoinMs === 0 || attempt.agentless) return
  const connected = draft.phase === 'connected'
  if (connected) attempt.agentless = { since: at, due: at + patience(rules) }
  if (draft.phase === 'transferring' || attempt.redispatches.length >= (connected ? MOST_REDISPATCHES : 1)) return
  owe(draft, at, 'redispatch', String(attempt.n), at + rules.rejoinMs, redispatchId(attempt))
}

/** The agent has this long to come back, and an agent that was called again as long to come. */
const patience = (rules: Rules): number => 2 * rules.rejoinMs

/** The agent should be there by now: LiveKit is asked before anything is done about it. */
export function onAgentOverdue (draft: Call, attempt: Attempt, at: number): void {
  if (!isOpen(draft, attempt) || draft.phase !== 'connected') {
    attempt.agentless = undefined
    return
  }
  attempt.agentless!.due = at + TIMES.lookAgain
  oweLook(draft, attempt, at, at)
}

/** A look saw the connected caller alone. */
export function callerAlone (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  if (!attempt.agentless) {
    agentGone(draft, attempt, at, rules)
    return
  }
  if (at < attempt.agentless.since + patience(rules) || !isOpen(draft, attempt)) return
  attempt.agentless = undefined
  attempt.agentLostAt = at
  note(draft, at, { from: 'bridge', what: 'agent lost', attempt: attempt.n })
  // Ends the agent leg: Jambonz' /action then asks what is next.
  oweDeleteRoom(draft, attempt, at)
  draft.settleAt ??= at + TIMES.settle
}

/** Whoever has claimed the duty is about to call the agent again. Only one does: the duty is gone with this. */
export function onRedispatching (draft: Call, event: EventOf<'redispatching'>): void {
  const { at, claim } = event
  const attempt = draft.attempts.find(({ n }) => n === event.attempt)
  if (
    !attempt || !isOpen(draft, attempt) ||
    !draft.duties.some(duty => duty.id === redispatchId(attempt) && duty.claim === claim)
  ) return
  unowe(draft, duty => duty.id === redispatchId(attempt))
  attempt.redispatches.push({ at, claim })
  attempt.dispatchingSince = at
}

/** What came of calling the agent again. It is not tried a second time: nobody knows whether LiveKit heard it. */
export function onRedispatched (draft: Call, { at, attempt: n, outcome, detail }: EventOf<'redispatched'>): void {
  note(draft, at, { from: 'bridge', what: 'agent called again', attempt: n, status: outcome, detail })
  const attempt = draft.attempts.find(attempt => attempt.n === n)
  // A request that failed may still arrive: then the room is deleted when that cannot happen any more.
  if (!attempt || outcome === 'failed') return
  attempt.dispatchingSince = undefined
  if (!attempt.end) return
  unowe(draft, duty => duty.id === lateDeleteId(attempt))
  oweDeleteRoom(draft, attempt, at)
}
