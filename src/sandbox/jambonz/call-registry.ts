import type { Clock } from '../../clock.ts'
import type { JambonzDoubleOptions } from '../jambonz.ts'
import type { Network } from '../network.ts'
import type { JambonzContext } from './context.ts'
import { createHookClient, createStatusQueue } from './hooks.ts'
import type { Hook, HookClient, HookClientOptions, HookError } from './hooks.ts'
import { storedPayload } from './payloads.ts'
import type { Leg, Payload } from './payloads.ts'
import type { HookObject, Refusal } from './create-call.ts'
import type { CallUpdate } from './update-call.ts'
import { refusedByFeatureServer } from './update-call.ts'
import { controlCall } from './live-control.ts'
import { Session } from './session.ts'
import type { CallerLeg } from './caller-leg.ts'
import { hookObserver } from './tracing.ts'

type CallListener = (callSid: string, leg: Readonly<Leg>) => void

/** A call that the registry knows. */
interface Call {
  leg: Leg
  session?: Session
  hasEnded: boolean
  ended: Promise<void>
  resolveEnded(): void
}

/** What the registry gives to the code that runs a call. */
export interface Registration {
  hooks: HookClient
  createSession(caller: CallerLeg): Session
  /** Call it when all work for the call is done: closes its HTTP clients and marks it as ended. */
  end(): Promise<void>
}

/** Where the registry's HTTP clients get their settings. */
export interface RegistryOptions {
  options: JambonzDoubleOptions
  clock: Clock
  network: Network
  onHookFailure(hook: string, error: HookError): void
}

/** All calls of the double, also those that have ended, with the HTTP clients of the running ones. */
export class CallRegistry {
  readonly #settings: RegistryOptions
  readonly #calls = new Map<string, Call>()
  readonly #listeners: CallListener[] = []
  readonly #clients = new Set<HookClient>()
  /** Both legs of all calls, as the REST API knows them. */
  readonly #stored = new Map<string, Leg>()

  constructor (settings: RegistryOptions) {
    this.#settings = settings
  }

  onCall (listener: CallListener): void {
    this.#listeners.push(listener)
  }

  /** Adds a call and opens its HTTP clients. The status hook has a client of its own, as in Jambonz. */
  register (context: JambonzContext, leg: Leg, callHook: HookObject, statusHook: HookObject | null): Registration {
    const hooks = this.#openClient(callHook, credentialsIn(callHook))
    const notifier = this.#openClient(callHook, credentialsIn(statusHook))
    const statuses = createStatusQueue(notifier, () => statusHook ?? undefined)
    const clients = [hooks, notifier]
    const openHooks = (url: string) => {
      const client = this.#openClient(url, undefined)
      clients.push(client)
      return client
    }
    const call = newCall(leg)
    this.#calls.set(leg.callSid, call)
    this.track(leg)
    for (const listener of this.#listeners) listener(leg.callSid, leg)
    return {
      hooks,
      createSession (caller) {
        call.session = new Session({ leg, context, caller, hooks, openHooks, statuses })
        return call.session
      },
      end: async () => {
        await statuses.idle()
        // As in Jambonz, nothing can be sent for the call after its session has ended.
        await Promise.all(clients.map(client => this.#closeClient(client)))
        call.hasEnded = true
        call.resolveEnded()
      }
    }
  }

  /** The REST API lists this leg from now on. */
  track (leg: Leg): void {
    this.#stored.set(leg.callSid, leg)
  }

  /** Live call control at the feature server. @returns how the feature server refuses it */
  update (callSid: string, update: CallUpdate): Refusal | undefined {
    const session = this.#calls.get(callSid)?.session
    const refusal = refusedByFeatureServer(callSid, update, {
      isGone: session === undefined || session.gone,
      isAnswered: session?.answered === true
    })
    if (refusal !== undefined || session === undefined) return refusal

    controlCall(session, update)
    return undefined
  }

  list (): { leg: Leg, ended: boolean }[] {
    return [...this.#calls.values()].map(({ leg, hasEnded }) => ({ leg: { ...leg }, ended: hasEnded }))
  }

  /** A leg as the REST API shows it, also when the call has ended. */
  payload (callSid: string): Payload | undefined {
    const leg = this.#stored.get(callSid)
    return leg && storedPayload(leg)
  }

  /** All legs as the REST API lists them: also those of dials, and those of calls that have ended. */
  payloads (): Payload[] {
    return [...this.#stored.values()].map(storedPayload)
  }

  /** Forgets what the REST API shows of a leg. The call itself goes on. Returns false when it is unknown. */
  forget (callSid: string): boolean {
    return this.#stored.delete(callSid)
  }

  talkingSince (callSid: string): number | undefined {
    return this.#calls.get(callSid)?.session?.talk?.since
  }

  /** The calls whose caller talks with a dialled party now. */
  talks (): { leg: Leg, dialled: Leg }[] {
    return [...this.#calls.values()].flatMap(({ leg, session }) => {
      const dialled = session?.talk?.leg
      return dialled === undefined ? [] : [{ leg: { ...leg }, dialled: { ...dialled } }]
    })
  }

  async ended (callSid: string): Promise<void> {
    await this.#calls.get(callSid)?.ended
  }

  async close (): Promise<void> {
    await Promise.all([...this.#clients].map(client => client.close()))
  }

  #openClient (callHook: Hook, basic: HookClientOptions['basic']): HookClient {
    const { options, clock, network, onHookFailure } = this.#settings
    const client = createHookClient({
      base: typeof callHook === 'string' ? callHook : callHook.url,
      secret: options.webhookSecret,
      clock,
      network,
      timeoutMs: options.httpTimeoutMs ?? 10_000,
      ...basic && { basic },
      ...options.trace && hookObserver(options.trace, clock),
      onFailure: onHookFailure
    })
    this.#clients.add(client)
    return client
  }

  async #closeClient (client: HookClient): Promise<void> {
    await client.close()
    this.#clients.delete(client)
  }
}

/** The credentials of a hook, of an application or in createCall. */
function credentialsIn (hook: HookObject | null): HookClientOptions['basic'] {
  const { username, password } = hook ?? {}
  return username === undefined || password === undefined ? undefined : { username, password }
}

function newCall (leg: Leg): Call {
  let resolveEnded = () => {}
  const ended = new Promise<void>(resolve => {
    resolveEnded = resolve
  })
  return { leg, hasEnded: false, ended, resolveEnded }
}
