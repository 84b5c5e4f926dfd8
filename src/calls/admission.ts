import { within, type Clock } from '../clock.ts'
import { StoreUnavailableError } from '../errors.ts'
import { UNAVAILABLE } from './fold/call.ts'
import type { Observer } from './observer.ts'
import type { CallHookEvent } from './fold/events.ts'
import type { Registry } from './store/registry.ts'

/** Whether new calls are let in. */
export interface Admission {
  /** Lets a call in, or says why not. With a limit one after another, so that two cannot take the last place. */
  admit<T>(callSid: string, enter: (refuse: CallHookEvent['refuse']) => Promise<T>): Promise<T>
  /** From now on nobody is let in. */
  drain(): void
}

export interface AdmissionOptions {
  registry: Registry
  clock: Clock
  observer: Observer
  /** 0: no limit. */
  maxCalls: number
  /** SIP status of a call that is one too many. */
  capacityStatus: number
}

/** Longest wait for the number of calls, milliseconds: others wait for their turn. */
const COUNT_MS = 150

/** Guards MAX_CALLS, and the end of this process. */
export function createAdmission ({ registry, clock, observer, maxCalls, capacityStatus }: AdmissionOptions): Admission {
  let draining = false
  let queue: Promise<unknown> = Promise.resolve()

  async function capacity (callSid: string): Promise<CallHookEvent['refuse']> {
    // When nobody can count, better a call too many than none.
    if (registry.trouble() !== undefined) return undefined
    const counting = Promise.all([registry.stats(), registry.get(callSid)])
    const counted = await within(clock, COUNT_MS, counting, () => new StoreUnavailableError('it does not answer'))
      .catch(error => {
        observer.failed(callSid, 'MAX_CALLS', error)
      })
    if (!counted) return undefined
    const [{ phases }, known] = counted
    // A call whose statuses came before its call hook is among them.
    const itself = known && known.phase !== 'ended' ? 1 : 0
    const active = Object.entries(phases).reduce((sum, [phase, calls]) => phase === 'ended' ? sum : sum + calls, 0) -
      itself
    return active >= maxCalls ? { cause: 'capacity', status: capacityStatus, reason: 'Busy Here' } : undefined
  }

  return {
    admit (callSid, enter) {
      if (draining) return enter({ cause: 'draining', ...UNAVAILABLE })
      if (maxCalls === 0 || registry.trouble() !== undefined) return enter(undefined)
      const turn = queue.then(async () => enter(await capacity(callSid)))
      queue = turn.catch(() => {})
      return turn
    },
    drain () {
      draining = true
    }
  }
}
