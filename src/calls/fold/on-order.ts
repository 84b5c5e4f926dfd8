import { isBeforeHook, type Attempt, type Call } from './call.ts'
import { endOf } from './end.ts'
import { hungUpCause } from './hung-up-cause.ts'
import type { ApplicationConfig, JoinWay, RoomWay } from './way.ts'
import { openNext } from './attempts.ts'
import { note, owe, unowe } from './duties.ts'
import { endCall } from './ending.ts'
import type { EventOf } from './events.ts'
import { newCall } from './new-call.ts'
import { endWasTold } from './publications.ts'
import { factsOfOrder, KEPT_BACK, type Order } from './order.ts'
import { TIMES, type Rules } from './rules.ts'
import { joinWayOf } from './transfers.ts'

/*
 * Outbound calls that the bridge places. The record of one begins under the id of its order, before Jambonz is asked
 * for anything, and goes on under the call_sid that Jambonz gives it.
 */

/** The call is ordered: nothing was asked of Jambonz yet. */
export function orderedCall ({ at, order }: EventOf<'ordered'>, rules: Rules): Call {
  const draft: Call = {
    ...newCall(order.id, order.orderedAt, factsOfOrder(order), appOf(order, rules)),
    phase: 'requested',
    order,
    deadline: at + TIMES.orderWaits
  }
  note(draft, at, { from: 'operator', what: 'call ordered', by: order.placedBy })
  return draft
}

/**
 * createCall is about to be sent: from now on it is never sent again, whatever becomes of it.
 * Nothing changes when it was sent before, or when the call is wanted no more.
 */
export function onSending (draft: Call, { at }: EventOf<'sending'>): void {
  const { order } = draft
  if (!order || draft.phase !== 'requested' || order.sentAt !== undefined || draft.hangupAt !== undefined) return
  draft.order = { ...order, sentAt: at }
  draft.deadline = at + TIMES.outboundReceived
  note(draft, at, { from: 'bridge', what: 'createCall' })
  owe(draft, at, { kind: 'find-call', target: order.id, due: at + TIMES.findCall })
}

/** What became of createCall, when it did not name the call. */
export function onPlacement (draft: Call, { at, outcome, detail }: EventOf<'placement'>, rules: Rules): void {
  if (draft.phase !== 'requested') return
  note(draft, at, { from: 'jambonz', what: 'createCall', status: outcome, detail })
  if (outcome === 'unknown') {
    // Jambonz may be dialling. A hook, or its list of calls, tells.
    owe(draft, at, { kind: 'find-call', target: draft.order!.id, due: at + TIMES.findCallSoon })
    return
  }
  unowe(draft, ({ kind }) => kind === 'find-call')
  const end = draft.hangupAt === undefined
    ? endOf('not-placed', { by: outcome === 'refused' ? 'jambonz' : 'bridge', detail })
    : hungUpCause(draft)
  endCall(draft, at, end, rules)
}

/** What happened under the order's id is the beginning of the call. */
function noteOrder (draft: Call, { orderedAt, sentAt, placedBy }: Order): void {
  note(draft, orderedAt, { from: 'operator', what: 'call ordered', by: placedBy })
  if (sentAt !== undefined) note(draft, sentAt, { from: 'bridge', what: 'createCall' })
}

/** Jambonz named the call, by its answer or by a hook. The call goes on under its call_sid. */
export function onPlaced (known: Call | undefined, event: EventOf<'placed'>, rules: Rules): Call {
  const { at, callSid, order } = event
  if (known?.order) {
    learn(known, event, rules)
    return known
  }
  const facts = factsOfOrder(order)
  const draft = known ?? { ...newCall(callSid, order.orderedAt, facts, rules.app), phase: 'dialing' as const }
  takeOrder(draft, order, rules)
  draft.facts = { ...facts, applicationSid: draft.facts.applicationSid }
  draft.at.received = Math.min(order.orderedAt, draft.at.received)
  if (!known) noteOrder(draft, order)
  note(draft, at, { from: 'jambonz', what: 'call placed' })
  if (draft.phase === 'ended') return draft
  if (draft.attempts.length === 0) {
    draft.phase = draft.phase === 'received' ? 'dialing' : draft.phase
    draft.plan = draft.route!.ways
    draft.deadline = at + (draft.caller.answered ? TIMES.received : order.ringS * 1000 + TIMES.dialSlack)
  }
  learn(draft, event, rules)
  if (order.agentAt === 'dial') prepareRoom(draft, at, rules)
  return draft
}

