import type { Clock } from '../clock.ts'
import type { Step } from '../ladder/trace.ts'
import { tagOf } from '../sip/address.ts'
import { cseq, header } from '../sip/message.ts'
import { OFFERED_CODECS } from '../livekit/media-config.ts'
import type { RtpSession, RtpStats } from '../sip/rtp.ts'
import { openRtp } from '../sip/rtp.ts'
import { buildSdp, parseSdp } from '../sip/sdp.ts'
import type { SipMessage, SipResponse, TlsOptions, TransportName, UserAgent } from '../sip/user-agent.ts'
import { createUserAgent } from '../sip/user-agent.ts'

/** How long a probe call waits, milliseconds. */
export interface ProbeLimits {
  /** For any response. Over UDP the INVITE has been sent five times by then. */
  response: number
  /** From the first response to ringing: LiveKit asks its server for trunk and rule, 3 s each. */
  ringing: number
  /** From one ringing of LiveKit, which rings each second, to the next. */
  nextRinging: number
  /** From the INVITE to the answer. */
  answer: number
  /** From the answer to our BYE. */
  listen: number
  /** For the answer to a CANCEL or BYE. */
  goodbye: number
}

export const DEFAULT_LIMITS: ProbeLimits = {
  response: 10_000,
  ringing: 8000,
  nextRinging: 5000,
  answer: 40_000,
  listen: 5000,
  goodbye: 2000
}

/** Why the probe did not wait any longer. */
export type GaveUp = 'no-response' | 'no-ringing' | 'no-further-ringing' | 'not-answered' | 'interrupted'

export interface Heard {
  at: number
  status: number
  reason: string
}

/** What a probe call saw. Times are milliseconds since the epoch. */
export interface ProbeCall {
  /** The first INVITE left. */
  invitedAt?: number
  /** Responses to the INVITE that came over the wire. */
  responses: Heard[]
  /** LiveKit's mark: its To-tags are its call ids. */
  isLiveKit: boolean
  /** It asked for credentials, and got them. */
  challenged: boolean
  answeredChallenge: boolean
  final?: Heard & { local?: SipResponse['local'] }
  gaveUp?: GaveUp
  /** `undefined` in an answered call: none that could be used. */
  codec?: string
  audio?: RtpStats
  /** How an answered call ended; without a status our BYE got no answer. */
  ended?: { by: 'probe' | 'livekit', at: number, status?: number }
}

export interface ProbeCallOptions {
  uri: string
  transport: TransportName
  /** Own address, for SIP and RTP. */
  own: string
  /** User part of From. */
  from: string
  auth?: { username: string, password: string } | undefined
  limits: ProbeLimits
  clock: Clock
  tls?: TlsOptions | undefined
  signal?: AbortSignal | undefined
  onStep(step: Step): void
}

const OFFER = [...OFFERED_CODECS, { name: 'telephone-event', payload: 101 }].map(codec => ({ ...codec, rate: 8000 }))

const TICK_MS = 50
/** Longest wait for a name's address and a connection, milliseconds: more than the transport's own. */
const CONNECTION_MS = 20_000
/** For an ACK and BYE on their way when the answer crossed our CANCEL, milliseconds. */
const CROSSING_MS = 200

/**
 * Calls a SIP URI, sends silence, listens, hangs up, and returns what happened. Bounded by the limits; whatever the far
 * end does is part of the result and not thrown.
 * @throws the system's error when the own address cannot be listened on, SipParseError for a URI that is none
 */
export async function probeCall (options: ProbeCallOptions): Promise<ProbeCall> {
  const { clock, own, transport, tls } = options
  const seen: ProbeCall = { responses: [], isLiveKit: false, challenged: false, answeredChallenge: false }
  const rtp = await openRtp({ host: own, clock })
  const ua = await createUserAgent({
    host: own,
    transport,
    name: 'jambonz-livekit-bridge probe',
    clock,
    ...(tls && { tls }),
    onMessage ({ at, dir, message }) {
      options.onStep(stepOf(at, dir, labelOf(message), 'sip'))
      try {
        note(seen, at, dir, message)
      } catch {
        // A response with an unreadable To counts for nothing here either.
      }
    }
  }).catch(async (error: unknown) => {
    await rtp.close()
    throw error
  })
  try {
    await dial(options, seen, ua, rtp)
    return seen
  } finally {
    await Promise.all([rtp.close(), ua.close()])
  }
}

const stepOf = (at: number, dir: '>' | '<', what: string, via: Step['via']): Step =>
  ({ at, from: dir === '>' ? 'bridge' : 'livekit', to: dir === '>' ? 'livekit' : 'bridge', what, via })

