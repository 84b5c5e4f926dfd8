import { createDecoder, type Encoding } from './encoding.ts'

/** Longer lines are cut: nothing that a call is told by is that long. */
const MAX_LINE = 256 * 1024
/** A whole export may be one line of JSON. */
const MAX_JSON_LINE = 8 * 1024 * 1024

export interface Line {
  line: string
  /** From 1. */
  number: number
  /** Whether its end is missing, because it was too long. */
  cut: boolean
}

/** The lines of a byte stream, whatever ends them, as many at a time as each chunk completes. */
export async function * linesOf (chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Line[]> {
  const decoder = createDecoder(encoding)
  const open = createOpenLine()
  let number = 0
  for await (const chunk of chunks) {
    const parts = decoder.write(chunk).split('\n')
    const rest = parts.pop() ?? ''
    yield parts.flatMap(part => {
      open.add(part)
      return withoutReturns({ ...open.take(), number: ++number })
    })
    open.add(rest)
  }
  if (!open.isEmpty()) yield withoutReturns({ ...open.take(), number: ++number })
}

/** Carriage returns within a line are the line ends of another machine. Editors count no lines by them. */
function withoutReturns (line: Line): Line[] {
  if (!line.line.includes('\r')) return [line]
  return line.line.split(/\r+/).map(part => ({ ...line, line: part }))
}

/** Collects the parts of one line, as far as it may be long. */
function createOpenLine () {
  let parts: string[] = []
  let size = 0
  let most = MAX_LINE
  let cut = false

  return {
    isEmpty: (): boolean => size === 0,
    add (part: string): void {
      if (part === '') return
      if (size === 0) most = /^\ufeff?\s{0,20}[[{]/.test(part) ? MAX_JSON_LINE : MAX_LINE
      if (size + part.length > most) cut = true
      if (size < most) parts.push(part.slice(0, most - size))
      size += part.length
    },
    take (): Omit<Line, 'number'> {
      const line = parts.join('').replace(/\r+$/, '').replace(/^\ufeff/, '')
      const taken = { line, cut }
      parts = []
      size = 0
      cut = false
      return taken
    }
  }
}
