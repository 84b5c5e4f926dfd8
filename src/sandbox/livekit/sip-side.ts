import { randomInt } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { InboundCall, RoutingRule } from '../../livekit/dispatch-matching.ts'
import type { Sdp } from '../../sip/sdp.ts'
import type { IncomingCall, UserAgent } from '../../sip/user-agent.ts'
import type { Faults, SipFault } from './faults.ts'
import type { Json } from './json.ts'
import type { Provisioning } from './provisioning.ts'
import type { RoomManager } from './room-manager.ts'
import type { Media } from './sip-media.ts'
import type { Participant, Room } from './state.ts'
import { matchRule, matchTrunk, roomOf } from '../../livekit/dispatch-matching.ts'
import { formatChallenge, parseAnswer, verifyAnswer } from '../../sip/digest.ts'
import { header } from '../../sip/message.ts'
import { buildSdp, commonCodecs, parseSdp } from '../../sip/sdp.ts'
import { durationMs, isJson, list, newId, object, text, textMap } from './json.ts'
import { openMedia } from './sip-media.ts'
import { callerOf, inboundOf, mappedHeaders } from './sip-participant.ts'
import { sipCallError, TwirpError } from './twirp-error.ts'

const ALLOW = { Allow: 'INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE' }
/** The codecs in LiveKit's order of preference (livekit/sip media_codecs.go). */
const CODECS = ['G722', 'PCMU', 'PCMA']
/** The default of a trunk's `ringing_timeout`, in milliseconds (livekit/sip participant.go). */
const RINGING_TIMEOUT_MS = 180_000
const TRANSFER_TIMEOUT_MS = 30_000
/** How long after joining LiveKit publishes the caller's track, in milliseconds, as recorded. */
const TRACK_DELAY_MS = 30
/** How long LiveKit accepts the answer to a challenge, in milliseconds (livekit/sip participant.go). */
const CHALLENGE_LIFETIME_MS = 30_000

/** The faults that refuse a call before LiveKit looks for its trunk. */
const REFUSALS: Partial<Record<SipFault, [status: number, reason: string]>> = {
  overloaded: [503, 'Try again later'],
  quota: [503, 'Service temporarily unavailable'],
  'no-trunk': [404, 'No trunk found'],
  failed: [500, ''],
  refused: [401, 'Unauthorized']
}

interface Challenge {
  tag: string
  nonce: string
}

/** A call with its trunk and its rule. */
interface RoutedCall {
  call: IncomingCall
  inbound: InboundCall
  tag: string
  trunk: Json
  rule: RoutingRule & { json: Json }
  ringing: Ringing
}

interface Ringing {
  stop(): void
}

/** A call that the far end or LiveKit has made. */
type TwoWayCall = Pick<IncomingCall, 'state' | 'bye' | 'send' | 'onNotify'>

/** A caller or a callee in a room. */
interface Leg {
  call: TwoWayCall
  trunk: Json
  media: Media | undefined
  referred?: (status: number, reason: string) => void
}

type CallerLeg = Leg & { call: IncomingCall }

export interface SipSideOptions {
  ua: UserAgent
  provisioning: Provisioning
  rooms: RoomManager
  faults: Faults
  clock: Clock
  ringIntervalMs: number
  /** LiveKit's setting `room.auto_create`: whether a join creates a room that does not exist. */
  autoCreate: boolean
  onConnected(room: Room, caller: Participant): void
}

/**
 * Serves INVITEs in the order of livekit-sip: trunk, digest, ringing, rule, codecs, room, and a 200 as soon as another
 * participant has audio in the room.
 */
export class SipSide {
  readonly #options: SipSideOptions
  readonly #challenges = new Map<string, Challenge>()
  readonly #legs = new WeakMap<Participant, Leg>()
  readonly #ringings = new Set<Ringing>()
  readonly #streams = new Set<Media>()

  constructor (options: SipSideOptions) {
    this.#options = options
    options.ua.onInvite(call => {
      try {
        this.#invited(call)
      } catch {
        // From, To or Contact cannot be read.
        call.respond(400, 'Bad request')
      }
    })
  }

  /** Takes over a call that LiveKit has made, so that its participant can be transferred. */
  adopt (participant: Participant, call: TwoWayCall, trunk: Json): void {
    const leg: Leg = { call, trunk, media: undefined }
    this.#legs.set(participant, leg)
    listenForNotify(leg)
  }

