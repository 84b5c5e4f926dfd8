import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding } from '../finding.ts'
import type { ProvisionState } from './livekit-plan.ts'
import { HEADERS, isOurs } from './livekit-wish.ts'
import { addressCounts, addressHasPort, challenges, normalizeNumber } from '../livekit/dispatch-matching.ts'
import type { PlacedWay } from '../routing/routes.ts'
import { isRetellHost } from '../livekit/sip-host.ts'
import { withoutUser } from '../sip/without-user.ts'

/** One trunk or rule of a project, what it does, and what is wrong with it. */
export interface Reviewed {
  kind: 'inbound trunk' | 'dispatch rule' | 'outbound trunk'
  id: string
  name: string
  ours: boolean
  does: string
  findings: Finding[]
}

/**
 * Judges every trunk and rule by what LiveKit does with it (livekit/protocol livekit/sip.go and sip/sip.go).
 * @param options.sipHost our SIP host, to recognize an outbound trunk that dials it
 * @param options.ways of the routes, to recognize a trunk and a rule that a way `carrier` leads to
 */
export function reviewProject (
  state: ProvisionState,
  { sipHost, ways = [] }: { sipHost?: string, ways?: readonly PlacedWay[] } = {}
): Reviewed[] {
  return [
    ...state.trunks.map(trunk =>
      reviewed(
        'inbound trunk',
        trunk.sipTrunkId,
        trunk,
        inboundText(trunk) + forRoutes(routesTo(trunk, ways)),
        inboundFindings(trunk, state)
      )
    ),
    ...state.rules.map(rule =>
      reviewed(
        'dispatch rule',
        rule.sipDispatchRuleId,
        rule,
        ruleText(rule) + forRoutes(routesToRule(rule, state, ways)),
        ruleFindings(rule, state)
      )
    ),
    ...state.outbound.map(trunk =>
      reviewed(
        'outbound trunk',
        trunk.sipTrunkId,
        trunk,
        `dials ${withoutUser(trunk.address) || 'nobody: no address'}`,
        outboundFindings(trunk, sipHost)
      )
    )
  ]
}

/** The routes with a way `carrier` whose number this trunk takes. That the way leads to this project is likely. */
function routesTo ({ numbers }: SIPInboundTrunkInfo, ways: readonly PlacedWay[]): string[] {
  const taken = new Set(numbers.map(normalizeNumber))
  const leading = ways.filter(({ way }) => way.strategy === 'carrier' && taken.has(normalizeNumber(way.number)))
  return [...new Set(leading.map(({ route }) => route))]
}

function routesToRule (
  { trunkIds }: SIPDispatchRuleInfo,
  { trunks }: ProvisionState,
  ways: readonly PlacedWay[]
): string[] {
  const bound = trunks.filter(({ sipTrunkId }) => trunkIds.includes(sipTrunkId))
  return [...new Set(bound.flatMap(trunk => routesTo(trunk, ways)))]
}

function forRoutes (routes: readonly string[]): string {
  if (routes.length === 0) return ''
  const names = routes.map(route => `route "${route}"`).join(', ')
  return `, for the way \`carrier\` of ${names}: the bridge makes no room there`
}

const FINE = {
  'inbound trunk': 'inbound-trunk-ok',
  'dispatch rule': 'dispatch-rule-ok',
  'outbound trunk': 'outbound-trunk-ok'
} as const

function reviewed (
  kind: Reviewed['kind'],
  id: string,
  object: { name: string, metadata: string },
  does: string,
  findings: Array<Finding | undefined | false>
): Reviewed {
  const ours = isOurs(object)
  const wrong = findings.filter(finding => finding !== undefined && finding !== false)
  return {
    kind,
    id,
    name: object.name,
    ours,
    does,
    findings: wrong.length > 0
      ? wrong
      : [{ code: FINE[kind], severity: 'ok', seen: `${titled(id, object.name)}: nothing wrong by itself` }]
  }
}

