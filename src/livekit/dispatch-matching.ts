import { BlockList, isIP } from 'node:net'
import { randomBytes } from 'node:crypto'
import type { SIPDispatchRuleInfo } from 'livekit-server-sdk'

/*
 * Which trunk, rule and room LiveKit chooses for an INVITE, as livekit/protocol sip/sip.go and livekit/sip do it. Pure:
 * the double of LiveKit routes its calls by it, and the doctor tells with it where a call would land.
 */

/** What LiveKit looks at when an INVITE comes in. */
export interface InboundCall {
  /** From user, as sent. */
  fromUser: string
  fromHost: string
  /** To user (not the Request-URI's). */
  toUser: string
  sourceIp: string
  /** What the caller typed when asked for a PIN; absent on the INVITE itself. */
  pin?: string
}

/** The part of an inbound trunk that decides; the SDK's `SIPInboundTrunkInfo` fits. */
export interface RoutingTrunk {
  sipTrunkId: string
  numbers: string[]
  allowedAddresses: string[]
  allowedNumbers: string[]
}

export type RoutingTarget =
  | { type: 'direct', roomName: string, pin: string }
  | { type: 'individual', roomPrefix: string, pin: string, noRandomness: boolean, hidesCaller?: boolean }
  | { type: 'callee', roomPrefix: string, pin: string, randomize: boolean }

/** The part of a dispatch rule that decides. `inboundNumbers` are callers, `numbers` the dialled ones. */
export interface RoutingRule {
  sipDispatchRuleId: string
  target: RoutingTarget
  trunkIds: string[]
  inboundNumbers: string[]
  numbers: string[]
}

/**
 * `specific`: the trunk lists the number; `default`: it lists none; `conflict`: more than one fits (503 on the wire);
 * `none`: nobody asks for credentials.
 */
export type TrunkMatch<T> = { match: 'specific' | 'default', trunk: T } | { match: 'conflict', trunks: T[] } | {
  match: 'none'
}

/**
 * Numbers compare as LiveKit compares them: digits with separators lose these and get a `+`; anything else stays as it
 * is. Source: livekit/protocol, lksip.go.
 */
export function normalizeNumber (number: string): string {
  if (!/^\+?[\d\- ()]+$/.test(number)) return number
  const digits = number.replace(/[^\d]/g, '')
  return `+${digits}`
}

/** Whether LiveKit keeps an allowed address at all: with one of these characters it drops it without a word. */
export const addressCounts = (entry: string): boolean => entry !== '' && !/[()+*;,\s]|:\/\//.test(entry)

/**
 * Whether an allowed address has a port, so that it never fits: addresses are compared without. IPv6 has more than one
 * colon.
 */
export const addressHasPort = (entry: string): boolean => /^[^:]+:\d+$/.test(entry)

/**
 * Whether an allowed address (IP, CIDR or, spoofable, the From host) fits. A list of nothing but dropped entries counts
 * as empty, which allows everyone.
 */
export function addressAllowed (allowed: readonly string[], call: Pick<InboundCall, 'sourceIp' | 'fromHost'>): boolean {
  const usable = allowed.filter(addressCounts)
  return usable.length === 0 ||
    usable.some(entry => entry === call.sourceIp || entry === call.fromHost || inCidr(entry, call.sourceIp))
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
    (trunk.allowedNumbers.length === 0 ||
      trunk.allowedNumbers.some(n => n === call.fromUser || normalizeNumber(n) === from)) &&
    addressAllowed(trunk.allowedAddresses, call)
  )
  // By entry, not by trunk: one that lists the same number twice is in its own way.
  const specific = candidates.flatMap(trunk =>
    trunk.numbers.filter(n => n === call.toUser || normalizeNumber(n) === to).map(() => trunk)
  )
  const fallback = candidates.filter(trunk => trunk.numbers.length === 0)
  const chosen = specific.length > 0 ? specific : fallback
  const [trunk] = chosen
  if (!trunk) return { match: 'none' }
  return chosen.length > 1
    ? { match: 'conflict', trunks: chosen }
    : { match: specific.length > 0 ? 'specific' : 'default', trunk }
}

/** Whether a trunk asks for a digest: with half a pair LiveKit asks nobody. */
export const challenges = ({ authUsername, authPassword }: { authUsername: string, authPassword: string }): boolean =>
  authUsername !== '' && authPassword !== ''

/** LiveKit's order among rules that fit: lower wins. Source: livekit/protocol sip.go, DispatchRulePriority. */
export function rulePriority (rule: RoutingRule): number {
  const base = { direct: 100, individual: 101, callee: 102 }[rule.target.type]
  return base - (rule.target.pin === '' ? 0 : 100) + (rule.inboundNumbers.length === 0 ? 1000 : 0) +
    (rule.numbers.length === 0 ? 1000 : 0)
}

