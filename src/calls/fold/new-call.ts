import { currentAttempt, RECORD_VERSION, type Attempt, type Call, type CallerFacts } from './call.ts'
import { joinWayOf, transfersOf } from './transfers.ts'
import type { ApplicationConfig, Way } from './way.ts'
import { isDialled } from './attempt-facts.ts'
import { openNext } from './attempts.ts'
import { TIMES, type Rules } from './rules.ts'
import { isToken, roomNameOf } from './room-name.ts'
import { withoutAbsent } from './without-absent.ts'

/** A call that is brought back again and again goes round in a circle. */
export const MOST_ATTEMPTS = 50

/** A call at its first event. A REST-originated one may ring for a while before its call hook comes. */
export function newCall (callSid: string, at: number, facts: CallerFacts, app: ApplicationConfig): Call {
  return {
    v: RECORD_VERSION,
    callSid,
    phase: 'received',
    facts,
    app,
    plan: [],
    attempts: [],
    legs: [],
    attemptsBefore: 0,
    hooks: [],
    caller: { seen: false, trying: false, answered: false, answeredBefore: false },
    at: { received: at },
    deadline: at + (facts.direction === 'outbound' ? TIMES.outboundReceived : TIMES.received),
    overdue: false,
    statusesExpected: false,
    duties: [],
    heard: [],
    events: [],
    eventsDropped: 0,
    earlier: []
  }
}

/**
 * Takes what a hook of the caller's leg says of a call of which no call hook was heard: what the far leg's hooks said
 * of it was less.
 */
export function takeFacts (draft: Call, facts: CallerFacts): void {
  const saysNothing = draft.facts.from === '' && draft.facts.to === ''
  const isAgents = facts.direction === 'agent' && draft.facts.direction === 'inbound'
  if (saysNothing || isAgents) draft.facts = facts
}

/** The call was away and is back: a new record begins, the ended one stays under `earlier`. */
export function nextRecord (ended: Call, at: number, facts: CallerFacts, app: ApplicationConfig): Call {
  const { at: times, end, attempts, legs } = ended
  return {
    ...newCall(ended.callSid, at, facts, app),
    ...whatStays(ended),
    attemptsBefore: ended.attemptsBefore + attempts.length,
    hooks: ended.hooks,
    duties: ended.duties,
    heard: ended.heard,
    earlier: [
      ...ended.earlier,
      ...(end
        ? [{
            at: times,
            end,
            attempts: attempts.map(({ n, strategy, room, end }) => ({ n, strategy, room, end })),
            legs: legs.map(({ sid }) => sid)
          }]
        : [])
    ]
  }
}

/** What is true of the call in all of its records. */
const whatStays = (call: Call): Partial<Call> => {
  const { order, longestS, joins, sipCallIds, people, voicemail, published, transfers } = call
  const all = transfersOf(call)
  const earlierTransfers = all.length > 0 ? all : undefined
  const said = { order, longestS, joins, sipCallIds, people, voicemail }
  return withoutAbsent({ ...said, published, transfers, earlierTransfers })
}

/** What an event tells of an attempt that nobody here knows. */
interface Trace {
  /** Its number. */
  n?: number
  /** Of a leg: the SIP user or number that was dialled; empty when it is not known. */
  dialled?: string
}

