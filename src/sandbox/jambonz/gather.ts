import { play, say } from './announce.ts'
import type { ConfirmedLeg } from './confirm.ts'
import { digitIn } from './dtmf.ts'
import { legPayload } from './payloads.ts'
import type { GatherVerb, PlayVerb, SayVerb, Verb } from './verbs.ts'

/** Seconds without a digit after the prompt when the verb does not say. */
const DEFAULT_TIMEOUT_S = 15

/** What a gather has collected, as its action hook says it. */
type Gathered = { digits: string, reason: 'dtmfDetected' } | { reason: 'timeout' }

/**
 * The `gather` verb for digits, on a dialled leg. A digit stops the prompt. The timeout begins after the prompt, and
 * runs on when the party is gone, because Jambonz does not notice that here. Resolves with the verbs in the reply to
 * the action hook. A hook that fails raises a status event and has no other effect (feature-server gather).
 */
export async function gather (answered: ConfirmedLeg, verb: GatherVerb): Promise<Verb[] | undefined> {
  const { session, leg } = answered
  const gathered = await new DigitCollector(answered, verb).gathered
  if (gathered === undefined || verb.actionHook === undefined) return undefined

  try {
    const reply = await session.hooks.post(verb.actionHook, {
      ...legPayload(leg),
      ...gathered,
      ...verb.id !== undefined && { verb_id: verb.id }
    })
    return Array.isArray(reply) ? session.context.parse(reply) : undefined
  } catch (error) {
    session.notify(leg, { error: 'invalid actionHook response', reason: (error as Error).message })
    return undefined
  }
}

/** Plays the prompt and collects the digits of one gather. */
class DigitCollector {
  /** Resolves with undefined when the session ends before. */
  readonly gathered: Promise<Gathered | undefined>
  readonly #answered: ConfirmedLeg
  readonly #verb: GatherVerb
  readonly #prompt = new AbortController()
  #resolve: (gathered: Gathered | undefined) => void = () => {}
  #digits = ''
  #isListening: boolean
  #isOver = false
  #cancelTimer = (): void => {}

  constructor (answered: ConfirmedLeg, verb: GatherVerb) {
    this.#answered = answered
    this.#verb = verb
    this.#isListening = verb.listenDuringPrompt !== false
    this.gathered = new Promise(resolve => {
      this.#resolve = resolve
    })
    const { session, call, gone } = answered
    session.over.addEventListener('abort', () => this.#end(undefined), { once: true })
    gone.addEventListener('abort', () => this.#prompt.abort(), { once: true })
    call.onInfo(info => {
      const digit = digitIn(info)
      if (digit !== undefined) this.#onDigit(digit)
    })
    if (session.over.aborted) this.#end(undefined)
    if (gone.aborted) this.#prompt.abort()
    this.#announce().catch(() => {}).finally(() => {
      this.#isListening = true
      this.#startTimer()
    })
  }

  async #announce (): Promise<void> {
    const { session } = this.#answered
    const { say: text, play: file } = this.#verb
    if (text !== undefined) await say(session, { ...text, verb: 'say' } as SayVerb, this.#prompt.signal)
    else if (file !== undefined) await play(session, { ...file, verb: 'play' } as PlayVerb, this.#prompt.signal)
  }

  #onDigit (digit: string): void {
    const { numDigits, maxDigits, minDigits, finishOnKey, interDigitTimeout = 0, dtmfBargein } = this.#verb
    if (this.#isOver || !this.#isListening) return
    if (dtmfBargein !== false) this.#prompt.abort()
    if (digit === finishOnKey) return this.#end(detected(this.#digits))

    this.#digits += digit
    const { length } = this.#digits
    if (length === numDigits || length === maxDigits) return this.#end(detected(this.#digits))
    if (interDigitTimeout > 0 && minDigits !== undefined && length >= minDigits) {
      this.#schedule(interDigitTimeout, () => this.#end(detected(this.#digits)))
    }
  }

  #startTimer (): void {
    const { timeout = DEFAULT_TIMEOUT_S, minDigits } = this.#verb
    if (this.#isOver || timeout === 0) return
    this.#schedule(timeout, () => {
      const isEnough = minDigits !== undefined && this.#digits.length >= minDigits
      this.#end(isEnough ? detected(this.#digits) : { reason: 'timeout' })
    })
  }

  #schedule (seconds: number, fn: () => void): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#answered.session.context.clock.schedule(seconds * 1000, fn)
  }

  #end (gathered: Gathered | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelTimer()
    this.#prompt.abort()
    this.#resolve(gathered)
  }
}

const detected = (digits: string): Gathered => ({ digits, reason: 'dtmfDetected' })
