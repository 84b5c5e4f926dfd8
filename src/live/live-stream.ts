import { setImmediate as nextTurn } from 'node:timers/promises'
import { Cached } from '../cached.ts'
import type { Call } from '../calls/fold/call.ts'
import type { Registry, RegistryStats } from '../calls/store/registry.ts'
import type { Clock } from '../clock.ts'
import type { CallRow } from './call-row.ts'
import { CallWatches } from './call-watches.ts'
import { LiveCalls, type Changes } from './live-calls.ts'
import { ALIVE, ALIVE_MS, eventFrame } from './server-sent.ts'
import { Viewer } from './viewer.ts'

export interface LiveStreamOptions {
  registry: Pick<Registry, 'feed' | 'get' | 'list' | 'stats' | 'trouble'>
  clock: Clock
  find(callSid: string): Promise<Call | undefined>
  onFailed(error: unknown): void
}

/** Frames come at most so often, milliseconds. */
const FRAME_MS = 100
/** With many viewers frames come less often, so that sending them takes two percent of the time: milliseconds each. */
const MS_PER_VIEWER = 3
/** But at least so often, milliseconds. */
const LONGEST_PAUSE_MS = 2000
/** Bytes that one frame may cost over all viewers, and a picture, which is seldom sent to many. */
const MOST_BYTES = 8_000_000
const MOST_PICTURE_BYTES = 100_000_000
/** So many viewers are written to in one turn of the event loop. */
const WRITTEN_AT_ONCE = 25
/** A row is about so long, bytes. */
const ROW_BYTES = 450
/** So many changed rows fit into any frame. */
const FEWEST_ROWS = 20
/** Rows of a picture. */
const MOST_IN_PICTURE = 5000
/** How long the counts of calls by phase are good, milliseconds. */
const COUNTS_MS = 1000
/** More viewers than that are refused by one process. */
export const MOST_VIEWERS = 2000
/** More streams than that are refused to one key of CALLERS. */
export const MOST_OF_CALLER = 100
/** Viewers of a bridge that ends come back spread over so many milliseconds. */
const RETRY_MS = { least: 500, spread: 2500 }

/**
 * The live list of calls as a stream for each viewer: a picture, then what changes. All viewers get the same frames,
 * whose number and size are bounded, whatever the calls and the viewers do.
 */
export class LiveStream {
  readonly calls: LiveCalls
  readonly #options: LiveStreamOptions
  readonly #viewers = new Set<Viewer>()
  readonly #watches: CallWatches
  readonly #counts: Cached<RegistryStats['phases']>
  readonly #ofCallers = new Map<string, number>()
  #changed = new Map<string, CallRow>()
  #gone = new Set<string>()
  #framesAt = 0
  #cancelFrame: (() => void) | undefined
  #cancelAlive: (() => void) | undefined
  /** A frame had no room for all rows: everybody needs a fresh picture when it is calmer. */
  #owesPicture = false
  #isOver = false

  constructor (options: LiveStreamOptions) {
    this.#options = options
    const { registry, clock, find, onFailed } = options
    this.calls = new LiveCalls({
      registry,
      clock,
      onChanges: changes => this.#take(changes),
      onTouched: callSid => this.#watches.touch(callSid),
      onFailed
    })
    this.#watches = new CallWatches({ clock, find, onFailed })
    this.#counts = new Cached(clock, async () => ({ value: (await registry.stats()).phases, believedMs: COUNTS_MS }))
  }

  /** How many viewers there are. */
  get viewers (): number {
    return this.#viewers.size + this.#watches.viewers
  }

