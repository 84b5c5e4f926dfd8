import type { Call } from './calls/fold/call.ts'
import type { CallEvent } from './calls/fold/events.ts'
import { dutyGivenUp, hasJustEnded, type Observer, type StoreState } from './calls/observer.ts'
import type { Metrics } from './metrics.ts'

/** The times of a call from which the setup histograms are made. */
const SETUP_TIMES = ['replied', 'agentJoined', 'agentAudio', 'answered'] as const

/** Most route names that become a label's value. Every one is a time series. */
const MOST_ROUTES = 200

/** Counts and measures what happens to calls. */
export class CallMetrics implements Observer {
  readonly #metrics: Metrics
  readonly #routeNames: () => readonly string[]
  readonly #countedRoutes = new Set<string>()

  /** @param routeNames names of the routes in force */
  constructor (metrics: Metrics, routeNames: () => readonly string[]) {
    this.#metrics = metrics
    this.#routeNames = routeNames
  }

  changed (before: Call | undefined, after: Call | undefined, event: CallEvent): void {
    if (!after) return

    this.#setup(before, after)
    this.#route(before, after)
    this.#attempts(before, after)
    this.#redispatches(before, event)
    const duty = dutyGivenUp(before, after, event)
    if (duty) this.#metrics.givenUp.inc({ kind: duty.kind })
    if (hasJustEnded(before, after)) {
      const { cause, waitingOn } = after.end!
      this.#metrics.ended.inc({ cause, waiting_on: waitingOn })
    }
  }

  failed (): void {}

  store (state: StoreState, events = 0): void {
    if (state === 'full') this.#metrics.lostEvents.inc()
    if (state === 'refused' || state === 'lost') this.#metrics.lostEvents.inc(events)
  }

  /** Observes the times that the call reached with the latest event. */
  #setup (before: Call | undefined, after: Call): void {
    const isNewRecord = before?.at.received !== after.at.received
    for (const name of SETUP_TIMES) {
      const at = after.at[name]
      if (at === undefined || (!isNewRecord && before?.at[name] !== undefined)) continue
      this.#metrics.setup[name].observe((at - after.at.received) / 1000)
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

  #attempts (before: Call | undefined, { attempts }: Call): void {
    for (const attempt of attempts) {
      const known = before?.attempts.find(({ n }) => n === attempt.n)
      if (attempt.end && !known?.end) {
        this.#metrics.attempts.inc({ strategy: attempt.strategy, cause: attempt.end.cause })
      }
      if (attempt.degraded && !known?.degraded) this.#metrics.degraded.inc()
    }
  }
}
