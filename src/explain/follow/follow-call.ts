import { advance } from '../../calls/fold/advance.ts'
import { currentAttempt, type Call, type End } from '../../calls/fold/call.ts'
import { turnsAt } from '../../calls/fold/wake.ts'
import { causeOf } from '../../calls/fold/causes.ts'
import type { CallEvent } from '../../calls/fold/events.ts'
import type { Rules } from '../../calls/fold/rules.ts'
import { fallbackAt } from '../findings/fallback.ts'
import { calleeLegOf, type Leg } from '../leg.ts'
import type { AnyHookBody, HookSeen, RoomSeen, Seen } from '../seen.ts'
import { assumedEvents, assumptionOf, type Assumption } from './assumption.ts'
import { guessRules, TIME_LIMIT_S, type GuessedRules } from './guessed-rules.ts'
import { hookEvents } from './hook-events.ts'
import { agentLegEvents, callerLegEvents, dialEvents } from './leg-events.ts'
import { withWaitingAgent } from './warm-room.ts'

/** A call as the service would have followed it, had it been there. */
export interface FollowedCall {
  call: Call
  /** How it ended, or what it looks like where the files end before it does. */
  end: End
  over: boolean
  /** The files show who ended the agent leg, but not on whose behalf. */
  assumption?: Assumption
  /** Events in the middle of a very long call that were not looked at. */
  skippedEvents: number
}

/**
 * Events of one call that are followed, half of them its first and half its last. The fold copies what it knows of a
 * call with every event, and no real call comes near this.
 */
const MOST_EVENTS = 2000
/** The time that passes after the last event, milliseconds: the fold's own settle timer is over by then. */
const AFTERWARDS_MS = 8000

/**
 * Follows a call with the service's own fold. Hooks and LiveKit's events are taken as they are; SIP legs become the
 * statuses that Jambonz would have sent, unless hooks report the same leg. Undefined when neither a hook nor a leg to
 * LiveKit was seen.
 * @param statusesExpected true: a call without statuses had none; false: nobody collected them
 */
export function followCall (
  seen: readonly Seen[],
  legs: readonly Leg[],
  statusesExpected: boolean
): FollowedCall | undefined {
  const hooks = seen.filter(item => item.kind === 'hook')
  const rooms = seen.filter(item => item.kind === 'room')
  const agentLegs = legs.filter(({ role }) => role === 'agent')
  if (hooks.length === 0 && agentLegs.length === 0) return undefined

  const callSid = callSidOf(hooks) ?? sidOf(legs) ?? 'unknown'
  const rules = guessRules(hooks, rooms, agentLegs)
  const { events: legEvents, assumption } = eventsOfLegs(seen, hooks, legs, callSid)
  const all = [...hookEvents(hooks, callSid), ...legEvents, ...roomEvents(rooms, callSid, rules)]
  const facts = hooks.some(isOfFirstLeg) ? { direction: 'outbound' as const } : {}
  for (const event of all) if ('facts' in event) event.facts = { ...event.facts, ...facts }
  all.sort((a, b) => a.at - b.at)
  const { events, skipped } = firstAndLast(withWaitingAgent(all, ownRoom(rules, callSid)))

  const call = fold(events, callSid, rules, statusesExpected)
  if (!call) return undefined

  const circumstances = { statusesExpected, timeLimitS: TIME_LIMIT_S }
  const { missing: _, ...verdict } = causeOf(call, currentAttempt(call), circumstances)
  return {
    call,
    end: call.end ?? verdict,
    over: call.phase === 'ended',
    ...(assumption && { assumption }),
    skippedEvents: skipped
  }
}

function callSidOf (hooks: readonly HookSeen[]): string | undefined {
  const body: AnyHookBody | undefined = hooks[0]?.body
  return body?.parent_call_sid ?? body?.call_sid
}

/** Whether a webhook is about a leg by which Jambonz called somebody first. The files may begin after the others. */
function isOfFirstLeg ({ body }: HookSeen): boolean {
  const { parent_call_sid: parent, direction }: AnyHookBody = body
  return parent === undefined && direction === 'outbound'
}

const sidOf = (legs: readonly Leg[]): string | undefined =>
  legs.find(({ role, sid }) => (role === 'caller' || role === 'inside') && sid !== undefined)?.sid ??
    calleeLegOf(legs)?.sid

