import { isAnnouncement } from '../calls/fold/attempt-facts.ts'
import { isFinal, type Attempt, type Call, type CallStatus, type LegFinal } from '../calls/fold/call.ts'
import type { EventLine } from '../calls/fold/event-list.ts'

/**
 * What is known of one attempt, in the order in which a diagnosis asks for it. Times are milliseconds since the epoch.
 */
export interface AttemptFacts {
  call: Call
  attempt: Attempt | undefined
  /** Events that speak of this attempt, or of the caller. */
  lines: readonly EventLine[]
  /** The attempt, or else the call, was over then; undefined while it is under way. */
  overAt: number | undefined
  callerFinal: LegFinal | undefined
  /** The agent leg's end, also one that came too late to matter. */
  agentFinal: { at: number, callStatus: string, sipStatus?: number, reason?: string } | undefined
  action: { at: number, dialCallStatus?: string, dialSipStatus?: number, callerStatus: string } | undefined
  dialledAt: number | undefined
  ringing: { first: number, last: number, count: number } | undefined
  answeredAt: number | undefined
  sip: Attempt['view']['sip']
  agent: Attempt['view']['agent']
  goneAt: number | undefined
  /**
   * A participant that is not known of was not there: LiveKit told of the room, or it was looked at while the leg was
   * up.
   */
  livekitKnown: boolean
  /** Jambonz dialled nothing, as far as it tells of its legs at all. */
  undialled: boolean
  /**
   * Of an announcement: from the answer of the caller leg, or from the reply where that was not heard, to its end, in
   * milliseconds.
   */
  announcedMs: number | undefined
}

const isLine = (line: EventLine, what: string, leg?: 'caller' | 'agent'): boolean =>
  line.what === what && (leg === undefined || line.leg === leg)

/**
 * Gathers what a call's record and its events say of an attempt.
 * @param attempt undefined: none was dialled
 */
export function attemptFacts (call: Call, attempt: Attempt | undefined): AttemptFacts {
  const { lines, ofLeg } = linesOf(call, attempt)
  const status = (test: (status: string) => boolean): EventLine[] =>
    ofLeg.filter(line => isLine(line, 'status', 'agent') && test(line.status ?? ''))
  const rings = status(status => status === 'ringing' || status === 'early-media')
  const ended = status(status => isFinal(status as CallStatus)).at(-1)
  const acted = ofLeg.findLast(line => isLine(line, 'action'))
  const { final, action, at, view } = attempt ?? {}
  const callerFinal = call.caller.final ?? lateCallerFinal(lines)
  const dialledAt = status(status => status === 'trying')[0]?.first ?? at?.dialing
  const agentFinal = final
    ? { ...final, reason: final.sipReason }
    : ended && { at: ended.first, callStatus: ended.status!, sipStatus: ended.sipStatus, reason: ended.reason }
  const legOver = Math.min(agentFinal?.at ?? Infinity, action?.at ?? Infinity, callerFinal?.at ?? Infinity)
  const looked = ofLeg.some(line =>
    isLine(line, 'look') && line.status === 'seen' && line.last < legOver && line.last >= (at?.ringing ?? 0)
  )
  const heardOf = dialledAt !== undefined || rings.length > 0 || agentFinal !== undefined ||
    action?.dialSipStatus !== undefined || view?.sip !== undefined
  return {
    call,
    attempt,
    lines,
    overAt: at?.ended ?? call.at.ended,
    callerFinal,
    agentFinal,
    action: action ??
      (acted &&
        {
          at: acted.first,
          dialCallStatus: acted.status,
          dialSipStatus: acted.sipStatus,
          callerStatus: (acted.detail ?? '').replace('caller leg ', '')
        }),
    dialledAt,
    ringing: at?.ringing === undefined
      ? undefined
      : {
          first: at.ringing,
          last: at.lastRinging ?? at.ringing,
          count: rings.reduce((sum, { count }) => sum + count, 0)
        },
    answeredAt: at?.answered,
    sip: view?.sip,
    agent: view?.agent,
    goneAt: view?.goneAt,
    livekitKnown: view?.events === true || looked,
    announcedMs: attempt && announcedMs(attempt, lines, legOver, at?.ended),
    undialled: !heardOf && (call.caller.seen || at?.replied === undefined || call.end?.cause === 'reply-refused')
  }
}

function announcedMs (
  attempt: Attempt,
  lines: readonly EventLine[],
  legOver: number,
  endedAt: number | undefined
): number | undefined {
  const { replied } = attempt.at
  const until = Math.min(legOver, endedAt ?? Infinity)
  if (!isAnnouncement(attempt) || replied === undefined || until === Infinity) return undefined

  const answered = lines.find(line =>
    isLine(line, 'status', 'caller') && line.status === 'in-progress' && line.first >= replied
  )
  return Math.max(0, until - (answered?.first ?? replied))
}

/** A leg that was dialled back replaces the one before it. */
function linesOf (call: Call, attempt: Attempt | undefined): { lines: EventLine[], ofLeg: EventLine[] } {
  const lines = call.events.filter(line => line.attempt === undefined || line.attempt === attempt?.n)
  const back = lines.findLastIndex(({ what }) => what === 'back to the agent' || what === 'dialled again')
  return { lines, ofLeg: lines.slice(back + 1).filter(line => line.attempt === attempt?.n) }
}

/** A word of the caller leg's end that came when the call was over already. */
function lateCallerFinal (lines: readonly EventLine[]): LegFinal | undefined {
  const line = lines.find(line => isLine(line, 'status', 'caller') && isFinal(line.status as CallStatus))
  return line &&
    {
      at: line.first,
      callStatus: line.status as CallStatus,
      sipStatus: line.sipStatus,
      sipReason: line.reason,
      by: line.by as 'caller' | 'jambonz' | undefined
    }
}

/** Whether the agent of an attempt was in the room before the call: the room waited for one. */
export const hadWaited = ({ attempt, agent }: AttemptFacts): boolean =>
  attempt?.warm !== undefined && agent !== undefined && agent.joinedAt <= attempt.at.opened

/** How old the room of an attempt was when the call came; undefined: it was made for the call. */
export const waitedFor = ({ attempt }: AttemptFacts): string | undefined =>
  attempt?.warm && duration(attempt.at.opened - attempt.warm.madeAt)

/** An announcement that is over within this time, milliseconds, was hardly heard. */
export const HARDLY_HEARD_MS = 1000

/** `1.3 s`, `12 s`, `25 ms`. */
export function duration (ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

/** How long after the call began. */
export const since = (call: Call, at: number): string => duration(at - call.at.received)

/** When that was, beside the call hook: what happened in a room that waited for a call may come before it. */
export const besideHook = (call: Call, at: number): string =>
  at < call.at.received
    ? `${duration(call.at.received - at)} before the call hook`
    : `${since(call, at)} after the call hook`

export const sipText = (status: number | undefined, reason?: string): string =>
  [status, reason].filter(part => part !== undefined && part !== '').join(' ')
