import type { Finding } from '../../finding.ts'
import { identifiersOf } from '../identifiers.ts'
import { isKnownLine } from '../logs.ts'
import { quote } from '../quote.ts'
import type { LogSeen, Seen, Service } from '../seen.ts'
import { isDate } from '../text/times.ts'

/** Calls that are named. */
const MOST_NAMED = 5

/** Services as people know them. */
const NAMES: Readonly<Partial<Record<Service, string>>> = {
  agent: 'an agent or an SDK of LiveKit',
  asterisk: 'a PBX',
  application: 'an application',
  twilio: 'Twilio',
  'jambonz-alerts': "Jambonz's alerts"
}

/** Words of lines that report a failure, also where no rule knows the line. */
const FAILURE =
  /\b(?:error|errors|err|fail|fails|failed|failing|failure|exception|denied|refused|reject|rejected|rejecting|timeout|timed out|unreachable|unauthori[sz]ed|forbidden|unavailable|couldn't|could not|cannot|can't|unable)\b|\b(?:got|received|answered|status|code)\W{1,4}[3-6]\d\d\b/i
/** Lines that are quoted. */
const MOST_QUOTED = 3
/** Characters of a line in which such words are looked for. */
const LONGEST_READ = 2000

/**
 * What was read and is told nowhere else: lines that report an error which no rule knows, and that nothing else names a
 * failure. The reader has to know that, and what would tell more.
 * @param calls what belongs to calls of which nothing could be told
 * @param loose what belongs to no call, where nothing at all was found
 * @param isAlone nothing else is told of the files
 */
export function quietFindings (
  calls: ReadonlyArray<readonly Seen[]>,
  loose: readonly Seen[],
  isAlone: boolean
): Finding[] {
  const read = [...calls.flatMap(withWriter), ...loose]
  if (read.length === 0) return []

  const errors = read.filter(item => item.kind === 'log').filter(reportsError)
  const which = isAlone ? 'Read' : 'Also read'
  return [
    ...errors.length > 0 ? [unknownErrors(errors)] : [],
    {
      code: 'no-failure-named',
      severity: 'skipped',
      seen:
        `${which}: ${[...countsOf(read), ...spanOf(read), ...namesOf(calls)].join(', ')}. ` +
        `Nothing ${errors.length > 0 ? 'else ' : ''}in these lines names a failure.`,
      ...(isAlone && { todo: todoFor(read), command: 'tcpdump -s 0 -i any -w call.pcap port 5060' })
    }
  ]
}

/** A line whose words say nothing of its writer is of the one that wrote the other lines of its call. */
function withWriter (call: readonly Seen[]): Seen[] {
  const writers = new Set(call.map(item => item.kind === 'log' ? item.from : undefined))
  writers.delete('application')
  const [writer] = writers
  if (writers.size !== 1 || writer === undefined) return [...call]
  return call.map(item => item.kind === 'log' ? { ...item, from: writer } : item)
}

const reportsError = (line: LogSeen): boolean =>
  (/^(?:error|fatal|critical|panic)$/.test(line.level) || FAILURE.test(line.text.slice(0, LONGEST_READ))) &&
  !isKnownLine(line)

function unknownErrors (errors: readonly LogSeen[]): Finding {
  const quoted = errors.slice(0, MOST_QUOTED).map(({ text, place }) => `"${quote(text)}" (${place.file}:${place.at})`)
  const more = errors.length - quoted.length
  const lines = errors.length > 1 ? `${errors.length} log lines report errors` : 'A log line reports an error'
  return {
    code: 'unknown-error',
    severity: 'warning',
    seen: `${lines} that bridge explain does not know: ${quoted.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
    todo: 'Look the words up in the program that wrote them, and add the SIP of the same call'
  }
}

/** How many lines of which service, and what else. */
function countsOf (read: readonly Seen[]): string[] {
  const counts = new Map<string, number>()
  for (const item of read) {
    const what = item.kind === 'log' ? `log line of ${NAMES[item.from] ?? item.from}` : OTHERS[item.kind]
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  return [...counts].map(([what, count]) => `${count} ${count > 1 ? what.replace(/^[\w ]+?(?= of |$)/, '$&s') : what}`)
}

const OTHERS: Readonly<Record<Exclude<Seen['kind'], 'log'>, string>> = {
  sip: 'SIP message',
  hook: 'webhook of Jambonz',
  room: 'webhook of LiveKit',
  cdr: 'call record',
  config: 'trunk or rule of LiveKit',
  refused: 'refused connection'
}

function spanOf (read: readonly Seen[]): string[] {
  const times = read.map(({ at }) => at).filter(at => at !== undefined && isDate(at)) as number[]
  if (times.length === 0) return []
  const [first, last] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))]
  const from = new Date(first).toISOString()
  return [first === last ? `at ${from}` : `from ${from} to ${new Date(last).toISOString()}`]
}

function namesOf (calls: ReadonlyArray<readonly Seen[]>): string[] {
  const names = calls.map(([first]) => first ? identifiersOf(first)[0]?.replace(/^\w+:/, '') : undefined)
    .filter(name => name !== undefined)
  if (names.length === 0) return []
  const more = names.length - MOST_NAMED
  return [`${names.length > 1 ? 'calls' : 'call'} ${names.slice(0, MOST_NAMED).join(', ')}${
    more > 0 ? ` and ${more} more` : ''
  }`]
}

const JAMBONZ: readonly Service[] = ['feature-server', 'sbc-inbound', 'sbc-outbound', 'api-server']

/** The file that helps most beside what is there. */
function todoFor (read: readonly Seen[]): string {
  const from = new Set(read.map(item => item.kind === 'log' ? item.from : undefined))
  const other = JAMBONZ.some(name => from.has(name)) || (from.has('livekit-server') && !from.has('livekit-sip'))
    ? "livekit-sip's log"
    : "the logs of Jambonz's feature-server and SBC"
  return `Add the SIP of the same call (sngrep, tcpdump), or ${other}, from before the call until after its end`
}
