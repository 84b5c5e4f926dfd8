import { isJson, jsons, number, text, type Json } from './json.ts'
import { field, FINAL_STATUSES, roomNameOf, type Hook, type Recording } from './recording.ts'
import type { Played } from './session.ts'
import type { Sent } from './webhooks.ts'

/** Something that happened, at a time from the start of the recording in milliseconds. */
type At = number | undefined

/**
 * What the bridge could know of a call when it judged it: only what arrived, and after a restart without a store only
 * what arrived since. Times are when things happened, not when they arrived.
 */
export interface Evidence {
  /** Whose call it is. */
  kind: 'inbound' | 'outbound' | 'agent'
  /** Jambonz sent a hook of it. */
  heard: boolean
  /** Hooks or webhooks did not arrive, or what was known before the restart was lost. */
  incomplete: boolean
  /** The caller leg's final status. */
  callerFinal: { at: number, status: string, by: string | undefined } | undefined
  /** The first leg was answered. */
  callerAnswered: At
  agentLegFinal: At
  /** `call_status` of the caller leg in an /action. */
  action: { at: number, callerStatus: string | undefined } | undefined
  legAnswered: At
  legRang: At
  sipJoined: At
  sipLeft: { at: number, reason: string, callStatus: string } | undefined
  agentJoined: At
  agentAudio: At
  agentLeft: At
  roomFinished: At
  referred: boolean
  /** What the bridge knew before was lost with its process. */
  restarted: boolean
}

/** What was known of a call of a replay when it was judged. */
export function evidenceOf (played: Played, call: Json | undefined, recordedSid: string): Evidence {
  const { away } = played.variant
  const since = away?.store === 'lost' ? away.to : -Infinity
  const until = judgedAt(call) - played.started
  const arrived = (at: number) => at >= since && at <= until
  const hooks = played.answered.filter(({ status, at }) => status !== 0 && arrived(at)).map(({ hook }) => hook)
    .filter(({ body }) => (field(body, 'parent_call_sid') ?? field(body, 'call_sid')) === recordedSid)
  const rooms = roomsOf(played, call)
  const webhooks = played.webhooks.filter(({ taken }) => taken !== undefined && arrived(taken - played.started))
    .filter(({ body }) => rooms === undefined || rooms.has(roomNameOf(body) ?? ''))
  const { withoutWebhooks, withoutStatuses, withoutAction } = played.variant
  // Where a silence is the evidence, it proves nothing once nobody listened.
  const bySilence = played.recording.causes.includes('reply-refused')
  const isLate = played.webhooks.some(({ taken = Infinity }) => taken - played.started > until)
  const incomplete = Boolean(withoutWebhooks || withoutStatuses || withoutAction) || (away !== undefined &&
    (away.store === 'lost' || bySilence || isLate || played.answered.some(({ status }) => status === 0)))
  return {
    kind: kindOf(played.recording, recordedSid),
    heard: hooks.length > 0,
    ...ofJambonz(hooks),
    ...ofLiveKit(webhooks.filter(sent => !isOurDoing(sent, played)), played.started),
    incomplete,
    restarted: away?.store === 'lost'
  }
}

/** The rooms of a call, where other calls of the recording have none in common with it; undefined: all of them. */
function roomsOf ({ recording }: Played, call: Json | undefined): Set<string> | undefined {
  if (recording.kind !== 'warm') return undefined
  return new Set(jsons(call?.['attempts']).map(({ room }) => text(room) ?? ''))
}

function kindOf ({ orders, hooks }: Recording, recordedSid: string): Evidence['kind'] {
  if (orders.some(({ callSid }) => callSid === recordedSid)) return 'outbound'
  const isAgents = hooks.some(({ path, body }) => path === '/livekit-api' && field(body, 'call_sid') === recordedSid &&
    field(body, 'originating_sip_trunk_name') === LIVEKIT_TRUNK)
  return isAgents ? 'agent' : 'inbound'
}

/** The carrier through which LiveKit calls out in the recordings. */
const LIVEKIT_TRUNK = 'livekit-out'

/** When the bridge wrote down that the call had ended, milliseconds since the epoch. */
function judgedAt (call: Json | undefined): number {
  const events = Array.isArray(call?.['events']) ? call['events'] as Json[] : []
  const ended = events.find(({ what }) => what === 'call ended')
  return ended ? Date.parse(text(ended['first']) ?? '') : Infinity
}

function ofJambonz (hooks: Hook[]) {
  const statuses = hooks.filter(({ path }) => path === '/status').map(hook => ({
    at: hook.at,
    leg: hook.body.includes('"parent_call_sid"') ? 'agent' : 'caller',
    status: field(hook.body, 'call_status') ?? '',
    by: field(hook.body, 'call_termination_by')
  }))
  const agentLeg = statuses.filter(({ leg }) => leg === 'agent')
  const action = hooks.filter(({ path }) => path === '/action').at(-1)
  return {
    callerAnswered: statuses.find(({ leg, status }) => leg === 'caller' && status === 'in-progress')?.at,
    callerFinal: statuses.find(({ leg, status }) => leg === 'caller' && FINAL_STATUSES.has(status)),
    agentLegFinal: agentLeg.findLast(({ status }) => FINAL_STATUSES.has(status))?.at,
    action: action && { at: action.at, callerStatus: field(action.body, 'call_status') },
    legAnswered: agentLeg.find(({ status }) => status === 'in-progress')?.at,
    legRang: agentLeg.find(({ status }) => status === 'ringing')?.at,
    referred: hooks.some(({ path }) => path === '/refer' || path === '/refer-complete')
  }
}

function ofLiveKit (webhooks: Sent[], started: number) {
  const seen = webhooks.map(({ happened, body }) => ({
    at: happened - started,
    event: text(body['event']) ?? '',
    participant: isJson(body['participant']) ? body['participant'] : {},
    track: isJson(body['track']) ? body['track'] : {}
  }))
  const of = (event: string, kind: string) =>
    seen.filter(other => other.event === event && text(other.participant['kind']) === kind)
  const agents = new Set(of('participant_joined', 'AGENT').map(({ participant }) => participant['sid']))
  const left = of('participant_left', 'SIP').at(-1)
  return {
    sipJoined: of('participant_joined', 'SIP')[0]?.at ?? left?.at,
    sipLeft: left && {
      at: left.at,
      reason: text(left.participant['disconnectReason']) ?? '',
      callStatus: text((left.participant['attributes'] as Json | undefined)?.['sip.callStatus']) ?? ''
    },
    agentJoined: of('participant_joined', 'AGENT')[0]?.at,
    agentAudio: seen.find(({ event, participant, track }) =>
      event === 'track_published' && agents.has(participant['sid']) && isAudio(track))?.at,
    agentLeft: of('participant_left', 'AGENT').at(-1)?.at,
    roomFinished: seen.find(({ event }) => event === 'room_finished')?.at
  }
}

/** LiveKit leaves out what has its default, and AUDIO is the default of a track's type. */
const isAudio = (track: Json): boolean => (text(track['type']) ?? number(track['type']) ?? 'AUDIO') === 'AUDIO'

/** Who leaves because the bridge deleted the room tells nothing of how the call ended. */
function isOurDoing ({ happened, body }: Sent, { api }: Played): boolean {
  const participant = isJson(body['participant']) ? body['participant'] : undefined
  const deleted = participant?.['disconnectReason'] === 'ROOM_DELETED' || body['event'] === 'room_finished'
  return deleted && api.some(({ method, status, at }) =>
    method === 'RoomService/DeleteRoom' && status === 200 && at <= happened && happened - at < 50)
}
