import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding } from '../../finding.ts'
import {
  addressAllowed,
  challenges,
  matchRule,
  matchTrunk,
  normalizeNumber,
  roomOf,
  routingRule,
  type InboundCall,
  type RoutingRule,
  type RoutingTrunk
} from '../../livekit/dispatch-matching.ts'
import type { ProjectLists } from './project-lists.ts'
import { ruleTitle, trunkTitle } from './titles.ts'

/** A call of which trunk and rule are looked for. What is not told counts as fitting, and the answer says so. */
export interface RouteQuestion {
  /** User part of the To header: the number that is called. */
  to: string
  /** User part of the From header. */
  from?: string
  /** Address from which the INVITE comes. */
  ip?: string
}

/** Trunks and rules of which is said why they do not take a call. */
const MOST_TOLD = 8

/** Which trunk and rule a call gets, by the matching of LiveKit itself, or why none. */
export function routeFindings (lists: ProjectLists, question: RouteQuestion): Finding[] {
  if (!lists.seen.has('inbound')) return []

  const call = callOf(question)
  const found = matchTrunk(lists.trunks.map(trunk => asked(trunk, question)), call)
  switch (found.match) {
    case 'conflict':
      return [conflict(question, found.trunks.map(({ trunk }) => trunk))]
    case 'none':
      return [noTrunk(lists, question, call)]
    default:
      return lists.seen.has('rules')
        ? [throughTrunk(lists, question, call, found.trunk.trunk)]
        : [trunkAlone(question, found.trunk.trunk)]
  }
}

const callOf = ({ to, from = '<caller>', ip = '' }: RouteQuestion): InboundCall => ({
  toUser: to,
  fromUser: from,
  fromHost: '',
  sourceIp: ip
})

type Asked = RoutingTrunk & { trunk: SIPInboundTrunkInfo }

/** A trunk without the conditions on what the question does not tell. */
const asked = (trunk: SIPInboundTrunkInfo, { from, ip }: RouteQuestion): Asked => ({
  sipTrunkId: trunk.sipTrunkId,
  numbers: trunk.numbers,
  allowedNumbers: from === undefined ? [] : trunk.allowedNumbers,
  allowedAddresses: ip === undefined ? [] : trunk.allowedAddresses,
  trunk
})

const callText = ({ to, from, ip }: RouteQuestion): string =>
  `A call to ${to}${from === undefined ? '' : ` from ${from}`}${ip === undefined ? '' : ` (address ${ip})`}`

/** What has to hold besides, where the question does not tell it. */
function conditions (trunk: SIPInboundTrunkInfo, { from, ip }: RouteQuestion): string {
  const open = [
    from === undefined && trunk.allowedNumbers.length > 0 && 'the caller is one of its allowed_numbers',
    ip === undefined && trunk.allowedAddresses.length > 0 && 'it comes from one of its allowed_addresses'
  ].filter(condition => condition !== false)
  return open.length === 0 ? '' : `, if ${open.join(' and ')}`
}

const credentials = (trunk: SIPInboundTrunkInfo): string =>
  challenges(trunk) ? ' LiveKit first asks for user name and password.' : ''

function conflict (question: RouteQuestion, trunks: readonly Asked['trunk'][]): Finding {
  const names = [...new Set(trunks.map(trunkTitle))]
  const isSure = question.from !== undefined && question.ip !== undefined
  const who = names.length === 1
    ? `inbound trunk ${names[0]} lists the number more than once`
    : `${names.length} inbound trunks take it: ${names.slice(0, MOST_TOLD).join(', ')}`
  return {
    code: 'trunk-conflict',
    severity: isSure ? 'failed' : 'warning',
    seen: `${callText(question)}: ${who}. LiveKit answers 503 "Try again later"${
      isSure ? '' : ', unless caller and address leave one of them alone'
    }.`,
    todo: 'Leave the number to one of them, once'
  }
}

const trunkAlone = (question: RouteQuestion, trunk: SIPInboundTrunkInfo): Finding => ({
  code: 'config-route',
  severity: 'ok',
  seen: `${callText(question)} gets inbound trunk ${trunkTitle(trunk)}${conditions(trunk, question)}.${
    credentials(trunk)
  } Which rule it gets is not in these files.`
})

function throughTrunk (
  lists: ProjectLists,
  question: RouteQuestion,
  call: InboundCall,
  trunk: SIPInboundTrunkInfo
): Finding {
  const found = ruleFor(lists, question, call, trunk.sipTrunkId)
  if (found) {
    return {
      code: 'config-route',
      severity: 'ok',
      seen: `${callText(question)} gets inbound trunk ${trunkTitle(trunk)}${conditions(trunk, question)}, and ${
        landing(found, question, call, lists)
      }.${credentials(trunk)}`
    }
  }
  return {
    code: 'config-no-route',
    severity: 'failed',
    seen: `${callText(question)} gets inbound trunk ${trunkTitle(trunk)}${conditions(trunk, question)}, and no rule: ${
      told(lists.rules.map(rule => whyNotRule(rule, trunk, question)), 'there is none')
    }. LiveKit Cloud answers 404, a server of your own rings once and falls silent.`,
    todo: `Put ${trunk.sipTrunkId || 'the id of the trunk'} into trunk_ids of a rule for all callers and numbers`
  }
}

