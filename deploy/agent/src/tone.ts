const SAMPLE_RATE = 24_000
const FRAME_MS = 20
const FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS / 1000
const AMPLITUDE = 6000
/** Ramp at both ends of a tone, milliseconds. Without it the tone would click. */
const RAMP_MS = 10

/** Frames of 16-bit mono audio, 20 ms each, without an end. */
export interface Frames {
  readonly sampleRate: number
  next (): Int16Array
}

/** A gapless stream of audio: the added tones, one after another, otherwise silence. */
export class Tones implements Frames {
  readonly sampleRate = SAMPLE_RATE
  #waiting: Int16Array[] = []

  /** Adds a tone of `hz` for `ms` milliseconds (0 Hz is a pause). */
  add (hz: number, ms: number, amplitude = AMPLITUDE): void {
    const length = Math.ceil(ms / FRAME_MS) * FRAME_SAMPLES
    const ramp = SAMPLE_RATE * RAMP_MS / 1000
    const tone = Int16Array.from({ length }, (_, i) => {
      const loudness = Math.min(1, i / ramp, (length - i) / ramp)
      return Math.round(Math.sin(2 * Math.PI * hz * i / SAMPLE_RATE) * amplitude * loudness)
    })
    for (let at = 0; at < length; at += FRAME_SAMPLES) this.#waiting.push(tone.slice(at, at + FRAME_SAMPLES))
  }

  get isEmpty (): boolean {
    return this.#waiting.length === 0
  }

  next (): Int16Array {
    return this.#waiting.shift() ?? new Int16Array(FRAME_SAMPLES)
  }
}

/** A slow arpeggio of C major and A minor, as frequency and length. 0 Hz is a pause. */
const MELODY = [262, 330, 392, 523, 392, 330, 220, 262, 330, 440, 330, 262].map(hz => [hz, 400] as const)
/** Softer than speech, so that nobody is startled when the agent talks again. */
const MUSIC_AMPLITUDE = 2500

/** Music on hold, made of tones: it needs no file, and nobody's licence. */
export class Melody implements Frames {
  readonly sampleRate = SAMPLE_RATE
  readonly #tones = new Tones()
  #notes = 0

  next (): Int16Array {
    if (this.#tones.isEmpty) {
      const [hz, ms] = MELODY[this.#notes++ % MELODY.length]!
      this.#tones.add(hz, ms, MUSIC_AMPLITUDE)
    }
    return this.#tones.next()
  }
}
