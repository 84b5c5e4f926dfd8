import type { Clock } from '../clock.ts'
import {
  CallEndedError,
  DigitRefusedError,
  DigitsUnderWayError,
  DigitUnknownError,
  DigitUnreachableError,
  DigitQueueError,
  withExtras
} from '../errors.ts'
import type { DigitSender, SentDigit } from './ports.ts'

/** Length of a tone, and of the silence after it, milliseconds. */
const TONE_MS = 250
const GAP_MS = 100
/** Length of a `w`, milliseconds. */
const PAUSE_MS = 500

export interface DigitsOptions {
  sender: DigitSender
  clock: Clock
}

/** Plays key presses to people on the phone, one after another. */
export class Digits {
  readonly #options: DigitsOptions
  /** call_sids of the legs that digits are being played to. */
  readonly #busy = new Set<string>()

  constructor (options: DigitsOptions) {
    this.#options = options
  }

  /** @throws {DigitsUnderWayError} others are being played to this leg */
  assertFree (callSid: string): void {
    if (this.#busy.has(callSid)) throw new DigitsUnderWayError()
  }

  /**
   * Plays digits to the first leg of a call. Resolves when the last tone is over. No digit is sent twice, and after one
   * that failed none follows.
   * @param digits of 0-9, `*`, `#` and `w`, which is a pause
   * @returns how many digits were sent
   * @throws {DigitsUnderWayError} others are being played to this leg
   * @throws {CallEndedError}
   * @throws {DigitQueueError}
   * @throws {DigitRefusedError}
   * @throws {DigitUnreachableError}
   * @throws {DigitUnknownError} all but the first say in `extras` how many digits were sent before
   */
  async play (callSid: string, digits: string): Promise<number> {
    this.assertFree(callSid)
    this.#busy.add(callSid)
    let sent = 0
    try {
      for (const digit of digits) {
        if (digit === 'w') {
          await this.#wait(PAUSE_MS)
          continue
        }
        const became = await this.#options.sender.send(callSid, digit, TONE_MS)
        if (became.outcome !== 'sent') throw failureOf(became, callSid, sent)
        sent++
        await this.#wait(TONE_MS + GAP_MS)
      }
      return sent
    } finally {
      this.#busy.delete(callSid)
    }
  }

  #wait (ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#options.clock.schedule(ms, resolve)
    })
  }
}

function failureOf (became: Exclude<SentDigit, { outcome: 'sent' }>, callSid: string, sent: number): Error {
  const extras = { body: { sent } }
  switch (became.outcome) {
    case 'refused':
      return withExtras(new DigitRefusedError(String(became.status), sent), extras)
    case 'not-sent':
      return became.retryInMs === undefined
        ? withExtras(new DigitUnreachableError(became.detail, sent), extras)
        : withExtras(new DigitQueueError(sent), { ...extras, retryInMs: became.retryInMs })
    case 'unknown':
      return withExtras(new DigitUnknownError(became.detail, sent), extras)
    case 'gone':
      return withExtras(new CallEndedError(callSid), extras)
  }
}
