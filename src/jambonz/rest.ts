/** What the bridge asks of Jambonz's REST API. */
export interface JambonzRest {
  /**
   * Ends a caller leg: `completed` when it was answered, `no-answer` before.
   * @returns false when Jambonz knows no such call (any more)
   * @throws {JambonzRestError}
   */
  hangUp (callSid: string, status: 'completed' | 'no-answer'): Promise<boolean>
}

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

/** Live call control (jambonz-api-server lib/routes/api/accounts.js). */
export function createJambonzRest ({ baseUrl, accountSid, apiKey }: { baseUrl: string, accountSid: string, apiKey: string }): JambonzRest {
  // People write the base with or without the version.
  const base = baseUrl.replace(/\/+$/, '').replace(/(\/v1)?$/, '/v1')
  return {
    async hangUp (callSid, status) {
      let reply: Response
      try {
        reply = await fetch(`${base}/Accounts/${encodeURIComponent(accountSid)}/Calls/${encodeURIComponent(callSid)}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({ call_status: status }),
          signal: AbortSignal.timeout(TIMEOUT_MS)
        })
        await reply.arrayBuffer()
      } catch {
        throw new JambonzRestError(undefined)
      }
      if (reply.status === 404) return false
      if (!reply.ok) throw new JambonzRestError(reply.status)
      return true
    }
  }
}
