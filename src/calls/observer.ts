import type { Call, Duty } from './fold/call.ts'
import type { CallEvent } from './fold/events.ts'

/**
 * What happened to the store of calls. `gone`: it cannot be reached, and events are buffered. `full`: the buffer is
 * full, and one more event is lost. `back`: the buffered events were handed over. `refused`: buffered events could not
 * be committed, and are lost. `lost`: the process ends with buffered events.
 */
export type StoreState = 'gone' | 'full' | 'back' | 'refused' | 'lost'

/** Is notified of everything that happens to calls. Logs and metrics are made of it. */
export interface Observer {
  /** An event was committed. `before` and `after` are the call around it; undefined: not known, or forgotten. */
  changed(before: Call | undefined, after: Call | undefined, event: CallEvent): void
  /** An operation of the bridge failed. `callSid` is empty when the operation concerned no single call. */
  failed(callSid: string, operation: string, error: unknown): void
  /** @param events how many events that concerns */
  store(state: StoreState, events?: number): void
}

/**
 * Makes one observer of several. An observer watches and decides nothing: when one of them throws, the others are
 * notified all the same, and the call goes on.
 * @param report receives each kind of failure once, because an observer that fails for one call may fail for every call
 */
export function combineObservers (
  observers: readonly Observer[],
  report: (observer: string, method: keyof Observer, error: unknown) => void
): Observer {
  const reported = new Set<string>()

  function notify<M extends keyof Observer> (method: M, ...args: Parameters<Observer[M]>): void {
    for (const observer of observers) {
      try {
        (observer[method] as (...args: Parameters<Observer[M]>) => void)(...args)
      } catch (error) {
        reportOnce(observer.constructor.name, method, error)
      }
    }
  }

  function reportOnce (observer: string, method: keyof Observer, error: unknown): void {
    const kind = `${observer}.${method}: ${String(error)}`
    if (reported.has(kind) || reported.size >= MOST_REPORTS) return

    reported.add(kind)
    try {
      report(observer, method, error)
    } catch {
      // The log itself does not work: there is nowhere to say so.
    }
  }

  return {
    changed: (before, after, event) => notify('changed', before, after, event),
    failed: (callSid, operation, error) => notify('failed', callSid, operation, error),
    store: (state, events) => notify('store', state, events)
  }
}

/** An error whose text differs each time is not reported for ever. */
const MOST_REPORTS = 100

/** Whether the call, or another record of it, ended with the latest event. */
export const hasJustEnded = (before: Call | undefined, after: Call): boolean =>
  after.phase === 'ended' && after.end !== undefined &&
  (before?.phase !== 'ended' || before.at.received !== after.at.received)

/** The duty that was given up with the latest event: its last try failed, and there will be no other one. */
export function dutyGivenUp (before: Call | undefined, after: Call, event: CallEvent): Duty | undefined {
  if (event.kind !== 'duty' || event.outcome === 'done') return undefined
  if (after.duties.some(({ id }) => id === event.id)) return undefined

  // A duty that is done at most once is never tried again, so it is not given up either.
  return before?.duties.find(({ id, begun }) => id === event.id && begun === undefined)
}
