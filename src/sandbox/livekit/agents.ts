import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Trace } from '../../ladder/trace.ts'
import type { Dispatch, LeaveReason, Participant, Room } from './state.ts'
import type { Rooms } from './rooms.ts'
import { newId } from './json.ts'

/** What an agent worker does with its jobs. */
export interface AgentBehaviour {
  /** '' for an unnamed agent, which gets the jobs of rooms that name none. */
  name: string
  /** From dispatch to being in the room, ms. Default 200. */
  joinAfterMs?: number
  /** Whether the worker that took a job joins the room. Default true. */
  joins?: boolean
  /** From joining to its audio track, ms. Default 60. */
  publishAfterMs?: number
  /** Whether it publishes audio at all. Default true. */
  publishes?: boolean
  /** Whether listDispatch shows its job: real servers sometimes do not. Default true. */
  jobListed?: boolean
  /** The first of a room's dispatches of this name that it heeds, for a worker that misses jobs. Default 1. */
  heedsDispatch?: number
  /** What becomes of it from its joining on. */
  onJoined?: Exit
  /** From the caller's answered call on, ms each. */
  onConnected?: Exit & {
    /** Ends the call: deletes the room. */
    hangUpAfterMs?: number
    transferTo?: { uri: string, afterMs: number, headers?: Record<string, string> }
  }
}

/** How an agent goes and leaves the caller in silence, after ms; it holds for its first job in a room. */
export interface Exit {
  leaveAfterMs?: number
  /** Its process dies. LiveKit notices only {@link DEAD_AFTER} later. */
  dieAfterMs?: number
}

/** From the last sign of life of a participant to LiveKit putting it out, ms, as recorded. */
export const DEAD_AFTER = 20_000

export interface Agents {
  start(room: Room, dispatch: Dispatch): void
  /** The call of this room was answered. */
  connected(room: Room, caller: Participant): void
}

export function createAgents (options: {
  behaviours: AgentBehaviour[]
  clock: Clock
  trace: Trace
  rooms: () => Rooms
  transfer(room: Room, caller: Participant, uri: string, headers: Record<string, string>): void
}): Agents {
  const { clock } = options
  const present = new WeakMap<Room, Array<{ participant: Participant, behaviour: AgentBehaviour }>>()

  const step = (from: 'livekit' | 'agent', what: string) =>
    options.trace({ at: clock.now(), from, to: from === 'agent' ? 'livekit' : 'agent', what, via: 'room' })
  const isLive = (room: Room) => options.rooms().get(room.name) === room

  function exitLater (room: Room, participant: Participant, { leaveAfterMs, dieAfterMs }: Exit): void {
    const leaveLater = (ms: number, reason: LeaveReason, what: string) =>
      clock.schedule(ms, () => {
        if (participant.disconnectReason !== undefined || !isLive(room)) return
        step('agent', what)
        options.rooms().leave(room, participant, reason)
      })
    if (leaveAfterMs !== undefined) leaveLater(leaveAfterMs, 'CLIENT_INITIATED', 'leaves')
    if (dieAfterMs !== undefined) leaveLater(dieAfterMs + DEAD_AFTER, 'CONNECTION_TIMEOUT', 'is gone')
  }

  return {
    start (room, dispatch) {
      const behaviour = options.behaviours.find(b => b.name === dispatch.agentName)
      if (!behaviour) return
      if (
        room.dispatches.filter(({ agentName }) => agentName === behaviour.name).length < (behaviour.heedsDispatch ?? 1)
      ) return
      const id = newId('AJ_')
      const identity = `agent-${id}`
      step('livekit', `job ${dispatch.agentName}`.trim())
      clock.schedule(behaviour.joinAfterMs ?? 200, () => {
        if (!isLive(room) || dispatch.deletedMs > 0) return
        if (behaviour.jobListed ?? true) {
          dispatch.jobs.push({ id, identity, startedMs: clock.now(), workerId: newId('AW_') })
        }
        if (behaviour.joins === false) return
        step('agent', 'joins')
        const participant = options.rooms().join(room, {
          identity,
          name: '',
          kind: 'AGENT',
          metadata: '',
          attributes: { 'lk.agent.name': behaviour.name, 'lk.agent_name': behaviour.name }
        }, reason => step('livekit', reason.toLowerCase().replaceAll('_', ' ')))
        const others = present.get(room) ?? []
        present.set(room, [...others, { participant, behaviour }])
        if (others.length === 0) exitLater(room, participant, behaviour.onJoined ?? {})
        if (behaviour.publishes === false) return
        clock.schedule(behaviour.publishAfterMs ?? 60, () => {
          if (participant.disconnectReason !== undefined) return
          step('agent', 'publishes audio')
          options.rooms().publish(room, participant, {
            name: 'voice',
            mimeType: 'audio/red',
            mid: '7',
            cid: randomUUID()
          })
        })
      })
    },
    connected (room, caller) {
      for (const [index, { participant, behaviour }] of (present.get(room) ?? []).entries()) {
        const { hangUpAfterMs, transferTo } = behaviour.onConnected ?? {}
        if (index === 0) exitLater(room, participant, behaviour.onConnected ?? {})
        const later = (ms: number, what: string, fn: () => void) =>
          clock.schedule(ms, () => {
            if (participant.disconnectReason !== undefined || !isLive(room)) return
            step('agent', what)
            fn()
          })
        if (hangUpAfterMs !== undefined) {
          later(hangUpAfterMs, 'deletes the room', () =>
            options.rooms().close(room, 'ROOM_DELETED'))
        }
        if (transferTo) {
          later(transferTo.afterMs, 'transfers', () =>
            options.transfer(room, caller, transferTo.uri, transferTo.headers ?? {}))
        }
      }
    }
  }
}
