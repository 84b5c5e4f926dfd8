import { startOf } from './calls/attempt-start.ts'
import { DUTY_KINDS, type Call } from './calls/fold/call.ts'
import type { CallEvent } from './calls/fold/events.ts'
import { COLD_REASONS } from './calls/fold/warm.ts'
import { dutyGivenUp, hasJustEnded, type Observer, type StoreState } from './calls/observer.ts'
import { seriesOfAttempts, seriesOfCalls } from './metric-series.ts'
import type { Metrics } from './metrics.ts'
import { TransferMetrics } from './transfer-metrics.ts'

/** The times of a call from which the setup histograms are made. */
const SETUP_TIMES = ['replied', 'agentJoined', 'agentAudio', 'answered'] as const

/** Most route names that become a label's value. Every one is a time series. */
const MOST_ROUTES = 200

/** How the first attempt of a call may have begun. */
const FIRST_STARTS = ['warm', 'replaced', 'cold', 'none'] as const

/** What becomes of createCall. */
const OUTCOMES = ['placed', 'refused', 'not-sent', 'unknown'] as const

/** Counts and measures what happens to calls. */
export class CallMetrics implements Observer {
  readonly #metrics: Metrics
  readonly #routeNames: () => readonly string[]
  readonly #transfers: TransferMetrics
  readonly #countedRoutes = new Set<string>()

  /** @param routeNames names of the routes in force */
  constructor (metrics: Metrics, routeNames: () => readonly string[]) {
    this.#metrics = metrics
    this.#transfers = new TransferMetrics(metrics)
    this.#routeNames = routeNames
    this.#begin()
  }

