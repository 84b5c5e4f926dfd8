import type { SIPInboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding } from '../../finding.ts'
import { normalizeNumber } from '../../livekit/dispatch-matching.ts'
import type { ProjectLists } from './project-lists.ts'
import { ruleTitle, trunkTitle } from './titles.ts'

/** Numbers of a trunk that are compared. */
const MOST_NUMBERS = 2000
/** Conflicts that are told one by one. */
const MOST_TOLD = 10

/** What is wrong between trunks and rules, as far as the files show both. */
export function relationFindings (lists: ProjectLists): Finding[] {
  return [...conflicts(lists.trunks), ...unboundTrunks(lists), ...unknownTrunks(lists), ...dialledAsCallers(lists)]
}

/** Two trunks that take the same call (livekit/protocol sip/sip.go, MatchTrunk). */
function conflicts (trunks: readonly SIPInboundTrunkInfo[]): Finding[] {
  const byNumber = new Map<string, SIPInboundTrunkInfo[]>()
  for (const trunk of trunks) {
    const numbers = trunk.numbers.length === 0 ? [''] : trunk.numbers.slice(0, MOST_NUMBERS).map(normalizeNumber)
    for (const number of new Set(numbers)) {
      const known = byNumber.get(number)
      if (known) known.push(trunk)
      else byNumber.set(number, [trunk])
    }
  }
  const pairs = new Map<string, { pair: [SIPInboundTrunkInfo, SIPInboundTrunkInfo], numbers: string[] }>()
  for (const [number, [first, ...others]] of byNumber) {
    const rival = first && others.find(other => callersMeet(first, other))
    if (!first || !rival) continue

    const key = `${trunks.indexOf(first)} ${trunks.indexOf(rival)}`
    const known = pairs.get(key)
    if (known) known.numbers.push(number)
    else pairs.set(key, { pair: [first, rival], numbers: [number] })
  }
  return [...pairs.values()].slice(0, MOST_TOLD).map(({ pair: [a, b], numbers: [number = '', ...more] }) => ({
    code: 'trunk-conflict',
    severity: 'failed',
    seen: `Inbound trunks ${trunkTitle(a)} and ${trunkTitle(b)} both take ${
      number === '' ? 'every number' : `${number}${more.length > 0 ? ` and ${more.length} more` : ''}`
    }: LiveKit answers a call that fits both with 503 "Try again later".`,
    todo: 'Leave the number to one of them, or tell them apart by allowed_numbers'
  }))
}

/** An empty list allows every caller. */
function callersMeet (a: SIPInboundTrunkInfo, b: SIPInboundTrunkInfo): boolean {
  const callers = new Set(a.allowedNumbers.map(normalizeNumber))
  return callers.size === 0 || b.allowedNumbers.length === 0 ||
    b.allowedNumbers.some(number => callers.has(normalizeNumber(number)))
}

function unboundTrunks ({ trunks, rules, seen }: ProjectLists): Finding[] {
  if (!seen.has('rules')) return []
  const unbound = trunks.filter(({ sipTrunkId }) =>
    sipTrunkId !== '' && !rules.some(({ trunkIds }) => trunkIds.length === 0 || trunkIds.includes(sipTrunkId))
  )
  return unbound.slice(0, MOST_TOLD).map(trunk => ({
    code: 'trunk-without-rule',
    severity: 'failed',
    seen: `No rule in these files is for inbound trunk ${trunkTitle(trunk)}: LiveKit Cloud refuses its calls with ` +
      '404, your own server rings once and falls silent.',
    todo: `Put ${trunk.sipTrunkId} into trunk_ids of a rule, or make a rule for it`
  }))
}

function unknownTrunks ({ trunks, rules, seen }: ProjectLists): Finding[] {
  if (!seen.has('inbound')) return []
  const ids = new Set(trunks.map(({ sipTrunkId }) => sipTrunkId))
  // Trunks that are yet to be made have no id.
  if (ids.has('')) return []
  return rules.flatMap(rule => {
    const unknown = rule.trunkIds.filter(id => !ids.has(id))
    if (unknown.length === 0) return []

    const isDead = unknown.length === rule.trunkIds.length
    return [{
      code: 'rule-unknown-trunk' as const,
      severity: isDead ? 'failed' as const : 'warning' as const,
      seen: `Dispatch rule ${ruleTitle(rule)} is for ${unknown.slice(0, MOST_TOLD).join(', ')}, which ${
        unknown.length === 1 ? 'is not among the inbound trunks' : 'are not among the inbound trunks'
      } in these files.`,
      todo: isDead
        ? 'Put the id of an inbound trunk (ST_…) that exists into its trunk_ids'
        : 'Take what no longer exists out of its trunk_ids'
    }]
  }).slice(0, MOST_TOLD)
}

/** Numbers of a trunk among the callers of a rule that may be for it. */
function dialledAsCallers ({ trunks, rules }: ProjectLists): Finding[] {
  const found = rules.flatMap((rule): Finding[] => {
    const fitting = trunks.filter(({ sipTrunkId }) =>
      sipTrunkId === '' || rule.trunkIds.length === 0 || rule.trunkIds.includes(sipTrunkId)
    )
    const dialled = new Set(fitting.flatMap(({ numbers }) => numbers.slice(0, MOST_NUMBERS).map(normalizeNumber)))
    const count = rule.inboundNumbers.filter(number => dialled.has(normalizeNumber(number))).length
    if (count === 0) return []
    return [{
      code: 'rule-inbound-numbers',
      severity: 'failed',
      seen: `Dispatch rule ${ruleTitle(rule)} has ${count === 1 ? 'a number' : `${count} numbers`} of a trunk in ` +
        'inbound_numbers, which means callers: nobody else gets this rule.',
      todo: 'Put dialled numbers into numbers and leave inbound_numbers empty'
    }]
  })
  return found.slice(0, MOST_TOLD)
}
