import { randomBytes, randomUUID } from 'node:crypto'
import { header } from '../../sip/message.ts'
import type { SipMessage } from '../../sip/message.ts'
import { buildSdp } from '../../sip/sdp.ts'
import { HookError } from './hooks.ts'
import { actionPayload, customHeaders, referPayload, uriUser } from './payloads.ts'
import type { CallStatus, DialResult, Leg } from './payloads.ts'
import { hasTelephoneCodec, routeOf } from './route.ts'
import type { Session } from './session.ts'
import { nonEmpty } from './verbs.ts'
import type { DialTarget, DialVerb, Verb } from './verbs.ts'

/** No media flows in the sandbox: the discard port. */
export const SANDBOX_RTP_PORT = 9

/** Ways in which a Jambonz goes wrong; change them at any time. */
export interface Faults {
  /** A cancelled leg answers its CANCEL late: its last status is lost and the action hook carries a stale one. */
  staleAfterCancel?: boolean
  /** Milliseconds that the media server takes before a dial can begin. */
  mediaDelayMs?: number
  /** The media server is down: dials end before they begin, without an action hook. */
  noMediaServer?: boolean
}

/**
 * The `dial` verb, as the feature server and its SBC run it: one leg, its statuses, then the action hook. Resolves
 * with the verbs of the action hook's reply, or undefined to go on with the remaining ones.
 *
 * @throws {Error} when there is no media for the caller, and when the action hook fails
 */
export async function dial (session: Session, verb: DialVerb, signal: AbortSignal): Promise<Verb[] | undefined> {
  if (session.around.faults.noMediaServer === true) throw new Error('media server failure')
  if (!session.answered && !hasTelephoneCodec(session.caller.offer)) {
    session.decline(488, 'Not Acceptable Here')
    return undefined
  }
  await session.endpoint(verb.answerOnBridge !== true)

  const result: DialResult = {}
  const target = verb.target[0]
  // Stopped before its INVITE, a dial has no dial_ fields in the action hook at all.
  if (!signal.aborted && target !== undefined) await connect(session, verb, target, result, signal)
  session.onCallerRefer = undefined
  if (verb.actionHook === undefined) return undefined
  const reply = await session.hooks.post(verb.actionHook, actionPayload(session.leg, result, verb.id))
  // The reply counts only while the caller is still this dial's.
  if (signal.aborted || !Array.isArray(reply)) return undefined
  return nonEmpty(session.around.parse(reply))
}

