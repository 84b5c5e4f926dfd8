import type { Clock } from './clock.ts'
import type { Settings } from './config.ts'
import { ProbeRunsError } from './errors.ts'
import { createFolder, type Row } from './ladder/fold.ts'
import type { Step } from './ladder/trace.ts'
import type { Rooms } from './livekit/rooms.ts'
import type { ProbeReport } from './probe/probe.ts'

/** What somebody wants to see probed. */
export interface ProbeRequest {
  /** Agent of the room that the probe makes. */
  agent?: string
  /** SIP user that is called at LIVEKIT_SIP_HOST, instead of the token of a new room. */
  to?: string
  transport?: 'udp' | 'tcp' | 'tls'
  /** How long to listen after the answer, seconds. */
  seconds?: number
  /** Only SIP OPTIONS is sent. */
  options?: boolean
}

/** A row of a probe's ladder. One that comes again has a larger count. */
export interface ProbeRow extends Omit<Step, 'at'> {
  seq: number
  at: string
  /** Milliseconds since the first row. */
  ms: number
  count: number
}

/** What a probe found. Its steps were told before. */
export type ProbeResult = Omit<ProbeReport, 'ladder'> & {
  /** Something stands in the way of calls, or the probe was interrupted. */
  failed: boolean
}

export interface ProbeRunsOptions {
  settings: Settings
  rooms: Rooms
  clock: Clock
}

/** Longer than any probe lasts that works: then it hangs up and reports what it saw. Milliseconds. */
const LONGEST_MS = 300_000

/** Probe calls to the LiveKit project of the settings, one at a time. */
export class ProbeRuns {
  readonly #options: ProbeRunsOptions
  #stop = new AbortController()
  #running: Promise<ProbeResult> | undefined

  constructor (options: ProbeRunsOptions) {
    this.#options = options
  }

  /** @throws {ProbeRunsError} */
  assertFree (): void {
    if (this.#running) throw new ProbeRunsError()
  }

  /**
   * Runs a probe.
   * @param tell receives each row of the ladder, and again when its count has changed
   * @throws {ProbeRunsError}
   */
  run (request: ProbeRequest, tell: (row: ProbeRow) => void): Promise<ProbeResult> {
    this.assertFree()
    this.#stop = new AbortController()
    this.#running = this.#run(request, tell, this.#stop.signal).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Has the probe hang up and delete its room. */
  interrupt (): void {
    this.#stop.abort()
  }

  /** Interrupts, and resolves when the probe has ended. */
  async close (): Promise<void> {
    this.interrupt()
    await this.#running?.catch(() => {})
  }

  async #run (request: ProbeRequest, tell: (row: ProbeRow) => void, signal: AbortSignal): Promise<ProbeResult> {
    const { settings, rooms, clock } = this.#options
    const { agent, to, transport, seconds, options } = request
    // A SIP stack and RTP: a service whose operators never probe does not load them.
    const { runProbe } = await import('./probe/probe.ts')
    const rows = rowsFor(tell)
    const cancel = clock.schedule(LONGEST_MS, () => this.#stop.abort())
    try {
      const { ladder: _, ...report } = await runProbe({
        settings,
        rooms,
        clock,
        agent,
        seconds,
        signal,
        ...(to === undefined ? { transport } : addressOf(to, transport, settings)),
        reachOnly: options === true,
        onStep: rows.push
      })
      rows.end()
      const failed = report.findings.some(({ severity, code }) => severity === 'failed' || code === 'interrupted')
      return { ...report, failed }
    } finally {
      cancel()
    }
  }
}

/** Whatever is called, it is called at the project's own SIP host. */
const addressOf = (
  user: string,
  transport: ProbeRequest['transport'],
  { LIVEKIT_SIP_HOST: host, LIVEKIT_SIP_TRANSPORT: ours }: Settings
) => ({ uri: `sip:${user}@${host}`, transport: transport ?? ours })

/** Numbers the rows of a ladder that grows. */
function rowsFor (tell: (row: ProbeRow) => void): { push: (step: Step) => void, end: () => void } {
  const folder = createFolder()
  const numbers = new Map<Row, number>()

  function pass ({ fresh, again }: ReturnType<typeof folder.push>): void {
    for (const row of fresh) numbers.set(row, numbers.size)
    for (const row of [...fresh, ...again]) {
      const { step: { at, ...step }, count } = row
      const start = folder.rows[0]!.step.at
      tell({ seq: numbers.get(row)!, at: new Date(at).toISOString(), ms: Math.round(at - start), ...step, count })
    }
  }

  return {
    push: step => pass(folder.push(step)),
    end: () => pass(folder.end())
  }
}
