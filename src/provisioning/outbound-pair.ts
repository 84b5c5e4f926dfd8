import { SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding } from '../finding.ts'
import type { TrunkCredentials } from './livekit-credentials.ts'
import { differences, fieldsOf, type FieldChange } from './livekit-fields.ts'
import { HEADERS, isOurs, marked } from './livekit-wish.ts'

/*
 * The pair through which agents call out: a trunk in LiveKit, and in Jambonz the carrier that takes the calls of
 * whoever has its password (sbc-inbound lib/middleware.js, identifyAuthTrunk). LiveKit's addresses are no proof: many
 * projects share them.
 */

/** A carrier as Jambonz' REST API shows it. Some servers do not show the password. */
export interface Carrier {
  voip_carrier_sid: string
  name: string
  /** Since Jambonz 0.9.6. */
  trunk_type?: string
  is_active?: unknown
  application_sid?: string | null
  inbound_auth_username?: string | null
  inbound_auth_password?: string | null
}

export interface PairState {
  /** Outbound trunks of the LiveKit project. */
  trunks: readonly SIPOutboundTrunkInfo[]
  carriers: readonly Carrier[]
  /** The domain by which Jambonz knows the account. Absent: the account has none. */
  sipRealm: string | undefined
  /** sid of the application that calls this bridge. */
  application: string | undefined
}

export interface PairWish {
  /** LIVEKIT_OUTBOUND_TRUNK. */
  carrierName: string
  accountSid: string
  /** Numbers of the routes file, in E.164 form. */
  numbers: readonly string[]
  /** For a pair that is made or changed in both places at once. */
  fresh: TrunkCredentials
  /** New credentials, whatever there is. */
  rotate?: boolean
}

/** What is sent to Jambonz for a carrier. */
export type CarrierBody = Partial<Omit<Carrier, 'voip_carrier_sid'>> & { account_sid: string }

/** One request; `id` is empty for what is not made yet. */
export type PairChange =
  & { id: string, name: string, fields: FieldChange[], why?: string, do: 'create' | 'update' | 'delete' }
  & ({ what: 'outbound-trunk', object: SIPOutboundTrunkInfo } | { what: 'carrier', body: CarrierBody })

export interface PairPlan {
  /** In the order in which they are to be made. Empty when something is in the way. */
  changes: PairChange[]
  /** What is in the way. */
  obstacles: Finding[]
  /** Both sides get new credentials: a run that ends between the two leaves a pair that does not fit. */
  renewed: boolean
}

/** `SIPTransport`, an enum that the SDK does not export. */
export const TRANSPORT = { auto: 0, udp: 1, tcp: 2, tls: 3 } as const

/** LiveKit has no unique names: our trunk is the one whose metadata says so. The first one counts. */
export const ourTrunk = ({ trunks }: Pick<PairState, 'trunks'>): SIPOutboundTrunkInfo | undefined =>
  trunks.filter(isOurs).toSorted((one, other) => one.sipTrunkId < other.sipTrunkId ? -1 : 1)[0]

/** Jambonz finds carriers by name, without regard to case. */
export const namedCarrier = (
  { carrierName }: Pick<PairWish, 'carrierName'>,
  { carriers }: Pick<PairState, 'carriers'>
): Carrier | undefined => carriers.find(({ name }) => name.toLowerCase() === carrierName.toLowerCase())

/** Jambonz' database has 0 and 1. */
export const isActive = ({ is_active: active }: Carrier): boolean => active !== 0 && active !== false && active !== '0'

/** What is to be done so that both sides have the pair, and the same credentials. Pure. */
export function planPair (wish: PairWish, state: PairState): PairPlan {
  const obstacles = obstaclesOf(wish, state)
  if (obstacles.length > 0) return { changes: [], obstacles, renewed: false }

  const trunk = ourTrunk(state)
  const carrier = namedCarrier(wish, state)
  const keeps = trunk !== undefined && carrier !== undefined && wish.rotate !== true && mayFit(trunk, carrier) &&
    // An update writes the whole trunk, with a password that must be known.
    (trunk.authPassword !== '' || differences(trunk, wantedTrunk(wish, state, trunk)).length === 0)
  const credentials = keeps ? undefined : { ...wish.fresh, ...usernameOf(trunk, carrier) }
  const changes = [...carrierChange(wish, state, carrier, credentials), ...trunkChange(wish, state, trunk, credentials)]

  return { changes, obstacles, renewed: changes.length > 0 && credentials !== undefined }
}

/** The user name that one side has already stays. */
function usernameOf (trunk: SIPOutboundTrunkInfo | undefined, carrier: Carrier | undefined): { username?: string } {
  const username = carrier?.inbound_auth_username || trunk?.authUsername
  return username ? { username } : {}
}

/** Whether both have the same credentials, as far as they show them. */
export function mayFit (trunk: SIPOutboundTrunkInfo, carrier: Carrier): boolean {
  const { inbound_auth_username: username, inbound_auth_password: password } = carrier
  if (!username || username !== trunk.authUsername) return false
  return !password || trunk.authPassword === '' || password === trunk.authPassword
}

/** The plan that takes the pair away. */
export function planPairDeletion (wish: Pick<PairWish, 'carrierName' | 'accountSid'>, state: PairState): PairChange[] {
  const carrier = namedCarrier(wish, state)
  return [
    ...state.trunks.filter(isOurs).map((object): PairChange => ({
      what: 'outbound-trunk',
      do: 'delete',
      id: object.sipTrunkId,
      name: object.name,
      fields: [],
      object
    })),
    ...carrier?.trunk_type === 'auth'
      ? [{
          what: 'carrier' as const,
          do: 'delete' as const,
          id: carrier.voip_carrier_sid,
          name: carrier.name,
          fields: [],
          body: { account_sid: wish.accountSid }
        }]
      : []
  ]
}

