import type { Settings } from '../config.ts'

/** An account in Jambonz, and the key of its REST API. */
export interface JambonzAccess {
  baseUrl: string
  accountSid: string
  apiKey: string
}

/** What the settings have of it; undefined without the Jambonz REST settings. */
export function jambonzAccess (
  { JAMBONZ_REST_API_BASE_URL: baseUrl, JAMBONZ_ACCOUNT_SID: accountSid, JAMBONZ_API_KEY: apiKey }: {
    [K in 'JAMBONZ_REST_API_BASE_URL' | 'JAMBONZ_ACCOUNT_SID' | 'JAMBONZ_API_KEY']?: Settings[K] | undefined
  }
): JambonzAccess | undefined {
  return baseUrl && accountSid && apiKey ? { baseUrl, accountSid, apiKey } : undefined
}

/** Path of an account. */
export const accountPath = (accountSid: string): string => `/Accounts/${encodeURIComponent(accountSid)}`

/** URL of the API with its version. People write the base with or without it. */
export const restBase = (baseUrl: string): string => baseUrl.replace(/\/+$/, '').replace(/(\/v1)?$/, '/v1')

export interface JambonzApi {
  /** URL of the API, with its version. */
  base: string
  /**
   * One request; what its status means is for the asker to say.
   * @param body is sent as JSON
   * @throws what `fetch` throws: nobody answers, or not in time
   */
  ask(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object
  ): Promise<{ status: number, ok: boolean, text: string }>
}

/**
 * Jambonz' REST API, for everything that asks it.
 * @param options.timeoutMs for each request until its reply is read, milliseconds
 */
export function jambonzApi (
  { baseUrl, apiKey }: Pick<JambonzAccess, 'baseUrl' | 'apiKey'>,
  { timeoutMs, signal, fetchIt }: {
    timeoutMs: number
    signal?: AbortSignal | undefined
    fetchIt?: typeof fetch | undefined
  }
): JambonzApi {
  const base = restBase(baseUrl)
  return {
    base,
    async ask (method, path, body) {
      const late = AbortSignal.timeout(timeoutMs)
      const reply = await (fetchIt ?? fetch)(base + path, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          accept: 'application/json',
          ...(body && { 'content-type': 'application/json' })
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([late, signal]) : late
      })
      return { status: reply.status, ok: reply.ok, text: await reply.text() }
    }
  }
}
