import { BlockList, isIP } from 'node:net'
import { randomBytes } from 'node:crypto'

/** What LiveKit looks at when an INVITE comes in. */
export interface InboundCall {
  /** From user, as sent. */
  fromUser: string
  fromHost: string
  /** To user (not the Request-URI's). */
  toUser: string
  sourceIp: string
}

/** The part of an inbound trunk that decides; the SDK's `SIPInboundTrunkInfo` fits. */
export interface RoutingTrunk { sipTrunkId: string, numbers: string[], allowedAddresses: string[], allowedNumbers: string[] }

export type RoutingTarget =
  | { type: 'direct', roomName: string, pin: string }
  | { type: 'individual', roomPrefix: string, pin: string, noRandomness: boolean }
  | { type: 'callee', roomPrefix: string, pin: string, randomize: boolean }

/** The part of a dispatch rule that decides. `inboundNumbers` are callers, `numbers` the dialled ones. */
export interface RoutingRule { sipDispatchRuleId: string, target: RoutingTarget, trunkIds: string[], inboundNumbers: string[], numbers: string[] }

/** `specific`: the trunk lists the number; `default`: it lists none; `conflict`: more than one fits (503 on the wire); `none`: nobody asks for credentials. */
export type TrunkMatch<T> = { match: 'specific' | 'default', trunk: T } | { match: 'conflict', trunks: T[] } | { match: 'none' }

/** Numbers compare as LiveKit compares them: digits with separators lose these and get a `+`; anything else stays as it is. Source: livekit/protocol, lksip.go. */
export function normalizeNumber (number: string): string {
  if (!/^\+?[\d\- ()]+$/.test(number)) return number
  const digits = number.replace(/[^\d]/g, '')
  return `+${digits}`
}

/** Whether an allowed address (IP, CIDR or, spoofable, the From host) fits. */
export function addressAllowed (allowed: readonly string[], call: Pick<InboundCall, 'sourceIp' | 'fromHost'>): boolean {
  // LiveKit drops entries with these characters; a list of nothing else counts as empty, which allows everyone.
  const usable = allowed.filter(entry => entry !== '' && !/[()+*;, ]|:\/\//.test(entry))
  return usable.length === 0 || usable.some(entry => entry === call.sourceIp || entry === call.fromHost || inCidr(entry, call.sourceIp))
}

function inCidr (entry: string, ip: string): boolean {
  const match = /^([\da-fA-F.:]+)\/(\d{1,3})$/.exec(entry)
  const [, net = '', bits = ''] = match ?? []
  const version = isIP(net)
  if (version === 0 || isIP(ip) !== version || Number(bits) > (version === 4 ? 32 : 128)) return false
  const list = new BlockList()
  const family = version === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(net, Number(bits), family)
  return list.check(ip, family)
}

/** Picks the inbound trunk of a call. Source: livekit/protocol sip.go, MatchTrunk. */
export function matchTrunk<T extends RoutingTrunk> (trunks: readonly T[], call: InboundCall): TrunkMatch<T> {
  const to = normalizeNumber(call.toUser)
  const from = normalizeNumber(call.fromUser)
  const candidates = trunks.filter(trunk =>
    (trunk.allowedNumbers.length === 0 || trunk.allowedNumbers.some(n => n === call.fromUser || normalizeNumber(n) === from)) &&
    addressAllowed(trunk.allowedAddresses, call))
  const specific = candidates.filter(trunk => trunk.numbers.some(n => n === call.toUser || normalizeNumber(n) === to))
  const fallback = candidates.filter(trunk => trunk.numbers.length === 0)
  const chosen = specific.length > 0 ? specific : fallback
  const [trunk] = chosen
  if (!trunk) return { match: 'none' }
  return chosen.length > 1 ? { match: 'conflict', trunks: chosen } : { match: specific.length > 0 ? 'specific' : 'default', trunk }
}

/** LiveKit's order among rules that fit: lower wins. Source: livekit/protocol sip.go, DispatchRulePriority. */
export function rulePriority (rule: RoutingRule): number {
  const base = { direct: 100, individual: 101, callee: 102 }[rule.target.type]
  return base - (rule.target.pin === '' ? 0 : 100) + (rule.inboundNumbers.length === 0 ? 1000 : 0) + (rule.numbers.length === 0 ? 1000 : 0)
}

/** Picks the dispatch rule of a call: rules that name the trunk beat those that name none. Undefined: LiveKit rings once and falls silent. */
export function matchRule<T extends RoutingRule> (rules: readonly T[], trunkId: string | undefined, call: InboundCall): T | undefined {
  const fitting = rules.filter(rule =>
    (rule.inboundNumbers.length === 0 || rule.inboundNumbers.includes(call.fromUser)) &&
    (rule.numbers.length === 0 || rule.numbers.includes(call.toUser)))
  const bound = fitting.filter(rule => trunkId !== undefined && rule.trunkIds.includes(trunkId))
  const open = fitting.filter(rule => rule.trunkIds.length === 0)
  return (bound.length > 0 ? bound : open).toSorted((a, b) => rulePriority(a) - rulePriority(b) || (a.sipDispatchRuleId < b.sipDispatchRuleId ? -1 : 1))[0]
}

/** The room a rule puts a call into; the underscore after the prefix is LiveKit's own. */
export function roomOf (target: RoutingTarget, call: Pick<InboundCall, 'fromUser' | 'toUser'>, random: () => string = () => randomBytes(9).toString('base64url').slice(0, 12)): string {
  switch (target.type) {
    case 'direct': return target.roomName
    case 'individual': return [target.roomPrefix, call.fromUser, target.noRandomness ? '' : random()].filter(part => part !== '').join('_')
    case 'callee': return [target.roomPrefix, call.toUser, target.randomize ? random() : ''].filter(part => part !== '').join('_')
  }
}
