import type { SIPInboundTrunkInfo } from 'livekit-server-sdk'
import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import type { ProvisionState } from '../provisioning/livekit-plan.ts'
import {
  addressCounts,
  addressHasPort,
  challenges,
  routeCall,
  routingRule,
  type InboundCall,
  type Route,
  type RoutingRule
} from '../livekit/dispatch-matching.ts'
import { planCall } from '../probe/room.ts'
import type { Check } from './check.ts'
import { FIX } from './livekit-changes.ts'
import { withState } from './livekit-state.ts'
import { WAITS_FOR_TRUNK_AND_RULE } from './waits-for.ts'

/** Plays LiveKit's own choice of trunk and rule for a call as the bridge makes them. Nobody is called. */
export const matchingCheck: Check = {
  name: 'matching',
  title: "Would a call of the bridge reach its room, with the project's trunks and rules?",
  readOnly: true,
  limitMs: 15_000,
  waitsFor: [WAITS_FOR_TRUNK_AND_RULE],
  run: context =>
    withState(
      context,
      state => matchingFindings(context.settings, state, planCall(context.settings, { now: context.clock.now() }))
    )
}

/** A sample call: what is dialled, and where it has to land. */
interface Sample {
  token: string
  room: { name: string }
}
type Landing = Route<SIPInboundTrunkInfo, RoutingRule>

/** Callers and addresses that no list of the project has, so that lists decide nothing unless they must. */
const ANYBODY: Omit<InboundCall, 'toUser'> = {
  fromUser: 'anybody-else',
  fromHost: 'sbc.invalid',
  sourceIp: '192.0.2.1'
}

/** Where a call lands, and for which callers and addresses it lands elsewhere. Pure. */
export function matchingFindings (
  settings: Pick<Settings, 'LIVEKIT_URL'>,
  { trunks, rules }: ProvisionState,
  { token, room }: Sample
): Finding[] {
  const cloud = new URL(settings.LIVEKIT_URL).hostname.endsWith('.livekit.cloud')
  const known = rules.flatMap(info => routingRule(info) ?? [])
  const route = (from: Partial<InboundCall>) =>
    routeCall(trunks, known, { ...ANYBODY, ...from, toUser: token }, { cloud })
  const lands = (landing: Landing) =>
    landing.to === 'room' && landing.room === room.name && !landing.pin && landing.trunk !== undefined

  const addresses = [
    ...new Set(
      trunks.flatMap(({ allowedAddresses }) =>
        allowedAddresses.filter(address => addressCounts(address) && !addressHasPort(address))
      )
    )
  ]
  const callers = [
    ...new Set([
      ...trunks.flatMap(({ allowedNumbers }) => allowedNumbers),
      ...known.flatMap(({ inboundNumbers }) => inboundNumbers)
    ])
  ]

  // From anybody if that does, else from those whom lists let in.
  const [froms, whos] = [[undefined, ...addresses.slice(0, MOST)], [undefined, ...callers.slice(0, MOST)]]
  const good = froms.flatMap(address => whos.map(caller => ({ address, caller }))).find(({ address, caller }) =>
    lands(route(callFrom(address, caller)))
  )
  if (!good) return [failure(route({}), { token, room }, cloud)]

  const byAddress = addresses.map(address => ({ address, landing: route(callFrom(address, good.caller)) }))
  const byCaller = callers.map(caller => route(callFrom(good.address, caller)))
  return [
    success(route(callFrom(good.address, good.caller)), { token, room }),
    ...(good.address === undefined
      ? lostAddresses(byAddress.filter(({ landing }) => !lands(landing)), cloud)
      : [
          onlyFrom(
            byAddress.filter(({ landing }) => lands(landing)).map(({ address }) => address),
            route(callFrom(undefined, good.caller)),
            cloud
          )
        ]),
    ...(good.caller === undefined
      ? lostCallers(byCaller.filter(landing => !lands(landing)), cloud)
      : [onlyFor(byCaller.filter(lands).length, route(callFrom(good.address, undefined)), cloud)])
  ]
}

/** Of a list, for combinations: a project has few addresses and callers. */
const MOST = 100

/**
 * A call of a caller, from an entry of allowed_addresses: an address, a network by its first one, or the host of From.
 */
function callFrom (address: string | undefined, caller: string | undefined): Partial<InboundCall> {
  const isAddress = address !== undefined && /^([\d.]+|[\da-fA-F:]*:[\da-fA-F:]*)(\/\d+)?$/.test(address)
  return {
    ...(address !== undefined && (isAddress ? { sourceIp: address.replace(/\/\d+$/, '') } : { fromHost: address })),
    ...(caller !== undefined && { fromUser: caller })
  }
}

function success (landing: Landing, { token, room }: Sample): Finding {
  const { trunk, rule } = landing as Extract<Landing, { to: 'room' }>
  const asks = trunk !== undefined && challenges(trunk)
  return {
    code: 'matching-ok',
    severity: 'ok',
    seen: `sip:${token}@… matches trunk ${trunk?.sipTrunkId}, ${
      asks ? 'is asked for user name and password' : 'is asked for no credentials'
    }, matches rule ${rule.sipDispatchRuleId} and lands in room ${room.name}`
  }
}

