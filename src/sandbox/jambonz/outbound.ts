import { setImmediate } from 'node:timers/promises'
import type { OutgoingCall, SipResponse, UserAgent } from '../../sip/user-agent.ts'
import { Amd } from './amd.ts'
import type { Registration } from './call-registry.ts'
import type { CallerLeg } from './caller-leg.ts'
import type { JambonzContext } from './context.ts'
import type { CheckedCall } from './create-call.ts'
import { sandboxSdp } from './media.ts'
import { inviteHeaders, newLeg, outcome, speechOf } from './outbound-leg.ts'
import { legPayload, outboundCallHookPayload } from './payloads.ts'
import type { CallStatus, Leg } from './payloads.ts'
import { reasonAtSbc, routeOf } from './route.ts'
import type { Route } from './route.ts'
import { REST_DIAL } from './run-verb.ts'
import type { Session } from './session.ts'

/** Seconds that the called party's phone rings when createCall does not say. */
const DEFAULT_TIMEOUT_S = 60
/** How long the feature server keeps the session of a call that was not answered, milliseconds. */
const KEPT_MS = 5000
/** How soon after the answer the SBC may miss a hangup, milliseconds. */
const EARLY_BYE_MS = 10

/** A call that createCall has started. */
export interface PlacedCall {
  sid: string
  /** The Call-ID between the feature server and the SBC. The carrier sees another one. */
  callId: string
  /** Resolves when the first status event was answered or has failed. */
  firstStatus: Promise<void>
}

/**
 * Places a call for the REST API. Status events come first; the call hook is asked only when the called party has
 * answered, so an unanswered call never reaches it (feature-server rest_dial).
 *
 * @param released holds back the first status event until it resolves
 */
export function outboundCall (
  context: JambonzContext,
  callerSide: UserAgent,
  request: CheckedCall,
  released?: Promise<void>
): PlacedCall {
  const route = routeOf(request.to, context.gateways)
  const leg = newLeg(context, request, route)
  const registration = context.register(leg, request.call_hook, request.call_status_hook ?? null)
  const { uri } = route
  const call = uri === undefined
    ? undefined
    : callerSide.invite(uri, {
      from: request.from,
      ...request.callerName !== undefined && { displayName: request.callerName },
      headers: inviteHeaders(request, leg),
      body: sandboxSdp(context.host),
      ...request.to.auth && { auth: request.to.auth }
    })
  if (call !== undefined) context.placed.add(call.callId)
  const placed = new OutboundCall({ context, request, leg, registration, call })
  return { sid: leg.callSid, callId: leg.callId, firstStatus: placed.start(route, released) }
}

/** The leg that createCall dials, and the session that begins when the called party answers. */
class OutboundCall {
  readonly #context: JambonzContext
  readonly #request: CheckedCall
  readonly #leg: Leg
  readonly #registration: Registration
  readonly #session: Session
  /** Undefined when no carrier can be asked. */
  readonly #call: OutgoingCall | undefined
  #isDecided = false
  #amd: Amd | undefined
  #cancelTimer = (): void => {}
  /** Ends the verb `rest:dial`, and with it the call. */
  #giveUp = (): void => {}

  constructor (options: {
    context: JambonzContext
    request: CheckedCall
    leg: Leg
    registration: Registration
    call: OutgoingCall | undefined
  }) {
    this.#context = options.context
    this.#request = options.request
    this.#leg = options.leg
    this.#registration = options.registration
    this.#call = options.call
    this.#session = options.registration.createSession(this.#calledParty())
  }

