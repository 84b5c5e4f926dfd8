import { ringSOf } from './attempt-facts.ts'
import type { Attempt, Call } from './call.ts'

/*
 * What LiveKit alone shows of a call, for when Jambonz's word was not heard: statuses and /action are lost while no
 * bridge listens, but LiveKit repeats its webhooks.
 */

/** LiveKit answers within this time of the agent's audio and the SIP participant being in the room, milliseconds. */
const ANSWERS_WITHIN_MS = 1500

/** LiveKit's longest ringing, and Jambonz's longest dial timeout, milliseconds. */
const RINGS_AT_MOST_MS = 180_000

/** The SIP participant was removed, or its room deleted: an agent or somebody with the API key ended the call. */
const REMOVED: ReadonlySet<string> = new Set(['ROOM_DELETED', 'PARTICIPANT_REMOVED'])

/** A look did not find the SIP participant any more. How it left was not seen. */
export const UNSEEN = 'UNSEEN'

/** How the SIP participant left, if LiveKit said so. */
export function sipLeft ({ view: { sip } }: Attempt): { at: number, reason: string, callStatus?: string } | undefined {
  return sip?.left?.reason === UNSEEN ? undefined : sip?.left
}

/** LiveKit's side put the caller out. */
export function wasRemoved (attempt: Attempt): boolean {
  const left = sipLeft(attempt)
  return left !== undefined && REMOVED.has(left.reason) && !attempt.found
}

/**
 * The caller was put out of a room whose call this process only found: the one before may have deleted that room
 * itself, because the call was over.
 */
export function maybeByUs (attempt: Attempt): boolean {
  const left = sipLeft(attempt)
  return left !== undefined && REMOVED.has(left.reason) && attempt.found === true
}

/** Detail of such an end. */
export const MAYBE_BY_US =
  'the room was deleted: by the agent, by somebody with the API key, or by this bridge before it restarted'

/** This process found the room, and does not know what had happened in it before. */
export const beginningUnheard = (attempt: Attempt): boolean => attempt.found === true && !attempt.view.started

/** The caller's side ended the SIP leg (BYE or CANCEL), or no RTP came from it for the trunk's media timeout. */
export function leftByItself (attempt: Attempt): boolean {
  return sipLeft(attempt)?.reason === 'CLIENT_INITIATED'
}

/**
 * Since when LiveKit's side shows a talk, milliseconds since the epoch: SIP participant and agent audio were in the
 * room together for longer than LiveKit needs to answer. Undefined: it shows none.
 */
export function talkedSince (attempt: Attempt): number | undefined {
  const { sip, agent } = attempt.view
  if (!sip) return undefined
  const since = Math.max(sip.joinedAt, agent?.audioAt ?? 0)
  // LiveKit's own word. `hangup`, which it is after BYE and CANCEL alike, tells neither.
  if (sip.left?.callStatus === 'active') return Math.min(since, sip.left.at)
  // Nobody rings for so long.
  if (sip.left && sip.left.at - sip.joinedAt > Math.max(RINGS_AT_MOST_MS, ringSOf(attempt, 0) * 1000)) return since
  if (agent?.audioAt === undefined || sip.left?.callStatus === 'ringing') return undefined
  const until = sip.left?.at ?? Infinity

  return until - since >= ANSWERS_WITHIN_MS ? since : undefined
}

/** Whether Jambonz said how the attempt's leg, or the unanswered caller's leg, ended. */
export function jambonzToldEnd (call: Call, attempt: Attempt): boolean {
  return attempt.final !== undefined || attempt.action?.dialCallStatus !== undefined ||
    (call.caller.final !== undefined && call.caller.final.callStatus !== 'completed')
}

/** Takes LiveKit's word that the agent leg was answered, where Jambonz's was not heard. */
export function takeTalk (draft: Call, attempt: Attempt): void {
  if (attempt.answered || attempt.room === undefined || jambonzToldEnd(draft, attempt)) return
  const since = talkedSince(attempt)
  if (since === undefined) return
  attempt.answered = true
  attempt.at.answered ??= since
  draft.at.answered ??= since
  draft.at.connected ??= since
}

/** The agent left, or died, while the caller was still there. That the room ended is no leaving of its own. */
export function agentLeftBefore ({ view: { agent, sip } }: Attempt, at: number): boolean {
  if (!agent?.left || agent.left.at > at || /^ROOM_/.test(agent.left.reason)) return false
  // A look that finds neither of them does not tell who left first.
  return agent.left.reason !== UNSEEN || sip?.left?.at !== agent.left.at
}

/** No bridge listened at some time during the attempt: that something was not heard proves nothing. */
export function mayHaveMissed (call: Call, attempt: Attempt | undefined): boolean {
  const since = attempt?.at.opened ?? call.at.received
  return (call.away ?? []).some(({ to }) => to > since)
}

/**
 * No bridge listened at some time since the call was last known to live: its end, or part of it, may have been missed.
 */
export function mayHaveMissedEnd (call: Call, attempt: Attempt): boolean {
  const { at, view } = attempt
  const alive = Math.max(at.opened, at.lastRinging ?? 0, at.answered ?? 0, view.sipSeenAt ?? 0, call.transfer?.at ?? 0)
  return (call.away ?? []).some(({ to }) => to > alive)
}

/** When the call ended, as well as that is known: by Jambonz's word, by LiveKit's, else when it was noticed. */
export function endedAt (call: Call, attempt: Attempt | undefined, noticedAt: number): number {
  const heard = call.caller.final?.at ?? attempt?.final?.at ?? attempt?.action?.at ??
    (attempt && sipLeft(attempt)?.at) ?? noticedAt
  const earliest = call.at.answered ?? call.at.received

  return Math.min(noticedAt, Math.max(earliest, heard))
}
