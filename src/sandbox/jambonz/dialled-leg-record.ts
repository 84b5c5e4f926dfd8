import { randomBytes, randomUUID } from 'node:crypto'
import { uriUser } from './payloads.ts'
import type { CallStatus, DialResult, Leg } from './payloads.ts'
import type { Session } from './session.ts'
import type { DialTarget, DialVerb } from './verbs.ts'

/** The leg of a dial before its first status. */
export function dialledLeg (session: Session, verb: DialVerb, to: string): Leg {
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

/** The headers of the INVITE to the target. */
export function inviteHeaders (session: Session, verb: DialVerb, target: DialTarget, leg: Leg): Record<string, string> {
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
export class LegRecord {
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
    const { leg } = this
    Object.assign(leg, { callStatus, sipStatus, sipReason, ...more })
    if (callStatus === 'completed') this.ended()
    else this.#become(callStatus, sipStatus)
    this.#session.notify(leg)
  }

  /** The caller and the target are connected. For the dial's result the call is completed from now on. */
  connected (): void {
    this.#become('completed', 200)
  }

  /** The leg has ended. Before it was connected, the dial's result has no SIP status then. */
  ended (): void {
    this.#become('completed', undefined)
  }

  /** A dial's result no longer changes once it says completed or not answered. */
  #become (callStatus: CallStatus, sipStatus: number | undefined): void {
    const { leg: { sbcCallid }, result } = this
    if (result.callStatus === 'completed' || result.callStatus === 'no-answer') return
    delete result.sipStatus
    Object.assign(result, {
      callStatus,
      ...sipStatus !== undefined && { sipStatus },
      ...sbcCallid !== undefined && { sbcCallid }
    })
  }
}
