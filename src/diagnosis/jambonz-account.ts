import { cleanText } from '../clean-text.ts'
import type { Finding } from '../finding.ts'
import { accountPath, jambonzApi, type JambonzAccess } from '../jambonz/api.ts'

/*
 * Reads an account over Jambonz's REST API. Nothing here throws, and text that others wrote is cleaned.
 */

/** What the API returned. `status` is undefined when it did not answer, or answered something that is not JSON. */
export type Got = { data: unknown } | { status: number | undefined }

const TIMEOUT_MS = 10_000

export interface AccountApi {
  /** URL of the account. */
  base: string
  /** @param path behind the account's, with `/` */
  get(path: string): Promise<Got>
  /** Sends a POST. @param body is sent as JSON */
  post(path: string, body: object): Promise<Got>
}

export function accountApi (
  access: JambonzAccess,
  { fetchIt, signal }: { fetchIt?: typeof fetch | undefined, signal?: AbortSignal } = {}
): AccountApi {
  const api = jambonzApi(access, { timeoutMs: TIMEOUT_MS, signal, fetchIt })
  const account = accountPath(access.accountSid)
  async function ask (method: 'GET' | 'POST', path: string, body?: object): Promise<Got> {
    try {
      const { status, ok, text } = await api.ask(method, account + path, body)
      return ok ? { data: JSON.parse(text) as unknown } : { status }
    } catch {
      return { status: undefined }
    }
  }
  return { base: api.base + account, get: path => ask('GET', path), post: (path, body) => ask('POST', path, body) }
}

/** The finding for a request that failed. @param what the API's name of what was requested, such as `Alerts` */
export function refused (what: string, status: number | undefined): Finding {
  const todo = "Set JAMBONZ_REST_API_BASE_URL to the API server's address, such as https://jambonz.cloud/api/v1"
  if (status === undefined) {
    return {
      code: 'jambonz-unreachable',
      severity: 'failed',
      seen: `The Jambonz REST API could not be reached for ${what}, or its response was not JSON`,
      todo
    }
  }

  const seen = `The Jambonz REST API answered ${status} for ${what}`
  if (status === 401 || status === 403) {
    return {
      code: 'jambonz-key-refused',
      severity: 'failed',
      seen,
      todo: 'JAMBONZ_API_KEY must be a key of the account JAMBONZ_ACCOUNT_SID'
    }
  }
  return { code: 'jambonz-refused', severity: 'failed', seen, todo }
}

/** The query for one page of what happened between two times, in epoch milliseconds. The newest come first. */
export const pageOf = (from: number, until: number): string =>
  `page=1&count=500&start=${encodeURIComponent(new Date(from).toISOString())}&end=${
    encodeURIComponent(new Date(until).toISOString())
  }`

export interface Alert {
  time?: string
  alert_type?: string
  message?: string
  target_sid?: string
}

/** What each alert about hooks means. Jambonz writes their types `invalid-app-payload` or `INVALID_APP_PAYLOAD`. */
const ALERTS: Record<string, string> = {
  'invalid-app-payload':
    "Jambonz rejected the bridge's verbs: the feature-server is too old, or something in between changes the reply",
  'webhook-failure':
    'A hook was answered with an error. Check that PUBLIC_URL, including its path, reaches this bridge, and that ' +
    'nothing in front of it refuses the request',
  'webhook-connection-failure': 'Jambonz could not connect to a hook. Check PUBLIC_URL, DNS, TLS and the firewall',
  'webhook-url-notfound': 'A hook answered 404. Check the path of PUBLIC_URL, and that every hook path is published',
  'webhook-auth-failure':
    "A hook refused Jambonz's credentials or signature. Check JAMBONZ_WEBHOOK_SECRET, HTTP_USERNAME, " +
    'HTTP_PASSWORD',
  'no-carrier': 'Jambonz has no carrier for outbound calls',
  'account-call-limit': "The account's limit of concurrent calls was reached",
  'service-provider-call-limit': "The service provider's limit of concurrent calls was reached"
}

/** The type of an alert in one spelling, and what it means for the bridge, where that is known. */
export function readAlert ({ alert_type: type = 'unknown' }: Alert): { name: string, meaning: string | undefined } {
  const name = clean(type).toLowerCase().replaceAll('_', '-')
  return { name, meaning: Object.hasOwn(ALERTS, name) ? ALERTS[name] : undefined }
}

type Kind = 'string' | 'number' | 'boolean'

const KINDS: Record<string, Kind> = { answered: 'boolean', sip_status: 'number', duration: 'number' }

function isOfKind (value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'string':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
  }
}

/** The rows of a page. Fields whose values are not of the expected kind (text, unless KINDS names one) are dropped. */
export function rowsOf<T> (page: unknown): T[] {
  const rows = (page as { data?: unknown } | null)?.data
  if (!Array.isArray(rows)) return []

  return rows.filter(row => typeof row === 'object' && row !== null).map(row =>
    Object.fromEntries(
      Object.entries(row as object).filter(([name, value]) => isOfKind(value, KINDS[name] ?? 'string'))
    ) as T
  )
}

/** Text that somebody else wrote, cleaned and short enough for a line. */
export const clean = (text: string): string => cleanText(text).trim().slice(0, 300)
