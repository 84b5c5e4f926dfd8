import type { Clock } from '../../clock.ts'
import { buildSdp, commonCodecs, parseSdp } from '../../sip/sdp.ts'
import type { IncomingCall, UserAgent } from '../../sip/user-agent.ts'
import { openMedia, type Media } from '../livekit/sip-media.ts'
import { uriUser } from '../jambonz/payloads.ts'
import type { Faults } from '../retell.ts'
import type { Registrations } from './registrations.ts'

/** Retell's codecs (docs.retellai.com, "Custom Telephony"). */
const CODECS = ['PCMU', 'PCMA', 'G722']
/** Where nobody listens: an answered caller gets no audio. */
const DISCARD_PORT = 9
/** Pause between two 180s, milliseconds. */
const RING_INTERVAL_MS = 1000

export interface SipSideOptions {
  ua: UserAgent
  registrations: Registrations
  faults: Faults
  clock: Clock
  ringMs: number
  media: 'none' | 'tone'
}

/** Takes the calls that were registered, each once, while their ids are valid. */
export class SipSide {
  readonly #options: SipSideOptions
  readonly #answered = new Map<string, IncomingCall>()
  readonly #timers = new Set<() => void>()
  readonly #media = new Set<Media>()

  constructor (options: SipSideOptions) {
    this.#options = options
    options.ua.onInvite(call => this.#invited(call))
  }

  async hangUp (callId: string): Promise<void> {
    const call = this.#answered.get(callId)
    if (!call) throw new Error('Retell has no such call now')
    await call.bye()
    this.#answered.delete(callId)
  }

  stop (): void {
    for (const cancel of this.#timers) cancel()
    for (const media of this.#media) media.stop()
  }

  #invited (call: IncomingCall): void {
    const { registrations, faults, ringMs } = this.#options
    const callId = uriUser(call.request.uri) ?? ''
    call.respond(100)
    // The documentation names the five minutes and not what comes after them. 404 is what SIP has for a user that does
    // not exist (RFC 3261 21.4.5), and what LiveKit Cloud, behind Retell's host, answers where nothing is routed.
    if (!registrations.take(callId)) return call.respond(404)
    if (typeof faults.sip === 'number') return call.respond(faults.sip)

    const stopRinging = this.#ring(call)
    call.onCancel(stopRinging)
    if (faults.sip === 'silent') return

    this.#after(ringMs, () => {
      stopRinging()
      if (call.state === 'ringing') this.#answer(call, callId).catch(() => call.respond(500))
    })
  }

  #ring (call: IncomingCall): () => void {
    let cancel = () => {}
    const again = () => {
      call.respond(180)
      cancel = this.#after(RING_INTERVAL_MS, again)
    }
    again()
    return () => cancel()
  }

  async #answer (call: IncomingCall, callId: string): Promise<void> {
    const { ua, clock } = this.#options
    const offer = parseSdp(call.request.body)
    const codecs = offer ? commonCodecs(offer, CODECS) : []
    if (!offer || codecs.length === 0) return call.respond(488)

    const media = this.#options.media === 'tone'
      ? await openMedia({ host: ua.host, clock, offer, codec: codecs[0], sound: 'tone' })
      : undefined
    const end = () => {
      this.#answered.delete(callId)
      if (media && this.#media.delete(media)) media.stop()
    }
    if (media) this.#media.add(media)
    // The caller may have given up while the port was opened.
    if (call.state !== 'ringing') return end()

    call.onBye(end)
    this.#answered.set(callId, call)
    call.respond(200, 'OK', { body: buildSdp({ ip: ua.host, port: media?.port ?? DISCARD_PORT, codecs }) })
    media?.start()
  }

  #after (ms: number, fn: () => void): () => void {
    const stop = this.#options.clock.schedule(ms, () => {
      this.#timers.delete(stop)
      fn()
    })
    this.#timers.add(stop)
    return () => {
      this.#timers.delete(stop)
      stop()
    }
  }
}
