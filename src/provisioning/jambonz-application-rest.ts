import { FindingError, type Finding } from '../finding.ts'
import { accountPath, jambonzApi, type JambonzAccess } from '../jambonz/api.ts'
import type { Application, ApplicationChange, ApplicationState, PhoneNumber } from './jambonz-application.ts'

/** Jambonz' REST API did not do it; says what to do, never the key. */
export class ApplicationError extends FindingError {
  constructor (finding: Omit<Finding, 'severity'>, cause?: unknown) {
    super({ severity: 'failed', ...finding }, cause)
    this.name = 'ApplicationError'
  }
}

export interface ApplicationRest {
  /** @throws {ApplicationError} */
  read(): Promise<ApplicationState>
  /**
   * The secret that Jambonz signs the account's hooks with; undefined when this API does not tell. @throws
   * {ApplicationError}
   */
  webhookSecret(accountSid: string): Promise<string | undefined>
  /** @returns the application's id. @throws {ApplicationError} */
  apply(change: ApplicationChange): Promise<string>
}

const TIMEOUT_MS = 8000

/** Makes a request, and returns what its JSON says. @throws {ApplicationError} */
export type JambonzAsker = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object
) => Promise<unknown>

/** @param options.otherwise what to do where this is Jambonz' REST API, and it refuses */
export function jambonzAsker (
  access: Pick<JambonzAccess, 'baseUrl' | 'apiKey'>,
  { signal, otherwise }: { signal?: AbortSignal | undefined, otherwise: string }
): JambonzAsker {
  const api = jambonzApi(access, { timeoutMs: TIMEOUT_MS, signal })

  return async function ask (method, path, body) {
    const { status, ok, text } = await api.ask(method, path, body).catch((error: unknown) => {
      const code = (error as { cause?: { code?: string } }).cause?.code
      throw new ApplicationError({
        code: 'jambonz-unreachable',
        seen: `Jambonz' REST API does not answer at ${api.base}${code === undefined ? '' : ` (${code})`}`,
        todo: 'Check JAMBONZ_REST_API_BASE_URL, for example https://jambonz.cloud/api/v1'
      }, error)
    })
    if (status === 401 || status === 403) {
      throw new ApplicationError({
        code: 'jambonz-key-refused',
        seen: `Jambonz refuses the API key (${status})`,
        todo: 'Check JAMBONZ_API_KEY: it must be a key of the account JAMBONZ_ACCOUNT_SID, of the server ' +
          'JAMBONZ_REST_API_BASE_URL'
      })
    }
    if (!ok) {
      throw new ApplicationError({
        code: 'jambonz-refused',
        seen: `Jambonz answers ${method} ${path} with ${status}${messageOf(text)}`,
        todo: `If that is not Jambonz' REST API, check JAMBONZ_REST_API_BASE_URL; ${otherwise}`
      })
    }
    if (text === '') return undefined
    try {
      return JSON.parse(text) as unknown
    } catch (error) {
      throw new ApplicationError({
        code: 'jambonz-refused',
        seen: `${api.base} answers with something that is not JSON`,
        todo: 'Check JAMBONZ_REST_API_BASE_URL: it is the API, not the portal'
      }, error)
    }
  }
}

/**
 * Applications and phone numbers of an account (jambonz-api-server lib/routes/api/applications.js and
 * phone-numbers.js).
 */
export function createApplicationRest (
  access: Pick<JambonzAccess, 'baseUrl' | 'apiKey'>,
  { signal }: { signal?: AbortSignal | undefined } = {}
): ApplicationRest {
  const ask = jambonzAsker(access, { signal, otherwise: 'otherwise make the application in the portal' })

  return {
    async read () {
      const [applications, numbers] = await Promise.all([ask('GET', '/Applications'), ask('GET', '/PhoneNumbers')])
      return { applications: rows<Application>(applications), numbers: rows<PhoneNumber>(numbers) }
    },
    async webhookSecret (accountSid) {
      // Only a query of `regenerate` would make another one (jambonz-api-server lib/routes/api/accounts.js).
      const account = await ask('GET', `${accountPath(accountSid)}/WebhookSecret`) as
        | { webhook_secret?: unknown }
        | null
        | undefined
      const secret = account?.webhook_secret
      return typeof secret === 'string' && secret !== '' ? secret : undefined
    },
    async apply ({ do: what, id, body }) {
      if (what === 'update') {
        await ask('PUT', `/Applications/${encodeURIComponent(id)}`, body)
        return id
      }
      return String((await ask('POST', '/Applications', body) as { sid?: unknown } | undefined)?.sid ?? '')
    }
  }
}

/** Lists come as arrays, and as `{ data }` where they come in pages. */
export function rows<T> (reply: unknown): T[] {
  const list = Array.isArray(reply) ? reply : (reply as { data?: unknown } | undefined)?.data
  return Array.isArray(list) ? list as T[] : []
}

function messageOf (text: string): string {
  try {
    const { msg } = JSON.parse(text) as { msg?: unknown }
    return typeof msg === 'string' ? `: ${msg}` : ''
  } catch {
    return ''
  }
}
