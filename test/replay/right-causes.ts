import { isJson, text } from './json.ts'
import { dialledBy, field, FINAL_STATUSES, type Hook, type Recording, type RoomEvent } from './recording.ts'

/*
 * The causes that are right for calls in which somebody is called, read from what was recorded and judged by what the
 * bridge could see of it. Written down apart from the bridge's own judgement, which it is there to hold.
 */

interface Leg {
  answered: number | undefined
  rang: boolean
  final: { at: number, status: string, sip: number, by: string | undefined } | undefined
}

interface Status {
  at: number
  sid: string
  parent: string | undefined
  status: string
  sip: number
  by: string | undefined
}

function statusesOf (hooks: Hook[]): Status[] {
  return hooks.filter(({ path }) => path === '/status').map(({ at, body }) => ({
    at,
    sid: field(body, 'call_sid') ?? '',
    parent: field(body, 'parent_call_sid'),
    status: field(body, 'call_status') ?? '',
    sip: Number((JSON.parse(body) as { sip_status?: number }).sip_status ?? 0),
    by: field(body, 'call_termination_by')
  }))
}

function legOf (statuses: Status[]): Leg {
  return {
    answered: statuses.find(({ status }) => status === 'in-progress')?.at,
    rang: statuses.some(({ status }) => status === 'ringing' || status === 'early-media'),
    final: statuses.find(({ status }) => FINAL_STATUSES.has(status))
  }
}

/** Legs that were dialled for the call, in order. */
function dialledLegs (statuses: Status[]): Leg[] {
  const sids = [...new Set(statuses.filter(({ parent }) => parent !== undefined).map(({ sid }) => sid))]
  return sids.map(sid => legOf(statuses.filter(other => other.sid === sid)))
}

/** What a far end's final status means of whom it called: RFC 3261 section 21, and what carriers use it for. */
const MEANINGS: Record<number, string[]> = {
  403: ['declined'],
  404: ['number-unobtainable'],
  408: ['no-answer', 'carrier-failed'],
  410: ['number-unobtainable'],
  480: ['no-answer'],
  484: ['number-unobtainable'],
  485: ['number-unobtainable'],
  486: ['busy'],
  487: ['no-answer'],
  600: ['busy'],
  603: ['declined'],
  604: ['number-unobtainable'],
  607: ['declined'],
  608: ['declined']
}

export const meaningOf = (sip: number): string[] => MEANINGS[sip] ?? ['carrier-failed']

/** Of a call that was placed by createCall. */
export function causesOfOrder (recording: Recording): string[] {
  const { hooks, hangUps, orders } = recording
  const statuses = statusesOf(hooks)
  const callee = legOf(statuses.filter(({ parent }) => parent === undefined))
  const legs = dialledLegs(statuses)
  if (hangUps.length > 0) return ['operator-hung-up']
  if (!callee.final) return ['lost']
  if (callee.answered === undefined && callee.final.status !== 'completed') return meaningOf(callee.final.sip)
  const transferred = transferOf(hooks)
  if (transferred === 'transferred') return ['transferred']
  if (callee.final.by === 'caller') return calleeHungUp(recording, legs)
  if (legs.length === 0) return neverDialled(hooks)
  const last = legs.at(-1)!
  if (last.answered === undefined) return notConnected(recording, last)
  const longestMs = (orders[0]?.longestS ?? Infinity) * 1000
  const isLimit = callee.final.at - (callee.answered ?? 0) >= longestMs - 500
  if (isLimit) return ['time-limit']
  // Jambonz ends the callee's leg after the agent's; the other way round somebody asked it to.
  return last.final && last.final.at <= callee.final.at ? ['agent-hung-up'] : ['operator-hung-up']
}

/** The callee may have hung up after a dial that failed: here that dial was the last one, and its end the call's. */
function calleeHungUp (recording: Recording, [first]: Leg[]): string[] {
  const failed = first !== undefined && first.answered === undefined && first.final !== undefined &&
    first.final.at < (recording.hooks.at(-1)?.at ?? 0)
  const isOver = failed && recording.hooks.some(({ path, body }) =>
    path === '/action' && field(body, 'call_status') === 'in-progress')
  return isOver ? ['callee-hung-up', ...notConnected(recording, first)] : ['callee-hung-up']
}

