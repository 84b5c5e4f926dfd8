import type { Clock } from '../../clock.ts'
import type { SipMessage, SipResponse } from '../../sip/message.ts'
import type { UserAgent } from '../../sip/user-agent.ts'
import { dial } from './dial.ts'
import type { Faults } from './dial.ts'
import type { Hook, HookClient, StatusQueue } from './hooks.ts'
import { customHeaders, legPayload } from './payloads.ts'
import type { Leg } from './payloads.ts'
import { referVerb } from './refer.ts'
import { nonEmpty } from './verbs.ts'
import type { DialVerb, ParseVerbs, ReferVerb, Verb } from './verbs.ts'

/** The SIP side of the caller leg. It is the same for calls that came in and for calls that Jambonz placed. */
export interface CallerLeg {
  /** Identity and privacy headers of the caller's INVITE, which Jambonz copies to the agent leg. */
  identity: Record<string, string>
  /** The session description of the caller's INVITE; '' when there is none. */
  offer: string
  early(): void
  answer(): void
  reject(status: number, reason: string | undefined, headers?: Record<string, string>): void
  bye(headers?: Record<string, string>): Promise<unknown>
  refer(to: string, headers: Record<string, string>): Promise<SipResponse>
}

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
}

/** How a REFER is answered. */
export interface ReferAnswer {
  status: number
  reason?: string
}

/** Why a running verb was stopped: the caller is gone, or other verbs replace it. */
export type Stop = 'gone' | 'replaced'

/** One call in the double, from its first verbs to its end (feature-server `CallSession`). */
export class Session {
  readonly leg: Leg
  readonly context: SessionContext
  readonly caller: CallerLeg
  readonly hooks: HookClient
  /** Answers a REFER from the caller. A dial sets it while it runs. */
  onCallerRefer: ((message: SipMessage) => Promise<ReferAnswer>) | undefined
  /** Receives every NOTIFY that the caller sends. */
  onCallerNotify: ((message: SipMessage) => void) | undefined
  /** When the caller and a dialled party began to talk, in milliseconds since the epoch; undefined when they do not. */
  talkingSince: number | undefined

  readonly #statuses: StatusQueue
  /** Requests that the session waits for at its end, although no verb waits for them. */
  readonly #background = new Set<Promise<unknown>>()
  #answeredAt: number | undefined
  #gone = false
  #hasEarlyMedia = false
  #running: AbortController | undefined
  #replacement: Verb[] | undefined

  constructor (options: {
    leg: Leg
    context: SessionContext
    caller: CallerLeg
    hooks: HookClient
    statuses: StatusQueue
  }) {
    this.leg = options.leg
    this.context = options.context
    this.caller = options.caller
    this.hooks = options.hooks
    this.#statuses = options.statuses
  }

  get answered (): boolean {
    return this.#answeredAt !== undefined
  }

  /** Sends a leg's state to the status hook. */
  notify (leg: Leg): void {
    this.#statuses.send(legPayload(leg))
  }

  /** Gives the caller media: early media (183), or with `answer` a 200. */
  async endpoint (answer: boolean): Promise<void> {
    const { clock, faults } = this.context
    const { mediaDelayMs } = faults
    if (mediaDelayMs !== undefined) await new Promise<void>(resolve => { clock.schedule(mediaDelayMs, resolve) })
    if (this.answered || this.#gone) return
    if (answer) return this.answer()

    if (!this.#hasEarlyMedia) this.caller.early()
    this.#hasEarlyMedia = true
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
      // A verb that throws gives way to the next one, as a dial does when its action hook fails.
      const next = await this.#execute(verb, this.#running.signal).catch(() => undefined)
      queue = [...this.#replacement ?? next ?? queue]
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
   * Live call control with `completed`: hangs up. Jambonz ignores it for an unanswered call, which only `no-answer`
   * ends.
   */
  hangUp (): void {
    if (this.answered) this.#hangUp()
  }

  /** Live call control with `no-answer`: refuses an unanswered call. */
  noAnswer (): void {
    if (this.answered || this.#gone) return
    this.caller.reject(503, undefined)
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

  /** Runs one verb. Resolves with the verbs that replace the remaining ones, if any. */
  async #execute (verb: Verb, signal: AbortSignal): Promise<Verb[] | undefined> {
    switch (verb.verb) {
      case 'dial':
        return await dial(this, verb as DialVerb, signal)
      case 'sip:refer':
        return this.answered ? await referVerb(this, verb as ReferVerb, signal) : undefined
      case 'redirect':
        return await this.#verbsFrom(verb['actionHook'] as Hook)
      case 'sip:decline':
        // Jambonz runs it only on an unanswered call: after a dial that was answered it does nothing.
        if (!this.answered) this.#declineVerb(verb)
        return undefined
      case 'hangup':
        // Jambonz runs it only on an answered call: while the call rings it does nothing.
        if (this.answered) this.#hangUp(verb['headers'] as Record<string, string> | undefined)
        return undefined
      case 'pause':
        await this.#pause(Number(verb['length']) * 1000, signal)
        return undefined
      case 'answer':
      case 'say':
      case 'play':
        this.answer()
        return undefined
      default:
        // The other verbs play no part between Jambonz and LiveKit, so they end at once.
        return undefined
    }
  }

  #declineVerb (verb: Verb): void {
    this.decline(Number(verb['status']), verb['reason'] as string | undefined, {
      'X-Reason': 'SIP Decline Verb',
      ...verb['headers'] as Record<string, string> | undefined
    })
  }

  #pause (ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.context.clock.schedule(ms, resolve)
      signal.addEventListener('abort', () => {
        cancel()
        resolve()
      })
    })
  }

  async #verbsFrom (hook: Hook): Promise<Verb[] | undefined> {
    return nonEmpty(this.context.parse(await this.hooks.post(hook, legPayload(this.leg))))
  }

  /** Jambonz hangs up on an answered caller and refuses any other with a bare 603, which no status event reports. */
  #endWithoutVerbs (): void {
    if (!this.#gone) {
      if (this.answered) this.#hangUp()
      else this.caller.reject(603, 'Decline')
    }
    this.#gone = true
  }

  #hangUp (headers?: Record<string, string>): void {
    if (this.#gone) return
    this.#completed('jambonz')
    this.outlive(this.caller.bye(headers))
    this.#stop('gone')
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
