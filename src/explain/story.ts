import { createHash } from 'node:crypto'
import { advance } from '../calls/fold/advance.ts'
import { causeOf } from '../calls/fold/causes.ts'
import { currentAttempt, turnsAt, type Call, type CallStatus, type End } from '../calls/fold/call.ts'
import type { CallEvent } from '../calls/fold/events.ts'
import type { Rules } from '../calls/fold/rules.ts'
import { planFor } from '../routing/plan.ts'
import { createOpenWay } from '../routing/strategies.ts'
import { actionEvent, callHookEvent, referCompleteEvent, referEvent, statusEvent } from '../jambonz/events.ts'
import { strangerFacts } from '../jambonz/caller.ts'
import type { Action, CallHook, Refer, ReferComplete, Status } from '../jambonz/payloads.ts'
import { parseUri } from '../sip/address.ts'
import { tolerant } from './group.ts'
import type { Leg } from './legs.ts'
import type { HookSeen, RoomSeen, Seen } from './seen.ts'

/** A call as the service would have followed it, had it been there. */
export interface Told {
  call: Call
  /** How it ended, or what it looks like where the files end before it does. */
  end: End
  over: boolean
  /** Who ended the agent leg is seen, but not on whose behalf. */
  assumed?: 'caller-gave-up' | 'dial-timeout' | 'caller-hung-up'
}

/** feature-server's own limit is an hour and more; nothing here hangs on it but the cause `time-limit`. */
const TIME_LIMIT_S = 7200
/** After this long without any answer SIP gives a request up (64 * T1, RFC 3261 17.1.1.2). */
const TIMER_B_MS = 32_000
/** How exactly a dial timeout of whole seconds is kept. */
const ROUND_MS = 300

/**
 * Tells a call by the service's own fold: hooks and LiveKit's events are what they are, and SIP legs that no hook
 * speaks of become the statuses that Jambonz would have sent. Undefined when nothing is seen of a leg to LiveKit.
 * @param statusesExpected a call without statuses had none; false: nobody collected them
 */
export function tell (seen: readonly Seen[], legs: readonly Leg[], statusesExpected: boolean): Told | undefined {
  const hooks = seen.filter(item => item.kind === 'hook')
  const rooms = seen.filter(item => item.kind === 'room')
  const agentLegs = legs.filter(({ role }) => role === 'agent')
  if (hooks.length === 0 && agentLegs.length === 0) return undefined
  const callSid = hooks.map(({ body }) => body.parent_call_sid ?? body.call_sid)[0] ?? sidOf(legs) ?? 'unknown'
  const events: CallEvent[] = hooks.flatMap(hook => hookEvents(hook, hooks))
  const ofAgent = hooks.some(({ body }) => body.parent_call_sid !== undefined || body.dial_call_sid !== undefined)
  const ofCaller = hooks.some(({ hook, body }) => hook === 'status' && body.parent_call_sid === undefined)
  const callerLeg = legs.find(({ role }) => role === 'caller') ?? legs.find(({ role }) => role === 'inside')
  let assumed: Told['assumed']
  if (!ofAgent) {
    agentLegs.forEach((leg, i) => {
      if (i > 0 || !hooks.some(({ hook }) => hook === 'call-hook')) events.push(...dialEvents(leg, i, callSid))
      events.push(...agentEvents(leg, callSid, lastAt(seen)))
    })
  }
  if (!ofCaller && callerLeg) events.push(...callerEvents(callerLeg, callSid))
  else if (!ofCaller && !ofAgent) {
    const last = agentLegs.at(-1)
    assumed = last && assumptionOf(last)
    if (last) events.push(...assumedEvents(last, assumed, callSid))
  }
  const rules = rulesFor(hooks, rooms, agentLegs)
  const own = `${rules.roomPrefix}_${rules.tokenOf(callSid, 1)}`
  events.push(
    ...rooms.map(({ event, at = event.madeAt ?? 0 }) => ({
      ...event,
      room: event.room === rules.foreignRoom ? own : event.room,
      at
    }))
  )
  events.sort((a, b) => a.at - b.at)
  const call = fold(events, callSid, rules, statusesExpected)
  if (!call) return undefined
  const over = call.phase === 'ended'
  const { missing: _, ...verdict } = causeOf(call, currentAttempt(call), { statusesExpected, timeLimitS: TIME_LIMIT_S })
  return { call, end: call.end ?? verdict, over, ...(assumed && { assumed }) }
}

