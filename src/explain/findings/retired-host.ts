import type { Finding } from '../../finding.ts'
import { namesRetiredRetellHost, RETIRED_RETELL_HOST } from '../../retell/retired-host.ts'
import type { Leg } from '../leg.ts'
import type { Seen } from '../seen.ts'

/**
 * The host that Retell switched off, where a SIP request, a hook with its verbs, or a log line names it.
 * @param legs those of the same call
 */
export function retiredHostFindings (seen: readonly Seen[], legs: readonly Leg[] = []): Finding[] {
  const first = seen.find(item => namesRetiredRetellHost(textOf(item)))
  if (!first) return []

  const { file, at } = first.place
  // A capture may be older than the switch-off.
  const answered = legs.some(({ host, at }) => namesRetiredRetellHost(host) && at.answered !== undefined)
  return [{
    code: 'retell-host-retired',
    severity: answered ? 'warning' : 'failed',
    seen: `${first.kind === 'sip' ? 'A request goes to' : 'A line names'} ${RETIRED_RETELL_HOST} ` +
      `(${file}:${at}), which Retell switched off on 2026-09-30.`,
    todo: 'Replace it by sip.retellai.com, over TCP, in the carrier, the application or the routes file that dials it'
  }]
}

/** What of it may name a host that is dialled. */
function textOf (item: Seen): string {
  switch (item.kind) {
    case 'sip':
      return item.message.kind === 'request' ? item.message.uri : ''
    case 'hook':
      return JSON.stringify([item.body, item.reply?.verbs])
    case 'log':
      return `${item.text} ${JSON.stringify(item.fields)}`
    case 'cdr':
      return item.remoteHost ?? ''
    case 'config':
    case 'room':
    case 'refused':
      return ''
  }
}