/** Files may describe a trunk or rule that is not made yet and has no id. */
const titled = (id: string, name: string) =>
  [id, name === '' ? '' : `"${name}"`].filter(part => part !== '').join(' ') || '(without id)'
const comma = (items: string[]) => items.join(', ')

/** Callers are counted, not named: they are people, and findings are passed on. */
const some = (callers: string[]) => `${callers.length} caller${callers.length === 1 ? '' : 's'}`
/** What LiveKit does with a call that no trunk or rule takes (livekit/sip inbound.go; on LiveKit Cloud it refuses). */
const UNTAKEN = 'LiveKit Cloud refuses them with 404, your own server rings once and falls silent'

/** An empty list allows every caller. */
const callersMeet = (a: string[], b: string[]) =>
  a.length === 0 || b.length === 0 || a.some(number => b.includes(number))

function inboundText (trunk: SIPInboundTrunkInfo): string {
  return [
    trunk.numbers.length === 0 ? 'takes every number' : `takes ${comma(trunk.numbers)}`,
    challenges(trunk) ? 'asks for user name and password' : 'asks for no password',
    trunk.allowedAddresses.length > 0 && `from ${comma(trunk.allowedAddresses)}`,
    trunk.allowedNumbers.length > 0 && `for ${some(trunk.allowedNumbers)} alone`
  ].filter(part => part !== false).join(', ')
}

function inboundFindings (
  trunk: SIPInboundTrunkInfo,
  { trunks, rules }: ProvisionState
): Array<Finding | undefined | false> {
  const who = `Inbound trunk ${titled(trunk.sipTrunkId, trunk.name)}`
  const ours = isOurs(trunk)
  const change = ours ? { command: 'bridge provision' } : {}
  const [username, password] = [trunk.authUsername !== '', trunk.authPassword !== '']
  const lost = trunk.allowedAddresses.filter(address => !addressCounts(address))
  const usable = trunk.allowedAddresses.filter(addressCounts)
  const open = !challenges(trunk) && usable.length === 0
  const rival = trunks.find(other =>
    other !== trunk && trunk.numbers.length === 0 && other.numbers.length === 0 &&
    callersMeet(trunk.allowedNumbers, other.allowedNumbers)
  )
  return [
    username !== password && {
      code: 'trunk-half-credentials',
      severity: ours ? 'failed' : 'warning',
      seen: `${who} has ${
        username ? 'a user name without password' : 'a password without user name'
      }: LiveKit then challenges nobody`,
      todo: 'Set both',
      ...change
    },
    open && {
      code: 'trunk-open',
      severity: ours ? 'failed' : 'warning',
      seen: `${who} is open to strangers: no user name with password, and no allowed address that counts`,
      todo: 'Give it user name and password, or the addresses of its carrier',
      ...change
    },
    lost.length > 0 && {
      code: 'trunk-addresses-dropped',
      severity: usable.length === 0 ? 'failed' : 'warning',
      seen: `${who} allows ${comma(lost.map(address => JSON.stringify(address)))}, which LiveKit silently drops${
        usable.length === 0 ? '; nothing else is in the list, so every address is allowed' : ''
      }`,
      todo: 'Write plain IP addresses or networks like 203.0.113.0/24, without scheme, port, blank or wildcard'
    },
    usable.some(addressHasPort) && {
      code: 'trunk-addresses-with-port',
      severity: usable.every(addressHasPort) ? 'failed' : 'warning',
      seen: `${who} allows ${comma(usable.filter(addressHasPort))}: with a port it never fits${
        usable.every(addressHasPort) ? ', and nothing else is allowed' : ''
      }`,
      todo: 'Leave the port out'
    },
    ours && trunk.allowedNumbers.length > 0 && {
      code: 'trunk-callers-restricted',
      severity: 'failed',
      seen: `${who} takes calls of ${
        some(trunk.allowedNumbers)
      } only (allowed_numbers). Of everybody else it takes none: ${UNTAKEN}`,
      todo: 'Empty its allowed_numbers: every other caller gets no agent'
    },
    trunk.includeHeaders === HEADERS.all && {
      code: 'trunk-all-headers',
      severity: 'warning',
      seen:
        `${who} hands agents all SIP headers, among them withheld callers' identities and the digest of the password`,
      todo: 'Set include_headers to SIP_X_HEADERS',
      ...change
    },
    rival && {
      code: 'trunk-conflict',
      severity: ours || isOurs(rival) ? 'failed' : 'warning',
      seen:
        `${who} and ${rival.sipTrunkId} both take every number: LiveKit answers a call that fits both with 503 "Try ` +
        'again later"',
      todo: "Give the one that is not the bridge's the numbers it is for"
    },
    !ours && !rules.some(rule => rule.trunkIds.length === 0 || rule.trunkIds.includes(trunk.sipTrunkId)) && {
      code: 'trunk-without-rule',
      severity: 'warning',
      seen: `${who} has no dispatch rule, so nobody gets its callers: ${UNTAKEN}`,
      todo: 'Bind a rule to it, or delete it'
    }
  ]
}

