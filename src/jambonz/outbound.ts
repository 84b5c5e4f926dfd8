import { Cached } from '../cached.ts'
import type { Clock } from '../clock.ts'
import { CarrierNeededError, UnknownCarrierError } from '../errors.ts'
import { applicationHooks, ourApplications, type Application } from '../provisioning/jambonz-application.ts'
import { accountPath, type JambonzAccess } from './api.ts'
import type { RestQueue } from './rest-queue.ts'
import { JambonzRestError, restError } from './rest.ts'

/** Whether calls can be placed. `missing` says what to do about it. */
export type Readiness = { ready: true } | { ready: false, missing: string }

/** What of Jambonz calls are placed with. */
export interface Outbound {
  /** @throws {JambonzRestError} when Jambonz does not say whether it has our application */
  readiness(): Promise<Readiness>
  /**
   * The carrier of a call.
   * @param wish its name, where the order has one
   * @returns its name as Jambonz spells it; undefined when Jambonz does not list them, or has none
   * @throws {UnknownCarrierError}
   * @throws {CarrierNeededError} when there are several, and none is named
   * @throws {JambonzRestError} when Jambonz cannot be asked now
   */
  carrierOf(wish: string | undefined): Promise<string | undefined>
  /**
   * Whether too many orders wait for Jambonz, so that one more would be refused.
   * @returns when there may be room, milliseconds from now; undefined: there is room
   */
  fullForMs(): number | undefined
}

/** For a bridge without the Jambonz REST settings. */
export const withoutRestSettings: Outbound = {
  readiness: async () => ({
    ready: false,
    missing: 'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY'
  }),
  carrierOf: async wish => wish,
  fullForMs: () => undefined
}

/** See {@link Outbound}, for a bridge that has the Jambonz REST settings. */
export interface OutboundSetup extends Outbound {
  /**
   * The application that our calls are placed with.
   * @returns undefined where the REST API has no applications
   * @throws {NoApplicationError}
   * @throws {JambonzRestError}
   */
  application(): Promise<string | undefined>
  /** Jambonz does not know the application (any more): it is looked for again. */
  forgetApplication(): void
}

/** Jambonz has no application whose call hook is ours. */
export class NoApplicationError extends Error {}

export interface OutboundSetupOptions {
  access: JambonzAccess
  queue: Pick<RestQueue, 'ask' | 'fullForMs'>
  clock: Clock
  publicUrl: string
  /** JAMBONZ_APPLICATION_SID. */
  applicationSid?: string
  /** OUTBOUND_CARRIER. */
  carrier?: string
  /** Is called with what an operator should know. */
  warn: (text: string) => void
}

const TIMEOUT_MS = 8000
/** How long a list is believed, milliseconds. */
const BELIEVED_MS = 5 * 60_000
/** How long it is believed that something is missing, milliseconds. Somebody may be about to add it. */
const MISSING_MS = 10_000

