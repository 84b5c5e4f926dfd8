import { createHash } from 'node:crypto'
import { hook } from './made-of-sip.ts'
import { isJson, jsons, number, text, type Json } from './json.ts'
import { roomNameOf, type Hook, type RoomEvent } from './recording.ts'

/*
 * Some recordings show rooms that are made and deleted over LiveKit's API, without any call. Each of them stands for a
 * call whose caller gives up when its room was deleted: the bridge then makes and deletes the room itself.
 */

/** Undefined: no room was made in the recording. */
export function hooksOfRequests (
  recorded: Json,
  roomEvents: RoomEvent[]
): { hooks: Hook[], roomEvents: RoomEvent[], tokens: string[] } | undefined {
  const requests = jsons(recorded['api']).map(request => ({
    at: number(request['at_ms']) ?? 0,
    op: text(request['op']),
    room: roomOfArguments(request['args'])
  }))
  const made = requests.filter(({ op, room }) => op === 'CreateRoom' && room?.includes('_'))
  if (made.length === 0) return undefined
  const hooks = made.flatMap(({ at, room }) => {
    const deleted = requests.find(request => request.op === 'DeleteRoom' && request.room === room)
    return hooksOfCall(room!, at, deleted?.at)
  })
  const names = new Set(made.map(({ room }) => room))
  return {
    hooks: hooks.sort((a, b) => a.at - b.at),
    // What the recorder's own deleting led to, the bridge's deleting leads to here.
    roomEvents: roomEvents.filter(({ body }) => names.has(roomNameOf(body)) && !isOfDeleting(body)),
    tokens: made.map(({ room }) => room!.replace(/^.*?_/, ''))
  }
}

function isOfDeleting (body: Json): boolean {
  const participant = body['participant']
  return body['event'] === 'room_finished' || body['event'] === 'track_unpublished' ||
    (isJson(participant) && participant['disconnectReason'] === 'ROOM_DELETED')
}

/** The order of chain/caller-gives-up-during-hook: the final status overtakes `trying`. */
function hooksOfCall (room: string, madeAt: number, deletedAt: number | undefined): Hook[] {
  const call = {
    call_sid: uuidOf(room),
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    call_id: room,
    account_sid: 'acct-1',
    application_sid: 'app-1'
  }
  const trying = { sip_status: 100, sip_reason: 'Trying', call_status: 'trying' }
  const called = hook('/livekit-api', madeAt, { ...call, ...trying, sip: { headers: {}, method: 'INVITE' } })
  if (deletedAt === undefined) return [called]
  const gaveUp = { sip_status: 487, sip_reason: 'Request Terminated', call_status: 'no-answer' }
  return [
    called,
    hook('/status', deletedAt, { ...call, ...gaveUp, call_termination_by: 'caller' }),
    hook('/status', deletedAt + 1, { ...call, ...trying })
  ]
}

function roomOfArguments (args: unknown): string | undefined {
  if (typeof args === 'string') return args
  return isJson(args) ? text(args['name']) ?? text(args['n']) ?? text(args['room']) : undefined
}

/** The same call_sid for the same room in every run. */
function uuidOf (room: string): string {
  const hex = createHash('sha256').update(room).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
