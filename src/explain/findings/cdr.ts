import type { End } from '../../calls/fold/call.ts'
import { endOf } from '../../calls/fold/end.ts'
import type { Cause } from '../../calls/fold/vocabulary.ts'
import { CATALOGUE } from '../../diagnosis/causes-catalogue.ts'
import type { Finding } from '../../finding.ts'
import { isCarrier, usualReasons, type UsualReasons } from '../knowledge/record-finals.ts'
import { isLiveKitHost } from '../roles.ts'
import { LogLines } from '../log-lines.ts'
import { judgeLogs } from '../logs.ts'
import { quote } from '../quote.ts'
import type { CdrSeen, LogSeen } from '../seen.ts'
import { legText, placeText } from './cdr-text.ts'

/** What the call detail records of one call say. */
export interface RecordVerdict {
  findings: Finding[]
  /** Why the call ended, where the records alone tell it. */
  end?: End
}

/**
 * Judges call detail records by their final statuses. They have no headers and no reason phrases, so several reasons
 * may stay for one status.
 */
export function judgeRecords (records: readonly CdrSeen[]): RecordVerdict {
  if (records.length === 0) return { findings: [] }

  // What was dialled failed first, and the caller's leg because of it.
  const ordered = [...records].sort((a, b) => Number(isCallerLeg(a)) - Number(isCallerLeg(b)))
  const end = endOfRecords(ordered)
  const isDialFailed = ordered.some(record => isDialled(record) && outcomeOf(record) === 'failed')
  const findings = ordered.map(record => recordFinding(record, isDialFailed && isCallerLeg(record), end?.cause))
  const isAsking = !end && ordered.some(record => outcomeOf(record) === 'failed')
  const errors = judgeLogs(ordered.flatMap(errorLine), new LogLines([])).findings
  return { findings: [...findings, ...errors, ...isAsking ? [RECORDS_ONLY] : []], ...(end && { end }) }
}

/** LiveKit's own word for why a call that came in ended, as its log has it. */
const errorLine = ({ system, direction, error, place }: CdrSeen): LogSeen[] =>
  system !== 'livekit' || direction !== 'inbound' || error === undefined
    ? []
    : [{ kind: 'log', from: 'livekit-sip', level: 'error', text: error, place, fields: { reason: error } }]

const RECORDS_ONLY: Finding = {
  code: 'records-only',
  severity: 'skipped',
  seen: 'Call detail records show how each leg ended, without headers and reason phrases: who answered with a status ' +
    'and why is not in them.',
  todo: 'Add a SIP capture, or the logs of Jambonz and LiveKit, of the same call'
}

const isDialled = ({ system, direction }: CdrSeen): boolean => system === 'jambonz' && direction === 'outbound'

const isCallerLeg = ({ system, direction }: CdrSeen): boolean => system === 'jambonz' && direction === 'inbound'

const isLiveKitLeg = (record: CdrSeen): boolean =>
  isDialled(record) && record.remoteHost !== undefined && isLiveKitHost(record.remoteHost)

type Outcome = 'answered' | 'cancelled' | 'failed' | 'going-on'

/** How the leg of a record ended. */
function outcomeOf (record: CdrSeen): Outcome {
  const { sipStatus, answered, result } = record
  if (record.system === 'livekit') return livekitOutcome(record)
  if (result !== undefined && /^(queued|initiated|ringing|in-progress)$/.test(result)) return 'going-on'
  const isRefused = sipStatus !== undefined && sipStatus >= 300
  if (!isRefused && (result === 'completed' || answered === true || sipStatus === 200)) return 'answered'
  return result === 'canceled' || sipStatus === 487 ? 'cancelled' : 'failed'
}

function livekitOutcome ({ result, error, sipStatus }: CdrSeen): Outcome {
  if (result === 'error' || (sipStatus !== undefined && sipStatus >= 300)) return 'failed'
  if (result === 'disconnected') return error === undefined ? 'answered' : 'failed'
  return 'going-on'
}

/**
 * @param isAfterDial a caller's leg, of which the records show why it failed
 * @param told the cause of the call, which another finding explains
 */
