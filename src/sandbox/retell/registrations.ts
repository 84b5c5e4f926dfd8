import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'

/** A call that was registered. */
export interface Registration {
  callId: string
  /** The body of the request. */
  request: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** An INVITE for it has arrived. */
  taken: boolean
}

/** The registered calls. Each is taken at most once, and not after it has expired. */
export class Registrations {
  readonly #clock: Clock
  readonly #lifetimeMs: () => number
  readonly #byId = new Map<string, Registration>()

  /** @param lifetimeMs for how long an id is valid that is given now, milliseconds */
  constructor (clock: Clock, lifetimeMs: () => number) {
    this.#clock = clock
    this.#lifetimeMs = lifetimeMs
  }

  add (request: Record<string, unknown>): Registration {
    const registration = {
      // The form of ids that users of Retell report.
      callId: `call_${randomBytes(14).toString('hex').slice(1)}`,
      request,
      expiresAt: this.#clock.now() + this.#lifetimeMs(),
      taken: false
    }
    this.#byId.set(registration.callId, registration)
    return registration
  }

  /** Takes the call of an INVITE. @returns whether it may be answered */
  take (callId: string): boolean {
    const registration = this.#byId.get(callId)
    if (!registration || registration.taken || this.#clock.now() >= registration.expiresAt) return false

    registration.taken = true
    return true
  }

  all (): Registration[] {
    return [...this.#byId.values()]
  }
}
