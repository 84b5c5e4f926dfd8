import { setTimeout as sleep } from 'node:timers/promises'
import { CallApiError, type CallApi, type Mode, type Transfer } from './call-api.ts'
import type { People } from './people.ts'

/** Topic of the bridge's data messages. */
const TOPIC = 'bridge'
/** The bridge holds a reply for at most this long, seconds. */
const WAIT_S = 25
/** Between two requests when the first one told nothing new. */
const PAUSE_MS = 1000

export interface TransfersOptions {
  api?: CallApi | undefined
  people: People
  /** Gets each step of a transfer once. */
  onNews: (transfer: Transfer) => void
  /** The agent's job is over. */
  over: AbortSignal
}

/** The transfers of the agent's call: asks for them, and hears what becomes of them. */
export class Transfers {
  readonly people: People
  /** Absent in a degraded call, in which nobody can be called, and until a warm agent knows its call. */
  api: CallApi | undefined
  readonly #onNews: (transfer: Transfer) => void
  readonly #over: AbortSignal
  #latest: Transfer | undefined

  constructor ({ api, people, onNews, over }: TransfersOptions) {
    this.people = people
    this.api = api
    this.#onNews = onNews
    this.#over = over
  }

  /** The transfer that is under way. */
  get open (): Transfer | undefined {
    return this.#latest?.state === 'finished' ? undefined : this.#latest
  }

  /**
   * Calls somebody of the directory. Whether the person comes is told by `onNews`.
   * @param brief what the person should know before talking with the caller. Nobody could tell it with other modes
   * @throws {CallApiError | UnknownPersonError}
   */
  async begin (mode: Mode, name: string, brief = 'Somebody asks for you.'): Promise<Transfer> {
    const transfer = await this.#apiOf().transfer({
      mode,
      to: this.people.numberOf(name),
      ...(mode === 'consult' && { brief }),
      ...(mode === 'screen' && { say: `${brief} Press 1 to take the call.` })
    })
    this.#note(transfer)
    this.#follow(transfer.id).catch(() => {})
    return transfer
  }

  /** Another agent of this call has begun a transfer, and is gone: its news are this agent's from now on. */
  async resume (id: string): Promise<void> {
    this.#note(await this.#apiOf().readTransfer(id))
    this.#follow(id).catch(() => {})
  }

  /** `consult`: the person joins the caller. Then the bridge removes this agent from the room. */
  async complete (): Promise<Transfer> {
    return this.#note(await this.#apiOf().complete(this.#openId()))
  }

  async cancel (): Promise<Transfer> {
    return this.#note(await this.#apiOf().cancel(this.#openId()))
  }

  /** Presses keys on the phone. */
  async sendDigits (digits: string): Promise<void> {
    await this.#apiOf().sendDigits(digits)
  }

  async hangUp (): Promise<void> {
    await this.#apiOf().hangUp()
  }

  /**
   * Takes a data message of the room. It is the quickest news.
   * @param sender the bridge is no participant of the room. Anybody else could claim anything
   */
  heard (payload: Uint8Array, sender: unknown, topic: string | undefined): void {
    if (topic !== TOPIC || sender !== undefined) return
    try {
      const message = JSON.parse(new TextDecoder().decode(payload)) as { type?: unknown, transfer?: Transfer }
      if (message.type === 'transfer' && typeof message.transfer?.id === 'string') this.#note(message.transfer)
    } catch {
      // A later version may send something else.
    }
  }

  /** @throws {CallApiError} this call is degraded */
  #apiOf (): CallApi {
    if (!this.api) throw new CallApiError(501, { code: 'DEGRADED', message: 'This call has no API' })
    return this.api
  }

  #openId (): string {
    if (!this.open) throw new CallApiError(409, { code: 'NO_TRANSFER', message: 'No transfer is under way' })
    return this.open.id
  }

  /** Asks until the transfer is finished. A data message may get lost; the reply to a request does not. */
  async #follow (id: string): Promise<void> {
    while (!this.#over.aborted && this.open?.id === id) {
      const before = this.open
      try {
        this.#note(await this.#apiOf().waitForNews(before, WAIT_S))
      } catch (error) {
        // 401: the call has ended, and nobody is left to hear of it.
        if (error instanceof CallApiError && [401, 404].includes(error.status)) return
      }
      if (this.#latest === before) await sleep(PAUSE_MS, undefined, { signal: this.#over })
    }
  }

  /** Replies and messages may overtake each other, and tell everything twice. A result stands. */
  #note (transfer: Transfer): Transfer {
    const known = this.#latest
    const isTold = known?.id === transfer.id && (known.state === 'finished' || known.state === transfer.state)
    // There is one open transfer at a time, so this is late news of an earlier one.
    const isPast = this.open !== undefined && this.open.id !== transfer.id && transfer.state === 'finished'
    if (isTold || isPast) return transfer

    this.#latest = transfer
    this.#onNews(transfer)
    return transfer
  }
}