/** The rooms that a rule makes. */
function roomText ({ rule }: SIPDispatchRuleInfo): string {
  const named = (prefix: string, name: string, isRandom: boolean) =>
    `room ${prefix ? `${prefix}_` : ''}<${name}>${isRandom ? '_<random>' : ''}`
  switch (rule?.rule.case) {
    case 'dispatchRuleDirect':
      return `room ${rule.rule.value.roomName}`
    case 'dispatchRuleIndividual':
      return named(rule.rule.value.roomPrefix, 'caller', !rule.rule.value.noRandomness)
    case 'dispatchRuleCallee':
      return named(rule.rule.value.roomPrefix, 'dialled', rule.rule.value.randomize)
    default:
      return 'no kind that is known here'
  }
}

function ruleText (info: SIPDispatchRuleInfo): string {
  const rule = info.rule?.rule
  const agents = info.roomConfig?.agents.map(agent => agent.agentName) ?? []
  return [
    roomText(info),
    info.trunkIds.length === 0 ? 'for calls of any trunk and of none' : `for ${comma(info.trunkIds)}`,
    rule?.value?.pin && 'with PIN',
    info.inboundNumbers.length > 0 && `for ${some(info.inboundNumbers)} alone`,
    info.numbers.length > 0 && `dialled ${comma(info.numbers)}`,
    agents.length > 0 && `agent ${comma(agents)}`
  ].filter(part => part).join(', ')
}

