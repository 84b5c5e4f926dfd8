import type { Call } from '../calls/fold/call.ts'
import type { Observer } from '../calls/observer.ts'
import type { Registry } from '../calls/store/registry.ts'
import type { Clock } from '../clock.ts'
import { LruMap } from '../lru-map.ts'
import { rowOf, seqOf, type CallRow } from './call-row.ts'

/** What changed in the list of calls under way. */
export interface Changes {
  /** Rows that are new or changed. A call that has ended comes once, as ended. */
  calls: CallRow[]
  /** call_sids of calls that are not there any more though nobody heard them end. */
  gone: string[]
}

export interface LiveCallsOptions {
  registry: Pick<Registry, 'feed' | 'get' | 'list'>
  clock: Clock
  /** Receives changes, at most every {@link COLLECT_MS}. Called only while {@link LiveCalls.watch} is on. */
  onChanges(changes: Changes): void
  /** A call changed, be it under way or not. Called only while {@link LiveCalls.watch} is on. */
  onTouched(callSid: string): void
  /** Reports that the list could not be read. */
  onFailed(error: unknown): void
}

/** Changes of so many milliseconds travel together. */
const COLLECT_MS = 40
/** The list is compared with the store so often, milliseconds: a message between processes may be lost. */
const COMPARE_MS = 5000
/** A comparison may take at most this part of the time. */
const COMPARE_SHARE = 1 / 50
/** While no other process has viewers, it is only asked so often whether one has, milliseconds. */
const ASK_AGAIN_MS = 1000
/** Calls read at once: reading one takes a tenth of a millisecond, in which nothing else is done. */
const PAGE = 50
/** The most calls that the list holds. */
export const MOST_ROWS = 5000
/** How many ended calls are remembered, so that an old row does not bring one back. */
const MOST_ENDED = 10_000

/**
 * The calls under way over all processes, kept up to date while somebody watches: by what this process commits, by what
 * the others tell, and by a comparison with the store now and then. While nobody watches anywhere it does next to
 * nothing.
 */
export class LiveCalls implements Observer {
  readonly #options: LiveCallsOptions
  readonly #rows = new Map<string, CallRow>()
  readonly #ended = new LruMap<string, Pick<CallRow, 'seq' | 'at'>>(MOST_ENDED)
  /** Calls that changed here since the last time; undefined: it is gone. */
  #changed = new Map<string, Call | undefined>()
  #collecting = false
  /** Until then no other process has viewers, milliseconds since the epoch. */
  #nobodyElseUntil = 0
  #stop: (() => void) | undefined
  #cancelCompare: (() => void) | undefined
  #filled: Promise<void> | undefined
  #isWhole = true
  #isNew = true

  constructor (options: LiveCallsOptions) {
    this.#options = options
  }

  /** Whether the list holds every call under way. */
  get isWhole (): boolean {
    return this.#isWhole
  }

  /** The calls under way, newest first. Resolves when the list is there; `watch` must be on. */
  async rows (): Promise<CallRow[]> {
    await this.#filled
    return [...this.#rows.values()].sort(newestFirst)
  }

  /** Begins to keep the list. */
  watch (): void {
    if (this.#stop) return
    this.#stop = this.#options.registry.feed.listen({
      message: text => this.#hear(text),
      gap: () => this.#compareSoon(0),
      failed: this.#options.onFailed
    })
    // The others notice only after a while that somebody listens to them.
    this.#isNew = true
    this.#filled = this.#compare()
  }

  /** Ends it. */
  unwatch (): void {
    this.#stop?.()
    this.#cancelCompare?.()
    this.#stop = this.#cancelCompare = this.#filled = undefined
    this.#rows.clear()
  }

  changed (before: Call | undefined, after: Call | undefined): void {
    const call = after ?? before
    if (!call || !this.#isWanted()) return
    this.#changed.set(call.callSid, after)
    if (this.#collecting) return
    this.#collecting = true
    this.#options.clock.schedule(COLLECT_MS, () => this.#tell())
  }

  failed (): void {}

  store (): void {}

  #isWanted (): boolean {
    return this.#stop !== undefined || this.#options.clock.now() >= this.#nobodyElseUntil
  }

  /** Tells the own viewers and the other processes what changed here. */
  #tell (): void {
    this.#collecting = false
    const changed = this.#changed
    this.#changed = new Map()
    const calls: CallRow[] = []
    const gone: string[] = []
    for (const [callSid, call] of changed) {
      if (call) calls.push(rowOf(call))
      else gone.push(callSid)
    }
    this.#take({ calls, gone })
    this.#tellOthers({ calls, gone })
  }

