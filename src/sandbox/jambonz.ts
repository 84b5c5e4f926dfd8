import { randomUUID } from 'node:crypto'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { Trace } from '../ladder/trace.ts'
import { createUserAgent } from '../sip/user-agent.ts'
import { applicationOf, settingsOf } from './jambonz/application.ts'
import { openRealm } from './jambonz/auth-trunk.ts'
import { CallRegistry } from './jambonz/call-registry.ts'
import { Carriers } from './jambonz/carriers.ts'
import type { JambonzContext } from './jambonz/context.ts'
import type { Faults } from './jambonz/faults.ts'
import { inboundCall } from './jambonz/inbound.ts'
import { outboundCall } from './jambonz/outbound.ts'
import { SPEECH } from './jambonz/payloads.ts'
import type { Leg } from './jambonz/payloads.ts'
import { completeForFeatureServer } from './jambonz/create-call.ts'
import type { CheckedCall, CreateCall } from './jambonz/create-call.ts'
import { createRateLimiter } from './jambonz/rate-limit.ts'
import type { RestLimit } from './jambonz/rate-limit.ts'
import { accountRoutes } from './jambonz/rest-account.ts'
import { callRoutes } from './jambonz/rest-calls.ts'
import { createRestServer } from './jambonz/rest.ts'
import type { CallUpdate } from './jambonz/update-call.ts'
import { restObserver, sipObserver } from './jambonz/tracing.ts'
import { loadVerbParser } from './jambonz/verbs.ts'
import { socketNetwork } from './network.ts'
import type { Network } from './network.ts'

export type { Faults } from './jambonz/faults.ts'
export type { Leg } from './jambonz/payloads.ts'
export type { CreateCall } from './jambonz/create-call.ts'
export type { RestLimit } from './jambonz/rate-limit.ts'
export type { CallUpdate } from './jambonz/update-call.ts'

export interface JambonzDoubleOptions {
  /** The application's call hook. */
  callHook: string
  /** The application's status hook; without one no status events are sent. */
  statusHook?: string
  webhookSecret: string
  /** The call hook's credentials. Jambonz sends them with every hook except the status events. */
  basic?: { username: string, password: string }
  /** The status hook's own credentials. */
  statusBasic?: { username: string, password: string }
  /**
   * Application environment variables, for all calls or for each call. Only the first call hook carries them. They may
   * change at any time.
   */
  envVars?: Record<string, unknown> | ((leg: Leg) => Record<string, unknown> | undefined)
  trace?: Trace
  clock?: Clock
  /** Default: sockets. */
  network?: Network
  host?: string
  /** Milliseconds that a hook may take; by default 10 000, as in Jambonz. */
  httpTimeoutMs?: number
  /** The transport on which callers call. Towards LiveKit the SIP URI selects it. */
  sipTransport?: 'udp' | 'tcp'
  /**
   * The account's SIP realm. With it Jambonz takes calls of auth trunks at `realmAddress`, over TCP; without it the
   * account has none.
   */
  sipRealm?: string
  /**
   * Trunk name → `host:port` of its gateway, for dial targets of type `phone`. Targets without a trunk, or with an
   * unknown one, use the first.
   */
  gateways?: Record<string, string>
  /** Milliseconds to wait for the final NOTIFY of an accepted REFER; by default 15 000, as in Jambonz. */
  notifyTimeoutMs?: number
  accountSid?: string
  applicationSid?: string
  apiKey?: string
  /** The rate limit of the REST API; by default there is none. */
  restLimit?: RestLimit
  faults?: Faults
}

/** A failure for which a real Jambonz raises an alert. */
export interface Alert {
  hook: string
  message: string
  status?: number
}

export interface JambonzDouble {
  readonly sipHost: string
  readonly sipPort: number
  /** Where the SIP realm leads; undefined without a realm. Callers must find it by the realm, not by its address. */
  readonly realmAddress: { host: string, port: number } | undefined
  /** Base of the REST API, with `/v1`. */
  readonly restUrl: string
  readonly accountSid: string
  readonly apiKey: string
  /** They may change at any time. */
  readonly faults: Faults
  readonly alerts: Alert[]
  /** Calls `fn` with the `call_sid` and the caller leg of every call that arrives or is placed. */
  onCall(fn: (callSid: string, leg: Readonly<Leg>) => void): void
  /** The caller legs of all calls so far, and whether Jambonz has finished with them. */
  calls(): { leg: Leg, ended: boolean }[]
  /** When a call's caller and the dialled party began to talk, in milliseconds; undefined when they are not talking. */
  talkingSince(callSid: string): number | undefined
  /** The calls whose caller talks with a dialled party now, with both legs. */
  talks(): { leg: Leg, dialled: Leg }[]
  /** Resolves when Jambonz has finished with a call: every hook of it was answered or has failed. */
  ended(callSid: string): Promise<void>
  /** Live call control. Returns false when Jambonz refuses it: the call has ended, or is in another state. */
  update(callSid: string, update: CallUpdate): boolean
  /**
   * Places a call at the feature server, by default with the application's hooks. Resolves as soon as the call has
   * started, before any response.
   *
   * @throws {Error} what the feature server says against the request
   */
  createCall(request: CreateCall): Promise<{ sid: string, callId: string }>
  close(): Promise<void>
}