/** The recorder's reply connected nobody: Jambonz ended the callee's leg, and nothing of our verbs was seen. */
function neverDialled (hooks: Hook[]): string[] {
  const hook = hooks.find(({ path }) => path === '/livekit-api')
  return hook ? ['reply-refused'] : ['operator-hung-up', 'lost']
}

function transferOf (hooks: Hook[]): 'transferred' | 'failed' | undefined {
  if (!hooks.some(({ path }) => path === '/refer')) return undefined
  const done = hooks.find(({ path }) => path === '/refer-complete')
  const result = done && JSON.parse(done.body) as { refer_status?: number, final_referred_call_status?: number }
  if (!result) return undefined
  const final = result.final_referred_call_status ?? 0
  return (result.refer_status ?? 500) < 300 && (final === 0 || final < 300) ? 'transferred' : 'failed'
}

/** LiveKit refused the agent's leg with this status. */
function refusedBy (sip: number): string[] {
  switch (sip) {
    case 401:
    case 403:
    case 407:
      return ['livekit-refused-credentials']
    case 404:
      return ['livekit-no-route']
    case 488:
      return ['media-mismatch']
    case 503:
      return ['sip-unreachable', 'livekit-overloaded']
    default:
      return ['livekit-failed', 'sip-unreachable']
  }
}

/** LiveKit's leg was never answered. */
function notConnected ({ roomEvents }: Pick<Recording, 'roomEvents'>, { rang, final }: Leg): string[] {
  if (final?.status !== 'no-answer' && final?.sip !== 487) {
    return rang ? ['room-closed', 'livekit-failed', ...refusedBy(final?.sip ?? 0)] : refusedBy(final?.sip ?? 0)
  }
  const agent = roomEvents.some(({ body: { event, participant } }) =>
    event === 'participant_joined' && isJson(participant) && text(participant['kind']) === 'AGENT')
  if (roomEvents.length === 0) return ['no-agent', 'agent-without-audio', 'dial-timeout']
  return agent ? ['agent-without-audio', 'agent-lost', 'dial-timeout'] : ['no-agent']
}

/** Of a call whose caller was sent to an agent, with the events of its room from the call hook on. */
export function causesOfCaller (hooks: Hook[], roomEvents: RoomEvent[]): string[] {
  const statuses = statusesOf(hooks)
  const caller = legOf(statuses.filter(({ parent }) => parent === undefined))
  const leg = dialledLegs(statuses).at(-1)
  if (!caller.final) return ['lost']
  if (!leg) return ['lost']
  if (leg.answered === undefined && caller.final.by === 'caller') return ['caller-gave-up']
  if (leg.answered === undefined) return notConnected({ roomEvents }, leg)
  return caller.final.by === 'caller' ? ['caller-hung-up'] : ['agent-hung-up']
}

/** Of a call that LiveKit made through Jambonz. */
export function causesOfAgentCall (recording: Pick<Recording, 'hooks'>): string[] {
  const { hooks } = recording
  const statuses = statusesOf(hooks)
  const ours = legOf(statuses.filter(({ parent }) => parent === undefined))
  const callee = dialledLegs(statuses).at(-1)
  if (isRefused(hooks)) return ['not-allowed']
  if (!ours.final) return ['reply-refused', 'lost', 'agent-gave-up']
  if (callee?.answered !== undefined) {
    return ours.final.by === 'caller' ? ['agent-hung-up'] : ['callee-hung-up']
  }
  if (ours.final.by === 'caller') return ['agent-gave-up']
  return callee?.final ? meaningOf(callee.final.sip) : ['lost']
}

/** The recorder refused the call by its own policy. */
export function isRefused (hooks: Hook[]): boolean {
  const verbs = hooks.find(({ path }) => path === '/livekit-api')?.verbs ?? []
  return verbs.length > 0 && verbs.every(verb => dialledBy(verb) === undefined)
}
