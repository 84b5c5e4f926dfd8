import { createHash, randomInt } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { IncomingCall, UserAgent } from '../../sip/user-agent.ts'
import type { Faults } from './faults.ts'
import type { InboundCall, RoutingRule } from '../../livekit/dispatch-matching.ts'
import type { Json } from './json.ts'
import type { Participant, Room } from './state.ts'
import type { Provisioning } from './provisioning.ts'
import type { RtpCodec, RtpSession } from '../../sip/rtp.ts'
import type { Sdp, SdpCodec } from '../../sip/sdp.ts'
import type { Rooms } from './rooms.ts'
import { parseAddress, parseUri, tagOf } from '../../sip/address.ts'
import { formatChallenge, parseAnswer, verifyAnswer } from '../../sip/digest.ts'
import { header, headersObject } from '../../sip/message.ts'
import { openRtp } from '../../sip/rtp.ts'
import { buildSdp, commonCodecs, parseSdp } from '../../sip/sdp.ts'
import { durationMs } from './provisioning.ts'
import { isJson, list, newId, object, text, textMap } from './json.ts'
import { matchRule, matchTrunk, roomOf } from '../../livekit/dispatch-matching.ts'
import { sipCallError, TwirpError } from './twirp-error.ts'

const ALLOW = { Allow: 'INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE' }
/** LiveKit's order of preference (livekit/sip media_codecs.go). */
const CODECS = ['G722', 'PCMU', 'PCMA']
/** livekit/sip participant.go, ms. */
const RINGING_TIMEOUT = 180_000
const TRANSFER_TIMEOUT = 30_000
/** From joining to the caller's own track, ms, as recorded. */
const TRACK_DELAY = 30
/** How long a challenge may be answered (livekit/sip participant.go), ms. */
const CHALLENGE_LIFETIME = 30_000

/** The audio of one call. */
interface Media {
  start(): void
  stop(): void
}
interface Challenge {
  tag: string
  nonce: string
}
interface Leg {
  call: IncomingCall
  trunk: Json
  media?: Media | undefined
  referred?: (status: number, reason: string) => void
}

export interface SipSide {
  /** Sends REFER into a caller's call; resolves when the far end took it. @throws TwirpError */
  transfer(participant: Participant, uri: string, headers: Record<string, string>, timeoutMs?: number): Promise<void>
  /** Ends a caller's call as LiveKit does when no RTP comes any more. */
  endMedia(participant: Participant): void
  /** Stops ringing everywhere. */
  stop(): void
}

/**
 * Takes INVITEs as livekit-sip does: trunk, digest, ringing, rule, codecs, room, and 200 once somebody in the room has
 * audio.
 */
