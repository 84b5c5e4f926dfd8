import type { Finding } from '../finding.ts'
import type { JambonzAccess } from '../jambonz/api.ts'
import {
  accountApi,
  clean,
  pageOf,
  readAlert,
  refused,
  rowsOf,
  type AccountApi,
  type Alert
} from './jambonz-account.ts'

/*
 * Jambonz's own view of a call, over its REST API (jambonz-api-server lib/routes/api/recent-calls.js, alerts.js): the
 * records of its legs, the SIP trace of each where Homer is installed, and its alerts.
 */

/** Which call to ask about, and when it took place. Times are milliseconds since the epoch. */
export interface JambonzQuestion {
  callSid: string
  receivedAt: number
  endedAt: number | undefined
  publicUrl?: string
}

export interface JambonzView {
  findings: Finding[]
  /** One line for each SIP message of either leg: `10:15:30.123 INVITE`. It holds no addresses and no numbers. */
  trace: string[]
}

interface Cdr {
  call_sid?: string
  direction?: string
  answered?: boolean
  sip_callid?: string
  sip_parent_callid?: string
  sip_status?: number
  termination_reason?: string
  duration?: number
}

/** A call's record has the time of its INVITE, which is before our hook. Alerts come while the call goes on. */
const BEFORE_MS = 60_000
const AFTER_MS = 120_000

const NO_RECORD: Finding = {
  code: 'jambonz-no-record',
  severity: 'warning',
  seen: 'Jambonz has no record of this call',
  todo: 'Jambonz writes a record when a call ends, and only with a time series database. Older versions omit the ' +
    'call_sid'
}
const NO_AGENT_LEG: Finding = {
  code: 'jambonz-leg',
  severity: 'ok',
  seen: 'Jambonz has no record of an agent leg: its SBC dialled nothing, or its records do not name the parent leg'
}

/** Asks Jambonz about a call. It never throws: what Jambonz does not return becomes a finding. */
export async function askJambonz (
  access: JambonzAccess,
  question: JambonzQuestion,
  fetchIt?: typeof fetch
): Promise<JambonzView> {
  const api = accountApi(access, { fetchIt })
  const window = pageOf(question.receivedAt - BEFORE_MS, (question.endedAt ?? question.receivedAt) + AFTER_MS)
  const [calls, alerts] = await Promise.all([api.get('/RecentCalls?' + window), api.get('/Alerts?' + window)])
  if ('status' in calls) {
    // A key that is refused for one is refused for the other, which needs saying once.
    const others = 'status' in alerts ? [] : alertFindings(rowsOf<Alert>(alerts.data), question)
    return { findings: [refused('RecentCalls', calls.status), ...others], trace: [] }
  }

  const view = await viewOfLegs(api, rowsOf<Cdr>(calls.data), question.callSid)
  const said = 'status' in alerts
    ? [refused('Alerts', alerts.status)]
    : alertFindings(rowsOf<Alert>(alerts.data), question)
  return { findings: [...view.findings, ...said], trace: view.trace }
}

/** Both legs of a call: the caller's, and the one that names it as its parent. */
async function viewOfLegs (api: AccountApi, records: readonly Cdr[], callSid: string): Promise<JambonzView> {
  const caller = records.find(({ call_sid: sid }) => sid === callSid)
  if (!caller) return { findings: [NO_RECORD], trace: [] }

  const agent = records.find(({ sip_parent_callid: parent }) => parent !== undefined && parent === caller.sip_callid)
  const views = [await viewOfLeg(api, 'caller', caller)]
  views.push(agent ? await viewOfLeg(api, 'agent', agent) : { findings: [NO_AGENT_LEG], trace: [] })
  return { findings: views.flatMap(({ findings }) => findings), trace: views.flatMap(({ trace }) => trace) }
}

async function viewOfLeg (api: AccountApi, leg: string, cdr: Cdr): Promise<JambonzView> {
  const said = [
    cdr.answered ? `answered, ${cdr.duration ?? 0} s` : 'not answered',
    cdr.sip_status ? String(cdr.sip_status) : '',
    cdr.termination_reason ? clean(cdr.termination_reason) : ''
  ].filter(part => part !== '')
  const finding: Finding = { code: 'jambonz-leg', severity: 'ok', seen: `${leg} leg: ${said.join(', ')}` }
  const traced = cdr.sip_callid ? await viewOfTrace(api, leg, cdr.sip_callid) : { findings: [], trace: [] }
  return { findings: [finding, ...traced.findings], trace: traced.trace }
}