/** Only a number is surely no room: what dials a room may be written in many ways. */
const NUMBER = /^\+?[0-9*#]+$/

/** A call whose room was only found is dialled elsewhere by now: the caller may come back to that room. */
export function isElsewhere (call: Call, dialled: string | undefined): boolean {
  const latest = currentAttempt(call)
  return dialled !== undefined && NUMBER.test(dialled) && latest?.found === true && !latest.end
}

/** A call that was dialled before this process knew it: its attempt is rebuilt from what is derived, not stored. */
export function adoptAttempt (draft: Call, at: number, trace: Trace, rules: Rules): void {
  const { ways } = draft.route ?? rules.guessRoute(draft.facts, draft.app, draft.callSid, at)
  const { n: likely, way } = joinOf(draft, trace, rules) ?? wayOf(draft, trace, ways, rules)
  const n = Math.max(likely, (currentAttempt(draft)?.n ?? 0) + 1)
  draft.attemptsBefore = n - 1 - draft.attempts.length
  draft.plan = [way]
  const attempt = openNext(draft, at, rules)!
  attempt.adopted = true
  if (isUnderived(draft, trace.dialled, rules)) visit(attempt, trace.dialled, rules)
  attempt.made = 'created'
  attempt.pendingSince = undefined
  attempt.at.replied = at
  // Attempts are counted on when a call comes back, so only the first one tells where in the route it stands.
  draft.plan = n === 1 && way === ways[0] ? ways.slice(1) : []
}

/** A person's leg that was dialled into the caller's room. It comes after the consultation, where there was one. */
function joinOf (draft: Call, { n, dialled }: Trace, rules: Rules): { n: number, way: Way } | undefined {
  const { order } = draft
  if (!order?.transfer) return undefined
  const { mode, callSid, attempt } = order.transfer
  const first = mode === 'consult' ? 2 : 1
  if (dialled === undefined) {
    return (n ?? 1) >= first ? { n: n ?? first, way: joinWayOf(order.transfer) } : undefined
  }
  // The caller may be in another room by now than when the person was asked for.
  const joined = dialled === rules.tokenOf(callSid, attempt) ? attempt : attemptOfToken(callSid, dialled, rules)
  const { token: _token, ...purpose } = order.transfer
  if (joined !== undefined) return { n: n ?? first, way: joinWayOf({ ...purpose, attempt: joined }) }
  // The agent that consults a person is in a room of the person's call, whose token is derived.
  if (!isUnderived(draft, dialled, rules)) return undefined
  return { n: n ?? first, way: joinWayOf({ ...purpose, token: dialled }) }
}

/** Whether a SIP user leads into a room that was made before the call that has it, perhaps before this one. */
const isUnderived = ({ callSid }: Call, dialled: string | undefined, rules: Rules): dialled is string =>
  dialled !== undefined && isToken(dialled) && attemptOfToken(callSid, dialled, rules) === undefined

/**
 * The leg was dialled into a room that was made before its call. It is the room of this call or, for a person, that of
 * another one. Only LiveKit's room tells, so until it does the room is looked at and not deleted.
 */
function visit (attempt: Attempt, token: string, { roomPrefix }: Rules): void {
  attempt.room = undefined
  attempt.token = token
  attempt.visits = roomNameOf(roomPrefix, token)
}

/** Which attempt of a call a token is for. */
function attemptOfToken (callSid: string, token: string, rules: Rules): number | undefined {
  for (let n = 1; n <= MOST_ATTEMPTS; n++) {
    if (rules.tokenOf(callSid, n) === token) return n
  }
  return undefined
}

/** A token tells which attempt it is, a number which way. Otherwise the attempt's own number does. */
function wayOf (draft: Call, { n, dialled }: Trace, ways: Way[], rules: Rules): { n: number, way: Way } {
  const room = ways.find(({ strategy }) => strategy === 'room') ?? { strategy: 'room', agent: rules.app.agent }
  if (dialled !== undefined) {
    const own = attemptOfToken(draft.callSid, dialled, rules)
    if (own !== undefined) return { n: own, way: roomAt(ways, own) ?? room }
    if (isUnderived(draft, dialled, rules)) return { n: n ?? Math.max(1, ways.indexOf(room) + 1), way: room }
    const known = ways.findIndex(way => 'number' in way && way.number === dialled)
    if (known >= 0) return { n: n ?? known + 1, way: ways[known]! }
    if (NUMBER.test(dialled)) return { n: n ?? 2, way: { strategy: 'phone', number: dialled } }
  }
  // A leg shows that somebody was dialled.
  const first = dialled === undefined ? 0 : Math.max(0, ways.findIndex(isDialled))
  const number = n ?? first + 1
  return { n: number, way: ways[number - 1] ?? room }
}

function roomAt (ways: Way[], n: number): Way | undefined {
  const way = ways[n - 1]
  return way?.strategy === 'room' ? way : undefined
}

/** What an attempt was adopted as was a guess. The route tells it, unless it tells of another kind of way. */
export function takeWay (attempt: Attempt, way: Way | undefined): void {
  if (way?.strategy !== attempt.strategy) return
  attempt.way = way
  if (way.strategy === 'room') attempt.agent = way.agent
}
