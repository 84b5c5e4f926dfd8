import type { CallControl } from '../calls/ports.ts'
import { accountPath, jambonzApi, type JambonzAccess } from './api.ts'

/** A failed request to Jambonz's REST API; says the status, never the key. */
export class JambonzRestError extends Error {
  readonly status: number | undefined
  constructor (status: number | undefined) {
    super(status === undefined ? 'The Jambonz REST API cannot be reached' : `The Jambonz REST API answered ${status}`)
    this.name = 'JambonzRestError'
    this.status = status
  }
}

const TIMEOUT_MS = 5000

/**
 * Live call control (jambonz-api-server lib/routes/api/accounts.js). Its methods reject with {@link JambonzRestError}.
 */
export function createJambonzRest (access: JambonzAccess): CallControl {
  const api = jambonzApi(access, { timeoutMs: TIMEOUT_MS })
  return {
    async hangUp (callSid, status) {
      const reply = await api.ask('PUT', `${accountPath(access.accountSid)}/Calls/${encodeURIComponent(callSid)}`, {
        call_status: status
      })
        .catch(() => {
          throw new JambonzRestError(undefined)
        })
      if (reply.status === 404) return false
      if (!reply.ok) throw new JambonzRestError(reply.status)
      return true
    }
  }
}
