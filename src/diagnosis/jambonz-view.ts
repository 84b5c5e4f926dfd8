import type { Finding } from '../finding.ts'
import type { JambonzAccess } from '../jambonz/api.ts'
import { accountApi, clean, pageOf, readAlert, refused, rowsOf, type Alert } from './jambonz-account.ts'

/*
 * Jambonz's own view of a call, over its REST API (jambonz-api-server lib/routes/api/recent-calls.js, alerts.js): the
 * records of its legs, the SIP trace of each where Homer is installed, and its alerts.
 */

/** What is asked about: the call, and when it was. Milliseconds since the epoch. */
export interface JambonzQuestion {
  callSid: string
  receivedAt: number
  endedAt: number | undefined
  publicUrl?: string
}

export interface JambonzView {
  findings: Finding[]
  /** One line for each SIP message of either leg: `10:15:30.123 INVITE`; no addresses, no numbers. */
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

/** A call's record carries the time of its INVITE, which is before our hook; alerts come while it goes on. */
const BEFORE_MS = 60_000
const AFTER_MS = 120_000

/** Asks Jambonz about a call. Never throws: what cannot be had is a finding. */
export async function askJambonz (
  access: JambonzAccess,
  question: JambonzQuestion,
  fetchIt?: typeof fetch
): Promise<JambonzView> {
  const { base, get } = accountApi(access, { fetchIt })
  const window = pageOf(question.receivedAt - BEFORE_MS, (question.endedAt ?? question.receivedAt) + AFTER_MS)
  const [calls, alerts] = await Promise.all([get('/RecentCalls?' + window), get('/Alerts?' + window)])
  const findings: Finding[] = []
  const trace: string[] = []
  if ('status' in calls) findings.push(refused('RecentCalls', calls.status))
  else await takeCalls(rowsOf<Cdr>(calls.data))
  if ('status' in alerts) { if (!('status' in calls)) findings.push(refused('Alerts', alerts.status)) } else findings.push(...alertFindings(rowsOf<Alert>(alerts.data), question))
  return { findings, trace }

  async function takeCalls (records: Cdr[]): Promise<void> {
    const caller = records.find(({ call_sid: sid }) => sid === question.callSid)
    if (!caller) {
      findings.push({
        code: 'jambonz-no-record',
        severity: 'warning',
        seen: 'Jambonz has no record of this call',
        todo:
          'It writes one when a call ends, and only with a time series database; older versions keep no call_sid in it'
      })
      return
    }
    const agent = records.find(({ sip_parent_callid: parent }) => parent !== undefined && parent === caller.sip_callid)
    for (const [leg, cdr] of [['caller', caller], ['agent', agent]] as const) {
      if (!cdr) {
        findings.push({
          code: 'jambonz-leg',
          severity: 'ok',
          seen: 'Jambonz has no record of an agent leg: its SBC dialled nothing, or keeps no parent of it'
        })
        continue
      }
      findings.push({
        code: 'jambonz-leg',
        severity: 'ok',
        seen: `${leg} leg: ${cdr.answered ? `answered, ${cdr.duration ?? 0} s` : 'not answered'}${
          cdr.sip_status ? `, ${cdr.sip_status}` : ''
        }${cdr.termination_reason ? `, ${clean(cdr.termination_reason)}` : ''}`
      })
      if (cdr.sip_callid) await takeTrace(leg, cdr.sip_callid)
    }
  }

  async function takeTrace (leg: string, callId: string): Promise<void> {
    const got = await get(`/RecentCalls/${encodeURIComponent(callId)}`)
    const messages = 'status' in got ? [] : messagesOf(got.data)
    if (messages.length === 0) {
      findings.push({
        code: 'jambonz-no-trace',
        severity: 'skipped',
        seen: `No SIP trace of the ${leg} leg`,
        todo: 'Jambonz keeps them with Homer only (HOMER_BASE_URL of its API server)'
      })
      return
    }
    trace.push(`${leg} leg:`, ...messages.map(({ at, line }) => `  ${at} ${line}`))
    const reason = messages.map(({ reason }) => reason).find(Boolean)
    if (reason) {
      findings.push({
        code: 'jambonz-x-reason',
        severity: 'failed',
        seen: `Jambonz gave the ${leg} leg as its reason: ${reason}`,
        todo: "This is Jambonz's own word for why it refused the call"
      })
    }
    findings.push({
      code: 'jambonz-trace',
      severity: 'ok',
      seen: `${messages.length} SIP messages of the ${leg} leg`,
      todo: 'Get them as a capture, and have it explained',
      command: `curl -fH "Authorization: Bearer $JAMBONZ_API_KEY" '${base}/RecentCalls/${
        encodeURIComponent(callId)
      }/invite/pcap' -o call.pcap && bridge explain call.pcap`
    })
  }
}

function alertFindings (alerts: readonly Alert[], { callSid, publicUrl }: JambonzQuestion): Finding[] {
  const own = alerts.filter(({ target_sid: target }) => target === callSid)
  // Alerts of hooks name the URL and no call.
  const near = alerts.filter(({ target_sid: target, message }) =>
    !target && publicUrl !== undefined && message?.includes(publicUrl)
  )
  const findings = [
    ...own.map(alert => alertFinding(alert, 'of this call')),
    ...near.map(alert => alertFinding(alert, 'at that time, of a hook of this bridge'))
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

/** Homer's transaction: messages with their text, or at least a list of methods. */
function messagesOf (homer: unknown): SipLine[] {
  const data = (homer as { data?: { messages?: unknown, calldata?: unknown } } | null)?.data
  const list = Array.isArray(data?.messages) && data.messages.length > 0
    ? data.messages
    : Array.isArray(data?.calldata)
      ? data.calldata
      : []
  return (list.filter(item => typeof item === 'object' && item !== null) as Array<Record<string, unknown>>).flatMap(
    message => {
      const raw = typeof message['raw'] === 'string' ? message['raw'] : ''
      const line = firstLine(raw) ?? [message['method_text'], message['method']].find(text => typeof text === 'string')
      if (typeof line !== 'string' || line === '') return []
      const ms = Number(
        message['create_date'] ?? (message['timeSeconds'] === undefined ? NaN : Number(message['timeSeconds']) * 1000)
      )
      const reason = /^x-reason:\s*(.+)$/im.exec(raw)?.[1]
      return [{
        at: Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : '',
        line: clean(line),
        ...(reason ? { reason: clean(reason) } : {})
      }]
    }
  )
}

/** `INVITE` or `180 Ringing`: the request URI holds the token or a number. */
function firstLine (raw: string): string | undefined {
  const line = raw.split(/\r?\n/, 1)[0]!
  return /^SIP\/2\.0 (\d{3} ?.*)$/.exec(line)?.[1] ?? /^([A-Z]+) \S+ SIP\/2\.0$/.exec(line)?.[1]
}
