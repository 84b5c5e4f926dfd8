import { currentAttempt, type Attempt, type Call, type Duty } from './call.ts'
import { note, owe, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { oweDeleteRoom } from './room-cleanup.ts'
import { TIMES, type Rules } from './rules.ts'
import { withPerson } from './transfers.ts'
import { awaitsWarmAgent } from './warm.ts'

/*
 * Whether an agent is there. One that does not come is called once more; a caller who is connected is not left in
 * silence.
 */

/** An agent that crashes again and again is called so often in one attempt. */
const MOST_REDISPATCHES = 3

/** So long after we called an agent again a second one has come because of that, milliseconds. */
const OUR_DOING = 60_000

const redispatchId = (attempt: Attempt): string => `redispatch:${attempt.n}`

/** Owes another dispatch of the agent. One that has begun is out: another one waits until its outcome is known. */
export function oweRedispatch (draft: Call, attempt: Attempt, at: number, due: number): void {
  const id = redispatchId(attempt)
  if (draft.duties.some(duty => duty.id === id && duty.begun !== undefined)) return
  owe(draft, at, { id, kind: 'redispatch', target: String(attempt.n), due })
}

/** The call waits in this attempt, or talks. */
export const isOpen = (draft: Call, attempt: Attempt): boolean =>
  attempt === currentAttempt(draft) && !attempt.end && !attempt.closing && !attempt.final &&
  attempt.agentLostAt === undefined &&
  draft.phase !== 'ended' && !draft.closing && draft.hangupAt === undefined

/** The agent is called again at once: somebody else had talked with the caller, and has left. */
export function oweRedispatchNow (draft: Call, attempt: Attempt, at: number, rules: Rules, due = at): void {
  if (attempt.room === undefined || attempt.foreign) return
  if (rules.rejoinMs > 0) attempt.agentless = { since: at, due: at + patience(rules) }
  oweRedispatch(draft, attempt, at, due)
}

/**
 * The room was made and its agent called: it has some time to come. One that waited in the room has less time, to be
 * answered: it may have crashed, which LiveKit notices 20 s later.
 */
export function awaitAgent (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  const isOurs = attempt.room !== undefined && !attempt.foreign
  const isAwaited = awaitsWarmAgent(attempt) || !attempt.view.agent
  if (!isOurs || rules.redispatchMs === 0 || !isAwaited || attempt.redispatches.length > 0) return
  // The agent of a room that was made ahead is waited for already.
  if (draft.duties.some(({ id }) => id === redispatchId(attempt))) return
  oweRedispatch(draft, attempt, at, at + (awaitsWarmAgent(attempt) ? TIMES.warmAnswers : rules.redispatchMs))
}

/** An agent is in the room. A second one that only came because we dispatched again must leave. */
export function agentSeen (draft: Call, attempt: Attempt, at: number, identity: string): void {
  const { view } = attempt
  if (view.agent?.identity === identity) {
    seenAgain(draft, attempt, at)
    return
  }
  if (view.agent && !view.agent.left) {
    if (view.moreAgents?.includes(identity)) return
    view.moreAgents = [...view.moreAgents ?? [], identity]
    if (at - (attempt.redispatches.at(-1)?.at ?? -Infinity) < OUR_DOING) {
      owe(draft, at, { kind: 'remove-agent', target: `${attempt.n} ${identity}`, due: at })
    }
    return
  }
  view.agent = { identity, joinedAt: at }
  attempt.at.agentJoined ??= at
  draft.at.agentJoined ??= at
  stopWaiting(draft, attempt)
}

/** An agent that is known: it was there earlier than we saw it, or it is still there after a look had missed it. */
function seenAgain (draft: Call, attempt: Attempt, at: number): void {
  const agent = attempt.view.agent!
  agent.joinedAt = Math.min(agent.joinedAt, at)
  if (attempt.at.agentJoined !== undefined) attempt.at.agentJoined = Math.min(attempt.at.agentJoined, at)
  if (draft.at.agentJoined !== undefined) draft.at.agentJoined = Math.min(draft.at.agentJoined, at)
  if (agent.left?.reason !== 'UNSEEN' || at < agent.left.at) return
  agent.left = undefined
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
  if (!isOpen(draft, attempt) || attempt.room === undefined || attempt.foreign) return
  // Nobody else is on the way to a caller whose agent had waited.
  if (awaitsWarmAgent(attempt) && attempt.redispatches.length === 0 && rules.redispatchMs > 0) {
    oweRedispatch(draft, attempt, at, at)
    return
  }
  if (rules.rejoinMs === 0 || attempt.agentless || withPerson(draft).length > 0) return
  const connected = draft.phase === 'connected'
  if (connected) attempt.agentless = { since: at, due: at + patience(rules) }
  if (draft.phase === 'transferring' || attempt.redispatches.length >= (connected ? MOST_REDISPATCHES : 1)) return
  oweRedispatch(draft, attempt, at, at + rules.rejoinMs)
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

/** The agent of an attempt is about to be dispatched again. @returns false when it is not wanted any more */
export function onDispatching (draft: Call, { target }: Duty, at: number): boolean {
  const attempt = draft.attempts.find(({ n }) => n === Number(target))
  if (!attempt || !isOpen(draft, attempt)) return false
  attempt.redispatches.push({ at })
  attempt.dispatchingSince = at
  // Whoever dispatches again has seen that it is gone, or is silent and leaves now.
  const { agent } = attempt.view
  if (awaitsWarmAgent(attempt) && agent && !agent.left) agent.left = { at, reason: 'REPLACED' }

  return true
}

/** What came of dispatching the agent again. Nobody knows whether LiveKit heard a request that failed. */
export function onDispatched (
  draft: Call,
  { target }: Duty,
  { at, outcome, detail }: Pick<EventOf<'duty'>, 'at' | 'outcome' | 'detail'>
): void {
  const attempt = draft.attempts.find(({ n }) => n === Number(target))
  note(draft, at, { from: 'bridge', what: 'agent dispatched again', attempt: Number(target), status: outcome, detail })
  // A request that failed may still arrive. The room's deletion waits until that cannot happen any more.
  if (!attempt || outcome === 'failed') return
  attempt.dispatchingSince = undefined
  if (attempt.end) oweDeleteRoom(draft, attempt, at)
}

/** An agent in the room publishes audio. */
export function agentAudio (draft: Call, attempt: Attempt, at: number, identity: string): void {
  if (attempt.view.agent?.identity !== identity && !attempt.view.moreAgents?.includes(identity)) return
  const agent = attempt.view.agent!
  agent.audioAt = earlier(agent.audioAt, at)
  attempt.at.agentAudio = earlier(attempt.at.agentAudio, at)
  draft.at.agentAudio = earlier(draft.at.agentAudio, at)
}

/** A look notices later than LiveKit's own event says, which may be repeated even later. */
const earlier = (known: number | undefined, at: number): number => Math.min(known ?? at, at)