/**
 * A Jambonz for the sandbox. It takes SIP calls, asks the call hook, runs the verbs and reports, in the order and with
 * the fields of a real feature server 0.9.8 behind its SBC. Jambonz's own validator checks every reply.
 *
 * @throws {Error} when `@jambonz/verb-specifications` is not installed, or when it cannot listen
 */
export async function createJambonzDouble (options: JambonzDoubleOptions): Promise<JambonzDouble> {
  const { clock = systemClock, network = socketNetwork, host = '127.0.0.1', trace } = options
  const apiKey = options.apiKey ?? randomUUID()
  const parse = loadVerbParser()
  const alerts: Alert[] = []
  const name = 'jambonz-sandbox'
  const openTransport = network.openSip
  const placed = new Set<string>()
  const callerSide = await createUserAgent({
    host,
    transport: options.sipTransport ?? 'udp',
    name,
    clock,
    openTransport,
    ...trace && { onMessage: sipObserver(trace, placed) }
  })
  // This user agent is not traced, because the LiveKit double traces the messages between the two.
  const agentSide = await createUserAgent({ host, name, clock, openTransport })

  const alert: JambonzContext['alert'] = (hook, { message, status }) => {
    alerts.push({ hook, message, ...status !== undefined && { status } })
  }
  const calls = new CallRegistry({ options, clock, network, onHookFailure: alert })
  const context: JambonzContext = {
    options,
    clock,
    parse,
    host,
    agentSide,
    placed,
    alert,
    faults: options.faults ?? {},
    accountSid: options.accountSid ?? randomUUID(),
    applicationSid: options.applicationSid ?? randomUUID(),
    gateways: options.gateways ?? {},
    notifyTimeoutMs: options.notifyTimeoutMs ?? 15_000,
    fsSipAddress: `${callerSide.host}:${callerSide.port}`,
    track: leg => calls.track(leg),
    envVars: leg => typeof options.envVars === 'function' ? options.envVars(leg) : options.envVars,
    register (leg, callHook, statusHook) {
      const application = settingsOf(context)
      return calls.register(
        context,
        leg,
        callHook ?? application.call_hook,
        statusHook === undefined ? application.call_status_hook : statusHook
      )
    }
  }
  const { accountSid } = context
  callerSide.onInvite(call => {
    inboundCall(context, call).catch(() => call.respond(500))
  })

  const carriers = new Carriers(accountSid, context.gateways)
  const realmSide = await openRealm(context, carriers, openTransport)

  const place = (request: CheckedCall, released?: Promise<void>) => outboundCall(context, callerSide, request, released)
  const rest = await createRestServer({
    network,
    host,
    accountSid,
    apiKey,
    ...options.restLimit && { limiter: createRateLimiter(options.restLimit, () => clock.now()) },
    routes: [
      callRoutes({
        faults: context.faults,
        parse,
        ...trace && { show: restObserver(trace, clock) },
        application: sid => sid === context.applicationSid ? settingsOf(context) : undefined,
        create: place,
        update: (callSid, change) => calls.update(callSid, change),
        get: callSid => calls.payload(callSid),
        list: () => calls.payloads(),
        forget: callSid => calls.forget(callSid)
      }),
      accountRoutes({
        carriers,
        account: () => ({
          account_sid: accountSid,
          name: 'sandbox',
          sip_realm: options.sipRealm ?? null,
          is_active: 1
        }),
        application: () => applicationOf(context)
      })
    ]
  })

  return {
    sipHost: callerSide.host,
    sipPort: callerSide.port,
    realmAddress: realmSide && { host: realmSide.host, port: realmSide.port },
    restUrl: rest.url,
    accountSid,
    apiKey,
    faults: context.faults,
    alerts,
    onCall: fn => calls.onCall(fn),
    calls: () => calls.list(),
    talkingSince: callSid => calls.talkingSince(callSid),
    talks: () => calls.talks(),
    ended: callSid => calls.ended(callSid),
    update: (callSid, change) => calls.update(callSid, change) === undefined,
    async createCall (request) {
      const { call_hook: callHook, call_status_hook: statusHook } = settingsOf(context)
      const checked = completeForFeatureServer(
        { call_hook: callHook, call_status_hook: statusHook, ...SPEECH, ...request },
        parse
      )
      if ('status' in checked) throw new Error(JSON.stringify(checked.body))
      const { sid, callId } = place(checked.request)
      return { sid, callId }
    },
    async close () {
      await rest.close()
      await callerSide.close()
      await agentSide.close()
      await realmSide?.close()
      await calls.close()
    }
  }
}