/** Whether the naming of a call that is known as the order's own says anything new of it. */
export function isNews ({ order, phase, hangupAt, hangupFor }: Call, event: EventOf<'placed'>): boolean {
  if (order === undefined || isFuller(event.order, order)) return true
  if (phase === 'ended') return false
  return (event.hangupAt !== undefined && hangupAt === undefined) || (event.givenUp === true && hangupFor === undefined)
}

/** A hook does not say what only the agent and the carrier may know. */
const isFuller = (one: Order, other: Order): boolean =>
  KEPT_BACK.some(field => one[field] !== undefined && other[field] === undefined) ||
  (one.transfer?.brief !== undefined && other.transfer?.brief === undefined)

/** What was not known when the call was named first: all of the order, and whether anybody wants the call still. */
function learn (draft: Call, event: EventOf<'placed'>, rules: Rules): void {
  const { at, order, hangupAt, givenUp } = event
  if (isFuller(order, draft.order!)) takeOrder(draft, order, rules)
  if (draft.phase === 'ended') return
  if (givenUp && draft.hangupFor === undefined) {
    draft.hangupFor = 'given-up'
    endWasTold(draft)
  } else {
    if (hangupAt === undefined || draft.hangupAt !== undefined) return
    draft.hangupFor ??= event.hangupFor
  }
  hangUpCallee(draft, at, rules)
}

/** What follows from an order for its call. A plan that has begun stays as it is. */
function takeOrder (draft: Call, order: Order, rules: Rules): void {
  draft.order = order
  draft.app = appOf(order, rules)
  draft.route = { ways: [wayOf(order)] }
  if (draft.plan.length > 0) draft.plan = draft.route.ways
}

/** What the agent of an order gets: nothing of the settings' application but what the order says. */
const appOf = ({ agent, metadata }: Order, { app }: Rules): ApplicationConfig =>
  ({ ...app, agent, ...(metadata === undefined ? {} : { metadata }), fallbackNumber: undefined })

/** The way in which the callee of an order is connected. */
function wayOf ({ agent, metadata, transfer }: Order): RoomWay | JoinWay {
  if (transfer?.mode === 'add') return joinWayOf(transfer)
  return { strategy: 'room', agent, ...(metadata === undefined ? {} : { metadata }) }
}

/** Nobody listened while Jambonz may have named the call. Its list of calls is asked before anything is given up. */
export function onAwayUnnamed (draft: Call, at: number): void {
  const { order } = draft
  if (order?.sentAt === undefined) return
  draft.deadline = Math.max(draft.deadline ?? at, at + TIMES.findCall)
  owe(draft, at, { kind: 'find-call', target: order.id, due: at })
}

/**
 * The call is known under its call_sid now: the record under its order's id is needed no more. One that had ended
 * stays, because its end was told.
 */
export function onNamed (draft: Call, { at, callSid, hangupAt }: EventOf<'named'>): Call | undefined {
  // A hang-up that came meanwhile is to reach the call first.
  if (draft.phase !== 'ended') return draft.hangupAt === hangupAt ? undefined : draft
  unowe(draft, ({ kind }) => kind === 'find-call')
  note(draft, at, { from: 'jambonz', what: 'call placed', detail: `found later as ${callSid}` })
  return draft
}

