import type { Carriers } from './carriers.ts'
import type { Answer, RestRequest, RestRoute } from './rest.ts'

/** An application in the REST API. */
export interface RestApplication {
  application_sid: string
  account_sid: string
  name: string
  call_hook: { url: string, method: string }
  call_status_hook: { url: string, method: string } | null
}

/** The account in the REST API. */
export interface RestAccount {
  account_sid: string
  name: string
  /** The domain under which Jambonz takes calls for the account. */
  sip_realm: string | null
  is_active: 1
}

/**
 * What an account has: itself, its application, the application's phone number, and empty lists of alerts and recent
 * calls, which are read-only, and its carriers.
 */
export function accountRoutes (options: {
  account(): RestAccount
  application(): RestApplication
  carriers: Carriers
}): RestRoute {
  return request => {
    const { method, path: [what, ...more] } = request
    if (what === 'VoipCarriers') return carrierRoute(options.carriers, request)
    if (method !== 'GET' || more.length > 0) return undefined
    switch (what) {
      case undefined:
        return { status: 200, body: options.account() }
      case 'Applications':
        return { status: 200, body: [options.application()] }
      case 'PhoneNumbers':
        return { status: 200, body: [numberOf(options.application())] }
      case 'Alerts':
      case 'RecentCalls':
        return { status: 200, body: { total: 0, batch: 0, page: 1, data: [] } }
      default:
        return undefined
    }
  }
}

/** `/VoipCarriers`, with and without the account in front (jambonz-api-server lib/routes/api/voip-carriers.js). */
function carrierRoute (carriers: Carriers, { method, path: [, sid, ...more], body }: RestRequest): Answer | undefined {
  if (more.length > 0) return undefined
  if (sid === undefined) {
    if (method === 'GET') return { status: 200, body: carriers.list() }
    if (method !== 'POST') return undefined
    const added = carriers.add(body as Record<string, unknown>)
    return 'sid' in added ? { status: 201, body: added } : { status: added.status, body: { msg: added.msg } }
  }

  if (method === 'GET') {
    const carrier = carriers.get(sid)
    return carrier === undefined ? { status: 404 } : { status: 200, body: carrier }
  }
  if (method === 'DELETE') return { status: carriers.remove(sid) ? 204 : 404 }
  if (method !== 'PUT') return undefined
  const refused = carriers.update(sid, body as Record<string, unknown>)
  if (refused === undefined) return { status: 204 }
  return { status: refused.status, ...refused.msg !== undefined && { body: { msg: refused.msg } } }
}

/** The only phone number of the account. */
const numberOf = (application: RestApplication) => ({
  number: '15551230000',
  application_sid: application.application_sid,
  account_sid: application.account_sid
})
