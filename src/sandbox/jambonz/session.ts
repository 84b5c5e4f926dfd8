import type { SipMessage } from '../../sip/message.ts'
import type { CallerLeg, ReferAnswer } from './caller-leg.ts'
import { Endpoint } from './endpoint.ts'
import type { HookClient, StatusQueue } from './hooks.ts'
import { customHeaders, legPayload } from './payloads.ts'
import type { Leg } from './payloads.ts'
import { runVerb } from './run-verb.ts'
import type { SessionContext } from './session-context.ts'
import { NonFatalError } from './verbs.ts'
import type { Verb } from './verbs.ts'

/**
 * Why a running verb was stopped: the caller is gone, other verbs replace it, or live call control stops it without
 * naming other verbs.
 */
export type Stop = 'gone' | 'replaced' | 'skipped'

/** Two parties that talk. */
export interface Talk {
  /** The dialled leg. */
  leg: Leg
  /** Milliseconds since the epoch. */
  since: number
}

/** One call in the double, from its first verbs to its end (feature-server `CallSession`). */
export class Session {
  readonly leg: Leg
  readonly context: SessionContext
  readonly caller: CallerLeg
  /** Answers a REFER from the caller. A dial sets it while it runs. */
  onCallerRefer: ((message: SipMessage) => Promise<ReferAnswer>) | undefined
  /** Receives every NOTIFY that the caller sends. */
  onCallerNotify: ((message: SipMessage) => void) | undefined
  /** Whom the caller talks with. A dial sets it. */
  talk: Talk | undefined
  /** The status events of all legs. */
  readonly statuses: StatusQueue

  readonly #openHooks: (url: string) => HookClient
  #hooks: HookClient
  /** Requests that the session waits for at its end, although no verb waits for them. */
  readonly #background = new Set<Promise<unknown>>()
  #answeredAt: number | undefined
  #gone = false
  #keptUntil = 0
  readonly #endpoint: Endpoint
  #running: AbortController | undefined
  #replacement: Verb[] | undefined
  readonly #over = new AbortController()

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
    this.statuses = options.statuses
    this.#endpoint = new Endpoint(options.context, options.caller)
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

  /** Aborted when the session has ended. Work for a dialled leg may outlive its verb, and never the session. */
  get over (): AbortSignal {
    return this.#over.signal
  }

  /** Sends the call's hooks, except its status events. */
  get hooks (): HookClient {
    return this.#hooks
  }

  /** A hook on another host takes over: relative hooks go there, and no hook carries credentials any more. */
  handOver (url: string): void {
    if (/^https?:/.test(url) && new URL(url).origin !== this.#hooks.origin) this.#hooks = this.#openHooks(url)
  }

  /** Sends a leg's state to the status hook, with what went wrong. */
  notify (leg: Leg, failure?: { error: string, reason: string }): void {
    this.statuses.send({ ...legPayload(leg), ...failure })
  }

  /**
   * Gives the caller media: early media (183), or with `answer` a 200.
   *
   * @throws {NonFatalError} when the media server is down, or has no codec for the caller, who then gets 488
   */
  async endpoint (answer: boolean): Promise<void> {
    if (!this.answered) {
      await this.#endpoint.allocate(() => this.decline(488, 'Not Acceptable Here'))
    }
    if (this.answered || this.#gone) return
    if (answer) this.answer()
    else this.#endpoint.early()
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
    this.#over.abort()
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

  /** Stops the running verb. The next verbs are those of its action hook's reply, or else the remaining ones. */
  skip (): void {
    this.#stop('skipped')
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
    if (this.#endpoint.hasFailed) {
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
    this.talk = undefined
    this.#running?.abort(reason)
  }
}
