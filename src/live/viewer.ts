import { Readable } from 'node:stream'

/** Bytes that may wait for a viewer before it counts as too slow. */
const MOST_WAITING = 256 * 1024

/**
 * The stream of one viewer. A viewer that is too slow misses frames, and gets a fresh picture once it has caught up:
 * there is never a queue without end.
 */
export class Viewer extends Readable {
  #isBehind = true
  #isOver = false
  readonly #askForPicture: (viewer: Viewer) => void

  /** @param askForPicture is called when the viewer needs a picture: at first, and when it has caught up */
  constructor (askForPicture: (viewer: Viewer) => void) {
    super({ highWaterMark: MOST_WAITING / 4 })
    this.#askForPicture = askForPicture
  }

  /** Frames make no sense to it: it has no picture yet, or missed frames since. */
  get isBehind (): boolean {
    return this.#isBehind
  }

  /** Sends a picture, which stands for everything before it. Whoever is too slow for it asks again. */
  show (picture: Buffer): void {
    if (this.destroyed || this.#isOver) return
    this.#isBehind = this.readableLength > MOST_WAITING
    if (!this.#isBehind) this.push(picture)
  }

  /** Sends what comes after the last picture. */
  send (frame: Buffer): void {
    if (this.destroyed || this.#isOver) return
    if (this.readableLength > MOST_WAITING) this.#isBehind = true
    if (!this.#isBehind) this.push(frame)
  }

  /** Sends a last frame and ends the stream. */
  end (frame: Buffer): void {
    if (this.destroyed || this.#isOver) return
    this.#isOver = true
    this.push(frame)
    this.push(null)
  }

  override _read (): void {
    if (!this.#isBehind || this.#isOver) return
    // What is being read now still counts as waiting.
    setImmediate(() => this.#askForPicture(this))
  }
}
