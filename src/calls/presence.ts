import { within, type Clock } from '../clock.ts'
import type { Attempt, Call } from './fold/call.ts'
import { markOf } from './fold/caller-leg.ts'
import type { PresenceEvent } from './fold/transfer-events.ts'
import type { Observer } from './observer.ts'
import type { Rooms } from './ports.ts'
import type { Registry } from './store/registry.ts'

/** Whether a caller is still there whom a person is to join. */
export type Presence = Omit<PresenceEvent, 'attempt'>

export interface PresenceCheckOptions {
  registry: Pick<Registry, 'get'>
  rooms: Pick<Rooms, 'look'>
  clock: Clock
  observer: Observer
}

/** Longest wait for LiveKit, milliseconds. The person hears nothing meanwhile. */
const LOOK_MS = 1000

/**
 * Makes sure that a caller is there before a person is dialled into their room: LiveKit would make the room again, and
 * put a fresh agent into it (recorded on livekit-server 1.13.3).
 */
export class PresenceCheck {
  readonly #options: PresenceCheckOptions

  constructor (options: PresenceCheckOptions) {
    this.#options = options
  }

  /** Never rejects. @param timeoutMs until the reply must be sent, milliseconds */
  async check ({ callSid }: Call, attempt: Attempt, timeoutMs: number): Promise<Presence> {
    const { clock, observer } = this.#options
    const asked = this.#ask(attempt).catch((error: unknown): Presence['outcome'] => {
      observer.failed(callSid, 'presence', error)
      return 'unknown'
    })
    const outcome = await within(clock, Math.min(LOOK_MS, timeoutMs), asked, () => new Error('no answer in time'))
      .catch((): Presence['outcome'] => 'unknown')

    return { kind: 'presence', outcome }
  }

  async #ask ({ way, token, visits }: Attempt): Promise<Presence['outcome']> {
    const { registry, rooms } = this.#options
    if (way.strategy !== 'join' || visits === undefined) return 'unknown'
    const caller = await registry.get(way.callSid)
    if (caller && isGone(caller, way.attempt)) return 'gone'

    const known = caller ?? unknownCall(way.callSid)
    const { sip } = await rooms.look(visits, markOf(known, { token }))
    return sip ? 'there' : 'gone'
  }
}

/** By the record of the caller's call. */
function isGone (caller: Call, n: number): boolean {
  const attempt = caller.attempts.find(attempt => attempt.n === n)
  return caller.phase === 'ended' || caller.closing !== undefined || caller.hangupAt !== undefined ||
    attempt?.end !== undefined || attempt?.parked !== undefined
}

/** A caller's call that only LiveKit knows. */
const unknownCall = (callSid: string) => ({ callSid }) as Call
