import type { Attempt, Call, Duty } from './call.ts'
import { note, owe } from './duties.ts'
import type { EventOf } from './events.ts'
import { TIMES } from './rules.ts'

/*
 * A room that was deleted can come back: an agent whose job was on its way when the room was deleted joins all the
 * same, and LiveKit makes the room again, without metadata and for 300 s (recorded on livekit-server 1.13.3). An agent
 * whose join was aborted by the deletion tries again some 15 s later. A room therefore counts as gone only when it
 * stayed gone: its deletion is repeated until LiveKit has nothing to delete, and any sign of life starts over.
 */

/**
 * Pauses between deletions, milliseconds. The second one outlasts the reconnect of an agent that was aborted, the third
 * one a worker that needs half a minute to start a job.
 */
export const DELETE_PAUSES_MS = [2000, 18_000, 40_000] as const

/** How far the deletion of a room has come. */
export interface RoomCleanup {
  /** Deletions so far that LiveKit had nothing to do for, plus the first one. */
  step: number
  /** Until then a request that makes the room may still be on its way, milliseconds since the epoch. */
  settled: number
  /** How many pauses the deletion is repeated after. */
  pauses: number
}

/**
 * Owes the deletion of an attempt's room, unless the room is not ours. Where a request that makes the room is still on
 * its way, the room would come back: its deletion then waits until that request has settled, unless it ends the call.
 */
export function oweDeleteRoom (draft: Call, attempt: Attempt, at: number): void {
  if (attempt.room === undefined || attempt.foreign) return
  const pending = attempt.pendingSince ?? attempt.dispatchingSince
  const settled = pending === undefined ? at : Math.max(at, pending + TIMES.roomSettles)
  const isOver = attempt.final ?? attempt.action ?? draft.caller.final
  const endsLeg = attempt.at.replied !== undefined && isOver === undefined
  owe(draft, at, {
    kind: 'delete-room',
    target: attempt.room,
    due: endsLeg ? at : settled,
    room: { step: 0, settled, pauses: pausesOf(attempt, pending !== undefined) }
  })
}

/**
 * Whether the room was deleted already, and its deletion is to be repeated later. Repeating it sooner would abort an
 * agent whose job is on its way. That agent would make the room again 15 s later.
 */
export const isDeleted = ({ duties }: Call, { room, pendingSince, dispatchingSince }: Attempt): boolean =>
  (pendingSince ?? dispatchingSince) === undefined &&
  duties.some(duty => duty.kind === 'delete-room' && duty.target === room && (duty.room?.step ?? 0) > 0)

/** A room was made for an attempt that the call does not have. */
export function onStrayRoom (draft: Call, { at, room }: EventOf<'stray-room'>): void {
  if (!draft.attempts.some(attempt => attempt.room === room)) oweDeleteStray(draft, room, at)
}

/**
 * How often the deletion is repeated. An agent that talks has no job on its way any more; and where LiveKit's events
 * arrive, they tell of an agent that comes later.
 */
function pausesOf ({ view, made, at }: Attempt, isPending: boolean): number {
  if (isPending) return DELETE_PAUSES_MS.length
  // LiveKit refused to make the room, and Jambonz does not dial it. Should it exist all the same, an event shows it.
  if (made === 'failed' && at.replied === undefined && !view.events) return 0
  if (view.agent?.audioAt !== undefined && !view.agent.left) return 1
  return view.events ? 2 : DELETE_PAUSES_MS.length
}

/** Owes the deletion of a room that none of the call's attempts has, or that a request may still make. */
export function oweDeleteStray (draft: Call, room: string, at: number, settled = at): void {
  owe(draft, at, {
    kind: 'delete-room',
    target: room,
    due: settled,
    room: { step: 0, settled, pauses: DELETE_PAUSES_MS.length }
  })
}

/** A deletion succeeded. It is repeated until the room has stayed gone. */
export function roomDeleteOutcome (
  draft: Call,
  duty: Duty,
  { at, detail }: Pick<EventOf<'duty'>, 'at' | 'detail'>
): void {
  const { step, settled, pauses } = duty.room ?? { step: 0, settled: at, pauses: 1 }
  const cameBack = step > 0 && detail === 'deleted'
  const attempt = draft.attempts.find(({ room }) => room === duty.target)
  if (step === 0 || cameBack) {
    const what = cameBack ? 'room came back, delete-room done' : 'delete-room done'
    note(draft, at, { from: 'bridge', what, attempt: attempt?.n })
  }
  const next = cameBack ? 0 : step
  const wanted = cameBack ? Math.max(pauses, 2) : pauses
  const pause = next < wanted ? DELETE_PAUSES_MS[next] : undefined
  if (pause === undefined && at >= settled) {
    note(draft, at, { from: 'bridge', what: 'room gone', attempt: attempt?.n })
    return
  }
  owe(draft, at, {
    kind: 'delete-room',
    target: duty.target,
    due: pause === undefined ? settled : at + pause,
    room: { step: next + 1, settled, pauses: wanted }
  })
}

/** Whether an event shows that somebody is, or was, in a room that should be gone. */
export function isSignOfLife (attempt: Attempt, { what, participant }: EventOf<'livekit'>): boolean {
  switch (what) {
    case 'room_started':
    case 'participant_joined':
    case 'participant_connection_aborted':
    case 'track_published':
      return true
    case 'participant_left':
      return participant !== undefined && !hadJoined(attempt, participant)
    case 'room_finished':
    case 'track_unpublished':
    case 'other':
      return false
  }
}

/**
 * The room is back, or an event from before its deletion came late. A deletion between `room_started` and the agent's
 * joining would abort that agent, which then makes the room again 15 s later. One after it has joined ends it. So
 * whatever does not show the agent in the room waits for the agent. A first deletion that nobody has begun yet waits
 * for nothing.
 */
export function oweDeleteAgain (
  draft: Call,
  attempt: Attempt,
  { at, what }: EventOf<'livekit'>,
  kind: string | undefined
): void {
  const before = draft.duties.find(duty => duty.kind === 'delete-room' && duty.target === attempt.room)
  const isFirst = before?.room?.step === 0 && before.claim === undefined
  oweDeleteRoom(draft, attempt, at)
  if (kind === 'AGENT' && (what === 'participant_joined' || what === 'track_published')) return

  const agentIsThere = at + DELETE_PAUSES_MS[0]
  const due = isFirst ? Math.min(before.due, agentIsThere) : agentIsThere
  draft.duties = draft.duties.map(duty =>
    duty.kind === 'delete-room' && duty.target === attempt.room ? { ...duty, due } : duty
  )
}

/** Those who had joined before leave because the room was deleted. */
function hadJoined ({ view }: Attempt, { sid, identity }: { sid: string, identity: string }): boolean {
  return view.sip?.sid === sid || view.past.includes(sid) || view.agent?.identity === identity ||
    view.moreAgents?.includes(identity) === true
}
