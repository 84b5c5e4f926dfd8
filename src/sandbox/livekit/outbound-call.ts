import type { Clock } from '../../clock.ts'
import type { SipResponse } from '../../sip/message.ts'
import type { OutgoingCall, UserAgent } from '../../sip/user-agent.ts'
import type { Dialling } from './dialling.ts'
import type { RoomManager } from './room-manager.ts'
import type { LeaveReason, Participant, Room } from './state.ts'
import type { TwirpError } from './twirp-error.ts'
import { tagOf } from '../../sip/address.ts'
import { header, headersObject } from '../../sip/message.ts'
import { buildSdp } from '../../sip/sdp.ts'
import { attributesOf } from './dialling.ts'
import { text } from './json.ts'
import { mappedHeaders } from './sip-participant.ts'
import { inviteError, requestTimedOut } from './twirp-error.ts'

/** How long after joining LiveKit publishes the callee's track, in milliseconds, as recorded. */
const TRACK_DELAY_MS = 30

/** A call that LiveKit makes for a participant of a room. */
export class OutboundCall {
  readonly participant: Participant
  readonly call: OutgoingCall
  /** Resolves when the callee has answered. Rejects with the {@link TwirpError} of a call that was not answered. */
  readonly answered: Promise<void>
  readonly #dialling: Dialling
  readonly #rooms: RoomManager
  readonly #room: Room
  readonly #clock: Clock
  #stopTimer = (): void => {}
  #reject: (error: TwirpError) => void = () => {}
  #isOver = false

  /** Brings the participant into the room and sends the INVITE. */
  constructor (options: { dialling: Dialling, ua: UserAgent, rooms: RoomManager, room: Room, clock: Clock }) {
    const { dialling, ua, rooms, room, clock } = options
    this.#dialling = dialling
    this.#rooms = rooms
    this.#room = room
    this.#clock = clock
    this.participant = rooms.join(room, {
      identity: dialling.identity,
      name: dialling.name,
      kind: 'SIP',
      metadata: dialling.metadata,
      attributes: attributesOf(dialling)
    }, () => this.#removed())
    const track = { name: dialling.identity, mimeType: 'audio/opus', mid: '0', cid: 'audio' }
    clock.schedule(TRACK_DELAY_MS, () => rooms.publish(room, this.participant, track))

    this.call = invite(ua, dialling)
    this.answered = new Promise((resolve, reject) => {
      this.#reject = reject
      this.call.final.then(response => this.#onFinal(response, resolve)).catch(() => {})
    })
    // Nobody waits for the answer when the request did not ask for that.
    this.answered.catch(() => {})
    this.#stopTimer = clock.schedule(dialling.ringingTimeoutMs, () => this.#ringingTimedOut())
    this.call.onProvisional(({ status }) => {
      if (status > 100 && !this.#isOver) rooms.setAttributes(this.participant, { 'sip.callStatus': 'ringing' })
    })
    this.call.onBye(() => this.#hungUp())
  }

  /** Stops waiting, without a message to the callee. */
  stop (): void {
    this.#isOver = true
    this.#stopTimer()
  }

  #onFinal (response: SipResponse, answered: () => void): void {
    if (this.#isOver) return
    this.#stopTimer()
    const { status, reason } = response
    if (status < 300) {
      this.#rooms.setAttributes(this.participant, this.#answeredAttributes(response))
      const { maxCallMs } = this.#dialling
      if (maxCallMs > 0) this.#stopTimer = this.#clock.schedule(maxCallMs, () => this.#endCall())
      return answered()
    }

    const hasCredentials = text(this.#dialling.trunk, 'auth_username') !== ''
    this.#over(hasCredentials || status !== 401 ? reasonOf(status) : 'CLIENT_INITIATED')
    this.#reject(inviteError(status, reason, hasCredentials))
  }

  #answeredAttributes (response: SipResponse): Record<string, string> {
    const { includeHeaders } = this.#dialling
    const headers = Object.entries(headersObject(response)).filter(([name]) =>
      includeHeaders === 'SIP_ALL_HEADERS' || (includeHeaders === 'SIP_X_HEADERS' && name.startsWith('x-'))
    )
    return {
      ...Object.fromEntries(headers.map(([name, value]) => [`sip.h.${name}`, value])),
      'sip.callIDFull': this.call.callId,
      'sip.callTag': tagOf(header(response, 'to')) ?? '',
      'sip.callStatus': 'active'
    }
  }

  #ringingTimedOut (): void {
    this.#over('USER_UNAVAILABLE')
    this.call.cancel()
    this.#reject(requestTimedOut())
  }

  /** Somebody else removed the participant, or deleted the room. */
  #removed (): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTimer()
    const headers = mappedHeaders(this.#dialling.trunk, this.participant)
    if (this.call.state === 'answered') this.call.bye(headers).catch(() => {})
    else this.call.cancel(headers)
    this.#reject(requestTimedOut())
  }

  #endCall (): void {
    this.#hungUp()
    this.call.bye().catch(() => {})
  }

  #hungUp (): void {
    if (this.#isOver) return
    this.#rooms.setAttributes(this.participant, { 'sip.callStatus': 'hangup' })
    this.#over('CLIENT_INITIATED')
  }

  #over (reason: LeaveReason): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTimer()
    this.#rooms.leave(this.#room, this.participant, reason)
  }
}

function invite (ua: UserAgent, dialling: Dialling): OutgoingCall {
  const { trunk, number, from, callId } = dialling
  const transport = TRANSPORTS[text(trunk, 'transport')] ?? ''
  const username = text(trunk, 'auth_username')
  const display = dialling.displayName.replace(/["\\]/g, '\\$&')
  const fromHost = text(trunk, 'from_host') || ua.host
  return ua.invite(`sip:${number}@${text(trunk, 'address')}${transport}`, {
    from,
    headers: {
      ...dialling.headers,
      // LiveKit's own id of the call is the tag of From.
      From: `"${display}" <sip:${from}@${fromHost}${transport}>;tag=${callId}`
    },
    body: buildSdp({ ip: ua.host, port: DISCARD_PORT, codecs: CODECS, name: 'LiveKit', version: 3 }),
    ...username !== '' && { auth: { username, password: text(trunk, 'auth_password') } }
  })
}

/** No media flows on these calls. */
const DISCARD_PORT = 9
const CODECS = [
  { name: 'G722', payload: 9, rate: 8000 },
  { name: 'PCMU', payload: 0, rate: 8000 },
  { name: 'PCMA', payload: 8, rate: 8000 }
]

const TRANSPORTS: Record<string, string> = {
  SIP_TRANSPORT_UDP: ';transport=udp',
  SIP_TRANSPORT_TCP: ';transport=tcp',
  SIP_TRANSPORT_TLS: ';transport=tls'
}

/** Why the participant leaves when its call was refused (livekit/sip errors.go, participant.go). */
function reasonOf (status: number): LeaveReason {
  if (status === 404 || status === 408 || status === 480) return 'USER_UNAVAILABLE'
  return status >= 500 && status < 600 ? 'CLIENT_INITIATED' : 'USER_REJECTED'
}
