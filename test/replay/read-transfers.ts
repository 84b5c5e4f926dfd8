import { isJson, jsons, number, text, type Json } from './json.ts'
import { assembled, hookOf, PATHS, roomArgument, roomEventOf, type Paths } from './read-parts.ts'
import { isCleanUp, orderOf } from './read-orders.ts'
import {
  callOf,
  callSidsOf,
  dialledBy,
  field,
  FINAL_STATUSES,
  pathOf,
  roomNameOf,
  userOf,
  type Hook,
  type HookAddress,
  type HookPath,
  type RecordedTransfer,
  type Recording,
  type RoomEvent,
  type Unplayable,
  type Verb
} from './recording.ts'
import { causesOfAgentCall } from './right-causes.ts'
import { rightOfTransfers } from './right-transfers.ts'

/*
 * Recordings in which a caller is handed to a person. The recorder did by itself what the bridge is asked to do here:
 * its REST requests say what was asked for and when, and the addresses in them and in its replies what each hook was.
 */

export function recordingsOfTransfers (name: string, recorded: Json): Array<Recording | Unplayable> {
  const hooks = jsons(recorded['jambonz']).map(request => hookOf(request, () => true, pathsOf(recorded)))
  const caller = hooks.find(({ path, body }) => path === '/livekit-api' && field(body, 'direction') === 'inbound')
  if (!caller) return [{ name, kind: 'transfer', why: 'nothing', detail: 'no caller in it' }]

  const callSid = callOf(caller)
  const rest = jsons(recorded['rest']).flatMap(requestOf)
  const dialled = tokensOf(recorded, hooks)
  const events = jsons(recorded['livekit']).flatMap(roomEventOf).filter(({ body }) =>
    dialled.some(token => roomNameOf(body)?.endsWith(token)))
  const base = assembled(name, 'transfer', recorded, hooks, events)
  const orders = jsons(recorded['rest']).flatMap(orderOf).map(order => ({ ...order, isForTransfer: true }))
  const recording: Recording = {
    ...base,
    dialled,
    roomMade: true,
    roomEvents: events.filter(event => !isOfRecorder(event, events)),
    orders,
    transfers: transfersOf(callSid, hooks, rest, { dialled, made: madeRooms(recorded), orders }),
    endedByRecorder: Object.fromEntries(rest.filter(({ status }) => status !== undefined)
      .map(({ callSid, at }) => [callSid, at])),
    unfinished: false,
    missing: base.missing.filter(what => what !== 'causes' && what !== 'the end of the call')
  }
  const right = rightOfTransfers(recording)
  const added = callSidsOf(recording).filter(sid => sid !== callSid && orders.every(order => order.callSid !== sid))
  if (added.length === 0) return [{ ...recording, ...right }]
  return [{ ...recording, ...right, ...withAgentCalls(recording, callSid, added, right.causesOf) }]
}

/** An agent called somebody into the caller's room by itself. */
const withAgentCalls = (
  { hooks }: Recording,
  callSid: string,
  added: string[],
  causesOf: Recording['causesOf']
): Partial<Recording> => ({
  callsRefused: false,
  hosts: [callSid],
  joins: Object.fromEntries(added.map(sid => [sid, callSid])),
  causesOf: {
    ...causesOf,
    ...Object.fromEntries(added.map(sid =>
      [sid, causesOfAgentCall({ hooks: hooks.filter(hook => callOf(hook) === sid) })]))
  }
})

/** A request of the recorder to Jambonz' REST API that Jambonz took. */
interface Request {
  at: number
  callSid: string
  /** createCall. */
  places: boolean
  /** updateCall: `call_status`. */
  status: string | undefined
  /** updateCall: where Jambonz asks what to do with the leg. */
  redirectsTo: string | undefined
}

function requestOf (request: Json): Request[] {
  const body = isJson(request['body']) ? request['body'] : {}
  const replied = isJson(request['replied']) ? request['replied'] : {}
  const answered = isJson(replied['body']) ? replied['body'] : {}
  const places = request['what'] === 'createCall'
  const callSid = places ? text(answered['sid']) : (text(request['path']) ?? '').split('/').at(-1)
  if (callSid === undefined || (number(replied['status']) ?? 0) >= 300) return []
  const hook = body['call_hook'] as HookAddress | undefined
  return [{
    at: number(request['at_ms']) ?? 0,
    callSid,
    places,
    status: places ? undefined : text(body['call_status']),
    redirectsTo: places || hook === undefined ? undefined : withoutQuery(hook)
  }]
}

const withoutQuery = (address: HookAddress): string => pathOf(address).replace(/\?.*/, '')

/** What each of the recorder's addresses was for, by where they stand in its requests and replies. */
function pathsOf (recorded: Json): Paths {
  const paths: Paths = { ...PATHS }
  const learn = (address: unknown, path: HookPath) => {
    if (typeof address === 'string' || isJson(address)) paths[withoutQuery(address as HookAddress)] = path
  }
  for (const { what, body } of jsons(recorded['rest'])) {
    if (!isJson(body)) continue
    learn(body['call_hook'], what === 'createCall' ? '/livekit-api' : '/redirect')
    learn(body['call_status_hook'], '/status')
  }
  const replies = jsons(recorded['jambonz']).map(({ replied }) => isJson(replied) ? replied['body'] : undefined)
  for (const { verb, actionHook, referHook, confirmHook, target } of replies.flatMap(jsons)) {
    learn(actionHook, ACTIONS[text(verb) ?? ''] ?? '/action')
    learn(referHook, '/refer')
    for (const hook of [confirmHook, ...jsons(target).map(({ confirmHook }) => confirmHook)]) learn(hook, '/screen')
  }
  return paths
}