  /** Sends a REFER to a caller. Resolves when the transfer has succeeded. @throws TwirpError when it fails */
  async transfer (
    participant: Participant,
    uri: string,
    headers: Record<string, string>,
    timeoutMs = TRANSFER_TIMEOUT_MS
  ): Promise<void> {
    const leg = this.#legs.get(participant)
    if (leg?.call.state !== 'answered') {
      throw new TwirpError('not_found', 'twirp error unknown: participant does not exist')
    }

    let cancel = () => {}
    const outcome = new Promise<{ status: number, reason: string }>(resolve => {
      leg.referred = (status, reason) => resolve({ status, reason })
      cancel = this.#options.clock.schedule(timeoutMs, () => resolve({ status: 408, reason: 'Request Timeout' }))
    })
    try {
      const response = await leg.call.send('REFER', {
        headers: { 'Refer-To': uri, ...ALLOW, ...mappedHeaders(leg.trunk, participant), ...headers }
      })
      if (response.status >= 300) throw sipCallError(response.status, response.reason)
      const { status, reason } = await outcome
      if (status >= 300) throw sipCallError(status, reason)
    } finally {
      cancel()
      delete leg.referred
    }
  }

  /** Ends a caller's call as LiveKit does when RTP stops. */
  endMedia (participant: Participant): void {
    const { rooms } = this.#options
    const leg = this.#legs.get(participant)
    const room = rooms.list().find(r => r.participants.get(participant.identity) === participant)
    if (!room || leg?.call.state !== 'answered') return
    this.#stopMedia(leg.media)
    rooms.setAttributes(participant, { 'sip.callStatus': 'hangup' })
    rooms.leave(room, participant, 'CLIENT_INITIATED')
    leg.call.bye().catch(() => {})
  }

  /** Stops all ringing and media. */
  stop (): void {
    for (const ringing of [...this.#ringings]) ringing.stop()
    for (const media of [...this.#streams]) this.#stopMedia(media)
  }

  #invited (call: IncomingCall): void {
    const { faults, provisioning } = this.#options
    const inbound = inboundOf(call)
    const fault = faults.sipCallers[inbound.fromUser] ?? faults.sip
    if (fault === 'mute') return call.drop()

    const known = this.#challenges.get(call.callId)
    const tag = known?.tag ?? newId('SCL_')
    call.tag(tag)
    call.respond(100, 'Processing', { headers: ALLOW })
    if (fault === 'dropped') return call.drop()
    const refusal = REFUSALS[fault]
    if (refusal) return call.respond(...refusal)

    const found = matchTrunk(provisioning.trunks(), inbound)
    if (found.match === 'conflict') return call.respond(503, 'Try again later')
    const trunk = found.match === 'none' ? {} : found.trunk.json
    if (!this.#isAdmitted(call, trunk, known, tag)) return

    const ringing = this.#ring(call)
    // Without a trunk, LiveKit still tries the rules that name no trunk.
    const rule = fault === 'silent'
      ? undefined
      : matchRule(provisioning.rules(), text(trunk, 'sip_trunk_id') || undefined, inbound)
    if (!rule) {
      ringing.stop()
      return call.drop()
    }
    this.#negotiate({ call, inbound, tag, trunk, rule, ringing }, fault)
  }

  /**
   * Checks the digest if the trunk has a user name and a password. With only one of them LiveKit does not challenge.
   */
  #isAdmitted (call: IncomingCall, trunk: Json, known: Challenge | undefined, tag: string): boolean {
    const { clock } = this.#options
    const username = text(trunk, 'auth_username')
    const password = text(trunk, 'auth_password')
    if (username === '' || password === '') return true

    const realm = text(trunk, 'auth_realm') || 'LiveKit'
    const given = header(call.request, 'proxy-authorization')
    if (given === undefined) {
      const nonce = `${clock.now()}000-${call.callId}`
      this.#challenges.set(call.callId, { tag, nonce })
      clock.schedule(CHALLENGE_LIFETIME_MS, () => this.#challenges.delete(call.callId))
      call.respond(407, 'Unauthorized', { headers: { 'Proxy-Authenticate': formatChallenge({ realm, nonce }) } })
      return false
    }

    const answer = parseAnswer(given)
    if (known && answer && verifyAnswer(answer, { username, password, realm, nonce: known.nonce, method: 'INVITE' })) {
      return true
    }
    call.respond(401, answer && known ? 'Unauthorized' : 'Bad credentials')
    return false
  }

  #ring (call: IncomingCall): Ringing {
    let cancel = () => {}
    const again = () => {
      call.respond(180, 'Ringing', { headers: ALLOW })
      cancel = this.#options.clock.schedule(this.#options.ringIntervalMs, again)
    }
    const ringing: Ringing = {
      stop: () => {
        this.#ringings.delete(ringing)
        cancel()
      }
    }
    this.#ringings.add(ringing)
    again()
    return ringing
  }

  /** Finds a common codec, opens a media port if one is needed, and brings the caller into the room. */
  #negotiate (routed: RoutedCall, fault: SipFault): void {
    const { call, ringing } = routed
    const { ua, faults } = this.#options
    const offer = parseSdp(call.request.body)
    const codecs = offer ? commonCodecs(offer, CODECS) : []
    if (fault === 'no-codec' || codecs.length === 0 || offer?.profile !== 'RTP/AVP') {
      ringing.stop()
      return call.respond(400, '')
    }

    const answer = (port: number) => buildSdp({ ip: ua.host, port, codecs, name: 'LiveKit', version: 3 })
    if (faults.media === 'none') return this.#enter(routed, answer(30_000 + 2 * randomInt(5000)))
    this.#openMedia(call, offer, codecs[0]).then(media => {
      if (media) this.#enter(routed, answer(media.port), media)
    }).catch(() => {
      ringing.stop()
      call.respond(500, '')
    })
  }

