import type { SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding } from '../finding.ts'
import {
  isActive,
  mayFit,
  namedCarrier,
  obstaclesOf,
  ourTrunk,
  TRANSPORT,
  type Carrier,
  type PairState,
  type PairWish
} from './outbound-pair.ts'

const MAKE = { todo: 'Have it made', command: 'bridge provision --outbound' }
const REPAIR = { todo: 'Have it corrected', command: 'bridge provision --outbound' }

export type ReviewWish = Pick<PairWish, 'carrierName' | 'numbers'>

/** What is wrong with the pair through which agents call out. Pure. */
export function reviewPair (wish: ReviewWish, state: PairState): Finding[] {
  const trunk = ourTrunk(state)
  const carrier = namedCarrier(wish, state)
  if (!trunk && !carrier) {
    return [{
      code: 'agents-call-out',
      severity: 'skipped',
      seen: 'Agents cannot call out: neither LiveKit nor Jambonz has what that takes',
      todo: 'If they should, have it made',
      command: 'bridge provision --outbound'
    }]
  }
  const found = [
    ...obstaclesOf(wish, state),
    ...trunk ? trunkFindings(trunk, wish, state) : [missingTrunk(wish)],
    ...carrier ? carrierFindings(carrier, state) : [missingCarrier(wish)],
    ...trunk && carrier && !mayFit(trunk, carrier) ? [otherCredentials(carrier)] : []
  ]
  if (found.length > 0) return found
  return [{
    code: 'agents-call-out',
    severity: 'ok',
    seen: `Agents can call out: LiveKit's trunk ${trunk!.sipTrunkId} leads to ${trunk!.address}, where the Jambonz ` +
      `carrier ${carrier!.name} takes its calls`
  }]
}

const missingTrunk = ({ carrierName }: ReviewWish): Finding => ({
  code: 'outbound-trunk-missing',
  severity: 'failed',
  seen: `Jambonz has the carrier ${carrierName}, but LiveKit has no outbound trunk of the bridge`,
  ...MAKE
})

const missingCarrier = ({ carrierName }: ReviewWish): Finding => ({
  code: 'outbound-carrier-missing',
  severity: 'failed',
  seen: `LiveKit has an outbound trunk of the bridge, but Jambonz has no carrier ${carrierName}: it answers 403`,
  ...MAKE
})

/** Neither side's password is told. */
const otherCredentials = ({ name }: Carrier): Finding => ({
  code: 'outbound-credentials',
  severity: 'failed',
  seen: `LiveKit's trunk and the Jambonz carrier ${name} have other credentials: Jambonz answers 403`,
  ...REPAIR
})

function trunkFindings (trunk: SIPOutboundTrunkInfo, wish: ReviewWish, { sipRealm }: PairState): Finding[] {
  const who = `LiveKit's outbound trunk ${trunk.sipTrunkId}`
  const { address, transport, numbers } = trunk
  const found: Array<Finding | false> = [
    sipRealm !== undefined && address.toLowerCase() !== sipRealm.toLowerCase() && {
      code: 'outbound-trunk-address',
      severity: 'failed',
      seen: `${who} leads to ${address || 'nobody'}, and not to the SIP realm ${sipRealm} of the Jambonz account: ` +
        'Jambonz answers 404',
      ...REPAIR
    },
    transport !== TRANSPORT.tcp && transport !== TRANSPORT.tls && {
      code: 'outbound-trunk-transport',
      severity: 'warning',
      seen: `${who} does not say TCP or TLS: an INVITE with headers may be too large for UDP`,
      ...REPAIR
    },
    !isSameSet(numbers, wish.numbers) && {
      code: 'outbound-trunk-numbers',
      severity: 'warning',
      seen: `${who} has other numbers than the routes file: who is called sees the first of \`numbers\``,
      ...REPAIR
    }
  ]
  return found.filter(finding => finding !== false)
}

const isSameSet = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every(item => other.includes(item))

function carrierFindings (carrier: Carrier, { application }: PairState): Finding[] {
  const who = `The Jambonz carrier ${carrier.name}`
  const found: Array<Finding | false> = [
    !isActive(carrier) && {
      code: 'outbound-carrier-inactive',
      severity: 'failed',
      seen: `${who} is switched off: Jambonz answers 403`,
      ...REPAIR
    },
    application !== undefined && carrier.application_sid !== application && {
      code: 'outbound-carrier-application',
      severity: 'failed',
      seen: `${who} does not use the application of this bridge`,
      ...REPAIR
    }
  ]
  return found.filter(finding => finding !== false)
}
