import type { Fault } from './check.ts'
import type { Answered, DialledRoom } from './player.ts'
import { callOf } from './recording.ts'
import type { Played } from './session.ts'
import { agentsStay } from './waiting-agents.ts'

/** A call hook that was answered, and the room that the answer dialled. */
interface Start {
  callSid: string
  at: number
  dialled: DialledRoom
}

/** Whether the calls of rooms that were made before got one, one each, with an agent that knows who calls. */
export function faultsOfWarmRooms (played: Played): Fault[] {
  if (!played.recording.waiting) return []
  const starts = played.answered.flatMap(startOf)
  // A call hook that comes again is answered as the first one was.
  const firsts = starts.filter((start, i) => starts.findIndex(({ callSid }) => callSid === start.callSid) === i)
  return [...firsts.flatMap(start => faultsOfStart(start, played)), ...faultsOfSharing(starts)]
}

function startOf ({ hook, at, dialled }: Answered): Start[] {
  return dialled ? [{ callSid: callOf(hook), at, dialled }] : []
}

function faultsOfStart ({ callSid, at, dialled }: Start, played: Played): Fault[] {
  const { recording: { waiting = [] }, variant } = played
  const fault = (what: string, expected: string, got: string) => [{ what: `${what} of ${callSid}`, expected, got }]
  // A pool that the process before had filled is gone with it, and who waits in it is not known before a look.
  const isSure = !variant.away
  const wanted = waiting.some(room => room.callSid === callSid) && agentsStay(waiting)
  if (isSure && wanted && !dialled.isWarm) return fault('start', 'in a room that was there', 'in a new room')
  if (!dialled.isWarm) return []
  // Without events the bridge hears that an agent has left only when it looks.
  if (isSure && !variant.withoutWebhooks && !dialled.hasAgent) return fault('room', 'an agent in it', 'nobody')
  return isSure && !isTold(callSid, at, dialled, played) ? fault('agent', 'told who calls', 'not told') : []
}

/** The agent learns who calls from the metadata of its room, after the call hook is answered. */
function isTold (callSid: string, at: number, { name }: DialledRoom, { api, calls, started }: Played): boolean {
  const sid = calls.find(({ recordedSid }) => recordedSid === callSid)?.callSid ?? callSid
  return api.some(({ method, room, metadata, status, at: askedAt }) =>
    method === 'RoomService/UpdateRoomMetadata' && room === name && status === 200 && askedAt >= started + at &&
    metadata?.includes(sid))
}

function faultsOfSharing (starts: Start[]): Fault[] {
  const owners = new Map<string, string>()
  return starts.flatMap(({ callSid, dialled: { name } }) => {
    const owner = owners.get(name) ?? callSid
    owners.set(name, owner)
    const fault = { what: `room ${name}`, expected: `for ${owner} alone`, got: `given to ${callSid}` }
    return owner === callSid ? [] : [fault]
  })
}