/** Sends the INVITE and waits for its outcome; an answered call is talked through and hung up. */
async function dial (options: ProbeCallOptions, seen: ProbeCall, ua: UserAgent, rtp: RtpSession): Promise<void> {
  const { clock, limits, signal } = options
  const call = ua.invite(options.uri, {
    from: options.from,
    displayName: 'bridge probe',
    body: buildSdp({ ip: options.own, port: rtp.port, codecs: OFFER }),
    ...(options.auth && { auth: options.auth })
  })
  const began = clock.now()
  let answer: SipResponse | undefined
  const final = call.final.then(response => {
    answer = response
    seen.final ??= {
      at: clock.now(),
      status: response.status,
      reason: response.reason,
      ...(response.local && { local: response.local })
    }
  })
  call.onBye(() => {
    seen.ended ??= { by: 'livekit', at: clock.now() }
  })

  await until(clock, () => {
    if (seen.final) return true
    seen.gaveUp = signal?.aborted ? 'interrupted' : overdue(seen, began, clock.now(), limits)
    return seen.gaveUp !== undefined
  })
  if (seen.gaveUp) {
    call.cancel()
    // Without ever an answer there is nobody to say goodbye to.
    if (seen.responses.length === 0) return
    await patiently(clock, limits.goodbye, final)
    await patiently(clock, CROSSING_MS, new Promise(() => {}))
    return
  }
  if (!answer || answer.status >= 300) return
  await talk(options, seen, rtp, answer)
  if (seen.ended) return
  seen.ended = { by: 'probe', at: clock.now() }
  const bye = await patiently(clock, limits.goodbye, call.bye())
  if (bye && !bye.local) seen.ended.status = bye.status
}

/** Sends silence and listens, until the time is over, the far end hangs up or somebody interrupts. */
async function talk (
  { clock, limits, signal, onStep }: ProbeCallOptions,
  seen: ProbeCall,
  rtp: RtpSession,
  answer: SipResponse
): Promise<void> {
  const sdp = parseSdp(answer.body)
  const codec = OFFERED_CODECS.find(({ name }) => sdp?.codecs.some(offered => offered.name.toUpperCase() === name))
  if (codec) seen.codec = codec.name
  seen.audio = rtp.stats
  if (codec && sdp && sdp.port > 0) {
    rtp.start({ host: sdp.ip, port: sdp.port }, codec)
    onStep(stepOf(clock.now(), '>', `RTP ${codec.name} silence`, 'room'))
  }
  const look = watchAudio(rtp, ({ at, text }) => onStep(stepOf(at, '<', text, 'room')))
  const enough = clock.now() + limits.listen
  await until(clock, () => {
    look()
    return seen.ended !== undefined || signal?.aborted === true || clock.now() >= enough
  })
  if (signal?.aborted) seen.gaveUp = 'interrupted'
}

/** Whether the probe has waited long enough for a call that has no final response. */
export function overdue (
  seen: Pick<ProbeCall, 'invitedAt' | 'responses' | 'isLiveKit'>,
  began: number,
  now: number,
  limits: ProbeLimits
): GaveUp | undefined {
  // The challenge begins the call anew.
  const challenge = seen.responses.findLast(({ status }) => status >= 300)
  const heard = challenge ? seen.responses.slice(seen.responses.indexOf(challenge) + 1) : seen.responses
  const first = heard[0]
  const ringing = heard.filter(({ status }) => status >= 180)
  const last = ringing.at(-1)
  const sent = challenge?.at ?? seen.invitedAt
  // A connection that does not come about ends by itself, with the system's reason.
  if (sent === undefined) return now - began >= CONNECTION_MS ? 'no-response' : undefined
  if (!first && now - sent >= limits.response) return 'no-response'
  if (first && !last && now - first.at >= limits.ringing) return 'no-ringing'
  if (last && seen.isLiveKit && now - last.at >= limits.nextRinging) return 'no-further-ringing'
  return now - began >= limits.answer ? 'not-answered' : undefined
}

function note (seen: ProbeCall, at: number, dir: '>' | '<', message: SipMessage): void {
  if (message.kind === 'request') {
    if (dir === '<' || message.method !== 'INVITE') return
    seen.invitedAt ??= at
    if (hasCredentials(message)) seen.answeredChallenge = true
    return
  }
  if (dir === '>' || cseq(message).method !== 'INVITE') return
  const tag = tagOf(header(message, 'to'))
  seen.responses.push({ at, status: message.status, reason: message.reason })
  if (tag?.startsWith('SCL_')) seen.isLiveKit = true
  if (message.status === 407 || header(message, 'www-authenticate') !== undefined) seen.challenged = true
}

const hasCredentials = (message: SipMessage): boolean =>
  header(message, 'proxy-authorization') !== undefined || header(message, 'authorization') !== undefined

/** What a message is called in a ladder: without numbers and addresses. */
function labelOf (message: SipMessage): string {
  if (message.kind === 'response') return `${message.status} ${message.reason}`.trim()
  return message.method === 'INVITE' && hasCredentials(message) ? 'INVITE with credentials' : message.method
}

/** Reports the first packet and the first that can be heard, each once, whenever the returned function looks. */
function watchAudio ({ stats }: RtpSession, report: (what: { at: number, text: string }) => void): () => void {
  let first = false
  let audible = false
  return () => {
    if (stats.firstAt !== undefined && !first) {
      first = true
      if (stats.firstAudibleAt !== stats.firstAt) report({ at: stats.firstAt, text: 'RTP silence' })
    }
    if (stats.firstAudibleAt !== undefined && !audible) {
      audible = true
      report({ at: stats.firstAudibleAt, text: 'RTP audio' })
    }
  }
}

/** Looks every 50 ms whether it is done. */
async function until (clock: Clock, done: () => boolean): Promise<void> {
  while (!done()) await new Promise<void>(resolve => clock.schedule(TICK_MS, resolve))
}

/** What the work resolves to, or undefined when it takes too long. */
async function patiently<T> (clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  let cancel = () => {}
  const late = new Promise<undefined>(resolve => {
    cancel = clock.schedule(ms, () => resolve(undefined))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    cancel()
  }
}
