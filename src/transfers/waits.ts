import type { CallChanges } from '../calls/call-changes.ts'
import type { Calls } from '../calls/calls.ts'
import type { Call } from '../calls/fold/call.ts'
import type { Clock } from '../clock.ts'

export interface WaitsOptions {
  calls: Pick<Calls, 'find'>
  changes: Pick<CallChanges, 'listen'>
  clock: Clock
}

/** Another replica may have changed the call, and nobody says so here. */
const POLL_MS = 500

/** Each request that is held asks the store twice a second. Further ones are answered at once. */
const MOST_WAITS = 500

/** Holds requests until something has become of a call. */
export class Waits {
  readonly #options: WaitsOptions
  readonly #ends = new Set<() => void>()
  #isOver = false

  constructor (options: WaitsOptions) {
    this.#options = options
  }

  /**
   * Waits until a call is as wanted, the time is over, the client is gone or the process is about to end.
   * @param signal says that nobody waits for the answer any more
   * @returns the call as it was last known. Never rejects: what was asked for before has been done
   */
  async until (call: Call, ms: number, isWanted: (call: Call) => boolean, signal: AbortSignal): Promise<Call> {
    const { calls, changes, clock } = this.#options
    if (ms <= 0 || this.#ends.size >= MOST_WAITS) return call

    const end = clock.now() + ms
    const pause = new Pause(clock)
    const stopListening = changes.listen(call.callSid, () => pause.end())
    const stop = () => pause.end()
    this.#ends.add(stop)
    signal.addEventListener('abort', stop)
    const goesOn = () => !this.#isOver && !signal.aborted && clock.now() < end
    try {
      let latest = call
      while (!isWanted(latest) && goesOn()) {
        await pause.begin(Math.min(POLL_MS, end - clock.now()))
        latest = await calls.find(call.callSid).catch(() => undefined) ?? latest
      }
      return latest
    } finally {
      stopListening()
      this.#ends.delete(stop)
      signal.removeEventListener('abort', stop)
    }
  }

  /** Every request that is held is answered now, and none is held any more. */
  end (): void {
    this.#isOver = true
    for (const end of this.#ends) end()
  }
}

/** A pause that can be ended, also before it begins. */
class Pause {
  readonly #clock: Clock
  #isEnded = false
  #resume: (() => void) | undefined

  constructor (clock: Clock) {
    this.#clock = clock
  }

  async begin (ms: number): Promise<void> {
    if (!this.#isEnded) {
      let cancel = () => {}
      await new Promise<void>(resolve => {
        this.#resume = resolve
        cancel = this.#clock.schedule(ms, resolve)
      })
      cancel()
    }
    this.#isEnded = false
    this.#resume = undefined
  }

  end (): void {
    this.#isEnded = true
    this.#resume?.()
  }
}