function onlyFrom (good: string[], otherwise: Landing, cloud: boolean): Finding {
  return {
    code: 'matching-addresses',
    severity: 'warning',
    seen: `That holds for calls from ${good.join(', ')} alone (allowed_addresses): from elsewhere LiveKit ${
      fate(otherwise, cloud)
    }`,
    todo: 'See that every SBC of Jambonz sends from one of these; an entry that is a host name counts only in From, ' +
      'which anybody may write'
  }
}

function onlyFor (callers: number, otherwise: Landing, cloud: boolean): Finding {
  return {
    code: 'matching-callers',
    severity: 'failed',
    seen: `That holds for ${callers} caller${
      callers === 1 ? '' : 's'
    } alone (allowed_numbers, inbound_numbers): for everybody else LiveKit ${fate(otherwise, cloud)}`,
    todo: 'Empty these lists',
    command: 'bridge provision --list'
  }
}

function lostAddresses (lost: Array<{ address: string, landing: Landing }>, cloud: boolean): Finding[] {
  return lost.map(({ address, landing }) => ({
    code: 'matching-addresses',
    severity: 'warning',
    seen: `From ${address} a call lands elsewhere: LiveKit ${fate(landing, cloud)}`,
    todo: 'If an SBC of Jambonz sends from there, take that address out of the other trunk'
  }))
}

/** Callers are counted, not named: they are people. */
function lostCallers (landings: Landing[], cloud: boolean): Finding[] {
  const fates = [...new Set(landings.map(landing => fate(landing, cloud)))]
  return fates.map(what => ({
    code: 'matching-callers',
    severity: 'warning',
    seen: `For ${
      landings.filter(landing => fate(landing, cloud) === what).length
    } of the callers that trunks and rules list, LiveKit ${what}`,
    todo: 'Empty allowed_numbers and inbound_numbers there, unless these callers are meant for somebody else',
    command: 'bridge provision --list'
  }))
}

/** What LiveKit does with a call, as the end of a sentence. */
function fate (landing: Landing, cloud: boolean): string {
  switch (landing.to) {
    case 'conflict':
      return `answers 503, because trunks ${
        landing.trunks.map(({ sipTrunkId }) => sipTrunkId).join(' and ')
      } both take the call`
    case 'no-trunk':
      return 'answers 404: no trunk takes the call'
    case 'no-rule':
      return `${
        landing.trunk ? `takes it on trunk ${landing.trunk.sipTrunkId} and has` : 'finds no trunk and has'
      } no rule for it: ${cloud ? '404' : 'it rings once, then nothing'}`
    case 'room':
      return `puts it ${
        landing.trunk
          ? `from trunk ${landing.trunk.sipTrunkId}`
          : 'without any trunk, from anybody and unasked for credentials,'
      } by rule ${landing.rule.sipDispatchRuleId} ${
        landing.pin ? 'behind a PIN, which Jambonz does not type,' : ''
      }into ${roomText(landing)}`
  }
}

/** Rooms named after callers or at random are described. */
function roomText ({ room, rule: { target } }: Extract<Landing, { to: 'room' }>): string {
  if (target.type === 'individual') return 'a room named after the caller'
  return target.type === 'callee' && target.randomize ? 'a room with a random name' : `room ${room}`
}

function failure (landing: Landing, { room }: Sample, cloud: boolean): Finding {
  const seen = `A call of the bridge does not land in its room ${room.name}: LiveKit ${fate(landing, cloud)}`
  const todo = 'Make trunk and rule as the bridge needs them'
  switch (landing.to) {
    case 'conflict':
      return {
        code: 'trunk-conflict',
        severity: 'failed',
        seen,
        todo: "Give the trunk that is not the bridge's the numbers it is for, or delete it",
        command: 'bridge provision --list'
      }
    case 'no-trunk':
    case 'no-rule':
      return { code: 'livekit-no-route', severity: 'failed', seen, todo, command: FIX }
    case 'room':
      break
  }
  if (!landing.trunk) {
    return {
      code: 'rule-without-trunks',
      severity: 'failed',
      seen: `No trunk takes a call of the bridge: LiveKit ${fate(landing, cloud)}`,
      todo,
      command: FIX
    }
  }
  return landing.pin
    ? {
        code: 'rule-pin',
        severity: 'failed',
        seen,
        todo: "Take the PIN out of the rule, or the bridge's trunk out of its trunk_ids",
        command: 'bridge provision --list'
      }
    : {
        code: 'other-room',
        severity: 'failed',
        seen,
        todo:
        `Compare rule ${landing.rule.sipDispatchRuleId} with LIVEKIT_ROOM_PREFIX; if it is not the bridge's, bind ` +
        'it to another trunk',
        command: 'bridge provision --list'
      }
}
