import { randomBytes, randomUUID } from 'node:crypto'
import { header } from '../../sip/message.ts'
import type { SipMessage, SipRequest, SipResponse } from '../../sip/message.ts'
import type { OutgoingCall } from '../../sip/user-agent.ts'
import { HookError } from './hooks.ts'
import { sandboxSdp } from './media.ts'
import { customHeaders, referPayload, uriUser } from './payloads.ts'
import type { CallStatus, DialResult, Leg } from './payloads.ts'
import { reasonAtSbc, routeOf } from './route.ts'
import type { ReferAnswer } from './caller-leg.ts'
import type { Session } from './session.ts'
import type { DialTarget, DialVerb, Verb } from './verbs.ts'

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
  const record = new LegRecord(session, newLeg(session, verb, route.to))
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
  await new DialledLeg({ session, verb, signal, call, record }).ended
  return record.result
}

function newLeg (session: Session, verb: DialVerb, to: string): Leg {
  const { leg: parent, caller } = session
  return {
    callSid: randomUUID(),
    direction: 'outbound',
    from: verb.callerId ?? parent.from,
    to,
    callId: randomUUID(),
    sipStatus: 100,
    sipReason: 'Trying',
    callStatus: 'trying',
    // Jambonz reads the caller ID back from its own INVITE, where an asserted identity comes before From.
    callerId: uriUser(caller.identity['P-Asserted-Identity'] ?? '') ?? verb.callerId ?? parent.from,
    accountSid: parent.accountSid,
    traceId: randomBytes(16).toString('hex'),
    applicationSid: parent.applicationSid,
    fsSipAddress: parent.fsSipAddress,
    parentCallSid: parent.callSid,
    ...verb.tag !== undefined && { customerData: verb.tag }
  }
}

function inviteHeaders (session: Session, verb: DialVerb, target: DialTarget, leg: Leg): Record<string, string> {
  const { leg: parent, caller } = session
  return {
    'X-Account-Sid': parent.accountSid,
    ...parent.sbcCallid !== undefined && { 'X-CID': parent.sbcCallid },
    ...verb.headers,
    ...target.headers,
    'X-Call-Sid': leg.callSid,
    ...parent.applicationSid !== undefined && { 'X-Application-Sid': parent.applicationSid },
    ...caller.identity,
    'Content-Type': 'application/sdp'
  }
}

/** A dialled leg as Jambonz's status events and the dial's action hook show it. */
class LegRecord {
  readonly leg: Leg
  readonly result: DialResult
  readonly #session: Session

  constructor (session: Session, leg: Leg) {
    this.#session = session
    this.leg = leg
    this.result = { callSid: leg.callSid }
    session.context.track(leg)
  }

  /** Changes the leg's state and sends a status event. */
  report (callStatus: CallStatus, sipStatus: number, sipReason: string, more: Partial<Leg> = {}): void {
    const { leg, result } = this
    Object.assign(leg, { callStatus, sipStatus, sipReason, ...more })
    // A dial's result no longer changes once it says completed or not answered.
    if (result.callStatus !== 'completed' && result.callStatus !== 'no-answer') {
      Object.assign(result, { callStatus, sipStatus }, leg.sbcCallid !== undefined && { sbcCallid: leg.sbcCallid })
    }
    this.#session.notify(leg)
  }
}

/** The leg between Jambonz and the dialled party, from the INVITE to its end. */
class DialledLeg {
  readonly #session: Session
  readonly #verb: DialVerb
  readonly #signal: AbortSignal
  readonly #call: OutgoingCall
  readonly #record: LegRecord
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
  }) {
    const { session, verb, signal, call } = options
    this.#session = session
    this.#verb = verb
    this.#signal = signal
    this.#call = call
    this.#record = options.record
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
    const { clock } = this.#session.context
    const { timeLimit } = this.#verb
    this.#cancelTimer()
    this.#answeredAt = clock.now()
    if (timeLimit !== undefined) this.#cancelTimer = clock.schedule(timeLimit * 1000, this.#hangUp)
    this.#record.leg.sbcCallid = this.#call.callId
    this.#record.report('in-progress', 200, 'OK')
    this.#session.answer()
    this.#session.talkingSince = this.#answeredAt
  }

  #onBye (bye: SipRequest): void {
    if (this.#hasEnded) return
    const headers = customHeaders(bye.headers)
    this.#record.report('completed', 200, 'OK', { ...this.#duration(), ...headers && { headers } })
    this.#end()
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
    const reportEnd = () => this.#record.report('completed', 200, 'OK', this.#duration())
    this.#record.result.callStatus = 'completed'
    const acknowledged = this.#call.bye()
    if (this.#signal.reason === 'gone') this.#session.outlive(acknowledged.then(reportEnd))
    else reportEnd()
    this.#end()
  }

  #end (): void {
    this.#hasEnded = true
    this.#session.talkingSince = undefined
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

/**
 * Answers a REFER on a bridged leg. Jambonz asks the refer hook before it answers, and runs the hook's verbs on the
 * other leg. The answer is 501 without a hook, and when the hook fails without a status.
 */
async function answerRefer (
  session: Session,
  verb: DialVerb,
  leg: Leg,
  otherCallSid: string,
  message: SipMessage,
  transfer: (verbs: Verb[]) => void
): Promise<ReferAnswer> {
  // The feature server throws on a caller's REFER without Referred-By. The agent's REFER comes through the SBC, which
  // adds that header.
  const incomplete = leg.parentCallSid === undefined && header(message, 'Referred-By') === undefined
  if (verb.referHook === undefined || incomplete) return { status: 501, reason: 'Not Implemented' }
  try {
    const reply = await session.hooks.post(verb.referHook, referPayload(leg, otherCallSid, message))
    const verbs = Array.isArray(reply) ? session.context.parse(reply) : []
    if (verbs.length > 0) transfer(verbs)
    return { status: 202, reason: 'Accepted' }
  } catch (error) {
    return { status: (error instanceof HookError ? error.status : undefined) ?? 501 }
  }
}
