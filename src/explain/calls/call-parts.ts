import type { Call } from '../../calls/fold/call.ts'
import type { ExplainedCall } from '../explanation.ts'
import { judgeRecords, type RecordVerdict } from '../findings/cdr.ts'
import { agentLegFindings, dialledByLiveKit } from '../findings/agent-leg.ts'
import { byeFindings } from '../findings/byes.ts'
import { unacknowledged } from '../findings/contact.ts'
import { mediaServerFindings } from '../findings/media-server.ts'
import { hookFindings } from '../findings/hooks.ts'
import { referFindings } from '../findings/refer.ts'
import { loggedHostFindings } from '../findings/sip-host.ts'
import { retiredHostFindings } from '../findings/retired-host.ts'
import type { Finding } from '../../finding.ts'
import { stepsOf } from '../ladder-steps.ts'
import { calleeLegOf, endsText, type Leg } from '../leg.ts'
import { legsOf } from '../legs.ts'
import { LogLines } from '../log-lines.ts'
import { judgeLogs, type LogVerdict } from '../logs.ts'
import { namingOfCall, type Naming } from '../parties.ts'
import { isToMediaServer, type Role } from '../roles.ts'
import type { CdrSeen, HookSeen, RefusedSeen, RoomSeen, RtpCounts, Seen } from '../seen.ts'
import { isAllUntimed, withoutDurations } from '../untimed.ts'

/** What all of the files together say besides their calls. */
export interface FileFacts {
  rtp: RtpCounts
  /** Connections to a SIP port that were reset. */
  refused: readonly RefusedSeen[]
  /** When the last of the files ends, milliseconds. */
  endAt: number
  /** Somebody collected statuses, so it means something when a call has none. */
  haveStatuses: boolean
  /** Some INVITE has the header of a call that the bridge asked for. */
  haveCallHeader: boolean
  /** Log lines that belong to no call. */
  looseLogs: LogLines
}

/** What was seen of one call, by kind. */
export interface CallParts {
  seen: readonly Seen[]
  legs: readonly Leg[]
  /** The legs to LiveKit. */
  agentLegs: readonly Leg[]
  /** The legs that LiveKit or Jambonz dialled to a carrier, a phone or a PBX. */
  outgoing: readonly Leg[]
  /**
   * The caller's own leg, or else a part of it inside Jambonz, the leg of whom Jambonz called first, or a leg between
   * strangers.
   */
  callerLeg: Leg | undefined
  hooks: readonly HookSeen[]
  rooms: readonly RoomSeen[]
  logLines: number
  logged: LogVerdict
  records: readonly CdrSeen[]
  recorded: RecordVerdict
  /** Whether something of the call names Jambonz. */
  naming: Naming
  /** A host is dialled that Retell switched off, or that is no SIP host of LiveKit. */
  hosts: readonly Finding[]
}

/** Undefined for log lines that report nothing wrong, when nothing else is known of a call. */
export function partsOf (seen: readonly Seen[], { looseLogs }: FileFacts): CallParts | undefined {
  const legs = legsOf(seen)
  const hooks = seen.filter(item => item.kind === 'hook')
  const rooms = seen.filter(item => item.kind === 'room')
  const logs = seen.filter(item => item.kind === 'log')
  const logged = judgeLogs(logs, looseLogs)
  const records = unseenLegs(seen.filter(item => item.kind === 'cdr'), legs)
  const hosts = [...retiredHostFindings(seen, legs), ...loggedHostFindings(logs)]
  const said = logged.findings.length + hosts.length
  if (legs.length + hooks.length + rooms.length + records.length + said === 0) return undefined

  const legOf = (wanted: Role): Leg | undefined => legs.find(leg => leg.role === wanted && !isToMediaServer(leg))
  return {
    seen,
    legs,
    naming: namingOfCall(legs, seen),
    agentLegs: legs.filter(({ role }) => role === 'agent'),
    outgoing: legs.filter(({ role }) => role === 'carrier-out' || role === 'livekit-out'),
    callerLeg: legOf('caller') ?? legOf('inside') ?? calleeLegOf(legs) ?? legOf('other'),
    hooks,
    rooms,
    logLines: logs.length,
    logged,
    records,
    recorded: judgeRecords(records),
    hosts
  }
}

