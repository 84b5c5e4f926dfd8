import type { SipMessage, SipRequest, SipResponse } from '../../sip/message.ts'
import type { OutgoingCall } from '../../sip/user-agent.ts'
import { dialledLeg, inviteHeaders, LegRecord } from './dialled-leg-record.ts'
import { answerRefer } from './dialled-leg-refer.ts'
import type { Hook } from './hooks.ts'
import { sandboxSdp } from './media.ts'
import { customHeaders } from './payloads.ts'
import type { CallStatus, DialResult } from './payloads.ts'
import { reasonAtSbc, routeOf } from './route.ts'
import type { ReferAnswer } from './caller-leg.ts'
import { confirm } from './confirm.ts'
import type { Session } from './session.ts'
import type { DialTarget, DialVerb } from './verbs.ts'

/** Seconds that a dial rings when the verb does not say. */
const DEFAULT_TIMEOUT_S = 60

/** Calls the target of a dial. Resolves when the leg has ended, with what the action hook reports of it. */
export async function callTarget (
  session: Session,
  verb: DialVerb,
  target: DialTarget,
  signal: AbortSignal
): Promise<DialResult> {
  const { agentSide, gateways } = session.context
  const route = routeOf(target, gateways)
  const record = new LegRecord(session, dialledLeg(session, verb, route.to))
  if (route.uri === undefined) {
    record.report('trying', 100, 'Trying')
    record.report('failed', route.refusal.status, route.refusal.reason)
    return record.result
  }

  const { callerId = session.leg.from, callerName } = verb
  const call = agentSide.invite(route.uri, {
    from: callerId,
    ...callerName !== undefined && { displayName: callerName },
    headers: inviteHeaders(session, verb, target, record.leg),
    body: sandboxSdp(agentSide.host),
    ...target.auth && { auth: target.auth }
  })
  record.report('trying', 100, 'Trying')
  const confirmHook = target.confirmHook ?? verb.confirmHook
  await new DialledLeg({ session, verb, signal, call, record, confirmHook }).ended
  return record.result
}

/** The leg between Jambonz and the dialled party, from the INVITE to its end. */
class DialledLeg {
  readonly #session: Session
  readonly #verb: DialVerb
  readonly #signal: AbortSignal
  readonly #call: OutgoingCall
  readonly #record: LegRecord
  readonly #confirmHook: Hook | undefined
  /** Aborted when the target has hung up, or was hung up on. */
  readonly #gone = new AbortController()
  #isConnected = false
  /** Resolves when the dial no longer waits for this leg. */
  readonly ended: Promise<void>
  #resolveEnded = () => {}
  #hasEnded = false
  #answeredAt: number | undefined
  /** Cancels the timer that runs: the one for ringing, or after the answer the one for the verb's time limit. */
  #cancelTimer: () => void