  /**
   * Whether there is no room for one more viewer.
   * @param caller a key of CALLERS, which has room for fewer, so that it takes none from operators
   */
  isFull (caller?: string): boolean {
    if (this.viewers >= MOST_VIEWERS) return true
    return caller !== undefined && (this.#ofCallers.get(caller) ?? 0) >= MOST_OF_CALLER
  }

  /** A stream of the list of calls: a `picture`, then `calls`. */
  watchList (): Viewer {
    const viewer = new Viewer(viewer => this.#show(viewer))
    this.#begin()
    this.#viewers.add(viewer)
    viewer.once('close', () => {
      this.#viewers.delete(viewer)
      if (this.#viewers.size === 0) this.#forget()
      this.#endIfAlone()
    })
    if (this.#isOver) this.#dismiss(viewer)
    return viewer
  }

  /** A stream of one call: `call` at once and at each change, `gone` when nothing is known of it. */
  watchCall (callSid: string, caller?: string): Viewer {
    this.#begin()
    const viewer = this.#watches.watch(callSid)
    this.#count(caller, 1)
    viewer.once('close', () => {
      this.#count(caller, -1)
      this.#endIfAlone()
    })
    if (this.#isOver) this.#dismiss(viewer)
    return viewer
  }

  #count (caller: string | undefined, by: number): void {
    if (caller === undefined) return
    const count = (this.#ofCallers.get(caller) ?? 0) + by
    if (count > 0) this.#ofCallers.set(caller, count)
    else this.#ofCallers.delete(caller)
  }

  /** Ends all streams, and tells the viewers when to come back. */
  end (): void {
    this.#isOver = true
    for (const viewer of [...this.#viewers, ...this.#watches.all()]) this.#dismiss(viewer)
  }

  #dismiss (viewer: Viewer): void {
    const retryMs = Math.round(RETRY_MS.least + Math.random() * RETRY_MS.spread)
    viewer.end(eventFrame('bye', { reason: 'draining', retryMs }))
  }

  #begin (): void {
    this.calls.watch()
    this.#cancelAlive ??= this.#options.clock.schedule(ALIVE_MS, () => this.#alive())
  }

  #endIfAlone (): void {
    if (this.viewers > 0) return
    this.calls.unwatch()
    this.#cancelAlive?.()
    this.#cancelAlive = undefined
  }

  /** Nobody waits for what changed in the list. */
  #forget (): void {
    this.#cancelFrame?.()
    this.#cancelFrame = undefined
    this.#changed.clear()
    this.#gone.clear()
    this.#owesPicture = false
  }

  #alive (): void {
    for (const viewer of this.#viewers) viewer.send(ALIVE)
    for (const viewer of this.#watches.all()) viewer.send(ALIVE)
    this.#cancelAlive = this.#options.clock.schedule(ALIVE_MS, () => this.#alive())
  }

  #take ({ calls, gone }: Changes): void {
    if (this.#viewers.size === 0) return
    for (const row of calls) {
      this.#changed.set(row.callSid, row)
      this.#gone.delete(row.callSid)
    }
    for (const callSid of gone) {
      this.#gone.add(callSid)
      this.#changed.delete(callSid)
    }
    this.#scheduleFrame()
  }

  #scheduleFrame (): void {
    if (this.#cancelFrame || this.#viewers.size === 0) return
    const { clock } = this.#options
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(FRAME_MS, this.#viewers.size * MS_PER_VIEWER))
    this.#cancelFrame = clock.schedule(Math.max(0, this.#framesAt + pause - clock.now()), () => {
      this.#sendFrame().catch(this.#options.onFailed)
    })
  }

  async #sendFrame (): Promise<void> {
    const state = await this.#state()
    this.#cancelFrame = undefined
    this.#framesAt = this.#options.clock.now()
    // The next picture has the calls under way, but not how others have ended.
    const changed = [...this.#changed.values()].sort(endedLast)
    const gone = [...this.#gone]
    this.#changed.clear()
    this.#gone.clear()

    const room = roomFor(this.#viewers.size)
    if (changed.length > room) this.#owesPicture = true
    else if (this.#owesPicture) {
      this.#owesPicture = false
      await this.#sendPicture([...this.#viewers])
      return
    }
    const leftOut = Math.max(0, changed.length - room)
    const frame = eventFrame('calls', {
      ...state,
      calls: changed.slice(leftOut),
      ...(gone.length > 0 ? { gone } : {}),
      ...(leftOut > 0 ? { leftOut } : {})
    })
    await inTurns([...this.#viewers], viewer => viewer.send(frame))
    if (this.#owesPicture) this.#scheduleFrame()
  }

  #show (viewer: Viewer): void {
    this.#sendPicture([viewer]).catch(this.#options.onFailed)
  }

  async #sendPicture (viewers: readonly Viewer[]): Promise<void> {
    const [rows, state] = await Promise.all([this.calls.rows(), this.#state()])
    const calls = rows.slice(0, roomForPicture(viewers.length))
    const more = !this.calls.isWhole || calls.length < rows.length
    const frame = eventFrame('picture', { ...state, calls, more })
    await inTurns(viewers, viewer => viewer.show(frame))
  }

  /** What every frame says: how many calls there are, and what is wrong with the store. */
  async #state () {
    const { registry, clock } = this.#options
    const counts = await this.#counts.get().catch(() => undefined)
    const trouble = registry.trouble()
    return {
      at: new Date(clock.now()).toISOString(),
      ...(counts ? { counts } : {}),
      ...(trouble === undefined ? {} : { trouble })
    }
  }
}

/** Does something for all viewers, and lets calls in between. */
async function inTurns (viewers: readonly Viewer[], send: (viewer: Viewer) => void): Promise<void> {
  for (const [i, viewer] of viewers.entries()) {
    if (i > 0 && i % WRITTEN_AT_ONCE === 0) await nextTurn()
    send(viewer)
  }
}

/** How many rows a frame may have that goes to so many viewers. */
const roomFor = (viewers: number, bytes = MOST_BYTES): number =>
  Math.max(FEWEST_ROWS, Math.floor(bytes / ROW_BYTES / Math.max(1, viewers)))

const roomForPicture = (viewers: number): number => Math.min(MOST_IN_PICTURE, roomFor(viewers, MOST_PICTURE_BYTES))

const endedLast = (a: CallRow, b: CallRow): number => Number(a.phase === 'ended') - Number(b.phase === 'ended')
