import type { RestRoute } from './rest.ts'

/** An application in the REST API. */
export interface RestApplication {
  application_sid: string
  account_sid: string
  name: string
  call_hook: { url: string, method: string }
  call_status_hook: { url: string, method: string } | null
}

/** A carrier in the REST API. */
export interface RestCarrier {
  voip_carrier_sid: string
  account_sid: string
  name: string
  is_active: 1
}

/**
 * What an account has, read-only: its application, the application's phone number, its carriers, and empty lists of
 * alerts and recent calls.
 */
export function accountRoutes (account: { application(): RestApplication, carriers(): RestCarrier[] }): RestRoute {
  return ({ method, path: [what, ...more] }) => {
    if (method !== 'GET' || more.length > 0) return undefined
    switch (what) {
      case 'Applications':
        return { status: 200, body: [account.application()] }
      case 'PhoneNumbers':
        return { status: 200, body: [numberOf(account.application())] }
      case 'VoipCarriers':
        return { status: 200, body: account.carriers() }
      case 'Alerts':
      case 'RecentCalls':
        return { status: 200, body: { total: 0, batch: 0, page: 1, data: [] } }
      default:
        return undefined
    }
  }
}

/** The only phone number of the account. */
const numberOf = (application: RestApplication) => ({
  number: '15551230000',
  application_sid: application.application_sid,
  account_sid: application.account_sid
})
