import type { Call } from './fold/call.ts'
import { hasJustEnded, type Observer } from './observer.ts'
import type { CapCounter } from './store/caps.ts'

/** Under which id a call is counted that a door of the number policy let through. */
export const countedIdOf = ({ order, callSid }: Pick<Call, 'order' | 'callSid'>): string => order?.id ?? callSid

/** Counts calls no longer as under way once they have ended, whichever replica hears of it. */
export class CapReleases implements Observer {
  readonly #caps: Pick<CapCounter, 'release'>
  readonly #onFailed: (error: unknown) => void

  constructor (caps: Pick<CapCounter, 'release'>, onFailed: (error: unknown) => void) {
    this.#caps = caps
    this.#onFailed = onFailed
  }

  changed (before: Call | undefined, after: Call | undefined): void {
    if (!after || after.facts.direction === 'inbound' || !hasJustEnded(before, after)) return
    this.#caps.release(countedIdOf(after)).catch(this.#onFailed)
  }

  failed (): void {}

  store (): void {}
}
