import { SIPStatusCode } from '@livekit/protocol'
import { parseUri } from '../../sip/address.ts'
import { tolerant } from '../lenient-sip.ts'
import type { CdrSeen, Place } from '../seen.ts'
import { columnsOf, instantOf, numberOf, sipStatusOf, wordOf, type Columns } from './columns.ts'
import { isObject, type Json } from './json.ts'
import { readNested } from './nested.ts'

/*
 * Call detail records: Jambonz's RecentCalls, Twilio's calls, and what LiveKit Cloud shows of a SIP call. Each comes as
 * JSON of an API, as a row of a CSV, or within a line of a log.
 */

/** The call detail records in a record; undefined when there are none. */
export function readCallRecords (record: Json, place: Place, lineTime?: number): CdrSeen[] | undefined {
  const found = readNested(record, item => {
    const column = columnsOf(item)
    return jambonzRecord(column) ?? twilioRecord(column) ?? livekitRecord(column)
  })
  if (found.length === 0) return undefined

  return found.map(({ at = lineTime, ...known }) => ({
    kind: 'cdr',
    place,
    ...(at !== undefined && { at }),
    ...known
  }))
}

type Read = Omit<CdrSeen, 'kind' | 'place'>

/**
 * A record of Jambonz, as sbc-inbound and sbc-outbound write them. A status hook has the same names and a call_status
 * besides.
 */
function jambonzRecord (column: Columns): Read | undefined {
  const id = wordOf(column('callsid')) ?? wordOf(column('sipcallid'))
  const isRecord = column('attemptedat', 'terminatedat', 'terminationreason') !== undefined
  if (id === undefined || !isRecord || column('callstatus') !== undefined) return undefined

  const traceId = wordOf(column('traceid'))
  return {
    system: 'jambonz',
    id,
    names: defined({
      callSid: wordOf(column('callsid')),
      callId: wordOf(column('sipcallid')),
      callerCallId: wordOf(column('sipparentcallid')),
      // Jambonz writes zeros for a call without a trace.
      traceId: traceId !== undefined && /^(?=.*[1-9a-f])[\da-f]{32}$/i.test(traceId) ? traceId : undefined
    }),
    direction: wordOf(column('direction')) ?? '',
    from: userOf(column('from')),
    to: userOf(column('to')),
    ...defined({
      at: instantOf(column('attemptedat', 'time')),
      sipStatus: sipStatusOf(column('sipstatus')),
      reason: wordOf(column('terminationreason')),
      answered: booleanOf(column('answered')),
      durationS: numberOf(column('duration')),
      endedAt: instantOf(column('terminatedat')),
      remoteHost: wordOf(column('remotehost')),
      trunk: wordOf(column('trunk'))
    })
  }
}

/** What Twilio calls the states of a call (twilio.com/docs/voice/api/call-resource). */
const TWILIO_RESULTS = new Set([
  'queued',
  'initiated',
  'ringing',
  'in-progress',
  'answered',
  'completed',
  'busy',
  'failed',
  'no-answer',
  'canceled'
])

/** What Voice Insights calls some of them (twilio.com/docs/voice/voice-insights/api/call). */
const INSIGHTS_RESULTS: Readonly<Record<string, string>> = {
  complete: 'completed',
  fail: 'failed',
  noanswer: 'no-answer',
  undialed: 'failed'
}

const dashed = (value: unknown): string => (wordOf(value) ?? '').toLowerCase().replace(/[ _]+/g, '-')

/** A call of Twilio's API, of its console's CSV, or of Voice Insights. */
function twilioRecord (column: Columns): Read | undefined {
  const id = wordOf(column('sid', 'callsid'))
  const word = dashed(column('status', 'callstatus', 'callstate'))
  const result = INSIGHTS_RESULTS[word] ?? word
  if (id === undefined || !/^CA[\da-f]{4,32}$/i.test(id) || !TWILIO_RESULTS.has(result)) return undefined

  const properties = column('properties')
  const inside = columnsOf(isObject(properties) ? properties : {})
  const code = wordOf(column('errorcode', 'error'))
  return {
    system: 'twilio',
    id,
    names: defined({ callId: wordOf(column('sipcallid')) ?? wordOf(inside('sipcallid')) }),
    direction: dashed(column('direction') ?? inside('direction')),
    from: userOf(column('from', 'caller')),
    to: userOf(column('to', 'called')),
    result,
    ...defined({
      at: instantOf(column('starttime', 'datecreated', 'createdtime', 'date', 'timestamp')),
      sipStatus: sipStatusOf(
        column('sipresponsecode', 'sipresponse', 'lastsipresponse', 'lastsipresponsenum') ??
          inside('lastsipresponsenum', 'sipresponsecode')
      ),
      error: code !== undefined && /^\d{5}$/.test(code) ? code : undefined,
      durationS: numberOf(column('duration', 'callduration')),
      endedAt: instantOf(column('endtime')),
      trunk: wordOf(column('trunksid'))
    })
  }
}

