import type { Control } from './call.ts'

/**
 * How the caller is handed to a person. `consult`: an agent talks with the person first. `add`: the person joins caller
 * and agent. `blind`: the caller is dialled through. `screen`: like `blind`, and the person presses a key to take the
 * call. `refer`: the carrier moves the call.
 */
export type Mode = 'consult' | 'add' | 'blind' | 'screen' | 'refer'

export interface NewTransfer {
  mode: Mode
  to: string
  /** `consult`: what the agent that talks with the person gets in its job metadata. */
  brief?: string
  /** `screen`: what Jambonz says to the person, who then presses 1 to take the call. */
  say?: string
}

/** How a transfer stands. The bridge may add fields, states and reasons, so unknown ones must not matter. */
export interface Transfer {
  id: string
  mode: Mode
  /** `requested`, `calling`, `ringing`, `answered`, `consulting`, `completing`, `returning` or `finished`. */
  state: string
  /** Only when it is finished. */
  result?: 'bridged' | 'returned' | 'failed'
  /** Why, in one word. */
  reason?: string
}

/** The bridge did not do what it was asked for. `code` says why, for example `BRIDGE_NUMBER_REFUSED`. */
export class CallApiError extends Error {
  readonly status: number
  readonly code: string

  constructor (status: number, { code, message }: { code?: unknown, message?: unknown } = {}) {
    super(typeof message === 'string' ? message : `HTTP ${status}`)
    this.name = 'CallApiError'
    this.status = status
    this.code = typeof code === 'string' ? code : `HTTP_${status}`
  }
}

/** The bridge answers every request within this time, seconds, besides the time for which it is asked to wait. */
const ANSWER_S = 15

/** The API of one call. It can do nothing to other calls. */
export class CallApi {
  readonly #control: Control

  constructor (control: Control) {
    this.#control = control
  }

  /** Asks for a transfer, and returns as soon as the bridge has begun it. */
  transfer (request: NewTransfer): Promise<Transfer> {
    return this.#ask<Transfer>('POST', '/transfers', { body: request })
  }

  readTransfer (id: string): Promise<Transfer> {
    return this.#ask<Transfer>('GET', `/transfers/${encodeURIComponent(id)}`)
  }

  /** Waits until a transfer is not in `state` any more, for as many seconds at most. */
  waitForNews ({ id, state }: Pick<Transfer, 'id' | 'state'>, waitS: number): Promise<Transfer> {
    const query = new URLSearchParams({ wait: String(waitS), state })
    return this.#ask<Transfer>('GET', `/transfers/${encodeURIComponent(id)}?${query}`, { waitS })
  }

  /** `consult`: the person joins the caller. */
  complete (id: string): Promise<Transfer> {
    return this.#ask<Transfer>('POST', `/transfers/${encodeURIComponent(id)}/complete`)
  }

  /** The caller stays with the agent, or comes back to it. */
  cancel (id: string): Promise<Transfer> {
    return this.#ask<Transfer>('POST', `/transfers/${encodeURIComponent(id)}/cancel`)
  }

  /** Sends key presses to the caller's phone, or to the menu of a system that was called. 11 seconds for 32 of them. */
  async sendDigits (digits: string): Promise<void> {
    await this.#ask('POST', '/dtmf', { body: { digits }, waitS: digits.length })
  }

  async hangUp (): Promise<void> {
    await this.#ask('POST', '/hangup')
  }

  async #ask<T> (
    method: 'GET' | 'POST',
    path: string,
    { body, waitS = 0 }: { body?: object, waitS?: number } = {}
  ): Promise<T> {
    const { url, token } = this.#control
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout((ANSWER_S + waitS) * 1000)
    })
    const reply = await response.json().catch(() => ({})) as T & { code?: unknown, message?: unknown }
    if (!response.ok) throw new CallApiError(response.status, reply)
    return reply
  }
}
