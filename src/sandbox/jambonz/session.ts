import type { Clock } from '../../clock.ts'
import type { SipMessage } from '../../sip/message.ts'
import type { UserAgent } from '../../sip/user-agent.ts'
import type { CallerLeg, ReferAnswer } from './caller-leg.ts'
import type { Faults } from './faults.ts'
import type { Hook, HookClient, StatusQueue } from './hooks.ts'
import { hasTelephoneCodec } from './media.ts'
import { customHeaders, legPayload } from './payloads.ts'
import type { Leg } from './payloads.ts'
import { runVerb } from './run-verb.ts'
import { NonFatalError, nonEmpty } from './verbs.ts'
import type { ParseVerbs, Verb } from './verbs.ts'

/** What every session shares with the double that it runs in. */
export interface SessionContext {
  clock: Clock
  parse: ParseVerbs
  /** The user agent that dials. */
  agentSide: UserAgent
  /** Trunk name → `host:port` of its gateway. */
  gateways: Record<string, string>
  faults: Faults
  /** Milliseconds to wait for the final NOTIFY after a REFER was accepted. */
  notifyTimeoutMs: number
  /** The REST API lists this leg from now on. */
  track(leg: Leg): void
}

/** Why a running verb was stopped: the caller is gone, or other verbs replace it. */
export type Stop = 'gone' | 'replaced'

/** One call in the double, from its first verbs to its end (feature-server `CallSession`). */
export class Session {
  readonly leg: Leg
  readonly context: SessionContext
  readonly caller: CallerLeg
  /** Answers a REFER from the caller. A dial sets it while it runs. */
  onCallerRefer: ((message: SipMessage) => Promise<ReferAnswer>) | undefined
  /** Receives every NOTIFY that the caller sends. */
  onCallerNotify: ((message: SipMessage) => void) | undefined
  /** When the caller and a dialled party began to talk, in milliseconds since the epoch; undefined when they do not. */
  talkingSince: number | undefined

  readonly #statuses: StatusQueue
  readonly #openHooks: (url: string) => HookClient
  #hooks: HookClient
  /** Requests that the session waits for at its end, although no verb waits for them. */
  readonly #background = new Set<Promise<unknown>>()
  #answeredAt: number | undefined
  #gone = false
  #keptUntil = 0
  /** Whether the media server has an endpoint for the caller. */
  #hasEndpoint = false
  #hasEarlyMedia = false
  #mediaServerFailed = false
  #running: AbortController | undefined
  #replacement: Verb[] | undefined

  constructor (options: {
    leg: Leg
    context: SessionContext
    caller: CallerLeg
    hooks: HookClient
    /** Opens a client for hooks on another host, without credentials. */
    openHooks: (url: string) => HookClient
    statuses: StatusQueue
  }) {
    this.leg = options.leg
    this.context = options.context
    this.caller = options.caller
    this.#hooks = options.hooks
    this.#openHooks = options.openHooks
    this.#statuses = options.statuses
  }

  get answered (): boolean {
    return this.#answeredAt !== undefined
  }

  /** When the call was answered, milliseconds since the epoch. */
  get answeredAt (): number | undefined {
    return this.#answeredAt
  }

  /** Whether live call control finds no session any more. Hooks may still be on their way. */
  get gone (): boolean {
    return this.#gone && this.context.clock.now() >= this.#keptUntil
  }

  /** Sends the call's hooks, except its status events. */
  get hooks (): HookClient {
    return this.#hooks
  }