type KnownRule = RoutingRule & { rule: SIPDispatchRuleInfo }

function ruleFor (
  { rules }: ProjectLists,
  { from }: RouteQuestion,
  call: InboundCall,
  trunkId: string | undefined
): KnownRule | undefined {
  const known = rules.flatMap((rule): KnownRule[] => {
    const routing = routingRule(rule)
    if (!routing) return []
    return [{ ...routing, inboundNumbers: from === undefined ? [] : routing.inboundNumbers, rule }]
  })
  return matchRule(known, trunkId, call)
}

const UNNAMED = 'for workers without an agent name'

/** The rule, room and agents of a call. */
function landing (
  { rule, target }: KnownRule,
  { from }: RouteQuestion,
  call: InboundCall,
  { unshown }: ProjectLists
): string {
  const agents = rule.roomConfig?.agents.map(({ agentName }) => agentName).filter(name => name !== '') ?? []
  const isOpen = from === undefined && rule.inboundNumbers.length > 0
  const caller = isOpen ? ', if the caller is one of its inbound_numbers' : ''
  const pin = target.pin === '' ? '' : ', once the caller has typed its PIN'
  const nobody = unshown.get(rule)?.has('agents') ? 'for agents that the table does not show' : UNNAMED
  const agent = agents.length === 0 ? nobody : `for agent ${agents.join(', ')}`
  return `dispatch rule ${ruleTitle(rule)}${caller}: room ${roomOf(target, call, () => '<random>')} ${agent}${pin}`
}

function noTrunk (lists: ProjectLists, question: RouteQuestion, call: InboundCall): Finding {
  // A server of one's own goes on to the rules without trunk ids.
  const open = lists.seen.has('rules') ? ruleFor(lists, question, call, undefined) : undefined
  const own = open
    ? `a server of your own takes it all the same, with ${landing(open, question, call, lists)}`
    : 'a server of your own rings once and falls silent, unless a rule without trunk_ids takes it'
  return {
    code: 'config-no-route',
    severity: 'failed',
    seen: `${callText(question)} fits no inbound trunk: ${
      told(lists.trunks.map(trunk => whyNotTrunk(trunk, question, call)), 'there is none')
    }. LiveKit Cloud answers 404; ${own}.`,
    todo: 'Put the number into numbers of the trunk as the carrier sends it, and allow the caller and the address'
  }
}

function told (reasons: readonly string[], none: string): string {
  if (reasons.length === 0) return none
  const more = reasons.length - MOST_TOLD
  return `${reasons.slice(0, MOST_TOLD).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

/** Digits at the end of two numbers that make them likely to be the same one. */
const SAME_ENDING = 7

function whyNotTrunk (trunk: SIPInboundTrunkInfo, { from, ip }: RouteQuestion, call: InboundCall): string {
  const reasons: Array<string | false> = []
  const to = normalizeNumber(call.toUser)
  const isListed = trunk.numbers.length === 0 || trunk.numbers.some(number => normalizeNumber(number) === to)
  if (!isListed) {
    const ending = to.replace(/\D/g, '').slice(-SAME_ENDING)
    const near = ending.length < SAME_ENDING
      ? undefined
      : trunk.numbers.find(number => number.replace(/\D/g, '').endsWith(ending))
    reasons.push(near === undefined ? 'does not list the number' : `lists ${near}, which is another form of it`)
  }
  const caller = normalizeNumber(call.fromUser)
  const isCaller = from === undefined || trunk.allowedNumbers.length === 0 ||
    trunk.allowedNumbers.some(number => normalizeNumber(number) === caller)
  reasons.push(!isCaller && 'does not allow the caller')
  reasons.push(ip !== undefined && !addressAllowed(trunk.allowedAddresses, call) && 'does not allow the address')
  return `${trunkTitle(trunk)} ${reasons.filter(reason => reason !== false).join(' and ') || 'is not for it'}`
}

function whyNotRule (rule: SIPDispatchRuleInfo, trunk: SIPInboundTrunkInfo, { to, from }: RouteQuestion): string {
  const { trunkIds, numbers, inboundNumbers } = rule
  const reasons = [
    trunkIds.length > 0 && !trunkIds.includes(trunk.sipTrunkId) && 'is for other trunks',
    numbers.length > 0 && !numbers.includes(to) && 'is for other numbers',
    from !== undefined && inboundNumbers.length > 0 && !inboundNumbers.includes(from) && 'is for other callers',
    routingRule(rule) === undefined && 'is of a kind that is not known here'
  ].filter(reason => reason !== false)
  return `${ruleTitle(rule)} ${reasons.join(' and ') || 'loses to others'}`
}
