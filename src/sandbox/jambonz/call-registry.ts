import type { Clock } from '../../clock.ts'
import type { JambonzDoubleOptions } from '../jambonz.ts'
import type { Network } from '../network.ts'
import type { JambonzContext } from './context.ts'
import { createHookClient, createStatusQueue } from './hooks.ts'
import type { Hook, HookClient, HookClientOptions, HookError } from './hooks.ts'
import { legPayload } from './payloads.ts'
import type { Leg, Payload } from './payloads.ts'
import type { CallUpdate } from './rest.ts'
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

  constructor (settings: RegistryOptions) {
    this.#settings = settings
  }

  onCall (listener: CallListener): void {
    this.#listeners.push(listener)
  }

  /** Adds a call and opens its HTTP clients. The status hook has a client of its own, as in Jambonz. */
  register (context: JambonzContext, leg: Leg, callHook: Hook, statusHook: Hook | undefined): Registration {
    const { basic, statusBasic } = this.#settings.options
    const hooks = this.#openClient(callHook, basic)
    const notifier = this.#openClient(callHook, statusBasic)
    const statuses = createStatusQueue(notifier, () => statusHook)
    const clients = [hooks, notifier]
    const openHooks = (url: string) => {
      const client = this.#openClient(url, undefined)
      clients.push(client)
      return client
    }
    const call = newCall(leg)
    this.#calls.set(leg.callSid, call)
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

  /** Live call control. Returns false for a call that is unknown or has ended. */
  update (callSid: string, { call_hook: callHook, call_status: callStatus }: CallUpdate): boolean {
    const call = this.#calls.get(callSid)
    if (call?.session === undefined || call.hasEnded) return false
    if (callStatus === 'completed') call.session.hangUp()
    else if (callStatus === 'no-answer') call.session.noAnswer()
    else if (callHook !== undefined) call.session.redirect(callHook).catch(() => {})
    return true
  }

  list (): { leg: Leg, ended: boolean }[] {
    return [...this.#calls.values()].map(({ leg, hasEnded }) => ({ leg: { ...leg }, ended: hasEnded }))
  }

  /** A call as the REST API shows it. */
  payload (callSid: string): Payload | undefined {
    const call = this.#calls.get(callSid)
    return call && legPayload(call.leg)
  }

  /** The running calls as the REST API lists them. */
  runningPayloads (): Payload[] {
    return [...this.#calls.values()].filter(call => !call.hasEnded).map(call => legPayload(call.leg))
  }

  talkingSince (callSid: string): number | undefined {
    return this.#calls.get(callSid)?.session?.talkingSince
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

function newCall (leg: Leg): Call {
  let resolveEnded = () => {}
  const ended = new Promise<void>(resolve => {
    resolveEnded = resolve
  })
  return { leg, hasEnded: false, ended, resolveEnded }
}