  #tellOthers (changes: Changes): void {
    const { clock, registry } = this.#options
    if (clock.now() < this.#nobodyElseUntil) return
    for (const text of messagesOf(changes)) {
      registry.feed.tell(text).then(listeners => {
        // This process listens too while somebody watches here.
        const isAlone = listeners !== undefined && listeners - (this.#stop ? 1 : 0) <= 0
        if (isAlone) this.#nobodyElseUntil = clock.now() + ASK_AGAIN_MS
      }).catch(this.#options.onFailed)
    }
  }

  #hear (text: string): void {
    try {
      this.#take(JSON.parse(text) as Changes)
    } catch (error) {
      this.#options.onFailed(error)
    }
  }

  /** Takes what is news into the list, and hands it on. */
  #take ({ calls, gone }: Changes): void {
    if (!this.#stop) return

    for (const { callSid } of calls) this.#options.onTouched(callSid)
    for (const callSid of gone) this.#options.onTouched(callSid)
    const news = calls.filter(row => this.#accept(row))
    const left = gone.filter(callSid => this.#rows.delete(callSid))
    if (news.length > 0 || left.length > 0) this.#options.onChanges({ calls: news, gone: left })
  }

  #accept (row: CallRow): boolean {
    const known = this.#rows.get(row.callSid) ?? this.#ended.get(row.callSid)
    if (known && isOlder(row, known)) return false
    if (row.phase === 'ended') {
      const isNews = this.#rows.delete(row.callSid) || !this.#ended.get(row.callSid)
      this.#ended.set(row.callSid, { seq: row.seq, at: row.at })
      return isNews
    }
    if (!this.#rows.has(row.callSid) && this.#rows.size >= MOST_ROWS) {
      this.#isWhole = false
      return false
    }
    this.#rows.set(row.callSid, row)
    return true
  }

  #compareSoon (ms: number): void {
    this.#cancelCompare?.()
    this.#cancelCompare = this.#options.clock.schedule(ms, () => {
      this.#compare().catch(this.#options.onFailed)
    })
  }

  /** Compares the list with the store. */
  async #compare (): Promise<void> {
    this.#cancelCompare?.()
    const begun = performance.now()
    try {
      await this.#read()
    } catch (error) {
      this.#options.onFailed(error)
    }
    if (!this.#stop) return
    const pause = this.#isNew ? ASK_AGAIN_MS * 1.5 : COMPARE_MS
    this.#isNew = false
    this.#compareSoon(Math.max(pause, (performance.now() - begun) / COMPARE_SHARE))
  }

  async #read (): Promise<void> {
    const { registry } = this.#options
    const missing = new Set(this.#rows.keys())
    let cursor: string | undefined
    let count = 0
    do {
      const page = await registry.list({ phase: 'active' }, { limit: PAGE, cursor })
      for (const call of page.calls) missing.delete(call.callSid)
      this.#take({ calls: page.calls.filter(call => this.#differs(call)).map(rowOf), gone: [] })
      count += page.calls.length
      cursor = page.next
    } while (cursor !== undefined && count < MOST_ROWS && this.#stop)
    this.#isWhole = cursor === undefined

    if (!this.#isWhole) return
    for (const callSid of missing) {
      const call = await registry.get(callSid)
      this.#take(call ? { calls: [rowOf(call)], gone: [] } : { calls: [], gone: [callSid] })
    }
  }

  #differs (call: Call): boolean {
    const known = this.#rows.get(call.callSid)
    return known?.seq !== seqOf(call) || known.phase !== call.phase
  }
}

/** Rows of one message between processes. */
const ROWS_TOLD = 500

/** Changes as texts that are not too long to be told. */
function messagesOf ({ calls, gone }: Changes): string[] {
  const parts = Math.max(1, Math.ceil(calls.length / ROWS_TOLD))
  return Array.from({ length: parts }, (_, i) =>
    JSON.stringify({
      calls: calls.slice(i * ROWS_TOLD, (i + 1) * ROWS_TOLD),
      gone: i === 0 ? gone : []
    }))
}

/** Whether a row was made of an earlier state of the call than another one. */
function isOlder (row: Pick<CallRow, 'seq' | 'at'>, known: Pick<CallRow, 'seq' | 'at'>): boolean {
  if (row.at.received !== known.at.received) return row.at.received < known.at.received
  return row.seq < known.seq
}

function newestFirst (a: CallRow, b: CallRow): number {
  if (a.at.received !== b.at.received) return a.at.received < b.at.received ? 1 : -1
  return a.callSid < b.callSid ? -1 : 1
}
