import { accountPath, type JambonzAccess } from '../jambonz/api.ts'
import { ourApplications, type Application } from './jambonz-application.ts'
import { jambonzAsker, rows } from './jambonz-application-rest.ts'
import type { Carrier, PairChange, PairState } from './outbound-pair.ts'

/** The part of the pair that Jambonz has. */
export interface CarrierRest {
  /** @throws {ApplicationError} */
  read(): Promise<Omit<PairState, 'trunks'>>
  /** @returns the carrier's id. @throws {ApplicationError} */
  apply(change: PairChange & { what: 'carrier' }): Promise<string>
}

/** Which application of Jambonz calls this bridge. */
export interface OwnApplication {
  publicUrl: string
  /** JAMBONZ_APPLICATION_SID. Orders are placed with it, so the carrier gets it too. */
  applicationSid?: string | undefined
}

/**
 * Carriers of an account, and its SIP realm (jambonz-api-server lib/routes/api/accounts.js and voip-carriers.js).
 */
export function createCarrierRest (
  access: JambonzAccess,
  { publicUrl, applicationSid }: OwnApplication,
  options: { signal?: AbortSignal | undefined } = {}
): CarrierRest {
  const ask = jambonzAsker(access, { ...options, otherwise: 'otherwise make the carrier in the portal' })
  const account = accountPath(access.accountSid)

  return {
    async read () {
      const [own, carriers, applications] = await Promise.all([
        ask('GET', account),
        ask('GET', `${account}/VoipCarriers`),
        ask('GET', '/Applications')
      ])
      const { sip_realm: realm } = (own ?? {}) as { sip_realm?: unknown }
      const [ours] = ourApplications({ publicUrl, accountSid: access.accountSid }, rows<Application>(applications))
      return {
        sipRealm: typeof realm === 'string' && realm !== '' ? realm : undefined,
        carriers: rows<Carrier>(carriers),
        application: applicationSid ?? ours?.application_sid
      }
    },
    async apply ({ do: what, id, body }) {
      const path = `/VoipCarriers/${encodeURIComponent(id)}`
      if (what === 'create') {
        return String((await ask('POST', `${account}/VoipCarriers`, body) as { sid?: unknown } | undefined)?.sid ?? '')
      }
      await (what === 'update' ? ask('PUT', path, body) : ask('DELETE', path))
      return id
    }
  }
}