  /** Has every series begin at 0: see {@link seriesOfCalls}. */
  #begin (): void {
    const { ended, dials, attempts, orders, redispatches, givenUp, starts, setup } = this.#metrics
    for (const { direction, cause, waitingOn } of seriesOfCalls()) {
      ended.inc({ direction, cause, waiting_on: waitingOn }, 0)
      if (direction === 'outbound') dials.inc({ cause }, 0)
    }
    for (const { strategy, cause } of seriesOfAttempts()) attempts.inc({ strategy, cause }, 0)
    for (const outcome of OUTCOMES) orders.inc({ outcome }, 0)
    for (const start of FIRST_STARTS) {
      if (start !== 'replaced') setup.replied.zero({ start })
      setup.answered.zero({ start })
    }
    starts.inc({ start: 'warm', why: 'none' }, 0)
    for (const why of COLD_REASONS) starts.inc({ start: 'cold', why }, 0)
    for (const outcome of ['done', 'failed']) redispatches.inc({ outcome }, 0)
    for (const kind of DUTY_KINDS) givenUp.inc({ kind }, 0)
  }

  changed (before: Call | undefined, after: Call | undefined, event: CallEvent): void {
    if (!after) return

    this.#setup(before, after)
    this.#order(before, after, event)
    this.#route(before, after)
    this.#transfers.changed(before, after)
    this.#attempts(before, after)
    this.#redispatches(before, event)
    const duty = dutyGivenUp(before, after, event)
    if (duty) this.#metrics.givenUp.inc({ kind: duty.kind })
    if (hasJustEnded(before, after)) {
      const { cause, waitingOn } = after.end!
      const { direction } = after.facts
      this.#metrics.ended.inc({ direction, cause, waiting_on: waitingOn })
      if (direction === 'outbound') this.#metrics.dials.inc({ cause })
    }
  }

  failed (): void {}

  store (state: StoreState, events = 0): void {
    if (state === 'full') this.#metrics.lostEvents.inc()
    if (state === 'refused' || state === 'lost') this.#metrics.lostEvents.inc(events)
  }

  /** Observes the times that the call reached with the latest event. */
  #setup (before: Call | undefined, after: Call): void {
    // Of other calls these times are those of the callee.
    if (after.facts.direction !== 'inbound') return
    const isNewRecord = before?.at.received !== after.at.received
    for (const name of SETUP_TIMES) {
      const at = after.at[name]
      if (at === undefined || (!isNewRecord && before?.at[name] !== undefined)) continue
      const seconds = (at - after.at.received) / 1000
      const { setup } = this.#metrics
      if (name === 'replied') setup.replied.observe({ start: firstStartOf(after) }, seconds)
      else if (name === 'answered') setup.answered.observe({ start: answeredStartOf(after) }, seconds)
      else setup[name].observe(seconds)
    }
  }

  /** Counts what became of an order, and measures how long its callee took. */
  #order (before: Call | undefined, after: Call, event: CallEvent): void {
    const { order, orders } = this.#metrics
    if (event.kind === 'placement' && before?.phase === 'requested') orders.inc({ outcome: event.outcome })
    if (!after.order) return

    if (!before?.order && event.kind === 'placed') orders.inc({ outcome: 'placed' })
    const { received, ringing, answered, connected } = after.at
    const known = before?.at
    if (ringing !== undefined && known?.ringing === undefined) order.ringing.observe((ringing - received) / 1000)
    if (answered !== undefined && known?.answered === undefined) order.answered.observe((answered - received) / 1000)
    if (connected !== undefined && answered !== undefined && known?.connected === undefined) {
      order.connected.observe((connected - answered) / 1000)
    }
    const { voicemail } = after
    if (voicemail && !before?.voicemail) {
      this.#metrics.voicemail.inc({ by: voicemail.by, verdict: voicemail.verdict })
    }
  }

  /** Counts a record of a call once its route is known. */
  #route (before: Call | undefined, { route, earlier }: Call): void {
    if (!route) return
    const isNewRecord = before?.earlier.length !== earlier.length
    if (before?.route === undefined || isNewRecord) this.#metrics.routed.inc({ route: this.#labelOf(route.name) })
  }

  /** Names come from the routes file, or from a room of another version of it: not every one becomes a label. */
  #labelOf (name: string | undefined): string {
    if (name === undefined) return 'none'
    if (this.#countedRoutes.has(name)) return name
    if (this.#countedRoutes.size >= MOST_ROUTES || !this.#routeNames().includes(name)) return 'other'

    this.#countedRoutes.add(name)
    return name
  }

  #redispatches (before: Call | undefined, event: CallEvent): void {
    if (event.kind !== 'duty') return
    const duty = before?.duties.find(({ id, claim }) => id === event.id && claim === event.claim)
    if (duty?.kind === 'redispatch' && duty.begun !== undefined) {
      this.#metrics.redispatches.inc({ outcome: event.outcome })
    }
  }

  #attempts (before: Call | undefined, after: Call): void {
    for (const attempt of after.attempts) {
      const known = before?.attempts.find(({ n }) => n === attempt.n)
      if (attempt.end && !known?.end) {
        this.#metrics.attempts.inc({ strategy: attempt.strategy, cause: attempt.end.cause })
      }
      if (attempt.degraded && !known?.degraded) this.#metrics.degraded.inc()
      // What was found again had begun before.
      const isBegun = attempt.at.replied !== undefined && known?.at.replied === undefined && !attempt.found
      if (attempt.strategy === 'room' && isBegun) {
        const begun = startOf(after, attempt)
        // Whether the agent that waits will answer, nobody knows yet.
        if (attempt.warm) this.#metrics.starts.inc({ start: 'warm', why: 'none' })
        if (begun?.start === 'cold' && begun.whyCold) this.#metrics.starts.inc({ start: 'cold', why: begun.whyCold })
      }
    }
  }
}

/** How the first attempt of a call began. `none`: it has no room of ours, or there is no attempt. */
function firstStartOf ({ attempts: [first] }: Call): typeof FIRST_STARTS[number] {
  if (first?.strategy !== 'room') return 'none'
  return first.warm ? 'warm' : 'cold'
}

/** The same of a call that is answered, and whether the agent that waited is the one who answers it. */
function answeredStartOf (call: Call): typeof FIRST_STARTS[number] {
  const start = firstStartOf(call)
  const [first, ...others] = call.attempts
  const isReplaced = first?.warm?.replaced || others.some(({ at }) => at.answered !== undefined)
  return start === 'warm' && isReplaced ? 'replaced' : start
}