export function createSipSide (options: {
  ua: UserAgent
  provisioning: Provisioning
  rooms: Rooms
  faults: Faults
  clock: Clock
  ringIntervalMs: number
  onConnected(room: Room, caller: Participant): void
}): SipSide {
  const { ua, rooms, clock, provisioning } = options
  const challenges = new Map<string, Challenge>()
  const legs = new WeakMap<Participant, Leg>()
  const ringings = new Set<() => void>()
  const streams = new Set<Media>()

  ua.onInvite(call => {
    try {
      invited(call)
    } catch {
      // An unreadable From, To or Contact.
      call.respond(400, 'Bad request')
    }
  })

  function invited (call: IncomingCall): void {
    const inbound = inboundOf(call)
    const fault = options.faults.sipCallers[inbound.fromUser] ?? options.faults.sip
    if (fault === 'mute') return call.drop()
    const known = challenges.get(call.callId)
    const tag = known?.tag ?? newId('SCL_')
    call.tag(tag)
    call.respond(100, 'Processing', { headers: ALLOW })
    if (fault === 'overloaded') return call.respond(503, 'Try again later')
    if (fault === 'dropped') return call.drop()
    if (fault === 'quota') return call.respond(503, 'Service temporarily unavailable')
    if (fault === 'no-trunk') return call.respond(404, 'No trunk found')
    if (fault === 'failed') return call.respond(500, '')

    if (fault === 'refused') return call.respond(401, 'Unauthorized')

    const found = matchTrunk(provisioning.trunks(), inbound)
    if (found.match === 'conflict') return call.respond(503, 'Try again later')
    const trunk = found.match === 'none' ? {} : found.trunk.json
    if (!admitted(call, trunk, known, tag)) return

    const ringing = ring(call)
    // LiveKit without a trunk lets the call go on to rules that name none.
    const rule = fault === 'silent'
      ? undefined
      : matchRule(provisioning.rules(), text(trunk, 'sip_trunk_id') || undefined, inbound)
    if (!rule) {
      ringing.stop()
      return call.drop()
    }
    const offer = parseSdp(call.request.body)
    const codecs = offer ? commonCodecs(offer, CODECS) : []
    if (fault === 'no-codec' || codecs.length === 0 || offer?.profile !== 'RTP/AVP') {
      ringing.stop()
      return call.respond(400, '')
    }
    const proceed = (port: number, media?: Media) =>
      enter(call, {
        trunk,
        rule,
        inbound,
        tag,
        ringing,
        media,
        answer: buildSdp({ ip: ua.host, port, codecs, name: 'LiveKit', version: 3 })
      })
    if (options.faults.media === 'none') return proceed(30_000 + 2 * randomInt(5000))
    const sound = options.faults.media === 'audio' ? 'tone' : 'silence'
    openRtp({ host: ua.host, clock }).then(rtp => {
      if (call.state === 'ended') return rtp.close()
      const media = mediaOf(rtp, offer, codecs[0], sound)
      streams.add(media)
      proceed(rtp.port, media)
    }).catch(() => {
      ringing.stop()
      call.respond(500, '')
    })
  }

  function mediaOf (rtp: RtpSession, offer: Sdp, codec: SdpCodec | undefined, sound: 'silence' | 'tone'): Media {
    const media: Media = {
      start () {
        if (codec) {
          rtp.start({ host: offer.ip, port: offer.port }, {
            name: codec.name.toUpperCase() as RtpCodec,
            payload: codec.payload
          }, sound)
        }
      },
      stop () {
        streams.delete(media)
        rtp.close().catch(() => {})
      }
    }
    return media
  }

  /** Digest, when the trunk has user name and password; half a pair disables it. */
  function admitted (call: IncomingCall, trunk: Json, known: Challenge | undefined, tag: string): boolean {
    const username = text(trunk, 'auth_username')
    const password = text(trunk, 'auth_password')
    if (username === '' || password === '') return true
    const realm = text(trunk, 'auth_realm') || 'LiveKit'
    const given = header(call.request, 'proxy-authorization')
    if (given === undefined) {
      const nonce = `${clock.now()}000-${call.callId}`
      challenges.set(call.callId, { tag, nonce })
      clock.schedule(CHALLENGE_LIFETIME, () => challenges.delete(call.callId))
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

  function ring (call: IncomingCall): { stop(): void } {
    let cancel = () => {}
    const again = () => {
      call.respond(180, 'Ringing', { headers: ALLOW })
      cancel = clock.schedule(options.ringIntervalMs, again)
    }
    const stop = () => {
      ringings.delete(stop)
      cancel()
    }
    ringings.add(stop)
    again()
    return { stop }
  }

  function enter (
    call: IncomingCall,
    input: {
      trunk: Json
      rule: RoutingRule & { json: Json }
      inbound: InboundCall
      tag: string
      ringing: { stop(): void }
      media?: Media | undefined
      answer: string
    }
  ): void {
    const { trunk, rule, ringing } = input
    const config = object(rule.json, 'room_config')
    // The rule's room settings count only when this call makes the room.
    const room = rooms.open({
      name: roomOf(rule.target, input.inbound),
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
    let settle = () => {}
    const participant = rooms.join(room, callerOf(call, input), () => {
      settle()
      input.media?.stop()
      if (call.state === 'answered') call.bye().catch(() => {})
      else call.respond(486, 'Rejected')
    })
    const leg: Leg = { call, trunk, media: input.media }
    legs.set(participant, leg)
    clock.schedule(
      TRACK_DELAY,
      () =>
        rooms.publish(room, participant, { name: participant.identity, mimeType: 'audio/opus', mid: '0', cid: 'audio' })
    )

    const stopWaiting = rooms.whenAudible(room, participant, () => {
      settle()
      call.respond(200, 'OK', {
        body: input.answer,
        headers: { ...textMap(trunk, 'headers'), ...mappedHeaders(trunk, participant) }
      })
      rooms.setAttributes(participant, { 'sip.callStatus': 'active' })
      input.media?.start()
      options.onConnected(room, participant)
    })
    const stopTimeout = clock.schedule(durationMs(trunk, 'ringing_timeout') || RINGING_TIMEOUT, () => {
      settle()
      if (call.state === 'answered') return
      call.respond(486, 'Rejected')
      input.media?.stop()
      rooms.leave(room, participant, 'CLIENT_INITIATED')
    })
    settle = () => {
      ringing.stop()
      stopWaiting()
      stopTimeout()
    }
    // `whenAudible` may have answered at once, before there was anything to settle.
    if (call.state === 'answered') settle()

    const gone = () => {
      settle()
      input.media?.stop()
      rooms.setAttributes(participant, { 'sip.callStatus': 'hangup' })
      rooms.leave(room, participant, 'CLIENT_INITIATED')
      leg.referred?.(200, 'OK')
    }
    call.onCancel(gone)
    call.onBye(gone)
    call.onNotify(request => {
      const [, status = '200', reason = ''] = /^SIP\/2\.0 (\d{3}) ?([^\r\n]*)/.exec(request.body) ?? []
      if (Number(status) >= 200) leg.referred?.(Number(status), reason)
    })
  }

  return {
    async transfer (participant, uri, headers, timeoutMs = TRANSFER_TIMEOUT) {
      const leg = legs.get(participant)
      if (leg?.call.state !== 'answered') {
        throw new TwirpError('not_found', 'twirp error unknown: participant does not exist')
      }
      let cancel = () => {}
      const outcome = new Promise<{ status: number, reason: string }>(resolve => {
        leg.referred = (status, reason) => resolve({ status, reason })
        cancel = clock.schedule(timeoutMs, () => resolve({ status: 408, reason: 'Request Timeout' }))
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
    },
    endMedia (participant) {
      const leg = legs.get(participant)
      const room = rooms.list().find(r => r.participants.get(participant.identity) === participant)
      if (!room || leg?.call.state !== 'answered') return
      leg.media?.stop()
      rooms.setAttributes(participant, { 'sip.callStatus': 'hangup' })
      rooms.leave(room, participant, 'CLIENT_INITIATED')
      leg.call.bye().catch(() => {})
    },
    stop () {
      for (const stop of [...ringings]) stop()
      for (const media of [...streams]) media.stop()
    }
  }
}

function inboundOf (call: IncomingCall): InboundCall {
  const from = parseUri(parseAddress(header(call.request, 'from') ?? '').uri)
  const to = parseUri(parseAddress(header(call.request, 'to') ?? '').uri)
  return {
    fromUser: from.user,
    fromHost: from.host,
    toUser: to.user,
    sourceIp: call.remote.slice(0, call.remote.lastIndexOf(':'))
  }
}

/** Trunk setting `attributes_to_headers`: attributes that travel in our 200 and REFER. */
function mappedHeaders (trunk: Json, participant: Participant): Record<string, string> {
  return Object.fromEntries(
    Object.entries(textMap(trunk, 'attributes_to_headers')).flatMap(([attribute, name]) => {
      const value = participant.attributes[attribute]
      return value === undefined ? [] : [[name, value]]
    })
  )
}

/** The SIP participant of a call, with the attributes that livekit/protocol attrs.go names. */
function callerOf (
  call: IncomingCall,
  input: { trunk: Json, rule: RoutingRule & { json: Json }, inbound: InboundCall, tag: string }
): Pick<Participant, 'identity' | 'name' | 'kind' | 'metadata' | 'attributes'> {
  const { trunk, rule, inbound } = input
  const hidden = rule.json.hide_phone_number === true
  const from = hidden ? createHash('sha256').update(inbound.fromUser).digest('hex').slice(0, 16) : inbound.fromUser
  const wanted = text(trunk, 'include_headers')
  const headers = Object.entries(headersObject(call.request)).filter(([name]) =>
    wanted === 'SIP_ALL_HEADERS' || (wanted === 'SIP_X_HEADERS' && name.startsWith('x-'))
  )
  const mapped = Object.entries(textMap(trunk, 'headers_to_attributes')).flatMap(([name, attribute]) => {
    const value = header(call.request, name)
    return value === undefined ? [] : [[attribute, value]]
  })
  return {
    identity: `sip_${from}`,
    name: `Phone ${hidden ? inbound.fromUser.slice(-4) : from}`,
    kind: 'SIP',
    metadata: text(rule.json, 'metadata'),
    attributes: {
      ...textMap(rule.json, 'attributes'),
      ...Object.fromEntries(headers.map(([name, value]) => [`sip.h.${name}`, value])),
      ...Object.fromEntries(mapped),
      'sip.callID': input.tag,
      'sip.callIDFull': call.callId,
      'sip.callStatus': 'ringing',
      'sip.callTag': tagOf(header(call.request, 'from')) ?? '',
      'sip.ruleID': rule.sipDispatchRuleId,
      'sip.trunkID': text(trunk, 'sip_trunk_id'),
      ...(!hidden &&
        {
          'sip.hostname': inbound.fromHost,
          'sip.phoneNumber': inbound.fromUser,
          'sip.trunkPhoneNumber': inbound.toUser
        })
    }
  }
}
