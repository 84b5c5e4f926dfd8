import type { CallerLeg } from './caller-leg.ts'
import { hasTelephoneCodec } from './media.ts'
import type { SessionContext } from './session-context.ts'
import { NonFatalError } from './verbs.ts'

/** The caller's place at the media server. */
export class Endpoint {
  readonly #context: SessionContext
  readonly #caller: CallerLeg
  #isAllocated = false
  #hasEarlyMedia = false
  #hasFailed = false

  constructor (context: SessionContext, caller: CallerLeg) {
    this.#context = context
    this.#caller = caller
  }

  /** The media server was down when it was asked last. */
  get hasFailed (): boolean {
    return this.#hasFailed
  }

  /**
   * Takes the place, once for the whole call.
   *
   * @param refuse called when the media server has no codec for the caller
   * @throws {NonFatalError} when the media server is down or has no codec for the caller
   */
  async allocate (refuse: () => void): Promise<void> {
    const { clock, faults: { mediaDelayMs, noMediaServer } } = this.#context
    if (this.#isAllocated) return
    this.#hasFailed = noMediaServer === true
    if (this.#hasFailed) throw new NonFatalError('media server failure')
    if (!hasTelephoneCodec(this.#caller.offer)) {
      refuse()
      throw new NonFatalError('unable to allocate endpoint')
    }
    if (mediaDelayMs !== undefined) await new Promise<void>(resolve => { clock.schedule(mediaDelayMs, resolve) })
    this.#isAllocated = true
  }

  /** Sends early media, once. */
  early (): void {
    if (!this.#hasEarlyMedia) this.#caller.early()
    this.#hasEarlyMedia = true
  }
}