/** The statuses of the legs that no hook reports. */
function eventsOfLegs (
  seen: readonly Seen[],
  hooks: readonly HookSeen[],
  legs: readonly Leg[],
  callSid: string
): { events: CallEvent[], assumption?: Assumption } {
  const reported = reportedLegs(hooks)
  const agentLegs = legs.filter(({ role }) => role === 'agent')
  const callee = calleeLegOf(legs)
  const callerLeg = legs.find(({ role }) => role === 'caller') ?? legs.find(({ role }) => role === 'inside') ?? callee
  const events: CallEvent[] = []

  if (!reported.agent) {
    const endAt = lastTime(seen)
    const asked = hooks.some(({ hook }) => hook === 'call-hook')
    agentLegs.forEach((leg, i) => {
      if (i > 0 || !asked) events.push(...dialEvents(agentLegs, i, callSid, callee))
      events.push(...agentLegEvents(leg, callSid, endAt))
    })
  }
  if (reported.caller) return { events }
  if (callerLeg) {
    // What the caller's leg did while the fallback was dialled is no consequence of LiveKit's failure.
    const until = hooks.length > 0 ? Infinity : fallbackAt(legs) ?? Infinity
    return { events: [...events, ...callerLegEvents(callerLeg, callSid).filter(({ at }) => at < until)] }
  }

  const last = agentLegs.at(-1)
  if (reported.agent || !last) return { events }

  const assumption = assumptionOf(last)
  return { events: [...events, ...assumedEvents(last, assumption, callSid)], ...(assumption && { assumption }) }
}

/** Whose legs the hooks report. */
function reportedLegs (hooks: readonly HookSeen[]): { agent: boolean, caller: boolean } {
  const bodies = hooks.map(({ body }): AnyHookBody => body)
  return {
    agent: bodies.some(body => body.parent_call_sid !== undefined || body.dial_call_sid !== undefined),
    caller: hooks.some(({ hook, body }) => hook === 'status' && body.parent_call_sid === undefined)
  }
}

const lastTime = (seen: readonly Seen[]): number => seen.reduce((last, { at = 0 }) => Math.max(last, at), 0)

/** LiveKit's events. Those of the room that the call was put into count as events of the first attempt's own room. */
function roomEvents (rooms: readonly RoomSeen[], callSid: string, rules: GuessedRules): CallEvent[] {
  const own = ownRoom(rules, callSid).room
  return rooms.map(({ event, at = event.madeAt ?? 0 }) => ({
    ...event,
    room: event.room === rules.foreignRoom ? own : event.room,
    at
  }))
}

function ownRoom ({ roomPrefix, tokenOf }: Rules, callSid: string): { room: string, token: string } {
  const token = tokenOf(callSid, 1)
  return { room: `${roomPrefix}_${token}`, token }
}

function firstAndLast (events: CallEvent[]): { events: CallEvent[], skipped: number } {
  if (events.length <= MOST_EVENTS) return { events, skipped: 0 }
  return {
    events: [...events.slice(0, MOST_EVENTS / 2), ...events.slice(-MOST_EVENTS / 2)],
    skipped: events.length - MOST_EVENTS
  }
}

/** Lets the time pass between the events, and for a moment after the last one. */
function fold (events: CallEvent[], callSid: string, rules: Rules, statusesExpected: boolean): Call | undefined {
  let call: Call | undefined
  const wakeUntil = (until: number): void => {
    // Each turn leads to an end of the wait, so a hundred of them are more than any call needs.
    for (let turn = 0; call && turn < 100; turn++) {
      const due = turnsAt(call)
      if (due === undefined || due >= until || call.phase === 'ended') return
      call = advance(call, { kind: 'wake', statusesExpected, at: due }, rules) ?? call
      if (turnsAt(call) === due) return
    }
  }

  for (const event of events) {
    wakeUntil(event.at)
    if ('callSid' in event && event.callSid !== callSid) continue
    call = advance(call, event, rules) ?? call
  }
  const last = events.at(-1)?.at ?? 0
  wakeUntil(last + AFTERWARDS_MS)
  return call && endedBy(call, last)
}

/** The moments for which the fold waited for more evidence are no time that the caller waited. */
function endedBy (call: Call, last: number): Call {
  const bounded = <T extends { ended?: number }>(at: T): T =>
    at.ended === undefined ? at : { ...at, ended: Math.min(at.ended, last) }
  return {
    ...call,
    at: bounded(call.at),
    attempts: call.attempts.map(attempt => ({ ...attempt, at: bounded(attempt.at) }))
  }
}
