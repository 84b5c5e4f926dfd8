import type { Clock } from '../../clock.ts'
import { header } from '../../sip/message.ts'
import type { SipResponse } from '../../sip/message.ts'
import type { Payload } from './payloads.ts'

/** Who answers a phone of the sandbox. The far end says it in a header of its 200, because no media flows. */
export type AnsweredBy = 'human' | 'machine' | 'nobody'

export const ANSWERED_BY = 'X-Sandbox-Answered-By'

/** When the detection hears the first words, and when a machine's greeting is over, milliseconds from the answer. */
const FIRST_WORDS_MS = 800
const GREETING_MS = 4000
/** Jambonz' default of `noSpeechTimeoutMs`. */
const NO_SPEECH_MS = 5000

/** How the detection judges who has answered: its events, and when they come, in milliseconds from the answer. */
const EVENTS: Record<AnsweredBy, [afterMs: number, event: Payload][]> = {
  human: [
    [FIRST_WORDS_MS, { type: 'amd_human_detected', reason: 'short greeting', greeting: 'hello', language: 'en-US' }],
    [FIRST_WORDS_MS, { type: 'amd_stopped' }]
  ],
  machine: [
    [FIRST_WORDS_MS, {
      type: 'amd_machine_detected',
      reason: 'long greeting',
      greeting: 'you have reached the mailbox of somebody who is not here at the moment',
      language: 'en-US'
    }],
    [GREETING_MS, { type: 'amd_machine_stopped_speaking' }],
    [GREETING_MS, { type: 'amd_stopped' }]
  ],
  nobody: [
    [NO_SPEECH_MS, { type: 'amd_no_speech_detected' }],
    [NO_SPEECH_MS, { type: 'amd_stopped' }]
  ]
}

/**
 * Answering machine detection of createCall (feature-server lib/utils/amd-utils.js). Without speech credentials it
 * reports nothing.
 */
export class Amd {
  readonly #report: (event: Payload) => Promise<void>
  readonly #cancels: (() => void)[]
  readonly #reports: Promise<void>[] = []
  #isRunning = true

  /** @param report posts an event to the action hook */
  constructor (answer: SipResponse, clock: Clock, report: (event: Payload) => Promise<void>) {
    this.#report = report
    const answeredBy = header(answer, ANSWERED_BY) as AnsweredBy | undefined
    this.#cancels = EVENTS[answeredBy ?? 'nobody'].map(([afterMs, event]) =>
      clock.schedule(afterMs, () => this.#send(event))
    )
  }

  /** The call is over. Resolves when every event was answered or has failed. */
  async stop (): Promise<void> {
    for (const cancel of this.#cancels) cancel()
    if (this.#isRunning) this.#send({ type: 'amd_stopped' })
    await Promise.all(this.#reports)
  }

  #send (event: Payload): void {
    if (event['type'] === 'amd_stopped') this.#isRunning = false
    this.#reports.push(this.#report(event).catch(() => {}))
  }
}