async function viewOfTrace ({ base, get }: AccountApi, leg: string, callId: string): Promise<JambonzView> {
  // A carrier chooses the Call-ID, and the command below quotes it for a shell.
  const path = `/RecentCalls/${encodeURIComponent(callId).replaceAll("'", '%27')}`
  const got = await get(path)
  const messages = 'status' in got ? [] : messagesOf(got.data)
  if (messages.length === 0) {
    const finding: Finding = {
      code: 'jambonz-no-trace',
      severity: 'skipped',
      seen: `No SIP trace of the ${leg} leg`,
      todo: 'Jambonz keeps traces only with Homer (HOMER_BASE_URL of its API server)'
    }
    return { findings: [finding], trace: [] }
  }

  const reason = messages.map(({ reason }) => reason).find(Boolean)
  const findings: Finding[] = reason
    ? [{
        code: 'jambonz-x-reason',
        severity: 'failed',
        seen: `Jambonz gave this reason on the ${leg} leg: ${reason}`,
        todo: 'This is why Jambonz itself refused the call'
      }]
    : []
  findings.push({
    code: 'jambonz-trace',
    severity: 'ok',
    seen: `${messages.length} SIP messages of the ${leg} leg`,
    todo: 'Download them as a capture and explain it',
    command: `curl -fH "Authorization: Bearer $JAMBONZ_API_KEY" '${base}${path}/invite/pcap' -o call.pcap && ` +
      'bridge explain call.pcap'
  })
  return { findings, trace: [`${leg} leg:`, ...messages.map(({ at, line }) => `  ${at} ${line}`)] }
}

function alertFindings (alerts: readonly Alert[], { callSid, publicUrl }: JambonzQuestion): Finding[] {
  const own = alerts.filter(({ target_sid: target }) => target === callSid)
  // Alerts of hooks name the URL and no call.
  const near = alerts.filter(({ target_sid: target, message }) =>
    !target && publicUrl !== undefined && message?.includes(publicUrl)
  )
  const findings = [
    ...own.map(alert => alertFinding(alert, 'of this call')),
    ...near.map(alert => alertFinding(alert, 'of a hook of this bridge, at that time'))
  ]
  const distinct = findings.filter(({ seen }, i) => findings.findIndex(other => other.seen === seen) === i)
  return distinct.length > 0
    ? distinct
    : [{ code: 'jambonz-no-alert', severity: 'ok', seen: 'Jambonz has no alert of this call' }]
}

function alertFinding (alert: Alert, whose: string): Finding {
  const { name, meaning } = readAlert(alert)
  return {
    code: 'jambonz-alert',
    severity: 'failed',
    seen: `Alert ${whose}: ${name}${alert.message ? `: ${clean(alert.message)}` : ''}`,
    todo: meaning ?? "Look it up in Jambonz's portal under Alerts"
  }
}

interface SipLine {
  at: string
  line: string
  reason?: string
}

type Json = Record<string, unknown>

/** Homer's transaction: messages with their text, or at least a list of methods. */
function messagesOf (homer: unknown): SipLine[] {
  const data = (homer as { data?: { messages?: unknown, calldata?: unknown } } | null)?.data
  const lists = [data?.messages, data?.calldata].filter(list => Array.isArray(list))
  const list: unknown[] = lists.find(messages => messages.length > 0) ?? []
  return list.filter((item): item is Json => typeof item === 'object' && item !== null).flatMap(lineOf)
}

function lineOf (message: Json): SipLine[] {
  const raw = typeof message['raw'] === 'string' ? message['raw'] : ''
  const line = firstLine(raw) ?? [message['method_text'], message['method']].find(text => typeof text === 'string')
  if (typeof line !== 'string' || line === '') return []

  const seconds = message['timeSeconds']
  const ms = Number(message['create_date'] ?? (seconds === undefined ? NaN : Number(seconds) * 1000))
  const at = Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().slice(11, 23) : ''
  const reason = /^x-reason:[ \t]*(\S.*)$/im.exec(raw)?.[1]
  return [{ at, line: clean(line), ...(reason ? { reason: clean(reason) } : {}) }]
}

/** `INVITE` or `180 Ringing`: the request URI is left out because it holds the token or a number. */
function firstLine (raw: string): string | undefined {
  const line = raw.split(/\r?\n/, 1)[0]!
  return /^SIP\/2\.0 (\d{3} ?.*)$/.exec(line)?.[1] ?? /^([A-Z]+) \S+ SIP\/2\.0$/.exec(line)?.[1]
}