/** Calls the target and settles when the dial is over; `result` then holds what the action hook is to say. */
async function connect (
  session: Session,
  verb: DialVerb,
  target: DialTarget,
  result: DialResult,
  signal: AbortSignal
): Promise<void> {
  const { around, leg: parent } = session
  const { clock } = around
  const route = routeOf(target, around.gateways)
  const leg: Leg = {
    callSid: randomUUID(),
    direction: 'outbound',
    from: parent.from,
    to: route.to,
    callId: randomUUID(),
    sipStatus: 100,
    sipReason: 'Trying',
    callStatus: 'trying',
    // Jambonz reads it back from its own INVITE, where an asserted identity comes before From.
    callerId: uriUser(session.caller.identity['P-Asserted-Identity'] ?? '') ?? verb.callerId ?? parent.from,
    accountSid: parent.accountSid,
    traceId: randomBytes(16).toString('hex'),
    applicationSid: parent.applicationSid,
    fsSipAddress: parent.fsSipAddress,
    parentCallSid: parent.callSid,
    ...verb.tag !== undefined && { customerData: verb.tag }
  }

  function report (callStatus: CallStatus, sipStatus: number, sipReason: string, more: Partial<Leg> = {}): void {
    Object.assign(leg, { callStatus, sipStatus, sipReason, ...more })
    // Once it is completed or not answered, a dial's result is frozen.
    if (result.callStatus !== 'completed' && result.callStatus !== 'no-answer') {
      Object.assign(result, { callStatus, sipStatus }, leg.sbcCallid !== undefined && { sbcCallid: leg.sbcCallid })
    }
    session.notify(leg)
  }

  if (route.uri === undefined) {
    result.callSid = leg.callSid
    report('trying', 100, 'Trying')
    report('failed', 400, 'Bad Request')
    return
  }
  const { agentSide } = around
  result.callSid = leg.callSid
  const call = agentSide.invite(route.uri, {
    from: verb.callerId ?? parent.from,
    ...verb.callerName !== undefined && { displayName: verb.callerName },
    headers: inviteHeaders(session, verb, target, leg),
    body: buildSdp({ ip: agentSide.host, port: SANDBOX_RTP_PORT }),
    ...target.auth && { auth: target.auth }
  })
  report('trying', 100, 'Trying')

  await new Promise<void>(resolve => {
    let over = false
    let answeredAt: number | undefined
    let cancelTimer = clock.schedule((verb.timeout ?? 60) * 1000, giveUp)

    function finish (): void {
      over = true
      session.talkingSince = undefined
      cancelTimer()
      signal.removeEventListener('abort', onStop)
      resolve()
    }
    function duration (): { duration: number } {
      return { duration: Math.floor((clock.now() - (answeredAt ?? clock.now())) / 1000) }
    }
    function giveUp (): void {
      call.cancel()
      // The SBC answers the CANCEL itself, so Jambonz never waits for LiveKit's 487.
      if (around.faults.staleAfterCancel !== true) report('no-answer', 487, 'Request Terminated')
      finish()
    }
    function hangUp (): void {
      result.callStatus = 'completed'
      const done = call.bye()
      if (signal.reason === 'gone') session.outlive(done.then(() => report('completed', 200, 'OK', duration())))
      else report('completed', 200, 'OK', duration())
      finish()
    }
    function onStop (): void {
      if (answeredAt === undefined) giveUp()
      else hangUp()
    }
    signal.addEventListener('abort', onStop)

    call.onProvisional(message => {
      const { status, reason } = message
      if (over || status <= 100) return
      leg.sbcCallid = call.callId
      if (message.body !== '') report('early-media', status, reason)
      else if (status === 180) report('ringing', status, reason)
    })
    call.onBye(message => {
      if (over) return
      const headers = customHeaders(message.headers)
      report('completed', 200, 'OK', { ...duration(), ...headers && { headers } })
      finish()
    })
    call.onRefer(message =>
      refer(session, verb, leg, parent.callSid, message, verbs => {
        // The 202 goes out before the BYE that the new verbs bring, and no NOTIFY ever follows.
        setImmediate(() => session.replace(verbs))
      })
    )
    session.onCallerRefer = message => refer(session, verb, parent, leg.callSid, message, () => {})
    call.final.then(final => {
      const { status, reason } = final
      // An answer that crossed our CANCEL is hung up by the user agent.
      if (over) return
      if (status < 300) {
        cancelTimer()
        answeredAt = clock.now()
        if (verb.timeLimit !== undefined) cancelTimer = clock.schedule(verb.timeLimit * 1000, hangUp)
        leg.sbcCallid = call.callId
        report('in-progress', 200, 'OK')
        session.answer()
        session.talkingSince = answeredAt
      } else {
        report(failure(status), status, reason)
        finish()
      }
    }).catch(() => {})
  })
}

function failure (status: number): CallStatus {
  if (status === 486 || status === 600) return 'busy'
  return status === 487 ? 'no-answer' : 'failed'
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

/**
 * A REFER on a bridged leg. The hook is asked before the REFER is answered; its verbs run on the other leg.
 * Without a hook, or when the hook fails without a status, the answer is 501.
 */
async function refer (
  session: Session,
  verb: DialVerb,
  leg: Leg,
  otherSid: string,
  message: SipMessage,
  transfer: (verbs: Verb[]) => void
): Promise<{ status: number, reason?: string }> {
  // A caller's REFER without Referred-By makes the feature server throw; the agent's comes through the SBC, which fills
  // it in.
  const incomplete = leg.parentCallSid === undefined && header(message, 'Referred-By') === undefined
  if (verb.referHook === undefined || incomplete) return { status: 501, reason: 'Not Implemented' }
  try {
    const reply = await session.hooks.post(verb.referHook, referPayload(leg, otherSid, message))
    const verbs = Array.isArray(reply) ? session.around.parse(reply) : []
    if (verbs.length > 0) transfer(verbs)
    return { status: 202, reason: 'Accepted' }
  } catch (error) {
    return { status: (error instanceof HookError ? error.status : undefined) ?? 501 }
  }
}