/** Knows our application and the carriers of the account, as Jambonz' REST API lists them. */
export function createOutboundSetup (options: OutboundSetupOptions): OutboundSetup {
  const { access, publicUrl, clock, warn } = options
  const account = accountPath(access.accountSid)
  const { callHook } = applicationHooks(publicUrl)
  const missing = `Jambonz has no application with the call hook ${callHook.replace(/#.*/, '')}. Run ` +
    '`bridge provision`, or set JAMBONZ_APPLICATION_SID'

  const applications = new Cached<{ sid: string | undefined } | undefined>(clock, async () => {
    const rows = await listOf(options, '/Applications')
    if (!rows) {
      warn('The Jambonz REST API has no /Applications: calls are placed with the hooks alone')
      return { value: { sid: undefined }, believedMs: BELIEVED_MS }
    }
    const [ours] = ourApplications({ publicUrl, accountSid: access.accountSid }, rows.filter(isApplication))
    return { value: ours && { sid: ours.application_sid }, believedMs: ours ? Infinity : MISSING_MS }
  })
  const carriers = new Cached(clock, async () => {
    const value = await carriersOf(options, `${account}/VoipCarriers`)
    if (!value) warn('The Jambonz REST API does not list the carriers of the account: none can be chosen or checked')
    return { value, believedMs: BELIEVED_MS }
  })
  // The service provider's carriers, which the account may use too, are in this list alone.
  const allCarriers = new Cached(clock, async () => {
    const value = await carriersOf(options, '/VoipCarriers') ?? []
    return { value, believedMs: MISSING_MS }
  })

  async function application (): Promise<string | undefined> {
    if (options.applicationSid !== undefined) return options.applicationSid
    const found = await applications.get()
    if (!found) throw new NoApplicationError(missing)
    return found.sid
  }

  async function named (name: string): Promise<string> {
    const own = await carriers.get()
    if (!own) return name
    const found = nameIn(own, name) ?? nameIn(await allCarriers.get(), name)
    if (found === undefined) throw new UnknownCarrierError(name, namesOf(own))
    return found
  }

  return {
    application,
    forgetApplication: () => applications.forget(),
    fullForMs: () => options.queue.fullForMs('order'),
    async readiness () {
      try {
        await application()
        return { ready: true }
      } catch (error) {
        if (error instanceof NoApplicationError) return { ready: false, missing: error.message }
        throw error
      }
    },
    async carrierOf (wish) {
      const name = wish ?? options.carrier
      if (name !== undefined) return named(name)
      const own = await carriers.get()
      if (!own) return undefined
      const usable = own.some(isUsable) ? own.filter(isUsable) : (await allCarriers.get()).filter(isUsable)
      if (usable.length === 0) return undefined
      if (usable.length > 1) throw new CarrierNeededError(namesOf(usable))
      return usable[0]!.name
    }
  }
}

const isApplication = (row: object): row is Application => {
  const { application_sid: sid, call_hook: hook } = row as Partial<Application>
  return typeof sid === 'string' && typeof hook?.url === 'string'
}

interface Carrier {
  name: string
  is_active?: unknown
  trunk_type?: unknown
}

/** Whether calls may go out over a carrier. Auth trunks are for those who call in with a password. */
const isUsable = ({ is_active: active, trunk_type: type }: Carrier): boolean =>
  active !== false && active !== 0 && type !== 'auth'

/** The spelling of Jambonz, whose database tells no small letters from capitals. */
const nameIn = (carriers: readonly Carrier[], name: string): string | undefined =>
  (carriers.find(carrier => carrier.name === name) ??
    carriers.find(carrier => carrier.name.toLowerCase() === name.toLowerCase()))?.name

const MOST_NAMES = 20
const namesOf = (carriers: readonly Carrier[]): string =>
  carriers.slice(0, MOST_NAMES).map(({ name }) => name).join(', ') || 'none'

/** @returns undefined when the API does not have the list, or the key may not see it */
async function carriersOf (options: OutboundSetupOptions, path: string): Promise<Carrier[] | undefined> {
  try {
    const rows = await listOf(options, path)
    return rows?.filter((row): row is Carrier => typeof (row as Partial<Carrier>).name === 'string')
  } catch (error) {
    if (error instanceof JambonzRestError && error.status === 403) return undefined
    throw error
  }
}

/** Statuses of an API that does not have a list. */
const ABSENT: ReadonlySet<number> = new Set([404, 405, 501])

/**
 * Reads a list of Jambonz.
 * @returns undefined when this API does not have it
 * @throws {JambonzRestError}
 */
async function listOf ({ queue }: OutboundSetupOptions, path: string): Promise<object[] | undefined> {
  // An order waits for it, so it is as important as that.
  const { status, text } = await queue.ask({ kind: 'order', method: 'GET', path, timeoutMs: TIMEOUT_MS })
    .catch((error: unknown) => {
      throw restError(error)
    })
  if (ABSENT.has(status)) return undefined
  const rows = status === 200 ? rowsOf(text) : undefined
  if (!rows) throw new JambonzRestError(status)
  return rows
}

/** Lists come as arrays, and as `{ data }` where they come in pages. */
export function rowsOf (text: string): object[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const list = Array.isArray(value) ? value : (value as { data?: unknown } | null)?.data
    return Array.isArray(list) ? list.filter(row => typeof row === 'object' && row !== null) : undefined
  } catch {
    return undefined
  }
}