  /** A hook on another host takes over: relative hooks go there, and no hook carries credentials any more. */
  handOver (url: string): void {
    if (/^https?:/.test(url) && new URL(url).origin !== this.#hooks.origin) this.#hooks = this.#openHooks(url)
  }

  /** Sends a leg's state to the status hook. */
  notify (leg: Leg): void {
    this.#statuses.send(legPayload(leg))
  }

  /** Holds back every status event from now on until `released` resolves. */
  holdStatuses (released: Promise<void>): void {
    this.#statuses.hold(released)
  }

  /** Resolves when every status event sent so far was answered or has failed. */
  async statusesSent (): Promise<void> {
    await this.#statuses.idle()
  }

  /**
   * Gives the caller media: early media (183), or with `answer` a 200.
   *
   * @throws {NonFatalError} when the media server is down, or has no codec for the caller, who then gets 488
   */
  async endpoint (answer: boolean): Promise<void> {
    if (!this.#hasEndpoint && !this.answered) await this.#allocateEndpoint()
    if (this.answered || this.#gone) return
    if (answer) return this.answer()

    if (!this.#hasEarlyMedia) this.caller.early()
    this.#hasEarlyMedia = true
  }

  async #allocateEndpoint (): Promise<void> {
    const { clock, faults: { mediaDelayMs, noMediaServer } } = this.context
    this.#mediaServerFailed = noMediaServer === true
    if (this.#mediaServerFailed) throw new NonFatalError('media server failure')
    if (!hasTelephoneCodec(this.caller.offer)) {
      this.decline(488, 'Not Acceptable Here')
      throw new NonFatalError('unable to allocate endpoint')
    }
    if (mediaDelayMs !== undefined) await new Promise<void>(resolve => { clock.schedule(mediaDelayMs, resolve) })
    this.#hasEndpoint = true
  }

  answer (): void {
    if (this.answered || this.#gone) return
    this.#answeredAt = this.context.clock.now()
    this.caller.answer()
    this.#update({ callStatus: 'in-progress', sipStatus: 200, sipReason: 'OK' })
  }

  /** Refuses the unanswered call and sends a status event. No verb runs after that. */
  decline (status: number, reason: string | undefined, headers?: Record<string, string>): void {
    if (this.#gone) return
    this.caller.reject(status, reason, headers)
    // When the verb gives no reason, the leg keeps its last one, `Trying`.
    this.#update({ callStatus: 'failed', sipStatus: status, ...reason !== undefined && { sipReason: reason } })
    this.#gone = true
  }

  /** Stops the running verb and runs these verbs instead. The reply of the stopped verb's action hook is ignored. */
  replace (verbs: Verb[]): void {
    this.#replacement = verbs
    this.#stop('replaced')
  }

  /** Makes the session wait for `work` before it ends. The verbs do not wait for it. */
  outlive (work: Promise<unknown>): void {
    const settled = work.catch(() => {}).finally(() => this.#background.delete(settled))
    this.#background.add(settled)
  }

  /** Runs the verbs to the end of the call. Resolves when the background work has ended too. */
  async run (verbs: Verb[]): Promise<void> {
    let queue = [...verbs]
    while (queue.length > 0 && !this.#gone) {
      const verb = queue.shift() as Verb
      this.#running = new AbortController()
      try {
        const next = await runVerb(this, verb, this.#running.signal)
        queue = [...this.#replacement ?? next ?? queue]
      } catch (error) {
        if (!(error instanceof NonFatalError)) break
        queue = this.#replacement ?? queue
      }
      this.#replacement = undefined
    }
    this.#running = undefined
    this.#endWithoutVerbs()
    while (this.#background.size > 0) await Promise.all(this.#background)
  }

  callerCancelled (): void {
    if (this.#gone) return
    this.#update({
      callStatus: 'no-answer',
      sipStatus: 487,
      sipReason: 'Request Terminated',
      callTerminationBy: 'caller'
    })
    this.#stop('gone')
  }

  callerHungUp (bye: SipMessage): void {
    if (this.#gone) return
    this.#completed('caller', customHeaders(bye.headers))
    this.#stop('gone')
  }

  /**
   * Hangs up, as the verb and live call control (`completed`) do. An unanswered call is not affected: live call control
   * ends it with `no-answer`.
   */
  hangUp (headers?: Record<string, string>): void {
    if (!this.answered || this.#gone) return
    this.#completed('jambonz')
    this.outlive(this.caller.bye(headers))
    this.#stop('gone')
  }

  /** Live call control with `no-answer`: refuses an unanswered call, or cancels one that Jambonz placed. */
  noAnswer (): void {
    if (this.answered || this.#gone) return
    this.caller.reject(503, undefined)
    this.#stop('gone')
  }

  /**
   * The called party of a call that Jambonz placed was not reached. No verb runs.
   *
   * @param keptUntil when live call control finds the session gone, milliseconds since the epoch
   */
  notReached (keptUntil: number): void {
    if (!this.#gone) this.#keptUntil = keptUntil
    this.#stop('gone')
  }

  /**
   * Live call control with another call hook. The new application replies before the old one is stopped. When it
   * replies without verbs, the old one continues.
   */
  async redirect (hook: Hook): Promise<void> {
    const verbs = await this.#verbsFrom(hook)
    if (verbs !== undefined && !this.#gone) this.replace(verbs)
  }

  async #verbsFrom (hook: Hook): Promise<Verb[] | undefined> {
    return nonEmpty(this.context.parse(await this.hooks.post(hook, legPayload(this.leg))))
  }

  /**
   * Jambonz hangs up on an answered caller. Any other gets 603, or 480 when the media server is down; no status event
   * reports that.
   */
  #endWithoutVerbs (): void {
    if (this.answered) this.hangUp()
    else if (!this.#gone) this.#refuseSilently()
    this.#gone = true
  }

  #refuseSilently (): void {
    if (this.#mediaServerFailed) {
      this.caller.reject(480, undefined, { 'X-Reason': 'crankback: media server failure' })
    } else {
      this.caller.reject(603, 'Decline')
    }
  }

  #completed (by: 'caller' | 'jambonz', headers?: Record<string, string>): void {
    const now = this.context.clock.now()
    this.#update({
      callStatus: 'completed',
      sipStatus: 200,
      sipReason: 'OK',
      callTerminationBy: by,
      duration: Math.floor((now - (this.#answeredAt ?? now)) / 1000),
      ...headers && { headers }
    })
  }

  #update (change: Partial<Leg>): void {
    Object.assign(this.leg, change)
    this.notify(this.leg)
  }

  #stop (reason: Stop): void {
    if (reason === 'gone') this.#gone = true
    this.talkingSince = undefined
    this.#running?.abort(reason)
  }
}