  /** Resolves with undefined when the call ends meanwhile. */
  async #openMedia (call: IncomingCall, offer: Sdp, codec: Sdp['codecs'][number] | undefined) {
    const { ua, clock, faults } = this.#options
    const sound = faults.media === 'audio' ? 'tone' : 'silence'
    const media = await openMedia({ host: ua.host, clock, offer, codec, sound })
    this.#streams.add(media)
    if (call.state !== 'ended') return media
    this.#stopMedia(media)
    return undefined
  }

  #stopMedia (media: Media | undefined): void {
    if (!media) return
    this.#streams.delete(media)
    media.stop()
  }

  /** Brings the caller into the room. Answers the call as soon as another participant has audio there. */
  #enter (routed: RoutedCall, answer: string, media?: Media): void {
    const { call, trunk, ringing } = routed
    const { rooms, clock } = this.#options
    const room = this.#openRoom(routed)
    if (!room) {
      ringing.stop()
      this.#stopMedia(media)
      return call.respond(486, 'Rejected')
    }

    let settle = () => {}
    const participant = rooms.join(room, callerOf(call, routed), () => {
      settle()
      this.#stopMedia(media)
      if (call.state === 'answered') call.bye().catch(() => {})
      else call.respond(486, 'Rejected')
    })
    const leg: CallerLeg = { call, trunk, media }
    this.#legs.set(participant, leg)
    const track = { name: participant.identity, mimeType: 'audio/opus', mid: '0', cid: 'audio' }
    clock.schedule(TRACK_DELAY_MS, () => rooms.publish(room, participant, track))

    const stopWaiting = rooms.whenAudible(room, participant, () => {
      settle()
      this.#answer(leg, answer, room, participant)
    })
    const stopTimeout = clock.schedule(durationMs(trunk, 'ringing_timeout') || RINGING_TIMEOUT_MS, () => {
      settle()
      if (call.state === 'answered') return
      call.respond(486, 'Rejected')
      this.#stopMedia(media)
      rooms.leave(room, participant, 'CLIENT_INITIATED')
    })
    settle = () => {
      ringing.stop()
      stopWaiting()
      stopTimeout()
    }
    // `whenAudible` may have answered the call at once, when `settle` did nothing yet.
    if (call.state === 'answered') settle()
    this.#listen(leg, room, participant, () => settle())
  }

  #answer ({ call, trunk, media }: CallerLeg, body: string, room: Room, participant: Participant): void {
    call.respond(200, 'OK', {
      body,
      headers: { ...textMap(trunk, 'headers'), ...mappedHeaders(trunk, participant) }
    })
    this.#options.rooms.setAttributes(participant, { 'sip.callStatus': 'active' })
    media?.start()
    this.#options.onConnected(room, participant)
  }

  /** Handles what the far end sends: CANCEL, BYE, and NOTIFY about a transfer. */
  #listen (leg: CallerLeg, room: Room, participant: Participant, settle: () => void): void {
    const { rooms } = this.#options
    const gone = () => {
      settle()
      this.#stopMedia(leg.media)
      rooms.setAttributes(participant, { 'sip.callStatus': 'hangup' })
      rooms.leave(room, participant, 'CLIENT_INITIATED')
      leg.referred?.(200, 'OK')
    }
    leg.call.onCancel(gone)
    leg.call.onBye(gone)
    listenForNotify(leg)
  }

  /** The room of the call. A new room gets the settings of the rule. Undefined when the call may not create a room. */
  #openRoom ({ rule, inbound }: RoutedCall): Room | undefined {
    const { rooms, autoCreate } = this.#options
    const name = roomOf(rule.target, inbound)
    if (!autoCreate && !rooms.get(name)) return undefined

    const config = object(rule.json, 'room_config')
    return rooms.open({
      name,
      emptyTimeout: Number(config.empty_timeout ?? 0),
      departureTimeout: Number(config.departure_timeout ?? 0),
      maxParticipants: Number(config.max_participants ?? 0),
      metadata: text(config, 'metadata'),
      agents: list(config, 'agents').filter(isJson).map(agent => ({
        agentName: text(agent, 'agent_name'),
        metadata: text(agent, 'metadata'),
        deployment: text(agent, 'deployment'),
        attributes: textMap(agent, 'attributes')
      }))
    })
  }
}

/** Waits for the NOTIFYs about a transfer. */
function listenForNotify (leg: Leg): void {
  leg.call.onNotify(request => {
    const [, status = '200', reason = ''] = /^SIP\/2\.0 (\d{3}) ?([^\r\n]*)/.exec(request.body) ?? []
    if (Number(status) >= 200) leg.referred?.(Number(status), reason)
  })
}