  constructor (options: {
    session: Session
    verb: DialVerb
    signal: AbortSignal
    call: OutgoingCall
    record: LegRecord
    confirmHook: Hook | undefined
  }) {
    const { session, verb, signal, call } = options
    this.#session = session
    this.#verb = verb
    this.#signal = signal
    this.#call = call
    this.#record = options.record
    this.#confirmHook = options.confirmHook
    this.ended = new Promise(resolve => {
      this.#resolveEnded = resolve
    })
    this.#cancelTimer = session.context.clock.schedule((verb.timeout ?? DEFAULT_TIMEOUT_S) * 1000, this.#giveUp)
    signal.addEventListener('abort', this.#stop)
    call.onProvisional(response => this.#onProvisional(response))
    call.onBye(bye => this.#onBye(bye))
    call.onRefer(message => this.#onTargetRefer(message))
    session.onCallerRefer = message => this.#onCallerRefer(message)
    call.final.then(response => this.#onFinal(response)).catch(() => {})
  }

  #onProvisional (response: SipResponse): void {
    const { status, reason } = response
    if (this.#hasEnded || status <= 100) return
    this.#record.leg.sbcCallid = this.#call.callId
    if (response.body !== '') this.#record.report('early-media', status, reason)
    else if (status === 180) this.#record.report('ringing', status, reason)
  }

  #onFinal ({ status, reason }: SipResponse): void {
    // The user agent itself hangs up on an answer that crosses the CANCEL.
    if (this.#hasEnded) return
    if (status < 300) return this.#onAnswer()
    this.#record.report(callStatusOf(status), status, reasonAtSbc(reason))
    this.#end()
  }

  #onAnswer (): void {
    this.#cancelTimer()
    this.#answeredAt = this.#session.context.clock.now()
    this.#record.leg.sbcCallid = this.#call.callId
    this.#record.report('in-progress', 200, 'OK')
    if (this.#confirmHook === undefined) return this.#connect()

    const answered = { session: this.#session, leg: this.#record.leg, call: this.#call, gone: this.#gone.signal }
    confirm(answered, this.#confirmHook).then(accepted => {
      if (this.#hasEnded) return
      if (accepted) this.#connect()
      else this.#end()
    }).catch(() => this.#end())
  }

  /** The caller and the target talk from now on. */
  #connect (): void {
    const { clock } = this.#session.context
    const { timeLimit } = this.#verb
    this.#isConnected = true
    this.#record.connected()
    if (timeLimit !== undefined) this.#cancelTimer = clock.schedule(timeLimit * 1000, this.#hangUp)
    this.#session.answer()
    this.#session.talk = { leg: this.#record.leg, since: clock.now() }
  }

  #onBye (bye: SipRequest): void {
    if (this.#hasEnded) return
    const headers = customHeaders(bye.headers)
    this.#gone.abort()
    this.#record.report('completed', 200, 'OK', { ...this.#duration(), ...headers && { headers } })
    // While the verbs of the confirm hook run, Jambonz does not look whether the target is still there.
    if (this.#isConnected) this.#end()
  }

  /** The dialled party transfers the caller: the hook's verbs replace this dial. */
  #onTargetRefer (message: SipMessage): Promise<ReferAnswer> {
    const { callSid } = this.#session.leg
    return answerRefer(this.#session, this.#verb, this.#record.leg, callSid, message, verbs => {
      // The 202 leaves before the BYE that the new verbs cause, and no NOTIFY follows.
      setImmediate(() => this.#session.replace(verbs))
    })
  }

  /** The caller transfers the dialled party. The double asks the hook but runs no verbs on the dialled leg. */
  #onCallerRefer (message: SipMessage): Promise<ReferAnswer> {
    return answerRefer(this.#session, this.#verb, this.#session.leg, this.#record.leg.callSid, message, () => {})
  }

  readonly #stop = (): void => {
    if (this.#answeredAt === undefined) this.#giveUp()
    else this.#hangUp()
  }

  readonly #giveUp = (): void => {
    this.#call.cancel()
    // The SBC answers the CANCEL itself, so Jambonz never waits for LiveKit's 487.
    if (this.#session.context.faults.staleAfterCancel !== true) {
      this.#record.report('no-answer', 487, 'Request Terminated')
    }
    this.#end()
  }

  readonly #hangUp = (): void => {
    if (this.#call.state === 'ended') return this.#end()
    const reportEnd = () => this.#record.report('completed', 200, 'OK', this.#duration())
    this.#gone.abort()
    this.#record.ended()
    const acknowledged = this.#call.bye()
    if (this.#signal.reason === 'gone') this.#session.outlive(acknowledged.then(reportEnd))
    else reportEnd()
    this.#end()
  }

  #end (): void {
    this.#hasEnded = true
    this.#session.talk = undefined
    this.#cancelTimer()
    this.#signal.removeEventListener('abort', this.#stop)
    this.#resolveEnded()
  }

  /** Whole seconds since the answer. */
  #duration (): { duration: number } {
    const now = this.#session.context.clock.now()
    return { duration: Math.floor((now - (this.#answeredAt ?? now)) / 1000) }
  }
}

function callStatusOf (status: number): CallStatus {
  if (status === 486 || status === 600) return 'busy'
  return status === 487 ? 'no-answer' : 'failed'
}
