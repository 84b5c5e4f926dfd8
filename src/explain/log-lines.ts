import type { LogSeen } from './seen.ts'

/** Characters of a value that a finding repeats. */
const LONGEST_VALUE = 60

/** What many log lines say together. Each question is answered once, however often it is asked. */
export class LogLines {
  readonly all: readonly LogSeen[]
  readonly #answers = new Map<string, unknown>()

  constructor (all: readonly LogSeen[]) {
    this.all = all
  }

  /** Whether one of the lines has such words. */
  has (pattern: RegExp): boolean {
    return this.#once(`has ${pattern.source}`, () => this.all.some(({ text }) => pattern.test(text)))
  }

  /** Whether one of the lines passes a test. @param name the same for the same test */
  some (name: string, test: (line: LogSeen) => boolean): boolean {
    return this.#once(`some ${name}`, () => this.all.some(test))
  }

  /** The first value that a line has in one of these fields; empty where none has. */
  value (...names: string[]): string {
    return this.#once(`value ${names.join(' ')}`, () => {
      for (const { fields } of this.all) {
        const found = names.map(name => textOf(fields[name])).find(value => value !== '')
        if (found !== undefined) return found
      }
      return ''
    })
  }

  /** The whole text in the first of these fields that any line has; empty where none has. */
  first (...names: string[]): string {
    for (const name of names) {
      const found = this.all.find(({ fields }) => typeof fields[name] === 'string' && fields[name] !== '')
      if (found) return found.fields[name] as string
    }
    return ''
  }

  /** All values that lines with such words have in these fields, each once. The empty one counts, too. */
  values (pattern: RegExp, ...names: string[]): string[] {
    return this.#once(`values ${pattern.source} ${names.join(' ')}`, () => {
      const found = this.all.filter(({ text }) => pattern.test(text)).flatMap(({ fields }) =>
        names.filter(name => typeof fields[name] === 'string').slice(0, 1).map(name => textOf(fields[name]))
      )
      return [...new Set(found)]
    })
  }

  #once<T> (question: string, answer: () => T): T {
    if (!this.#answers.has(question)) this.#answers.set(question, answer())
    return this.#answers.get(question) as T
  }
}

/** A field as a finding may repeat it; empty for one that is no text or number. */
export function textOf (value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string') return ''
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text
}