function recordFinding (record: CdrSeen, isAfterDial: boolean, told: Cause | undefined): Finding {
  const { durationS, reason, sipStatus } = record
  const leg = legText(record)
  const place = placeText(record)
  switch (outcomeOf(record)) {
    case 'going-on':
      return { code: 'record-leg-ok', severity: 'ok', seen: `${leg} was still going on (${place}).` }
    case 'answered':
      return {
        code: 'record-leg-ok',
        severity: 'ok',
        seen: `${leg} ${record.system === 'livekit' ? 'ended without an error' : 'was answered'}${
          durationS === undefined ? '' : ` and lasted ${durationS} s`
        }${reason === undefined ? '' : `: ${quote(reason)}`} (${place}).`
      }
    case 'cancelled':
      return {
        code: 'record-leg-cancelled',
        severity: 'warning',
        seen: `${leg} was cancelled before it was answered${withStatus(sipStatus)}: ${
          isCallerLeg(record) ? 'the caller hung up' : 'the caller hung up, or it rang for too long'
        } (${place}).`
      }
    case 'failed':
      return failedLeg(record, leg, place, { isAfterDial, told })
  }
}

const AFTER_DIAL: UsualReasons = { says: 'Jambonz ended it after the leg that it had dialled failed.' }

const withStatus = (sipStatus: number | undefined): string => sipStatus === undefined ? '' : ` (${sipStatus})`

const ADD_SIP = 'Add a SIP capture or the logs of the same call: they show who answered so, and why'

interface Known {
  isAfterDial: boolean
  told: Cause | undefined
}

function failedLeg (record: CdrSeen, leg: string, place: string, { isAfterDial, told }: Known): Finding {
  const { sipStatus, result, error, reason } = record
  const cause = isLiveKitLeg(record) ? livekitCause(sipStatus) : undefined
  const usual = isAfterDial ? AFTER_DIAL : usualReasons(record)
  const isTold = cause !== undefined && cause === told
  const meaning = cause ? CATALOGUE[cause].meaning : usual?.says
  const why = isTold ? undefined : meaning
  const words = [
    sipStatus === undefined ? undefined : `with SIP status ${sipStatus}`,
    result === undefined || record.system === 'livekit' ? undefined : `as "${quote(result)}"`,
    error === undefined ? undefined : `with the error "${quote(error)}"`,
    record.system === 'livekit' && reason !== undefined ? `for the reason ${quote(reason)}` : undefined
  ].filter(word => word !== undefined)
  const verb = record.answered === true ? 'was answered, and then failed' : 'failed'
  const ofCause = cause && !isTold ? CATALOGUE[cause].fix[0]?.todo : undefined
  const todo = usual?.todo ?? ofCause ?? ADD_SIP
  return {
    code: 'record-leg-failed',
    severity: 'failed',
    seen: `${[`${leg} ${verb}`, words.join(', '), `(${place})`].filter(part => part !== '').join(' ')}${
      why === undefined ? '.' : `. ${why}`
    }`,
    todo,
    ...(usual?.command !== undefined && { command: usual.command })
  }
}

/** Why the call ended: by the leg to LiveKit, unless another leg was answered, or else by the only leg there is. */
function endOfRecords (records: readonly CdrSeen[]): End | undefined {
  const dialled = records.filter(isDialled)
  if (dialled.some(record => outcomeOf(record) === 'answered')) return undefined

  const failed = dialled.filter(record => outcomeOf(record) === 'failed')
  const leg = failed.find(isLiveKitLeg) ?? (failed.length === 1 && isCarrier(failed[0]?.trunk) ? failed[0] : undefined)
  const cause = leg && (isLiveKitLeg(leg) ? livekitCause(leg.sipStatus) : carrierCause(leg.sipStatus))
  return cause && endOf(cause, { sipStatus: leg.sipStatus })
}

/** Undefined for statuses that Jambonz may have answered in the carrier's place. */
function carrierCause (sipStatus = 0): Cause | undefined {
  if (sipStatus === 486 || sipStatus === 600) return 'busy'
  return sipStatus === 408 || (sipStatus >= 500 && sipStatus < 600) ? undefined : 'declined'
}

/** Undefined for statuses that LiveKit, or Jambonz in its place, answers for several reasons. */
function livekitCause (sipStatus: number | undefined): Cause | undefined {
  switch (sipStatus) {
    case 404:
      return 'livekit-no-route'
    case 401:
    case 407:
      return 'livekit-refused-credentials'
    case 408:
      return 'sip-unreachable'
    case 488:
      return 'media-mismatch'
    default:
      return undefined
  }
}
