import { cleanDeep } from '../clean-deep.ts'
import type { RoutesTrial } from '../routes-schemas.ts'
import { describeWay } from '../routing/describe-way.ts'
import { showTime } from '../routing/point-in-time.ts'
import { wrapIndented } from './text-layout.ts'

/** What would become of a call, for people. Verbs keep their lines, so that they can be copied. */
export function trialLines (trial: RoutesTrial, columns: number, withVerbs: boolean): string[] {
  // A file and a command line may hold what moves a terminal's cursor.
  const { call, route, before, ways, longestWaitS, notes } = cleanDeep(trial)
  const wrapped = (lines: readonly string[]) => lines.flatMap(line => wrapIndented(line, columns))
  return [
    ...wrapped(callLines(call)),
    ...wrapped(section('Not matched', before.map(({ route, line, reason }) => `${route}${inLine(line)}: ${reason}`))),
    '',
    ...wrapped([`Route: ${route ? `${route.name}${inLine(route.line)}` : NO_ROUTE}`]),
    ...(withVerbs ? [] : ['']),
    ...ways.flatMap(way => withVerbs
      ? ['', ...wrapped(wayLines(way)), ...verbLines(way.verbs)]
      : wrapped(wayLines(way))),
    ...(longestWaitS === 0 ? [] : ['', `Longest wait: ${longestWaitS} s of ringing`]),
    ...wrapped(section('Notes', notes))
  ]
}

const NO_ROUTE = 'none matches, so the agent of the application or the settings is called, then FALLBACK_NUMBER'

function callLines (call: RoutesTrial['call']): string[] {
  const { callSid, at, zone, to, from, carrier, application, direction, headers } = call
  const more = [
    carrier === undefined ? '' : `carrier ${carrier}`,
    application === undefined ? '' : `application ${application}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  ].filter(text => text !== '')
  return [
    `${from === '' ? '(no caller)' : from} -> ${to}  ${direction}  ${showTime(Date.parse(at), zone)} ${zone}`,
    ...more,
    `call_sid ${callSid}`
  ]
}

const inLine = (line: number | undefined): string => line === undefined ? '' : ` (line ${line})`

type Verdict = NonNullable<RoutesTrial['ways'][number]['policy']>

/** The numbers of the file are dialled in any case. */
const verdict = (policy: Verdict): string =>
  policy.allowed ? 'allowed' : `dialled, but agents may not transfer to it. ${policy.why ?? ''}`.trimEnd()

function wayLines ({ attempt, way, ringS, warm, policy, missing = [] }: RoutesTrial['ways'][number]): string[] {
  const times = ringS === undefined ? '' : `, rings ${ringS} s`
  return [
    `${attempt}. ${describeWay(way)}${times}${warm ? `, ${warmRooms(warm)}` : ''}`,
    ...(policy ? [`   policy: ${verdict(policy)}`] : []),
    ...missing.map(name => `   ! ${name} is not set here. Without it this way is skipped`)
  ]
}

function warmRooms ({ min, max }: NonNullable<RoutesTrial['ways'][number]['warm']>): string {
  if (min < max) return `${min} to ${max} warm rooms`
  return min === 1 ? '1 warm room' : `${min} warm rooms`
}

const verbLines = (verbs: RoutesTrial['ways'][number]['verbs']): string[] =>
  JSON.stringify(verbs, null, 2).split('\n').map(line => `   ${line}`)

const section = (title: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : ['', `${title}:`, ...items.map(item => `  ${item}`)]
