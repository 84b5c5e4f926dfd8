import { randomUUID } from 'node:crypto'

/** A carrier as the REST API shows it. */
export interface Carrier {
  voip_carrier_sid: string
  account_sid: string
  application_sid: string | null
  name: string
  is_active: boolean | number
  /** `static_ip` carriers are known by their address, and `auth` trunks by their password. */
  trunk_type: 'static_ip' | 'auth' | 'reg'
  inbound_auth_username: string | null
  inbound_auth_password: string | null
  [column: string]: unknown
}

/** The other columns that Jambonz's table has (jambonz-api-server db/jambones-sql.sql). */
const OTHER_COLUMNS = [
  'description',
  'service_provider_sid',
  'e164_leading_plus',
  'requires_register',
  'register_username',
  'register_sip_realm',
  'register_password',
  'tech_prefix',
  'diversion',
  'register_from_user',
  'register_from_domain',
  'register_public_ip_in_contact',
  'register_status',
  'dtmf_type',
  'outbound_sip_proxy'
]

/** The carriers of the account: one for each gateway of the double, and those that were added over the REST API. */
export class Carriers {
  readonly #accountSid: string
  readonly #gateways: Readonly<Record<string, string>>
  readonly #sids = new Map<string, string>()
  readonly #added = new Map<string, Carrier>()

  constructor (accountSid: string, gateways: Readonly<Record<string, string>>) {
    this.#accountSid = accountSid
    this.#gateways = gateways
  }

  list (): Carrier[] {
    const ofGateways = Object.keys(this.#gateways).map(name => {
      const sid = this.#sids.get(name) ?? randomUUID()
      this.#sids.set(name, sid)
      return this.#carrier({ name, voip_carrier_sid: sid })
    })
    return [...ofGateways, ...this.#added.values()]
  }

  get (sid: string): Carrier | undefined {
    return this.list().find(carrier => carrier.voip_carrier_sid === sid)
  }

  /** @returns the sid of the new carrier, or what the database says against it */
  add (fields: Record<string, unknown>): { sid: string } | { status: number, msg: string } {
    if (!('name' in fields)) return { status: 400, msg: 'missing field name' }
    const refused = unknownColumn(fields)
    if (refused !== undefined) return refused

    const sid = randomUUID()
    this.#added.set(sid, this.#carrier({ ...fields, voip_carrier_sid: sid }))
    return { sid }
  }

  /** Changes a carrier that was added. @returns undefined when it has changed */
  update (sid: string, fields: Record<string, unknown>): { status: number, msg?: string } | undefined {
    const carrier = this.#added.get(sid)
    if (carrier === undefined) return { status: 404 }
    const refused = unknownColumn(fields)
    if (refused !== undefined) return refused

    this.#added.set(sid, { ...carrier, ...fields })
    return undefined
  }

  /** Removes a carrier that was added. Returns false when there is none. */
  remove (sid: string): boolean {
    return this.#added.delete(sid)
  }

  /** The auth trunk with this user name. */
  authTrunk (username: string): Carrier | undefined {
    return this.list().find(carrier =>
      carrier.trunk_type === 'auth' && Boolean(carrier.is_active) && carrier.inbound_auth_username === username
    )
  }

  #carrier (fields: Record<string, unknown>): Carrier {
    return {
      voip_carrier_sid: '',
      name: '',
      account_sid: this.#accountSid,
      application_sid: null,
      is_active: 1,
      trunk_type: 'static_ip',
      inbound_auth_username: null,
      inbound_auth_password: null,
      ...fields
    }
  }
}

function unknownColumn (fields: Record<string, unknown>): { status: number, msg: string } | undefined {
  const columns = [
    'voip_carrier_sid',
    'name',
    'account_sid',
    'application_sid',
    'is_active',
    'trunk_type',
    'inbound_auth_username',
    'inbound_auth_password',
    ...OTHER_COLUMNS
  ]
  const unknown = Object.keys(fields).find(name => !columns.includes(name))
  return unknown === undefined ? undefined : { status: 500, msg: `Unknown column '${unknown}' in 'field list'` }
}
