import { isJson, jsons, number, text, texts, type Json } from './json.ts'
import { presenceOfStatuses } from './made-of-statuses.ts'
import {
  dialledBy,
  field,
  FINAL_STATUSES,
  roomNameOf,
  userOf,
  type ApiFailure,
  type Hook,
  type HookPath,
  type Recording,
  type RoomEvent,
  type Verb
} from './recording.ts'

/*
 * What recordings of all kinds have in common.
 */

/** A recording of what was read of its file. */
export function assembled (
  name: string,
  kind: string,
  recorded: Json,
  hooks: Hook[],
  roomEvents: RoomEvent[]
): Recording {
  const seen = recorded['livekit'] !== undefined || recorded['webhooks'] !== undefined
  const tokens = tokensOf(recorded, hooks)
  const made = seen ? [] : presenceOfStatuses(hooks)
  return {
    name,
    kind,
    says: text(recorded['says']) ?? '',
    causes: Array.isArray(recorded['causes']) ? recorded['causes'].filter(cause => typeof cause === 'string') : [],
    orders: [],
    hangUps: [],
    transfers: [],
    refused: recorded['refused'] === true,
    start: startOf(hooks, roomEvents),
    hooks,
    roomEvents: seen ? roomEvents : made,
    attributes: jsons(recorded['agent']).filter(({ ev }) => ev === 'attrs').map(change => ({
      at: number(change['at_ms']) ?? 0,
      room: text(change['room']),
      identity: text(change['id']) ?? '',
      changed: texts(change['changed'])
    })),
    looks: jsons(recorded['looks']).map(look => ({
      at: number(look['at_ms']) ?? 0,
      room: text(look['room']),
      participants: jsons(look['participants'])
    })),
    failures: failuresOf(recorded),
    derived: false,
    livekitUnseen: !seen,
    roomMade: roomWasMade(recorded, hooks, roomEvents, tokens),
    dialled: tokens,
    roomPrefix: prefixOf(roomEvents, tokens),
    unfinished: isUnfinished(hooks),
    missing: [
      ...(Array.isArray(recorded['causes']) ? [] : ['causes']),
      ...(seen ? [] : ["LiveKit's webhooks"]),
      ...(hooks.some(({ path }) => path === '/status') ? [] : ['statuses']),
      ...(hooks.some(({ path }) => path === '/action') ? [] : ['/action']),
      ...(isUnfinished(hooks) ? ['the end of the call'] : [])
    ]
  }
}

/** Answered, and then nothing says that either leg ended. */
function isUnfinished (hooks: Hook[]): boolean {
  const statuses = hooks.filter(({ path }) => path === '/status').map(({ body }) => field(body, 'call_status') ?? '')
  const over = statuses.some(status => FINAL_STATUSES.has(status)) || hooks.some(({ path }) => path === '/action')
  return statuses.includes('in-progress') && !over
}

export type Paths = Record<string, HookPath>

/** Paths under which the recorders took Jambonz' hooks, and the bridge's own for each. */
export const PATHS: Paths = {
  '/livekit-api': '/livekit-api',
  '/call-hook': '/livekit-api',
  '/action': '/action',
  '/status': '/status',
  '/call-status': '/status',
  '/refer': '/refer',
  '/refer-complete': '/refer-complete',
  '/refer-result': '/refer-complete'
}