function ruleFindings (
  info: SIPDispatchRuleInfo,
  { trunks, rules }: ProvisionState
): Array<Finding | undefined | false> {
  const who = `Dispatch rule ${titled(info.sipDispatchRuleId, info.name)}`
  const ours = isOurs(info)
  const change = ours ? { command: 'bridge provision' } : {}
  const rule = info.rule?.rule
  const unknown = info.trunkIds.filter(id => !trunks.some(trunk => trunk.sipTrunkId === id))
  const bound = trunks.filter(trunk => info.trunkIds.length === 0 || info.trunkIds.includes(trunk.sipTrunkId))
  const dialled = info.inboundNumbers.filter(number => bound.some(trunk => trunk.numbers.includes(number)))
  const our = trunks.find(trunk => isOurs(trunk) && info.trunkIds.includes(trunk.sipTrunkId))
  const prefix = prefixOf(info)
  const sharing = rules.find(other => !ours && isOurs(other) && prefixOf(other) === prefix)
  return [
    info.trunkIds.length === 0 && {
      code: 'rule-without-trunks',
      severity: ours ? 'failed' : 'warning',
      seen:
        `${who} names no trunk: on your own LiveKit server it also accepts calls that no trunk has authenticated, ` +
        'from anybody',
      todo: 'Put the ids of its trunks into trunk_ids',
      ...change
    },
    unknown.length > 0 && {
      code: 'rule-unknown-trunk',
      severity: ours || unknown.length === info.trunkIds.length ? 'failed' : 'warning',
      seen: `${who} is bound to ${comma(unknown)}, which this project does not have`,
      todo: unknown.length === info.trunkIds.length
        ? 'It can match no call: bind it to a trunk that exists, or delete it'
        : 'Take it out of trunk_ids',
      ...(ours
        ? change
        : unknown.length === info.trunkIds.length && { command: `lk sip dispatch delete ${info.sipDispatchRuleId}` })
    },
    dialled.length > 0 && {
      code: 'rule-inbound-numbers',
      severity: 'warning',
      seen: `${who} has ${
        dialled.length === 1 ? 'a number' : `${dialled.length} numbers`
      } of its trunk in inbound_numbers, which means callers`,
      todo: 'Put dialled numbers into numbers and leave inbound_numbers empty'
    },
    // Dialled numbers never fit our tokens, so a rule with numbers takes no call of ours.
    !ours && our && info.numbers.length === 0 && {
      code: 'rule-conflict',
      severity: 'failed',
      seen: `${who} is bound to the bridge's trunk ${our.sipTrunkId} and wins over the bridge's rule${
        info.inboundNumbers.length > 0 ? ` for ${some(info.inboundNumbers)}` : ''
      }: those calls land in another room`,
      todo: `Take ${our.sipTrunkId} out of its trunk_ids, or delete it`
    },
    rule?.case === 'dispatchRuleCallee' && prefix === '' && !rule.value.randomize && {
      code: 'rule-without-prefix',
      severity: 'warning',
      seen: `${who} makes the dialled name the room's name: whoever may call can join any room of the project`,
      todo: 'Give it a room_prefix'
    },
    prefix !== undefined && prefix !== '' && sharing && {
      code: 'rule-same-prefix',
      severity: 'warning',
      seen: `${who} makes rooms with the bridge's prefix "${prefix}"`,
      todo: 'Give it another prefix: the bridge takes rooms with its prefix for its own'
    },
    rule?.case === undefined &&
    {
      code: 'rule-unknown-kind',
      severity: 'warning',
      seen: `${who} is of a kind that is not known here`,
      todo: "Look at it in LiveKit's dashboard"
    }
  ]
}

function prefixOf (info: SIPDispatchRuleInfo): string | undefined {
  const rule = info.rule?.rule
  return rule?.case === 'dispatchRuleCallee' || rule?.case === 'dispatchRuleIndividual'
    ? rule.value.roomPrefix
    : undefined
}

const hostOf = (address: string) =>
  address.trim().toLowerCase().replace(/^sips?:/, '').replace(/^[^@]*@/, '').replace(/[:;].*$/, '').replace(/\.$/, '')

function outboundFindings (trunk: SIPOutboundTrunkInfo, sipHost: string | undefined): Array<Finding | false> {
  const who = `Outbound trunk ${titled(trunk.sipTrunkId, trunk.name)}`
  const host = hostOf(trunk.address)
  const remove = { command: `lk sip outbound delete ${trunk.sipTrunkId}` }
  if (isRetellHost(host)) {
    return [{
      code: 'outbound-retell',
      severity: 'warning',
      seen: `${who} dials ${host}: that is Retell's project, not yours`,
      todo: 'The bridge needs no outbound trunk: delete it, unless you do mean to call Retell',
      ...remove
    }]
  }
  const own = sipHost !== undefined && host === hostOf(sipHost)
  return [
    (own || host.endsWith('.sip.livekit.cloud')) && {
      code: 'outbound-livekit',
      severity: 'warning',
      seen: `${who} dials ${host}: LiveKit would call LiveKit itself, and no phone rings`,
      todo:
        'Callers reach LiveKit through the inbound trunk, so the bridge needs no outbound trunk: delete it. To call ' +
        'out, its address must be a carrier or Jambonz',
      ...remove
    }
  ]
}
