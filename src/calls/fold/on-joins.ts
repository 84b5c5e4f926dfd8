import { isCallerLeg, markOf } from './caller-leg.ts'
import type { Call } from './call.ts'
import { note } from './duties.ts'
import type { EventOf, SipAttributes } from './events.ts'
import { TIMES } from './rules.ts'

/*
 * An agent calls somebody into the room of its call. To Jambonz that is a call of its own, and LiveKit shows its leg in
 * the room. The two calls find each other by what LiveKit calls that leg, whichever is heard of first.
 */

/** The leg of this call is in that call's room. LiveKit's word counts more than a header that named another call. */
export function onJoins (draft: Call, { at, callSid }: EventOf<'joins'>): void {
  if (draft.joins === callSid || callSid === draft.callSid) return
  draft.joins = callSid
  note(draft, at, { from: 'livekit', what: 'joins a call', detail: callSid })
}

const REMEMBER_PEOPLE = 32

/** Somebody is called into the room of this call. */
export function onPerson (draft: Call, { at, callSid }: EventOf<'person'>): void {
  if (draft.people?.includes(callSid)) return
  draft.people = [...draft.people ?? [], callSid].slice(-REMEMBER_PEOPLE)
  note(draft, at, { from: 'livekit', what: 'person called', detail: callSid })
}

/**
 * LiveKit's leg of an agent's call has left. Jambonz says more of how the call ended, if it says anything: a hook whose
 * reply it could not use is followed by nothing.
 */
export function onLegLeft (draft: Call, { at, reason }: EventOf<'leg-left'>): void {
  if (draft.phase === 'ended' || draft.legLeftAt !== undefined) return
  draft.legLeftAt = at
  draft.settleAt ??= at + TIMES.settle
  note(draft, at, { from: 'livekit', what: 'leg left', detail: reason })
}

/** The SIP legs that an event shows in the room of an attempt, and that are not the caller's. */
export function peopleIn (call: Call, event: EventOf<'livekit'> | EventOf<'look'>): SipAttributes[] {
  if (event.kind === 'look') return event.people ?? []
  const { participant, room } = event
  const attempt = call.attempts.find(attempt => attempt.room === room)
  if (!attempt || participant?.kind !== 'SIP' || !participant.sip) return []
  return isCallerLeg(participant.sip, markOf(call, attempt)) ? [] : [participant.sip]
}

const REMEMBER_IDS = 16

/** Remembers by what LiveKit knows such legs: the calls that agents make with them may be heard of later. */
export function rememberPeople (draft: Call, event: EventOf<'livekit'> | EventOf<'look'>): void {
  const ids = peopleIn(draft, event).flatMap(({ callIds }) => callIds ?? [])
  if (ids.length === 0) return
  draft.sipCallIds = [...new Set([...draft.sipCallIds ?? [], ...ids])].slice(-REMEMBER_IDS)
}
