import type { Finding } from '../finding.ts'
import { accountPath, jambonzApi, type JambonzAccess } from '../jambonz/api.ts'
import { plain } from '../terminal.ts'

/*
 * Reading an account over Jambonz' REST API, for whoever explains something: never throws, and what others wrote is
 * cleaned.
 */

/** `status` undefined: no answer, or one that is no JSON. */
export type Got = { data: unknown } | { status: number | undefined }

const TIMEOUT_MS = 10_000

export interface AccountApi {
  /** URL of the account. */
  base: string
  /** @param path behind the account's, with `/` */
  get(path: string): Promise<Got>
  /** Asks for something to be made. @param body is sent as JSON */
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

/** @param what was asked for, as `Alerts` */
export const refused = (what: string, status: number | undefined): Finding => ({
  code: status === undefined
    ? 'jambonz-unreachable'
    : status === 401 || status === 403
      ? 'jambonz-key-refused'
      : 'jambonz-refused',
  severity: 'failed',
  seen: status === undefined
    ? `The Jambonz REST API could not be reached for ${what}, or its answer was no JSON`
    : `The Jambonz REST API answered ${status} for ${what}`,
  todo: status === 401 || status === 403
    ? 'JAMBONZ_API_KEY must be a key of the account JAMBONZ_ACCOUNT_SID'
    : "JAMBONZ_REST_API_BASE_URL is the API server's address, as in https://jambonz.cloud/api/v1"
})

/** One page of what happened between two times, milliseconds since the epoch; the newest first. */
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

/** What each alert that is about hooks means; the types are written `invalid-app-payload` or `INVALID_APP_PAYLOAD`. */
const ALERTS: Record<string, string> = {
  'invalid-app-payload':
    'Jambonz did not take the verbs of the bridge: an old feature-server, or something between the two that changes ' +
    'replies',
  'webhook-failure':
    'A hook was answered with an error: is PUBLIC_URL this bridge, with its path, and nothing in front of it that ' +
    'refuses?',
  'webhook-connection-failure': 'Jambonz could not connect to a hook: PUBLIC_URL, DNS, TLS, firewall',
  'webhook-url-notfound': 'A hook answered 404: the path of PUBLIC_URL, or a hook path that is not published',
  'webhook-auth-failure':
    "A hook refused Jambonz's credentials or signature: JAMBONZ_WEBHOOK_SECRET, HTTP_USERNAME, HTTP_PASSWORD",
  'no-carrier': 'Jambonz has no carrier for outbound calls',
  'account-call-limit': "The account's limit of concurrent calls was reached",
  'service-provider-call-limit': "The service provider's limit of concurrent calls was reached"
}

/** The type of an alert in one spelling, and what it means to a bridge; undefined: not known to mean anything. */
export function readAlert ({ alert_type: type = 'unknown' }: Alert): { name: string, meaning: string | undefined } {
  const name = clean(type).toLowerCase().replaceAll('_', '-')
  return { name, meaning: Object.hasOwn(ALERTS, name) ? ALERTS[name] : undefined }
}

const KINDS: Record<string, string> = { answered: 'boolean', sip_status: 'number', duration: 'number' }

/** The rows of a page; of each only what is text, a number or a boolean. */
export function rowsOf<T> (page: unknown): T[] {
  const rows = (page as { data?: unknown } | null)?.data
  if (!Array.isArray(rows)) return []

  return rows.filter(row => typeof row === 'object' && row !== null).map(row =>
    Object.fromEntries(
      Object.entries(row as object).filter(([name, value]) => typeof value === (KINDS[name] ?? 'string'))
    ) as T
  )
}

/** Text of others, short enough for a line. */
export const clean = (text: string): string => plain(text).trim().slice(0, 300)