/** Records of legs whose SIP was not seen: that tells more than they do. */
function unseenLegs (records: readonly CdrSeen[], legs: readonly Leg[]): CdrSeen[] {
  const seen = new Set<string | undefined>(legs.map(({ callId }) => callId))
  return records.filter(({ names }) => names.callId === undefined || !seen.has(names.callId))
}

/**
 * What an explanation says of every call, whatever was seen of it.
 * @param call as the service would have followed it, where it could
 */
export function baseOf (parts: CallParts, call?: Call): Omit<ExplainedCall, 'summary' | 'findings'> {
  const { seen, legs, hooks, rooms, logLines, records, naming } = parts
  const { steps, leftOut } = stepsOf(seen, legs, naming)
  return {
    ...namesOf(parts, call),
    ...(isAllUntimed(seen) && { untimed: true }),
    legs: legs.map(leg => ({
      role: leg.role,
      callId: leg.startLinesOnly ? '' : leg.callId,
      dialled: leg.user === '' ? leg.host : `${leg.user}@${leg.host}`,
      ends: endsText(leg)
    })),
    sources: {
      sip: seen.filter(({ kind }) => kind === 'sip').length,
      hooks: hooks.length,
      rooms: rooms.length,
      logs: logLines,
      records: records.length
    },
    evidence: [],
    notToldApart: [],
    nextSteps: [],
    steps,
    stepsLeftOut: leftOut
  }
}

/** The call's id, who called whom, and when. */
function namesOf (
  { seen, legs, callerLeg, hooks, rooms, records }: CallParts,
  call: Call | undefined
): Pick<ExplainedCall, 'id' | 'from' | 'to' | 'began'> {
  const leg = legs.find(({ role }) => role === 'livekit-out') ?? callerLeg ?? legs[0]
  const logs = new LogLines(seen.filter(item => item.kind === 'log'))
  const logged = (...names: string[]): string => logs.first(...names)
  const callSid = call && call.callSid !== 'unknown' ? call.callSid : undefined
  const record = records.find(({ direction }) => direction === 'inbound') ?? records[0]
  const began = seen.find(({ at }) => at !== undefined)?.at
  const loggedId = logged('callSid', 'call_sid', 'sipCallID', 'callID', 'callId', 'room', 'jobID', 'job_id')
  const otherId = hooks[0]?.body.call_sid || loggedId || record?.id || rooms[0]?.event.room
  return {
    id: callSid ?? leg?.callId ?? otherId ?? '',
    from: leg?.from || call?.facts.from || logged('fromUser', 'callingNumber') || record?.from || '',
    to: leg?.user || call?.facts.to || logged('toUser', 'calledNumber') || record?.to || '',
    ...(began !== undefined && { began })
  }
}

/** What a leg shows of transfers and hang-ups. */
const dialogFindings = (leg: Leg, naming: Naming, endAt: number): Finding[] => [
  ...[unacknowledged(leg)].filter(finding => finding !== undefined),
  ...referFindings(leg, naming, endAt),
  ...byeFindings(leg, naming, endAt)
]

/** What the legs to LiveKit and the replies to hooks show besides how the call ended. */
export const findingsOfParts = (
  { legs, agentLegs, hooks, hosts, recorded, naming }: CallParts,
  { rtp, endAt }: FileFacts
): Finding[] => [
  ...hosts,
  ...agentLegs.flatMap(leg => agentLegFindings(leg, rtp, endAt).map(finding =>
    leg.timed ? finding : { ...finding, seen: withoutDurations(finding.seen) }
  )),
  ...legs.flatMap(leg => isToMediaServer(leg) ? mediaServerFindings(leg) : dialogFindings(leg, naming, endAt)),
  ...hookFindings(hooks),
  ...recorded.findings,
  ...legs.filter(({ role }) => role === 'livekit-out').map(dialledByLiveKit)
]