/** What the actionHook of a verb is for us. */
const ACTIONS: Record<string, HookPath> = { gather: '/screen-digit', 'sip:refer': '/refer-complete' }

/** Names of the rooms without their prefix, in the order in which they came up. */
function tokensOf (recorded: Json, hooks: Hook[]): string[] {
  const named = isJson(recorded['tokens']) ? Object.values(recorded['tokens']).map(text) : []
  const dialled = hooks.flatMap(({ verbs }) => verbs.flatMap(({ target }) => userOf(target?.[0]?.sipUri)))
  const rooms = jsons(recorded['livekit']).flatMap(roomEventOf).map(({ body }) => roomNameOf(body))
  const isRoom = (token: string) => rooms.some(room => room?.endsWith(token)) || dialled.includes(token)
  return [...new Set([...named, ...dialled])].filter(token => token !== undefined).filter(isRoom)
}

/** Rooms that the recorder made, and when. */
const madeRooms = (recorded: Json): Array<{ at: number, room: string | undefined }> =>
  jsons(recorded['api']).filter(({ op }) => op === 'CreateRoom')
    .map(({ at_ms: at, args }) => ({ at: number(at) ?? 0, room: roomArgument(args) }))

/**
 * Whether something came of the recorder's tidying up: it deleted a room in which no caller or person was any more.
 * That the bridge does by itself. A room in which somebody was is an agent's way to hang up.
 */
function isOfRecorder (event: RoomEvent, events: RoomEvent[]): boolean {
  if (!isCleanUp(event)) return false
  const left = events.filter(({ at, body }) => Math.abs(at - event.at) < TOGETHER_MS &&
    body['event'] === 'participant_left' && roomNameOf(body) === roomNameOf(event.body))
  const isByRecorder = left.every(({ body }) => !['ROOM_CLOSED', 'CLIENT_INITIATED'].includes(reasonOf(body)))
  return isByRecorder && !left.some(({ body }) => kindOf(body) === 'SIP' && reasonOf(body) === 'ROOM_DELETED')
}

/** From the deletion of a room to the last event about it, milliseconds. */
const TOGETHER_MS = 500

const participantOf = ({ participant }: Json): Json => isJson(participant) ? participant : {}
const kindOf = (body: Json): string => text(participantOf(body)['kind']) ?? ''
const reasonOf = (body: Json): string => text(participantOf(body)['disconnectReason']) ?? ''

interface Known {
  dialled: string[]
  made: Array<{ at: number, room: string | undefined }>
  orders: Recording['orders']
}

function transfersOf (callSid: string, hooks: Hook[], rest: Request[], known: Known): RecordedTransfer[] {
  const transfers: RecordedTransfer[] = []
  for (const request of rest) {
    const last = transfers.at(-1)
    const isPersons = request.callSid !== callSid
    if (request.places) transfers.push(transferOfOrder(callSid, request, hooks, known))
    else if (last && isPersons && request.redirectsTo !== undefined) last.completedAt ??= request.at
    else if (last && isPersons && request.status !== undefined) cancel(last, request, hooks)
    else if (!isPersons && request.redirectsTo !== undefined) {
      const next = transferOfRedirect(request, hooks)
      if (next) transfers.push(next)
      else if (last) last.cancelledAt ??= request.at
    }
  }
  return transfers
}

function transferOfOrder (
  callSid: string,
  { at, callSid: personSid }: Request,
  hooks: Hook[],
  known: Known
): RecordedTransfer {
  const { to, carrier, ringS } = known.orders.find(order => order.callSid === personSid)!
  const [ofCaller] = known.dialled
  const dial = hooks.find(hook => hook.path === '/livekit-api' && callOf(hook) === personSid)?.verbs.find(isDial)
  const consulted = dial
    ? dialledBy(dial) !== ofCaller
    : known.made.some(made => made.at >= at && !made.room?.endsWith(ofCaller ?? ''))
  const mode = consulted ? 'consult' as const : 'add' as const
  return { at, mode, callSid, personSid, to, ...(carrier ? { carrier } : {}), ...(ringS ? { ringS } : {}) }
}

/** Undefined: the caller was brought back to the agent. */
function transferOfRedirect ({ at, callSid, redirectsTo }: Request, hooks: Hook[]): RecordedTransfer | undefined {
  const hook = hooks.find(hook => hook.path === '/redirect' && hook.at >= at && callOf(hook) === callSid)
  const [verb] = hook?.verbs ?? []
  if (!hook || !verb || redirectsTo === undefined) return undefined
  if (verb.verb === 'sip:refer') return { at, mode: 'refer', callSid, to: userOf((verb as Refer).referTo) ?? '' }
  const [target] = verb.target ?? []
  if (!isDial(verb) || target?.number === undefined) return undefined
  const isScreened = [verb, target as { confirmHook?: unknown }].some(({ confirmHook }) => confirmHook !== undefined)
  const { timeout, trunk } = { ...target, ...verb } as { timeout?: number, trunk?: string }
  return {
    at,
    mode: isScreened ? 'screen' : 'blind',
    callSid,
    to: target.number,
    ...(trunk ? { carrier: trunk } : {}),
    ...(timeout ? { ringS: timeout } : {})
  }
}

type Refer = Verb & { referTo?: string }

const isDial = ({ verb }: Verb): boolean => verb === 'dial'

/** A person whose caller is gone is hung up on without anybody asking for it. */
function cancel (transfer: RecordedTransfer, { at }: Request, hooks: Hook[]): void {
  const callerIsGone = hooks.some(hook => hook.at <= at && hook.path === '/status' &&
    field(hook.body, 'call_sid') === transfer.callSid && FINAL_STATUSES.has(field(hook.body, 'call_status') ?? ''))
  if (!callerIsGone) transfer.cancelledAt ??= at
}