  /** Reports `trying` and waits for the called party. Resolves when that status event was answered or has failed. */
  start ({ refusal }: Route, released?: Promise<void>): Promise<void> {
    const over = new Promise<void>(resolve => {
      this.#giveUp = resolve
    })
    if (released !== undefined) this.#session.statuses.hold(released)
    this.#report('trying', 100, 'Trying')
    const firstStatus = this.#session.statuses.idle()
    this.#run(over).catch(() => {})

    if (this.#call !== undefined) this.#listen(this.#call)
    else setImmediate().then(() => this.#notReached(refusal.status, refusal.reason)).catch(() => {})
    return firstStatus
  }

  async #run (over: Promise<void>): Promise<void> {
    await this.#session.run([{ verb: REST_DIAL, over, replaced: () => this.#replaced() }])
    this.#cancelTimer()
    await this.#amd?.stop()
    await this.#registration.end()
  }

  #listen (call: OutgoingCall): void {
    const timeoutMs = (this.#request.timeout || DEFAULT_TIMEOUT_S) * 1000
    this.#cancelTimer = this.#context.clock.schedule(timeoutMs, () => this.#cancel())
    call.onProvisional(({ status, body }) => {
      if (status <= 100 || this.#isDecided) return
      this.#leg.sbcCallid = call.callId
      // The feature server reports the new status with the reason of the one before.
      this.#report(body !== '' ? 'early-media' : 'ringing', status, this.#leg.sipReason)
    })
    call.onBye(bye => this.#session.callerHungUp(bye))
    call.onRefer(async message =>
      await this.#session.onCallerRefer?.(message) ?? { status: 501, reason: 'Not Implemented' }
    )
    call.onNotify(message => this.#session.onCallerNotify?.(message))
    call.final.then(response => {
      const { status, reason } = response
      if (this.#isDecided) return
      if (status >= 300) return this.#notReached(status, reasonAtSbc(reason))
      this.#answered(call, response).catch(() => this.#giveUp())
    }).catch(() => {})
  }

  /** The SBC answers a CANCEL itself, so Jambonz does not wait for the carrier's 487. */
  #cancel (): void {
    if (this.#isDecided) return
    this.#call?.cancel()
    this.#session.outlive(setImmediate().then(() => this.#notReached(487, 'Request Terminated')))
  }

  /** Other verbs replace `rest:dial`. A phone that still rings is given up, and then nobody can run those verbs. */
  #replaced (): void {
    if (this.#isDecided) return
    this.#call?.cancel()
    this.#notReached(487, 'Request Terminated')
  }

  #notReached (status: number, reason: string): void {
    if (this.#isDecided) return
    this.#decided()
    this.#report(outcome(status), status, reason)
    this.#session.notReached(this.#context.clock.now() + KEPT_MS)
  }

  /**
   * Asks the call hook. Its verbs replace `rest:dial`, so none end the call, and so does a hook that fails. A reply
   * that is no list leaves the called party waiting.
   */
  async #answered (call: OutgoingCall, response: SipResponse): Promise<void> {
    const { clock } = this.#context
    const session = this.#session
    const { timeLimit } = this.#request
    this.#decided()
    this.#leg.sbcCallid = call.callId
    session.answer()
    if (timeLimit !== undefined && timeLimit > 0) {
      this.#cancelTimer = clock.schedule(timeLimit * 1000, () => session.hangUp())
    }
    this.#startAmd(response)
    const asked = session.hooks.post(this.#request.call_hook, this.#callHookPayload())
    // When the called party hangs up meanwhile, the request goes on, and its reply is ignored.
    session.outlive(asked)
    const reply = await asked
    if (Array.isArray(reply)) session.replace(this.#context.parse(reply))
  }

  /** The verbs in a reply to the detection replace those that run. */
  #startAmd (response: SipResponse): void {
    const { amd } = this.#request
    const { clock, faults, parse } = this.#context
    if (amd === undefined || faults.say === 'no-credentials') return
    const session = this.#session
    this.#amd = new Amd(response, clock, async event => {
      const reply = await session.hooks.post(amd.actionHook, { ...legPayload(this.#leg), ...event })
      const verbs = Array.isArray(reply) ? parse(reply) : []
      if (verbs.length > 0) session.replace(verbs)
    })
  }

  #callHookPayload (): Record<string, unknown> {
    // Only an application has an environment.
    const envVars = this.#leg.applicationSid === undefined ? undefined : this.#context.envVars(this.#leg)
    return outboundCallHookPayload(this.#leg, speechOf(this.#request), envVars)
  }

  #decided (): void {
    this.#isDecided = true
    this.#cancelTimer()
  }

  #report (callStatus: CallStatus, sipStatus: number, sipReason: string): void {
    Object.assign(this.#leg, { callStatus, sipStatus, sipReason })
    this.#session.notify(this.#leg)
  }

  #calledParty (): CallerLeg {
    return {
      identity: {},
      offer: '',
      early () {},
      answer () {},
      // Live call control ends the call before the answer.
      reject: () => {
        if (this.#context.faults.noAnswerStatusLost === true) this.#dropSilently()
        else this.#cancel()
      },
      bye: async headers => {
        if (!this.#isByeLost()) await this.#call?.bye(headers)
      },
      info: async (headers, body) => await this.#call?.send('INFO', { headers, body }),
      refer: (to, headers) => this.#call!.send('REFER', { headers: { 'Refer-To': to, ...headers } })
    }
  }

  #dropSilently (): void {
    this.#decided()
    this.#call?.cancel()
  }

  #isByeLost (): boolean {
    const { clock, faults } = this.#context
    const { answeredAt } = this.#session
    return faults.earlyByeLost === true && answeredAt !== undefined && clock.now() - answeredAt <= EARLY_BYE_MS
  }
}
