import type { Call } from '../calls/fold/call.ts'
import { present } from '../calls/view.ts'
import type { Clock } from '../clock.ts'
import { diagnose } from '../diagnosis/diagnose.ts'
import { presentDiagnosis } from '../diagnosis/diagnosis-view.ts'
import { presentLadder } from '../ladder/ladder-view.ts'
import { eventFrame } from './server-sent.ts'
import { Viewer } from './viewer.ts'

export interface CallWatchesOptions {
  clock: Clock
  find(callSid: string): Promise<Call | undefined>
  onFailed(error: unknown): void
}

/** Those who watch one call. */
interface Watch {
  viewers: Set<Viewer>
  sentAt: number
  /** The call is being read: what is read later must not be sent first. */
  isReading: boolean
  /** It changed meanwhile. */
  isDirty: boolean
  cancel?: (() => void) | undefined
}

/** A call is shown anew at most so often, milliseconds. */
const FRAME_MS = 100

/** A call that could not be read is read again after so many milliseconds. */
const AGAIN_MS = 1000

/** Streams of single calls: everything that is known of the call, again at each change. */
export class CallWatches {
  readonly #options: CallWatchesOptions
  readonly #watches = new Map<string, Watch>()

  constructor (options: CallWatchesOptions) {
    this.#options = options
  }

  get viewers (): number {
    return this.all().length
  }

  all (): Viewer[] {
    return [...this.#watches.values()].flatMap(({ viewers }) => [...viewers])
  }

  watch (callSid: string): Viewer {
    const watch = this.#watches.get(callSid) ?? { viewers: new Set(), sentAt: 0, isReading: false, isDirty: false }
    this.#watches.set(callSid, watch)
    const viewer = new Viewer(() => this.touch(callSid))
    watch.viewers.add(viewer)
    viewer.once('close', () => {
      watch.viewers.delete(viewer)
      if (watch.viewers.size > 0) return
      watch.cancel?.()
      if (this.#watches.get(callSid) === watch) this.#watches.delete(callSid)
    })
    return viewer
  }

  /** The call may have changed. */
  touch (callSid: string): void {
    const watch = this.#watches.get(callSid)
    if (!watch || watch.cancel) return
    if (watch.isReading) {
      watch.isDirty = true
      return
    }
    const pause = watch.sentAt + FRAME_MS - this.#options.clock.now()
    if (pause > 0) this.#sendIn(pause, callSid, watch)
    else this.#send(callSid, watch).catch(this.#options.onFailed)
  }

  #sendIn (ms: number, callSid: string, watch: Watch): void {
    const { clock, onFailed } = this.#options
    watch.cancel = clock.schedule(ms, () => {
      this.#send(callSid, watch).catch(onFailed)
    })
  }

  async #send (callSid: string, watch: Watch): Promise<void> {
    watch.cancel?.()
    watch.cancel = undefined
    watch.sentAt = this.#options.clock.now()
    watch.isReading = true
    watch.isDirty = false
    try {
      const frame = frameOf(callSid, await this.#options.find(callSid))
      for (const viewer of watch.viewers) {
        if (viewer.isBehind) viewer.show(frame)
        else viewer.send(frame)
      }
    } catch (error) {
      if (watch.viewers.size > 0) this.#sendIn(AGAIN_MS, callSid, watch)
      throw error
    } finally {
      watch.isReading = false
    }
    if (watch.isDirty) this.touch(callSid)
  }
}

function frameOf (callSid: string, call: Call | undefined): Buffer {
  if (!call) return eventFrame('gone', { callSid })
  const view = present(call)
  return eventFrame('call', {
    call: view,
    ladder: presentLadder(view),
    diagnosis: presentDiagnosis(diagnose(call))
  })
}
