import type { Clock } from '../clock.ts'
import { BoundedRequests, type Result } from './bounded-requests.ts'
import type { Attempt, Call } from './fold/call.ts'
import type { RegistrationEvent } from './fold/events.ts'
import type { Observer } from './observer.ts'
import { RegistrationError, type Registrar } from './ports.ts'

/** What became of a registration within the time that Jambonz can wait. */
export type Registration = Omit<RegistrationEvent, 'attempt'>

export interface CallRegistrarOptions {
  registrar: Registrar
  clock: Clock
  observer: Observer
}

/** Registers the calls of attempts with Retell, before they are dialled. */
export class CallRegistrar {
  readonly #options: CallRegistrarOptions
  readonly #requests: BoundedRequests<string, Registration>

  constructor (options: CallRegistrarOptions) {
    this.#options = options
    this.#requests = new BoundedRequests(options.clock)
  }

  /**
   * Registers the call of an attempt. Everybody who asks for the same attempt before it is {@link forget forgotten}
   * shares the one request. Never rejects. An id that comes too late expires unused.
   * @param timeoutMs how long to wait, milliseconds
   */
  register (call: Call, attempt: Attempt, timeoutMs: number): Promise<Registration> {
    return this.#requests.send({
      key: keyOf(call, attempt),
      send: async () => this.#options.registrar.register(call, attempt),
      timeoutMs,
      outcome: result => this.#outcome(call, result)
    })
  }

  forget (call: Call, attempt: Attempt): void {
    this.#requests.forget(keyOf(call, attempt))
  }

  #outcome ({ callSid }: Call, result: Result<string>): Registration {
    if (result.kind === 'done') return { kind: 'registration', outcome: 'created', sipUser: result.value }

    const error = result.kind === 'failed' ? result.error : new RegistrationError(result.kind)
    this.#options.observer.failed(callSid, 'registration', error)
    return {
      kind: 'registration',
      outcome: 'failed',
      detail: error instanceof RegistrationError ? error.failure : 'failed'
    }
  }
}

/** With another agent or key the same attempt needs another registration: a replica may follow a newer routes file. */
const keyOf = ({ callSid }: Call, { n, way }: Attempt): string => `${callSid} ${n} ${JSON.stringify(way)}`
