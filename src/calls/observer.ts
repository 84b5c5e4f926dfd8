import type { Call } from './fold/call.ts'
import type { CallEvent } from './fold/events.ts'

/** Is notified of everything that happens to calls. Logs and metrics are made of it. */
export interface Observer {
  /** An event was committed. `before` and `after` are the call around it; undefined: not known, or forgotten. */
  changed(before: Call | undefined, after: Call | undefined, event: CallEvent): void
  /** An operation of the bridge failed. `callSid` is empty when it concerned no single call. */
  failed(callSid: string, operation: string, error: unknown): void
  /**
   * The store of calls became unreachable, so that events are buffered (`gone`); the buffer is full and an event was
   * dropped (`full`); the buffered events were handed over (`back`); the process ends with buffered events (`lost`).
   */
  store(state: 'gone' | 'full' | 'back' | 'lost', events?: number): void
}