const sidOf = (legs: readonly Leg[]): string | undefined =>
  legs.find(({ role, sid }) => role !== 'agent' && sid !== undefined)?.sid

const lastAt = (seen: readonly Seen[]): number => seen.reduce((last, { at = 0 }) => Math.max(last, at), 0)

/** The fold takes the time to pass between events, and a moment after the last one, but no more than was looked at. */
function fold (events: CallEvent[], callSid: string, rules: Rules, statusesExpected: boolean): Call | undefined {
  let call: Call | undefined
  const wakeUntil = (until: number): void => {
    for (let i = 0; call && i < 100; i++) {
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
  wakeUntil(last + 8000)
  return call && endedBy(call, last)
}

/** That the fold waited a moment longer for evidence is no time that the caller waited. */
function endedBy (call: Call, last: number): Call {
  const bounded = <T extends { ended?: number }>(at: T): T =>
    at.ended === undefined ? at : { ...at, ended: Math.min(at.ended, last) }
  return {
    ...call,
    at: bounded(call.at),
    attempts: call.attempts.map(attempt => ({ ...attempt, at: bounded(attempt.at) }))
  }
}

/**
 * Rules under which the rooms that were seen are those of the attempts; `foreignRoom` is one that is not named by what
 * was dialled, as other dispatch rules make them.
 */
function rulesFor (
  hooks: readonly HookSeen[],
  rooms: readonly RoomSeen[],
  legs: readonly Leg[]
): Rules & { foreignRoom?: string } {
  const dialled = hooks.flatMap(({ body }) =>
    body.parent_call_sid === undefined || typeof body.to !== 'string'
      ? []
      : [/^sips?:/i.test(body.to) ? tolerant(() => parseUri(body.to!))?.user ?? '' : body.to]
  )
  const replied = hooks.flatMap(({ reply }) =>
    [...JSON.stringify(reply?.verbs ?? null).matchAll(/"sipUri":"sips?:([^@"]+)@/g)].map(match => match[1] ?? '')
  )
  const inRooms = rooms.flatMap(({ event }) => event.participant?.sip?.called ?? [])
  const users = [...new Set([...replied, ...dialled, ...legs.map(({ user }) => user), ...inRooms])].filter(user =>
    user !== '' && !isNumber(user)
  )
  const names = [...new Set(rooms.map(({ event }) => event.room))]
  const own = ownRoom(names, new Set(users))
  const foreignRoom = own
    ? undefined
    : rooms.find(({ event }) => event.participant?.kind === 'SIP')?.event.room ?? names[0]
  const number = dialled.find(isNumber)
  const tokenOf = (_callSid: string, n: number) => users[n - 1] ?? users[0] ?? 'unknown'
  const roomPrefix = own ? own.name.slice(0, -own.user.length - 1) : 'room'

  return {
    ...(foreignRoom !== undefined && { foreignRoom }),
    tokenOf,
    roomPrefix,
    planFor,
    openWay: createOpenWay({ tokenOf, roomPrefix }),
    app: { agent: 'agent', metadata: '', ...(number !== undefined && { fallbackNumber: number }) },
    dialTimeoutS: 60,
    timeLimitS: TIME_LIMIT_S,
    retentionS: 86_400,
    redispatchMs: 0,
    rejoinMs: 0,
    agentLost: 'end',
    callControl: false
  }
}

/** The first room that is named `<prefix>_<user>` by one of the users. */
function ownRoom (names: readonly string[], users: ReadonlySet<string>): { name: string, user: string } | undefined {
  for (const name of names) {
    for (let at = name.indexOf('_'); at >= 0; at = name.indexOf('_', at + 1)) {
      const user = name.slice(at + 1)
      if (users.has(user)) return { name, user }
    }
  }
  return undefined
}

