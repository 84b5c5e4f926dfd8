import { within, type Origin } from './origin.ts'
import { timeIn } from './times.ts'

/*
 * What collectors and process managers put in front of each line that they pass on.
 */

const DAY = String.raw`\d{4}-\d\d-\d\d`
const ISO = String.raw`${DAY}[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?Z| ?UTC| ?[+-]\d\d:?\d\d)?`
const CLOCK = String.raw`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?`
const LEVEL = String.raw`(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL)\b`
const PROGRAM = String.raw`(?!${LEVEL})(?<service>[\w./@-]{1,100})(?:\([^)]{1,40}\))?`
const PROCESS = String.raw`${PROGRAM}(?:\[[\w.:-]{1,40}\])?: ?`
const NUMBERED_PROCESS = String.raw`${PROGRAM}\[\d{1,10}\]: ?`

/** Forms of prefixes. `time`, `service` and `writer` are what they tell. */
const PREFIXES: readonly RegExp[] = [
  // A quote in a mail or on a forum, and what curl -v sends. Also the quotes in the quotes.
  /^(?:> ?){1,8}/,
  // curl -v: what it receives.
  /^< (?=HTTP\/|[A-Z][\w-]{0,60}: |$)/,
  // docker compose logs: `drachtio-1  | `; docker service logs: `app.1.k2x@node    | `.
  /^(?<service>[A-Za-z][\w.-]{0,80}?)(?<writer>[-_]\d{1,4}|\.\d{1,4}\.\w{1,40}@[\w.-]{1,80}) *\| ?/,
  /^(?<service>[a-z][\w.-]{0,80}) +\|(?: |$)(?![^|]{0,80} \| )/,
  // pm2 logs: `8|sbc-inbound  | `, with or without --timestamp.
  /^(?<writer>\d{1,4})\|(?<service>[\w.@/ -]{1,60}?) *\| ?/,
  // supervisord's stdout plugin.
  /^(?<service>[\w-]{1,60}) (?<writer>stdout|stderr) \| ?/,
  // kubectl logs --prefix
  /^\[pod\/(?<writer>[\w.-]{1,253})\/(?<service>[\w.-]{1,253})\] ?/,
  // Kubernetes' files of containers (CRI). P marks a part of a line.
  /^(?<time>\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)) (?<writer>stdout|stderr) [FP](?: |$)/,
  // RFC 5424
  new RegExp(
    String.raw`^(?:\d{1,5} )?<\d{1,3}>1 (?<time>${ISO}|-) (?<writer>\S{1,255}) (?<service>\S{1,48}) \S{1,128} ` +
    String.raw`(?:\S{1,32} )?(?:-|(?:\[[^\]]{0,400}\]){1,4})(?: \ufeff?|$)`
  ),
  // RFC 3164, and journalctl's short forms.
  new RegExp(String.raw`^(?:<\d{1,3}>)?(?<time>${CLOCK}) (?<writer>[\w.:-]{1,255}) ${PROCESS}`),
  new RegExp(String.raw`^[A-Z][a-z]{2} (?<time>${ISO}) (?<writer>[\w.:-]{1,255}) ${PROCESS}`),
  new RegExp(String.raw`^(?<time>${DAY}T[\d:.]{8,18}[+-]\d\d:?\d\d) (?!${LEVEL})(?<writer>[\w.:-]{1,255}) ${PROCESS}`),
  new RegExp(String.raw`^(?<time>${DAY}T[\d:.]{8,18}Z) (?!${LEVEL})(?<writer>[\w.:-]{1,255}) ${NUMBERED_PROCESS}`),
  /^(?<time>\d{10}\.\d{6}) (?<writer>[\w.:-]{1,255}) (?<service>[\w./@-]{1,100})(?:\[\d{1,10}\])?: ?/,
  // Heroku: `2025-01-15T15:53:51.466185+00:00 app[web.1]: `; Fly.io: `… app[6e82] ams [info] `
  new RegExp(String.raw`^(?<time>${ISO}) (?<service>[a-z][\w-]{0,60})\[(?<writer>[\w.-]{1,60})\]: ?`),
  new RegExp(String.raw`^(?<time>${ISO}) (?:app|runner|proxy)\[(?<writer>\w{1,40})\] [a-z]{3} \[\w{1,10}\] ?`),
  // Papertrail's archives
  new RegExp(
    String.raw`^\d{10,20}\t(?<time>${ISO})\t${ISO}\t\d{1,20}\t(?<writer>[^\t]{0,200})\t[^\t]{0,60}\t\w{0,20}\t` +
    String.raw`\w{0,20}\t(?<service>[^\t]{0,100})\t`
  ),
  // logcli and Grafana: a time and labels.
  new RegExp(String.raw`^(?<time>${ISO}) (?<writer>\{[a-z][\w.-]{0,60}="[^{}]{0,400}\})\s{1,8}`),
  // docker logs --timestamps, kubectl logs --timestamps, GitHub Actions: a time that no program writes for itself.
  /^(?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d))(?: |$)/,
  // stern: pod and container.
  /^(?<writer>[a-z0-9](?:[a-z0-9-]{0,200})-[a-z0-9]{5,10}-[a-z0-9]{5}) (?:› )?(?<service>[a-z][a-z0-9-]{0,62}) /,
  /^(?<writer>(?<service>[a-z][a-z0-9-]{0,200})-(?:\d{1,4}|[a-z0-9]{5})) (?:› )?\k<service> /,
  // journalctl -o export and -o verbose
  /^\s{0,8}MESSAGE=/
]

/** pm2 writes its time behind its name, in the format that the user chose. */
const PM2_TIME = new RegExp(String.raw`^(?<time>${ISO}): `)

/** How many programs may have put something in front of a line. */
const MAX_PREFIXES = 5

interface Unprefixed {
  text: string
  origin: Origin
  /** The line goes on in the writer's next one. */
  isPart: boolean
}

/**
 * A line without the prefixes of collectors, and what those say about it.
 * @param year the one of syslog's times, which have none
 */
export function withoutPrefixes (line: string, origin: Origin, year?: number): Unprefixed {
  let text = line
  let isPart = false
  let known = origin
  for (let i = 0; i < MAX_PREFIXES; i++) {
    const match = prefixOf(text)
    if (!match) break

    const { time, service, writer } = match.groups ?? {}
    const at = time === undefined ? undefined : prefixTime(time, year)
    known = within(known, {
      ...(at !== undefined && { at }),
      ...(service !== undefined && { service }),
      ...((service ?? writer) !== undefined && { stream: `${service ?? ''}:${writer ?? ''}` })
    })
    isPart ||= / P ?$/.test(match[0])
    text = text.slice(match[0].length)
  }
  return { text, origin: known, isPart }
}

function prefixOf (text: string): RegExpExecArray | undefined {
  // Most lines begin in none of these ways.
  if (!/^[\w<>[ \t]/.test(text)) return undefined
  const head = text.slice(0, MAX_HEAD)
  for (const pattern of PREFIXES) {
    const match = pattern.exec(head)
    if (match) return match
  }
  return PM2_TIME.exec(head) ?? undefined
}

const MAX_HEAD = 1200

function prefixTime (time: string, year: number | undefined): number | undefined {
  if (/^\d{10}\.\d+$/.test(time)) return Number(time) * 1000
  return timeIn(time, year)
}
