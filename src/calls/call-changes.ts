import type { Call } from './fold/call.ts'
import type { Observer } from './observer.ts'

/** Wakes whoever waits for news of a call, when this process commits some. */
export class CallChanges implements Observer {
  readonly #listeners = new Map<string, Set<() => void>>()

  /** @returns stops listening */
  listen (callSid: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(callSid) ?? new Set()
    this.#listeners.set(callSid, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(callSid) === listeners) this.#listeners.delete(callSid)
    }
  }

  changed (_before: Call | undefined, after: Call | undefined): void {
    if (!after) return
    for (const listener of this.#listeners.get(after.callSid) ?? []) listener()
  }

  failed (): void {}

  store (): void {}
}
