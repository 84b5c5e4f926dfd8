const SAMPLE_RATE = 24_000
const FRAME_MS = 20
const FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS / 1000
const AMPLITUDE = 6000
/** Ramp at both ends of a tone, milliseconds. Without it the tone would click. */
const RAMP_MS = 10

/** A gapless stream of 20 ms frames of 16-bit mono audio: the added tones, one after another, otherwise silence. */
export class Tones {
  readonly sampleRate = SAMPLE_RATE
  #waiting: Int16Array[] = []

  /** Adds a tone of `hz` for `ms` milliseconds (0 Hz is a pause). */
  add (hz: number, ms: number): void {
    const length = Math.ceil(ms / FRAME_MS) * FRAME_SAMPLES
    const ramp = SAMPLE_RATE * RAMP_MS / 1000
    const tone = Int16Array.from({ length }, (_, i) => {
      const loudness = Math.min(1, i / ramp, (length - i) / ramp)
      return Math.round(Math.sin(2 * Math.PI * hz * i / SAMPLE_RATE) * AMPLITUDE * loudness)
    })
    for (let at = 0; at < length; at += FRAME_SAMPLES) this.#waiting.push(tone.slice(at, at + FRAME_SAMPLES))
  }

  next (): Int16Array {
    return this.#waiting.shift() ?? new Int16Array(FRAME_SAMPLES)
  }
}
