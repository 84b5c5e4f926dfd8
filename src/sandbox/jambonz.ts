import { randomUUID } from 'node:crypto'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { Trace } from '../ladder/trace.ts'
import { createUserAgent } from '../sip/user-agent.ts'
import type { IncomingCall } from '../sip/user-agent.ts'
import type { Faults } from './jambonz/dial.ts'
import { createHookClient, createStatusQueue } from './jambonz/hooks.ts'
import type { Hook, HookClient, HookClientOptions } from './jambonz/hooks.ts'
import { inboundCall } from './jambonz/inbound.ts'
import { outboundCall } from './jambonz/outbound.ts'
import { legPayload } from './jambonz/payloads.ts'
import type { Leg } from './jambonz/payloads.ts'
import { createRestServer } from './jambonz/rest.ts'
import type { CallUpdate, CreateCall } from './jambonz/rest.ts'
import type { CallerLeg, Session, Surroundings } from './jambonz/session.ts'
import { createSession } from './jambonz/session.ts'
import { hookObserver, sipObserver } from './jambonz/tracing.ts'
import { loadVerbParser } from './jambonz/verbs.ts'
import { socketNetwork } from './network.ts'
import type { Network } from './network.ts'

export type { Faults } from './jambonz/dial.ts'
export type { Leg } from './jambonz/payloads.ts'
export type { CallUpdate, CreateCall } from './jambonz/rest.ts'

export interface JambonzDoubleOptions {
  /** The application's call hook. */
  callHook: string
  /** The application's status hook; without one no status events are sent. */
  statusHook?: string
  webhookSecret: string
  /** The call hook's credentials; Jambonz sends them with every hook but the status events. */
  basic?: { username: string, password: string }
  /** The status hook's own credentials. */
  statusBasic?: { username: string, password: string }
  /**
   * Application environment variables, of all calls or by call; they come with the first call hook only. Change them at
   * any time.
   */
  envVars?: Record<string, unknown> | ((leg: Leg) => Record<string, unknown> | undefined)
  trace?: Trace
  clock?: Clock
  /** Default: sockets. */
  network?: Network
  host?: string
  /** Milliseconds that a hook may take, 10 000 as in Jambonz. */
  httpTimeoutMs?: number
  /** Of the side that callers call; towards LiveKit the SIP URI decides. */
  sipTransport?: 'udp' | 'tcp'
  /**
   * Trunk name → `host:port` of its gateway, for dial targets of type `phone`; the first serves those without trunk.
   */
  gateways?: Record<string, string>
  /** Milliseconds to wait for the final NOTIFY of an accepted REFER, 15 000 as in Jambonz. */
  notifyTimeoutMs?: number
  accountSid?: string
  applicationSid?: string
  apiKey?: string
  faults?: Faults
}

/** One failure that a real Jambonz would raise an alert for. */
export interface Alert {
  hook: string
  message: string
  status?: number
}

export interface JambonzDouble {
  readonly sipHost: string
  readonly sipPort: number
  /** Base of the REST API, with `/v1`. */
  readonly restUrl: string
  readonly accountSid: string
  readonly apiKey: string
  /** Change them at any time. */
  readonly faults: Faults
  readonly alerts: Alert[]
  /** Told of every call as it arrives or is placed, with its `call_sid` and its caller leg. */
  onCall(fn: (callSid: string, leg: Readonly<Leg>) => void): void
  /** The caller legs of all calls so far, and whether Jambonz is through with them. */
  calls(): { leg: Leg, ended: boolean }[]
  /** Since when a call's caller and somebody whom a dial called have been talking; undefined when they are not. */
  talkingSince(callSid: string): number | undefined
  /** Resolves when Jambonz is through with a call: all its hooks are answered or lost. */
  ended(callSid: string): Promise<void>
  /** Live call control; false for a call that is unknown or over. */
  update(callSid: string, update: CallUpdate): boolean
  /** Places a call; resolves when its INVITE is on its way. */
  createCall(request: CreateCall): Promise<{ sid: string, callId: string }>
  close(): Promise<void>
}

interface Call {
  leg: Leg
  session?: Session
  ended: boolean
  over: Promise<void>
}

/** A call that the double knows. */
export interface Registered {
  hooks: HookClient
  session(caller: CallerLeg): Session
  /** Call it when nothing of the call goes on any more. */
  over(): Promise<void>
}

/** What the parts of the double share. */
export interface Double extends Surroundings {
  options: JambonzDoubleOptions
  /** A call's application environment. */
  envVars(leg: Leg): Record<string, unknown> | undefined
  host: string
  accountSid: string
  applicationSid: string
  fsSipAddress: () => string
  /** Raises an alert. */
  alert(hook: string, error: Error & { status?: number | undefined }): void
  /** Opens a call's HTTP clients and keeps it, so that `calls`, `update` and `ended` know it. */
  register(leg: Leg, callHook?: Hook, statusHook?: Hook): Registered
}

/**
 * A Jambonz for the sandbox: takes SIP calls, asks the call hook, runs the verbs and reports, in the order and with the
 * fields of a real feature server 0.9.8 behind its SBC. Replies are judged by Jambonz's own validator.
 *
 * @throws {Error} when `@jambonz/verb-specifications` is not installed
 */
