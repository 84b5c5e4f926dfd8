import { livekitJwt, type Bridge } from './bridge.ts'
import type { ReplayClock } from './clock.ts'
import { isJson, text, type Json } from './json.ts'
import { roomNameOf } from './recording.ts'
import type { Variant } from './variant.ts'

/** A webhook that was sent, whether the bridge took it or not. */
export interface Sent {
  /** When it happened, and when the bridge took it; milliseconds since the epoch. */
  happened: number
  taken: number | undefined
  body: Json
}

export interface WebhookSenderOptions {
  clock: ReplayClock
  variant: Variant
  /** The process that would receive it; undefined: there is none at the moment. */
  bridge(): Bridge | undefined
  /** While LiveKit backs off nothing is sent; milliseconds since the epoch. */
  backsOffUntil(): number
  onProblem(problem: string): void
}

/**
 * Sends LiveKit's webhooks as LiveKit does: those of a room one after another, and again what was not taken, before
 * anything later of that room.
 */
export class WebhookSender {
  readonly sent: Sent[] = []
  readonly #options: WebhookSenderOptions
  readonly #queues = new Map<string, Sent[]>()

  constructor (options: WebhookSenderOptions) {
    this.#options = options
  }

  send (body: Json): void {
    const { clock, variant } = this.#options
    const n = this.sent.length
    const sent: Sent = { happened: clock.now(), taken: undefined, body }
    this.sent.push(sent)
    const again = variant.webhookAgain?.(n)
    if (again !== undefined) clock.schedule(again, () => this.#sendAlone({ ...sent }))
    if (variant.webhookDelay) {
      clock.schedule(variant.webhookDelay(n), () => this.#sendAlone(sent))
      return
    }
    const room = roomNameOf(body) ?? ''
    const queue = this.#queues.get(room) ?? []
    this.#queues.set(room, queue)
    if (queue.push(sent) === 1) this.#work(queue).catch((error: Error) => this.#options.onProblem(error.message))
  }

  async #work (queue: Sent[]): Promise<void> {
    const { clock } = this.#options
    while (queue[0]) {
      const wait = this.#options.backsOffUntil() - clock.now()
      if (wait > 0 || !await this.#post(queue[0])) {
        await new Promise<void>(resolve => clock.schedule(Math.max(wait, RETRY_MS), resolve))
        continue
      }
      queue.shift()
    }
  }

  #sendAlone (sent: Sent): void {
    this.#post(sent).catch((error: Error) => this.#options.onProblem(error.message))
  }

  /** @returns whether the bridge was there and answered */
  async #post (sent: Sent): Promise<boolean> {
    const bridge = this.#options.bridge()
    if (!bridge) return false
    const raw = JSON.stringify(sent.body)
    const authorization = await this.#options.clock.track(livekitJwt(raw))
    const headers = { 'content-type': 'application/webhook+json', authorization }
    const { status } = await bridge.post('/livekit-events', headers, raw)
    if (status === 0) return false
    if (status !== 200) this.#options.onProblem(`/livekit-events answered ${status} to ${describeEvent(sent.body)}`)
    sent.taken = this.#options.clock.now()
    return true
  }
}

const RETRY_MS = 100

/** `participant_left SIP CLIENT_INITIATED` */
export function describeEvent (body: Json): string {
  const participant = isJson(body['participant']) ? body['participant'] : {}
  const track = isJson(body['track']) ? body['track'] : {}
  return [body['event'], participant['kind'], track['type'], participant['disconnectReason']]
    .map(text).filter(Boolean).join(' ')
}