const isNumber = (user: string): boolean => /^\+?[\d*#]+$/.test(user)

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url')

function hookEvents ({ hook, body, reply, at = 0 }: HookSeen, all: readonly HookSeen[]): CallEvent[] {
  const hash = hashOf(body)
  switch (hook) {
    case 'status':
      return body.call_status === undefined ? [] : [{ ...statusEvent(body as Status), at }]
    case 'action':
      return [{ ...actionEvent({ ...body, verb_id: dialId(body.verb_id) } as Action, hash), at }]
    case 'refer':
      return [{ ...referEvent(body as Refer, hash), at }]
    case 'refer-complete':
      return body.parent_call_sid === undefined ? [{ ...referCompleteEvent(body as ReferComplete, hash), at }] : []
    case 'call-hook': {
      const [verb] = Array.isArray(reply?.verbs)
        ? reply.verbs as Array<{ verb?: string, reason?: string, status?: number }>
        : []
      // Verbs that connect nobody to LiveKit: another application has the call.
      if (verb && verb.verb !== 'dial' && verb.verb !== 'sip:decline') return []
      const event: CallEvent = { ...callHookEvent(body as CallHook, hash, []), at }
      const repliedAt = reply?.at ?? at + 5
      if (verb?.verb === 'sip:decline') {
        return [event, {
          kind: 'declined',
          hash,
          cause: 'bridge-error',
          status: verb.status ?? 480,
          reason: verb.reason ?? '',
          at: repliedAt
        }]
      }
      const before = all.filter(other => other.hook === 'call-hook' && (other.at ?? 0) < at).length
      return [event, { kind: 'room', attempt: before + 1, outcome: 'created', at: repliedAt }]
    }
  }
}

/** Dials of other applications have ids of their own. */
const dialId = (id: string | undefined): string | undefined =>
  id !== undefined && /^attempt-\d+$/.test(id) ? id : undefined

const facts = (leg: Leg) => strangerFacts({ direction: 'inbound', from: leg.from, to: leg.user })

/** A dial must have been asked for. */
const dialEvents = (leg: Leg, i: number, callSid: string): CallEvent[] => {
  const at = (leg.at.invite || 0) - 1
  return [
    { kind: 'call-hook', callSid, hash: `sip-${i}`, facts: facts(leg), redirected: i > 0, answered: false, at },
    { kind: 'room', attempt: i + 1, outcome: 'created', at }
  ]
}

/** What Jambonz would have posted of a leg (feature-server lib/utils/place-outdial.js). */
function agentEvents (leg: Leg, callSid: string, end: number): CallEvent[] {
  const { at, final } = leg
  const legSid = leg.sid ?? leg.callId
  const status = (callStatus: CallStatus, when: number, sipStatus: number, sipReason?: string): CallEvent => ({
    kind: 'status',
    callSid,
    facts: facts(leg),
    leg: 'agent',
    legSid,
    callStatus,
    sipStatus,
    ...(sipReason !== undefined && { sipReason }),
    dialled: leg.user,
    at: when
  })
  const events = [status('trying', at.invite || 0, 100)]
  for (const { message, at: when = 0 } of leg.messages) {
    if (
      message.kind === 'response' && message.status > 100 && message.status < 200 &&
      (at.answered === undefined || when <= at.answered)
    ) events.push(status(message.body === '' ? 'ringing' : 'early-media', when, message.status))
  }
  if (at.answered !== undefined) events.push(status('in-progress', at.answered, 200, 'OK'))
  if (leg.refer?.from === 'called' && (leg.refer.status ?? 0) < 300) {
    const when = leg.messages.find(({ message }) => message.kind === 'request' && message.method === 'REFER')?.at ?? 0
    const target = targetOf(leg.refer.to)
    events.push({
      kind: 'refer',
      callSid,
      hash: 'sip-refer',
      facts: facts(leg),
      leg: 'agent',
      legSid,
      ...(target && { referTo: target }),
      at: when
    })
  }
  if (at.bye !== undefined) events.push(status('completed', at.bye, 200))
  else if (final && final.status >= 300) {
    events.push(status(statusFor(final.status), at.final ?? 0, final.status, final.reason))
  } else if (at.answered === undefined && at.cancel !== undefined) events.push(status('no-answer', at.cancel, 487))
  else if (
    at.trying === undefined && at.ringing === undefined && at.answered === undefined &&
    (leg.repeats >= 4 || end - (at.invite || 0) >= TIMER_B_MS)
  ) events.push(status('failed', Math.max(end, at.last ?? 0), 408, 'no reply'))
  return events
}

/** The URI of a Refer-To header, without its display name and angle brackets. */
function targetOf (referTo = ''): string {
  const open = referTo.indexOf('<')
  const close = referTo.indexOf('>', open)
  return open >= 0 && close > open + 1 ? referTo.slice(open + 1, close) : referTo
}

const statusFor = (status: number): CallStatus =>
  status === 486 || status === 600 ? 'busy' : status === 487 ? 'no-answer' : 'failed'

/** The caller leg's statuses (feature-server lib/session/inbound-call-session.js). */
export function callerEvents (leg: Leg, callSid: string): CallEvent[] {
  const { at, final } = leg
  const status = (callStatus: CallStatus, when: number, sipStatus: number, by?: 'caller' | 'jambonz'): CallEvent => ({
    kind: 'status',
    callSid,
    facts: facts(leg),
    leg: 'caller',
    legSid: leg.sid ?? callSid,
    callStatus,
    sipStatus,
    ...(by && { by }),
    at: when
  })
  const events: CallEvent[] = []
  // It is told of only once verbs run: then the caller hears early media, too.
  if (at.early !== undefined || at.answered !== undefined) events.push(status('trying', at.early ?? at.answered!, 100))
  if (at.answered !== undefined) events.push(status('in-progress', at.answered, 200))
  if (at.cancel !== undefined && at.answered === undefined) events.push(status('no-answer', at.cancel, 487, 'caller'))
  else if (at.bye !== undefined) {
    events.push(status('completed', at.bye, 200, leg.byeFrom === 'caller' ? 'caller' : 'jambonz'))
  } else if (final && final.status >= 300 && final.status !== 401 && final.status !== 407) {
    events.push(status(statusFor(final.status), at.final ?? 0, final.status))
  }
  return events
}

/**
 * Jambonz ends the leg to LiveKit when the caller leaves, when its dial timeout is over, or when somebody tells it to.
 */
function assumptionOf ({ at, final, byeFrom, refer }: Leg): Told['assumed'] {
  if (at.answered !== undefined) return byeFrom === 'caller' && refer?.from !== 'called' ? 'caller-hung-up' : undefined
  if (at.cancel === undefined || (final && final.status !== 487)) return undefined
  const waited = at.cancel - (at.invite || at.cancel)
  return waited >= 5000 - ROUND_MS && Math.abs(waited / 5000 - Math.round(waited / 5000)) * 5000 <= ROUND_MS
    ? 'dial-timeout'
    : 'caller-gave-up'
}

function assumedEvents (leg: Leg, assumed: Told['assumed'], callSid: string): CallEvent[] {
  const base = { kind: 'status', callSid, facts: facts(leg), leg: 'caller', legSid: callSid } as const
  const { cancel = 0, bye } = leg.at
  if (assumed === 'caller-gave-up') {
    return [{ ...base, callStatus: 'trying', sipStatus: 100, at: leg.at.invite || 0 }, {
      ...base,
      callStatus: 'no-answer',
      sipStatus: 487,
      by: 'caller',
      at: cancel - 1
    }]
  }
  if (assumed === 'caller-hung-up' && bye !== undefined) {
    return [{ ...base, callStatus: 'completed', sipStatus: 200, by: 'caller', at: bye - 1 }]
  }
  // After a transfer Jambonz lets go of LiveKit and has the caller to itself.
  if (bye !== undefined && leg.refer?.from === 'called' && leg.byeFrom === 'caller') {
    return [{ ...base, callStatus: 'completed', sipStatus: 200, by: 'jambonz', at: bye + 1 }]
  }
  return []
}
