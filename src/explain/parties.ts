import { header } from '../sip/message.ts'
import { endpointText } from './capture/endpoint.ts'
import type { Side } from './dialog.ts'
import type { Leg } from './leg.ts'
import { quote } from './quote.ts'
import type { Seen, Service } from './seen.ts'

/*
 * What the two sides of a leg are called. Nobody is called Jambonz or LiveKit whom nothing names so.
 */

/**
 * Whether a leg is one of Jambonz: `named` by its own headers, `likely` because a carrier sends a call to what may be
 * Jambonz's SBC, `unnamed` where nothing points to it.
 */
export type Naming = 'named' | 'likely' | 'unnamed'

/** Headers that only Jambonz's servers, or a dial of the bridge, put into SIP (sbc-inbound, feature-server). */
const JAMBONZ_HEADERS = [
  'x-call-sid',
  'x-account-sid',
  'x-application-sid',
  'x-cid',
  'x-trace-id',
  'x-reason',
  'x-lk-call',
  'x-jambonz-routing',
  'x-jambonz-fs-uuid',
  'x-originating-carrier',
  'x-voip-carrier-sid'
]
const JAMBONZ_PRODUCT = /\b(?:jambon[ez]s?|drachtio)\b/i
/** Reason phrases of sbc-inbound alone (lib/middleware.js). */
const JAMBONZ_PHRASE =
  /^(?:Number Not Provisioned|Loop Detected on x-application-sid|Max(?:imum)? (?:Account |Service Provider )?Calls In Progress|No Active Subscription)$/i

/** A host that somebody named after what it is. */
const SBC_HOST = /(?:^|[.-])(?:sbc|jambon[ez]s?)\d{0,3}(?:[.-]|$)/i
/** How carriers name themselves in calls that they send to their customers. */
const CARRIER_PRODUCT =
  /\b(?:twilio|telnyx|vonage|nexmo|plivo|signalwire|bandwidth|voxbone|didww|voip\.ms|flowroute|sinch|inteliquent)\b/i

/** Whether and how a leg is known to be one of Jambonz. */
export function namingOf (leg: Leg): Naming {
  const { messages, invite, host, role } = leg
  if (role === 'inside') return 'named'
  const isNamed = messages.some(({ message }) =>
    JAMBONZ_HEADERS.some(name => header(message, name) !== undefined) ||
    [header(message, 'server'), header(message, 'user-agent')].some(product => JAMBONZ_PRODUCT.test(product ?? '')) ||
    (message.kind === 'response' && JAMBONZ_PHRASE.test(message.reason))
  )
  if (isNamed) return 'named'

  const product = invite && (header(invite, 'user-agent') ?? header(invite, 'server'))
  const isCarriers = CARRIER_PRODUCT.test(product ?? '') ||
    (invite?.headers.some(({ name }) => /^x-(?:twilio|telnyx|vonage|plivo)-/i.test(name)) ?? false)
  return isCarriers || SBC_HOST.test(host) ? 'likely' : 'unnamed'
}

/** The same of a whole call: a webhook or a line of Jambonz's servers names it, too. */
export function namingOfCall (legs: readonly Leg[], seen: readonly Seen[]): Naming {
  if (seen.some(item => item.kind === 'hook' || (item.kind === 'log' && JAMBONZ.has(item.from)))) return 'named'
  const namings = legs.map(namingOf)
  return NAMINGS.find(naming => namings.includes(naming)) ?? 'unnamed'
}

const JAMBONZ: ReadonlySet<Service> = new Set([
  'feature-server',
  'sbc-inbound',
  'sbc-outbound',
  'api-server',
  'jambonz-alerts'
])
const NAMINGS: readonly Naming[] = ['named', 'likely']

/** The two sides of a leg, at the beginning of a sentence. */
export function nameOf (leg: Leg, side: Side | undefined, naming: Naming): string {
  if (side === undefined) return 'One side'
  const isLiveKit = leg.role === 'agent' ? side === 'called' : leg.role === 'livekit-out' && side === 'caller'
  if (isLiveKit) return 'LiveKit'
  const isJambonz = ['agent', 'inside', 'carrier-out'].includes(leg.role) ? side === 'caller' : side === 'called'
  if (isJambonz && naming === 'named' && leg.role !== 'livekit-out') return 'Jambonz'
  return side === 'caller' ? "The caller's side" : 'The called side'
}

/** A name inside a sentence. */
export const inSentence = (name: string): string => name.replace(/^(?:The|One) /, word => word.toLowerCase())

/** Where an INVITE was sent to, or what the server that answered calls itself. */
export function answererOf (leg: Leg): string {
  const { final, ends, host } = leg
  const address = ends ? endpointText(ends.destination) : host
  const product = final?.product === undefined ? '' : ` (${quote(final.product)})`
  return address === '' ? `The called side${product}` : `${address}${product}`
}
