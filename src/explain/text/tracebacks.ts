/** A line with an exception of Python or JavaScript: `livekit.api.twirp_client.TwirpError: (…)`. */
const EXCEPTION = /^(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Z]\w{0,60}(?:Error|Exception|Exit|Timeout|Cancelled)\w{0,20}(?::\s?.{0,2000})?$/

export const isException = (line: string): boolean => EXCEPTION.test(line.trim())

/** Lines and characters of a traceback that are read. */
const MOST_LINES = 1000
const LONGEST = 64 * 1024

const BEGINNING = /^\s*Traceback \(most recent call last\):/
/** Between two tracebacks of one error. */
const BETWEEN = /^\s*(?:During handling of the above exception|The above exception was the direct cause)/

/** Collects a traceback of Python. Of several in a row, the last one is what the program ended with. */
export class Traceback {
  readonly number: number
  readonly #lines: string[]
  #size = 0
  #exception: string | undefined
  /** The exception came: only another traceback can follow. */
  #isOver = false

  constructor (line: string, number: number) {
    this.number = number
    this.#lines = [line]
  }

  static begins (line: string): boolean {
    return BEGINNING.test(line)
  }

  /** Takes the next line; false when it belongs to something else. */
  takes (line: string): boolean {
    if (this.#lines.length >= MOST_LINES || this.#size > LONGEST) return false
    if (BEGINNING.test(line) || BETWEEN.test(line)) this.#isOver = false
    else if (this.#isOver && line.trim() !== '') return false
    else if (EXCEPTION.test(line.trim()) && !/^\s/.test(line)) {
      this.#exception = line.trim()
      this.#isOver = true
    } else if (!/^\s|^$/.test(line)) return false

    this.#lines.push(line)
    this.#size += line.length
    return true
  }

  /** The last exception. */
  get exception (): string | undefined {
    return this.#exception
  }

  get text (): string {
    return this.#lines.join('\n')
  }
}

/** A frame in the stack of JavaScript. */
const FRAME = /^\s{2,8}at \S/

/** Collects an error of JavaScript with its stack. */
export class ErrorStack {
  readonly number: number
  readonly exception: string
  readonly #frames: string[] = []

  private constructor (exception: string, number: number) {
    this.exception = exception
    this.number = number
  }

  /** Undefined for a line that is no error. */
  static begin (line: string, number: number): ErrorStack | undefined {
    const text = line.trim()
    return EXCEPTION.test(text) ? new ErrorStack(text, number) : undefined
  }

  takes (line: string): boolean {
    if (!FRAME.test(line) || this.#frames.length >= MOST_LINES) return false
    this.#frames.push(line)
    return true
  }

  /** Where it came from. */
  get text (): string {
    return this.#frames.join('\n')
  }
}

/** What a whole traceback says in the end: its exception; undefined for a text that is none. */
export function exceptionIn (text: string): string | undefined {
  const isPython = text.includes('Traceback (most recent call last)')
  if (!isPython && !/\n\s+at /.test(text)) return undefined

  const found = text.split('\n').slice(-MOST_LINES).map(line => line.trim()).filter(line => EXCEPTION.test(line))
  return isPython ? found.at(-1) : found[0]
}