function carrierChange (
  { carrierName, accountSid }: PairWish,
  { application }: PairState,
  carrier: Carrier | undefined,
  credentials: TrunkCredentials | undefined
): PairChange[] {
  const wanted: Omit<CarrierBody, 'account_sid'> = {
    ...(carrier ? {} : { name: carrierName, trunk_type: 'auth' }),
    ...(carrier && isActive(carrier) ? {} : { is_active: 1 }),
    ...(carrier?.application_sid === application ? {} : { application_sid: application }),
    ...(credentials && {
      inbound_auth_username: credentials.username,
      inbound_auth_password: credentials.password
    })
  }
  const fields = Object.entries(wanted).map(([name, value]): FieldChange => {
    const before = carrier?.[name as keyof Carrier]
    const isSecret = name === 'inbound_auth_password'
    return {
      name,
      ...(carrier && { from: isSecret ? '(not shown)' : String(before ?? '(none)') }),
      to: isSecret ? '(new, not shown)' : String(value)
    }
  })
  if (fields.length === 0) return []
  return [{
    what: 'carrier',
    do: carrier ? 'update' : 'create',
    id: carrier?.voip_carrier_sid ?? '',
    name: carrierName,
    fields,
    body: { ...wanted, account_sid: accountSid }
  }]
}

/** Our trunk as it should be, with the credentials that it has. What we have no wish for stays. */
function wantedTrunk (
  { numbers }: Pick<PairWish, 'numbers'>,
  { sipRealm }: PairState,
  trunk: SIPOutboundTrunkInfo | undefined
): SIPOutboundTrunkInfo {
  const wanted = trunk?.clone() ?? new SIPOutboundTrunkInfo({ name: NAME })
  wanted.metadata = marked(wanted.metadata)
  wanted.address = sipRealm!
  // Jambonz' INVITEs with their headers are larger than what is safe over UDP.
  if (wanted.transport !== TRANSPORT.tls) wanted.transport = TRANSPORT.tcp
  wanted.numbers = [...numbers]
  // Jambonz names the call in an X- header, which then shows in the room.
  wanted.includeHeaders = HEADERS.x
  return wanted
}

const NAME = 'jambonz-bridge'

function trunkChange (
  wish: PairWish,
  state: PairState,
  trunk: SIPOutboundTrunkInfo | undefined,
  credentials: TrunkCredentials | undefined
): PairChange[] {
  const object = wantedTrunk(wish, state, trunk)
  if (credentials) {
    object.authUsername = credentials.username
    object.authPassword = credentials.password
  }
  const fields = trunk ? differences(trunk, object) : fieldsOf(object)
  if (fields.length === 0) return []
  return [{
    what: 'outbound-trunk',
    do: trunk ? 'update' : 'create',
    id: trunk?.sipTrunkId ?? '',
    name: object.name,
    fields,
    object
  }]
}

/** What must be there, or out of the way, before the pair can be made. */
export function obstaclesOf (wish: Pick<PairWish, 'carrierName' | 'numbers'>, state: PairState): Finding[] {
  const carrier = namedCarrier(wish, state)
  const { sipRealm, application, carriers } = state
  const found: Array<Finding | false> = [
    application === undefined && {
      code: 'application-missing',
      severity: 'failed',
      seen: 'No Jambonz application of this account calls this bridge, so nobody would decide on the calls of agents',
      todo: 'Have it made first',
      command: 'bridge provision'
    },
    !isDomain(sipRealm) && {
      code: 'outbound-no-realm',
      severity: 'failed',
      seen: sipRealm === undefined
        ? 'The Jambonz account has no SIP realm: LiveKit could not say whose calls these are'
        : `The SIP realm of the Jambonz account is ${sipRealm}, and no domain`,
      todo: "Give the account a domain in Jambonz' portal (Account, SIP realm) that leads to your SBC"
    },
    !carrier && carriers.length > 0 && carriers.every(({ trunk_type: type }) => type === undefined) && {
      code: 'outbound-unsupported',
      severity: 'failed',
      seen: 'This Jambonz knows no carriers that log in with a password',
      todo: 'Update Jambonz to 0.9.6 or newer'
    },
    carrier !== undefined && carrier.trunk_type !== 'auth' && {
      code: 'outbound-carrier-type',
      severity: 'failed',
      seen: `The Jambonz carrier ${carrier.name} is of the type ${carrier.trunk_type ?? '(none)'}: whoever calls ` +
        'over it would be taken for your agents',
      todo: "Rename it in Jambonz' portal, or set LIVEKIT_OUTBOUND_TRUNK to another name"
    },
    wish.numbers.length === 0 && {
      code: 'outbound-no-numbers',
      severity: 'failed',
      seen: 'The routes file has no `numbers`, so there is no caller id for calls of agents',
      todo: 'Write the numbers that are yours into the routes file, such as `numbers: ["+4953118054630"]`, and ' +
        'set ROUTES_FILE to it'
    }
  ]
  return found.filter(finding => finding !== false)
}

/** sbc-inbound looks accounts up by the host of the request. An IP address is nobody's. */
export const isDomain = (realm: string | undefined): realm is string =>
  realm !== undefined && /[a-z]/i.test(realm) && !realm.includes(':')