/** The room is made before the callee has answered, so that the agent waits there. */
export function prepareRoom (draft: Call, at: number, rules: Rules): void {
  if (draft.attempts.length > 0 || draft.hangupAt !== undefined || draft.closing) return
  // Nobody waits for a person who joins a room that is there already.
  if (draft.plan[0]?.strategy !== 'room') return
  const { phase, deadline } = draft
  const attempt = openNext(draft, at, rules)
  if (!attempt) return
  // Nobody asked for a reply, and nothing is on its way yet.
  attempt.pendingSince = undefined
  draft.phase = phase
  draft.deadline = deadline
  owe(draft, at, { kind: 'make-room', target: String(attempt.n), due: at })
}

/** The attempt whose room was made before the callee answered, and that was not dialled yet. */
export function preparedAttempt (call: Call): Attempt | undefined {
  const [attempt] = call.attempts
  const isWaiting = call.order !== undefined && attempt !== undefined && call.attempts.length === 1 && !attempt.end &&
    attempt.at.replied === undefined && isBeforeHook(call)
  return isWaiting ? attempt : undefined
}

/** The status of a callee who has not talked yet. */
export function onCallee (draft: Call, { at, callStatus }: EventOf<'status'>, rules: Rules): void {
  switch (callStatus) {
    case 'trying':
    case 'queued':
      if (draft.phase === 'received' && isBeforeHook(draft)) draft.phase = 'dialing'
      break
    case 'ringing':
    case 'early-media':
      calleeRings(draft, at, rules)
      break
    case 'in-progress':
      calleeAnswered(draft, at, rules)
      break
    case 'completed':
    case 'failed':
    case 'busy':
    case 'no-answer':
      // A leg's end means the same in both directions.
      break
  }
}

function calleeRings (draft: Call, at: number, rules: Rules): void {
  draft.at.ringing ??= at
  if (!isBeforeHook(draft) || draft.caller.answered) return
  if (draft.phase === 'received' || draft.phase === 'dialing') draft.phase = 'ringing'
  if (draft.order && draft.order.agentAt !== 'answer') prepareRoom(draft, at, rules)
}

function calleeAnswered (draft: Call, at: number, rules: Rules): void {
  if (draft.at.answered !== undefined && draft.caller.answeredBefore) return
  draft.caller.answered = true
  draft.caller.answeredBefore = true
  draft.at.answered ??= at
  if (!draft.order || !isBeforeHook(draft)) return
  // The call hook follows at once.
  draft.deadline = at + TIMES.received
  if (draft.hangupAt !== undefined) hangUpCallee(draft, at, rules)
}

/**
 * Owes the end of the callee's leg. Jambonz ends an answered leg by the one status and an unanswered one by the other,
 * and refuses the one that does not fit (422).
 */
export function hangUpCallee (draft: Call, at: number, rules: Rules): void {
  draft.hangupAt ??= at
  draft.settleAt = at + TIMES.hangup
  if (!rules.callControl) return
  const { answered } = draft.at
  unowe(draft, ({ kind }) => kind === 'hang-up')
  if (answered === undefined) {
    owe(draft, at, { kind: 'hang-up', target: 'no-answer', due: at })
    return
  }
  // A leg that is ended within 10 ms of its answer may never get a BYE (recorded: 2 of 22 on a busy machine).
  const due = Math.max(at, answered + TIMES.answerSettles)
  draft.settleAt = due + TIMES.hangup
  owe(draft, at, { kind: 'hang-up', target: 'completed', due })
}

/**
 * What was expected of an order did not come in time. Whoever may be on the line is not left with nobody: Jambonz is
 * asked to end the leg, in either state.
 */
export function releaseCallee (draft: Call, at: number, rules: Rules): void {
  if (!draft.order || draft.caller.final || draft.callSid === draft.order.id || !rules.callControl) return
  if (draft.at.answered === undefined) owe(draft, at, { kind: 'hang-up', target: 'no-answer', due: at })
  owe(draft, at, { kind: 'hang-up', target: 'completed', due: at + TIMES.answerSettles })
}