/** Among equals the room's name or prefix decides; the id only keeps the choice steady where even that is equal. */
const orderOf = ({ target, sipDispatchRuleId }: RoutingRule) =>
  [target.type === 'direct' ? target.roomName : target.roomPrefix, sipDispatchRuleId] as const

function compareRules (a: RoutingRule, b: RoutingRule): number {
  const [[roomA, idA], [roomB, idB]] = [orderOf(a), orderOf(b)]
  return rulePriority(a) - rulePriority(b) || compareText(roomA, roomB) || compareText(idA, idB)
}

function compareText (a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/**
 * Picks the dispatch rule of a call: rules that name the trunk beat those that name none. Numbers compare as they are
 * written. A rule with a PIN wins over one without, and asks for it; once it is typed, only rules with that PIN count.
 * Undefined: LiveKit rings once and falls silent.
 */
export function matchRule<T extends RoutingRule> (
  rules: readonly T[],
  trunkId: string | undefined,
  call: InboundCall
): T | undefined {
  const fitting = rules.filter(rule =>
    (rule.inboundNumbers.length === 0 || rule.inboundNumbers.includes(call.fromUser)) &&
    (rule.numbers.length === 0 || rule.numbers.includes(call.toUser)) &&
    (call.pin === undefined || rule.target.pin === call.pin)
  )
  const bound = fitting.filter(rule => trunkId !== undefined && rule.trunkIds.includes(trunkId))
  const open = fitting.filter(rule => rule.trunkIds.length === 0)
  return (bound.length > 0 ? bound : open).toSorted(compareRules)[0]
}

/** The room a rule puts a call into; the underscore after the prefix is LiveKit's own. */
export function roomOf (
  target: RoutingTarget,
  call: Pick<InboundCall, 'fromUser' | 'toUser'>,
  random: () => string = () => randomBytes(9).toString('base64url').slice(0, 12)
): string {
  switch (target.type) {
    case 'direct':
      return target.roomName
    case 'individual':
      return [
        target.roomPrefix,
        target.hidesCaller ? hidden(call.fromUser) : call.fromUser,
        target.noRandomness ? '' : random()
      ].filter(part => part !== '').join('_')
    case 'callee':
      return [target.roomPrefix, call.toUser, target.randomize ? random() : ''].filter(part => part !== '').join('_')
  }
}

const hidden = (number: string): string => number.slice(number.length <= 4 ? -1 : -4)

/** What becomes of an INVITE. */
export type Route<T, R> =
  | { to: 'room', room: string, rule: R, trunk?: T, pin: boolean }
  /** More than one trunk fits: 503. */
  | { to: 'conflict', trunks: T[] }
  /** LiveKit Cloud answers 404; a server of one's own goes on to the rules without trunk ids. */
  | { to: 'no-trunk' }
  /** Rings once and falls silent; 404 on LiveKit Cloud. */
  | { to: 'no-rule', trunk?: T }

/**
 * Trunk, rule and room of a call.
 * @param options.cloud LiveKit Cloud takes no call without a trunk; a server of one's own does
 */
export function routeCall<T extends RoutingTrunk, R extends RoutingRule> (
  trunks: readonly T[],
  rules: readonly R[],
  call: InboundCall,
  { cloud }: { cloud: boolean }
): Route<T, R> {
  const found = matchTrunk(trunks, call)
  if (found.match === 'conflict') return { to: 'conflict', trunks: found.trunks }
  if (found.match === 'none' && cloud) return { to: 'no-trunk' }
  const through = found.match === 'none' ? {} : { trunk: found.trunk }
  const rule = matchRule(rules, through.trunk?.sipTrunkId, call)
  if (!rule) return { to: 'no-rule', ...through }
  return {
    to: 'room',
    room: roomOf(rule.target, call),
    rule,
    ...through,
    pin: rule.target.pin !== '' && call.pin === undefined
  }
}

/** A dispatch rule of the SDK as far as it decides; undefined for a kind that is not known here. */
export function routingRule (info: SIPDispatchRuleInfo): RoutingRule | undefined {
  const { sipDispatchRuleId, trunkIds, inboundNumbers, numbers, rule } = info
  const common = { sipDispatchRuleId, trunkIds, inboundNumbers, numbers }
  switch (rule?.rule.case) {
    case 'dispatchRuleDirect':
      return { ...common, target: { type: 'direct', roomName: rule.rule.value.roomName, pin: rule.rule.value.pin } }
    case 'dispatchRuleIndividual': {
      const { roomPrefix, pin, noRandomness } = rule.rule.value
      return {
        ...common,
        target: { type: 'individual', roomPrefix, pin, noRandomness, hidesCaller: info.hidePhoneNumber }
      }
    }
    case 'dispatchRuleCallee': {
      const { roomPrefix, pin, randomize } = rule.rule.value
      return { ...common, target: { type: 'callee', roomPrefix, pin, randomize } }
    }
    default:
      return undefined
  }
}