/** @param isFor whether a hook is for an application such as ours */
export function hookOf (
  request: Json,
  isFor: (path: HookPath, body: string, verbs: Verb[]) => boolean,
  paths: Paths = PATHS
): Hook {
  const replied = isJson(request['replied']) ? request['replied'] : {}
  const body = text(request['body']) ?? ''
  const verbs = jsons(replied['body']) as unknown as Verb[]
  const path = paths[(text(request['url']) ?? '').replace(/[?#].*/, '')]
  return {
    at: number(request['at_ms']) ?? 0,
    path: path && isFor(path, body, verbs) ? path : undefined,
    headers: texts(request['headers']),
    body,
    verbs,
    status: number(replied['status']),
    repliedAt: number(replied['at_ms'])
  }
}

/** A call hook that was answered with verbs that the bridge never sends was another application's. */
export function isOurs (path: HookPath, body: string, [first]: Verb[]): boolean {
  if (path === '/refer-complete') return !body.includes('"parent_call_sid"')
  return path !== '/livekit-api' || !first || first.verb === 'dial' || first.verb === 'sip:decline'
}

/** Nothing of a webhook that is no JSON object. */
export function roomEventOf (webhook: Json): RoomEvent[] {
  const raw = text(webhook['body']) ?? ''
  try {
    const body: unknown = JSON.parse(raw)
    if (!isJson(body)) return []
    return [{
      at: number(webhook['at_ms']) ?? 0,
      raw,
      authorization: texts(webhook['headers'])['authorization'],
      body
    }]
  } catch {
    return []
  }
}

/** What was dialled, in order: by the recorded replies, else by the statuses of the agent leg, else by the file. */
function tokensOf (recorded: Json, hooks: Hook[]): string[] {
  const replied = hooks.flatMap(({ path, verbs }) => path ? verbs.map(dialledBy) : [])
  const legs = hooks.map(({ path, body }) => path === '/status' ? toOfAgentLeg(body) : undefined)
  const named = text(recorded['room'])?.replace(/^.*?_/, '')
  const tokens = [...replied, ...legs, named].filter(token => token !== undefined)
  return [...new Set(tokens)]
}

function toOfAgentLeg (body: string): string | undefined {
  if (!body.includes('"parent_call_sid"')) return undefined
  return userOf(/"to":"([^"]*)"/.exec(body)?.[1])
}

/** A room that begins only after the agent leg was dialled was made by the SIP leg, not by the application. */
function roomWasMade (recorded: Json, hooks: Hook[], roomEvents: RoomEvent[], tokens: string[]): boolean {
  const isOurs = (room: string | undefined) => tokens.some(token => room?.endsWith(token))
  const began = roomEvents.find(({ body }) => body['event'] === 'room_started' && isOurs(roomNameOf(body)))
  if (!began) return true
  // Times of SIP messages and webhooks are not of one clock: the requests say it.
  if (jsons(recorded['sip']).length > 0) {
    return jsons(recorded['twirp']).some(({ path, request }) =>
      text(path)?.endsWith('/CreateRoom') && isOurs(roomArgument(request)))
  }
  const leg = hooks.find(({ path, body }) => path === '/status' && body.includes('"parent_call_sid"'))
  return !leg || began.at < leg.at
}

function prefixOf (roomEvents: RoomEvent[], tokens: string[]): string {
  for (const { body } of roomEvents) {
    const name = roomNameOf(body)
    const token = tokens.find(token => name?.endsWith(`_${token}`))
    if (name !== undefined && token !== undefined) return name.slice(0, name.length - token.length)
  }
  return 'jb_'
}

/**
 * The time that the recorded times count from, milliseconds since the epoch. A signature tells it to the second; the
 * creation time of a room to some milliseconds, where both agree.
 */
function startOf (hooks: Hook[], roomEvents: RoomEvent[]): number {
  const signed = hooks.flatMap(({ at, headers }) => {
    const seconds = /t=(\d+)/.exec(headers['jambonz-signature'] ?? '')?.[1]
    return seconds === undefined ? [] : [Number(seconds) * 1000 - at]
  })
  const rooms = roomEvents.flatMap(({ at, body }) => {
    const room = body['room'] as Json | undefined
    const created = Number(room?.['creationTimeMs'] ?? NaN)
    return body['event'] === 'room_started' && created > 0 ? [created - at] : []
  })
  const bySignature = signed.length > 0 ? Math.max(...signed) : undefined
  const byRoom = rooms[0]
  if (byRoom !== undefined && (bySignature === undefined || Math.abs(byRoom - bySignature) < 2000)) return byRoom
  return bySignature ?? Date.UTC(2026, 10, 21, 10)
}

/**
 * Requests that LiveKit's API could not do, in both shapes that recorders wrote. That a room or participant does not
 * exist is no failure of the API: whether it exists here, this run decides.
 */
function failuresOf (recorded: Json): ApiFailure[] {
  const twirp = jsons(recorded['twirp']).map(request => ({
    at: number(request['at_ms']) ?? 0,
    method: (text(request['path']) ?? '').replace(/^.*livekit\./, ''),
    room: roomArgument(request['request']),
    status: number(request['status']) ?? 200,
    body: isJson(request['reply']) ? request['reply'] : {}
  }))
  const api = jsons(recorded['api']).map(request => {
    const answered = isJson(request['answered']) ? request['answered'] : {}
    return {
      at: number(request['at_ms']) ?? 0,
      method: `RoomService/${text(request['op']) ?? ''}`,
      room: roomArgument(request['args']),
      status: number(answered['status']) ?? 200,
      body: { code: answered['code'], msg: answered['error'] }
    }
  })
  return [...twirp, ...api].filter(({ status }) => status >= 400 && status !== 404)
}

/** The room that a request to LiveKit's API was about. */
export function roomArgument (args: unknown): string | undefined {
  if (typeof args === 'string') return args
  if (!isJson(args)) return undefined
  return text(args['room']) ?? text(args['name']) ?? text(args['n'])
}
