import type { Finding } from '../finding.ts'
import { challenges, normalizeNumber } from '../livekit/dispatch-matching.ts'
import type { ProvisionState } from '../provisioning/livekit-plan.ts'
import { HEADERS, isOurs } from '../provisioning/livekit-wish.ts'
import type { PlacedWay } from '../routing/routes.ts'
import { placeOf } from './place-of.ts'

/*
 * A carrier of Jambonz that leads to the SIP host of the bridge's own LiveKit project: trunk and rule of the number
 * are the user's own there. The bridge makes no room for such a call, and recognises the one that the rule makes.
 */

interface Carrier {
  /** The carrier's row in Jambonz. */
  carrier: Record<string, unknown>
  /** The ways that use it. */
  ways: readonly PlacedWay[]
}

/** What LiveKit does with the numbers that such a carrier dials. Pure. */
export function numberFindings ({ carrier, ways }: Carrier, state: ProvisionState): Finding[] {
  return ways.flatMap(placed => {
    const { way } = placed
    return way.strategy === 'carrier' ? findingsOf(way.number, placed, carrier, state) : []
  })
}

function findingsOf (
  number: string,
  placed: PlacedWay,
  { name, register_username: username }: Record<string, unknown>,
  { trunks, rules }: ProvisionState
): Finding[] {
  const where = `Carrier ${String(name)} leads to this LiveKit project (${placeOf(placed)})`
  const trunk = trunks.find(({ numbers }) => numbers.some(other => normalizeNumber(other) === normalizeNumber(number)))
  if (!trunk) {
    const ours = trunks.some(other => isOurs(other) && challenges(other))
    return [{
      code: 'carrier-number-untaken',
      severity: 'failed',
      seen: `${where}, which has no inbound trunk for the number of that way` +
        (ours ? ". The bridge's own trunk gets the call, and asks for its password" : ''),
      todo: 'Create an inbound trunk with this number in `numbers`, and a dispatch rule for it with your agent; or ' +
        'use a way `agent`, for which the bridge makes the room'
    }]
  }

  const id = trunk.sipTrunkId
  const rule = rules.find(({ trunkIds }) => trunkIds.includes(id)) ??
    rules.find(({ trunkIds }) => trunkIds.length === 0)
  if (!rule) {
    return [{
      code: 'carrier-number-untaken',
      severity: 'failed',
      seen: `${where}. Inbound trunk ${id} takes the number, and no dispatch rule takes the trunk's calls`,
      todo: `Bind a dispatch rule with your agent to ${id}`
    }]
  }
  const agents = rule.roomConfig?.agents.map(({ agentName }) => agentName) ?? []
  const findings: Finding[] = [{
    code: 'carrier-to-livekit',
    severity: 'ok',
    seen: `${where}: trunk ${id} and rule ${rule.sipDispatchRuleId} take the number` +
      (agents.length > 0 ? `, with agent ${agents.join(', ')}` : ', with no agent of the rule')
  }]
  if (challenges(trunk) && !username) {
    findings.push({
      code: 'carrier-without-credentials',
      severity: 'failed',
      seen: `${where}. Inbound trunk ${id} asks for user name and password, and the carrier has none in Jambonz`,
      todo: "Enter the trunk's pair as the carrier's SIP credentials in Jambonz's portal"
    })
  }
  if (trunk.includeHeaders !== HEADERS.x && trunk.includeHeaders !== HEADERS.all) {
    findings.push({
      code: 'carrier-trunk-without-headers',
      severity: 'warning',
      seen: `${where}. Inbound trunk ${id} does not pass X- headers on, so the bridge cannot recognise the room: it ` +
        'does not see the agent, and causes are less precise',
      todo: 'Set include_headers of the trunk to SIP_X_HEADERS'
    })
  }
  return findings
}