/** LiveKit's SIPCallInfo (livekit/protocol livekit_sip.proto), which LiveKit Cloud shows of each SIP call. */
function livekitRecord (column: Columns): Read | undefined {
  const id = wordOf(column('callid', 'id'))
  const result = livekitResult(column)
  if (id === undefined || !/^SCL_\w+$/.test(id) || result === undefined) return undefined

  const direction = wordOf(column('calldirection', 'direction'))?.replace(/^SCD_/i, '').toLowerCase()
  const status = column('callstatuscode', 'sipstatus', 'statuscode')
  return {
    system: 'livekit',
    id,
    names: defined({ callId: wordOf(column('sipcallid', 'callidfull')), room: wordOf(column('roomname', 'room')) }),
    direction: direction ?? (wordOf(column('dispatchruleid')) === undefined ? '' : 'inbound'),
    from: userOf(column('fromuri', 'from')),
    to: userOf(column('touri', 'to')),
    result,
    ...defined({
      at: instantOf(column('createdatns', 'createdat', 'startedatns', 'startedat')),
      sipStatus: livekitStatus(status) ?? statusIn(wordOf(column('error'))),
      reason: wordOf(column('disconnectreason')),
      error: wordOf(column('error')),
      answered: isStarted(column('startedatns', 'startedat')),
      endedAt: instantOf(column('endedatns', 'endedat')),
      remoteHost: hostOf(direction === 'inbound' ? column('fromuri') : column('touri')),
      trunk: wordOf(column('trunkid'))
    })
  }
}

/** LiveKit's SIPCallStatus. */
const LIVEKIT_RESULTS = ['call_incoming', 'participant_joined', 'active', 'disconnected', 'error'] as const

/** JSON of a protobuf leaves out the first value of an enumeration. */
function livekitResult (column: Columns): string | undefined {
  const value = column('callstatus', 'status')
  const word = wordOf(value)?.replace(/^SCS_/i, '').toLowerCase()
  const named = LIVEKIT_RESULTS.find((name, i) => name === word || i === value)
  if (named !== undefined) return named
  return value === undefined && isObject(column('fromuri', 'touri')) ? LIVEKIT_RESULTS[0] : undefined
}

/** `{ code: 'SIP_STATUS_FORBIDDEN' }`, the name alone, or the number. */
function livekitStatus (value: unknown): number | undefined {
  const code = isObject(value) ? value['code'] : value
  const named = typeof code === 'string' ? SIPStatusCode[code as keyof typeof SIPStatusCode] : undefined
  return sipStatusOf(named ?? code)
}

/** LiveKit's own text of an error: `INVITE failed: sip status: 403 (FORBIDDEN)`. */
const statusIn = (error: string | undefined): number | undefined =>
  sipStatusOf(/\bsip status:? (\d{3})\b/i.exec(error?.slice(0, 1000) ?? '')?.[1])

/** A call without a beginning was not answered, where the record says anything of it. */
const isStarted = (value: unknown): boolean | undefined =>
  value === undefined ? undefined : value !== 0 && value !== '0'

const hostOf = (value: unknown): string | undefined => isObject(value) ? wordOf(value['host']) : undefined

/** The number or name in a SIP URI, or in an object of its parts. */
function userOf (value: unknown): string {
  if (isObject(value)) return wordOf(value['user']) ?? wordOf(value['callee'] ?? value['caller']) ?? ''

  const text = wordOf(value)?.slice(0, 500) ?? ''
  return /^sips?:/i.test(text) ? tolerant(() => parseUri(text))?.user ?? text : text
}

function booleanOf (value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 'true') return true
  return value === 'false' ? false : undefined
}

/** Without the properties that have no value. */
function defined<T extends object> (properties: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(properties).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof T]?: Exclude<T[Name], undefined> }
}