export async function createJambonzDouble (options: JambonzDoubleOptions): Promise<JambonzDouble> {
  const {
    clock = systemClock,
    network = socketNetwork,
    host = '127.0.0.1',
    accountSid = randomUUID(),
    applicationSid = randomUUID()
  } = options
  const apiKey = options.apiKey ?? randomUUID()
  const faults = options.faults ?? {}
  const parse = loadVerbParser()
  const alerts: Alert[] = []
  const watchers: ((callSid: string, leg: Leg) => void)[] = []
  const calls = new Map<string, Call>()
  const clients = new Set<HookClient>()

  const callerSide = await createUserAgent({
    host,
    transport: options.sipTransport ?? 'udp',
    name: 'jambonz-sandbox',
    clock,
    openTransport: network.openSip,
    ...options.trace && { onMessage: sipObserver(options.trace) }
  })

  // One of its own, so that only the callers' messages are traced: LiveKit's side tells of the others.
  const agentSide = await createUserAgent({ host, name: 'jambonz-sandbox', clock, openTransport: network.openSip })

  const double: Double = {
    options,
    envVars: leg => typeof options.envVars === 'function' ? options.envVars(leg) : options.envVars,
    clock,
    parse,
    faults,
    host,
    accountSid,
    applicationSid,
    gateways: options.gateways ?? {},
    notifyTimeoutMs: options.notifyTimeoutMs ?? 15_000,
    fsSipAddress: () => `${callerSide.host}:${callerSide.port}`,
    agentSide,
    alert (hook, { message, status }) {
      alerts.push({ hook, message, ...status !== undefined && { status } })
    },
    register (leg, callHook = options.callHook, statusHook = options.statusHook) {
      let finish = () => {}
      const call: Call = {
        leg,
        ended: false,
        over: new Promise(resolve => {
          finish = resolve
        })
      }
      calls.set(leg.callSid, call)
      const common = hookOptions(callHook)
      const hooks = createHookClient({ ...common, ...options.basic && { basic: options.basic } })
      const notifier = createHookClient({ ...common, ...options.statusBasic && { basic: options.statusBasic } })
      clients.add(hooks).add(notifier)
      const statuses = createStatusQueue(notifier, () => statusHook)
      for (const watch of watchers) watch(leg.callSid, leg)
      return {
        hooks,
        session (caller) {
          call.session = createSession({ leg, around: double, caller, hooks, statuses })
          return call.session
        },
        async over () {
          await statuses.idle()
          // As in Jambonz, whatever comes after the session has no client any more.
          await Promise.all([hooks.close(), notifier.close()])
          clients.delete(hooks)
          clients.delete(notifier)
          call.ended = true
          finish()
        }
      }
    }
  }

  function hookOptions (callHook: Hook): HookClientOptions {
    return {
      base: typeof callHook === 'string' ? callHook : callHook.url,
      secret: options.webhookSecret,
      clock,
      network,
      timeoutMs: options.httpTimeoutMs ?? 10_000,
      ...options.trace && hookObserver(options.trace, clock),
      onFailure: double.alert
    }
  }

  callerSide.onInvite((call: IncomingCall) => {
    inboundCall(double, call).catch(() => call.respond(500))
  })

  function update (callSid: string, { call_hook: callHook, call_status: callStatus }: CallUpdate): boolean {
    const call = calls.get(callSid)
    if (call?.session === undefined || call.ended) return false
    if (callStatus === 'completed') call.session.hangUp()
    else if (callStatus === 'no-answer') call.session.noAnswer()
    else if (callHook !== undefined) call.session.redirect(callHook).catch(() => {})
    return true
  }
  const createCall = (request: CreateCall) => outboundCall(double, callerSide, request)
  const rest = await createRestServer({
    network,
    host,
    accountSid,
    apiKey,
    handlers: {
      update,
      create: createCall,
      get: callSid => {
        const call = calls.get(callSid)
        return call && legPayload(call.leg)
      },
      list: () => [...calls.values()].filter(call => !call.ended).map(call => legPayload(call.leg)),
      application: () => ({
        application_sid: applicationSid,
        account_sid: accountSid,
        name: 'jambonz-livekit-bridge',
        call_hook: { url: options.callHook, method: 'POST' },
        call_status_hook: options.statusHook === undefined ? null : { url: options.statusHook, method: 'POST' }
      })
    }
  })

  return {
    sipHost: callerSide.host,
    sipPort: callerSide.port,
    restUrl: rest.url,
    accountSid,
    apiKey,
    faults,
    alerts,
    onCall (fn) {
      watchers.push(fn)
    },
    calls: () => [...calls.values()].map(({ leg, ended }) => ({ leg: { ...leg }, ended })),
    talkingSince: callSid => calls.get(callSid)?.session?.talkingSince,
    async ended (callSid) {
      await calls.get(callSid)?.over
    },
    update,
    createCall,
    async close () {
      await rest.close()
      await callerSide.close()
      await agentSide.close()
      await Promise.all([...clients].map(client => client.close()))
    }
  }
}
