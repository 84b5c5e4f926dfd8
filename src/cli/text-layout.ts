/*
 * Text for a terminal of a given width. Columns are counted in characters.
 */

/**
 * Breaks a text into lines of at most `width` characters: between words, after a hyphen where a word alone is too long,
 * and anywhere only where nothing else is left.
 */
export function wrapWords (text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap(word => breakable(word, width))) {
    const joint = line === '' || word.glued ? '' : ' '
    if (line !== '' && line.length + joint.length + word.text.length > width) {
      lines.push(line)
      line = word.text
    } else line += joint + word.text
  }
  return [...lines, line]
}

interface Piece {
  text: string
  /** It belongs to the piece before it, without a space. */
  glued: boolean
}

function breakable (word: string, width: number): Piece[] {
  if (word.length <= width) return [{ text: word, glued: false }]
  const pieces = word.split(/(?<=-)/).flatMap(part => part.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [])
  return pieces.map((text, n) => ({ text, glued: n > 0 }))
}

/**
 * Wraps a line that may be indented. Its continuation lines are indented much deeper, because they may begin with a
 * text that a caller chose, and must not look like lines of our own.
 */
export function wrapIndented (line: string, width: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? ''
  const deeper = indent + ' '.repeat(HANGING)
  const [first = '', ...rest] = wrapWords(line.slice(indent.length), Math.max(20, width - deeper.length))
  return [indent + first, ...rest.map(text => deeper + text)]
}

const HANGING = 8

export interface Column {
  title: string
  /** How narrow it may become when the table is too wide; without it the column keeps its width. */
  atLeast?: number
}

/**
 * How wide each column is so that the table fits. Columns that may shrink give up their width in proportion to what
 * they can spare.
 */
export function columnWidths (columns: readonly Column[], rows: readonly string[][], width: number): number[] {
  const natural = columns.map(({ title }, n) => Math.max(title.length, ...rows.map(row => widestLine(row[n]!))))
  const spare = columns.map(({ atLeast }, n) => Math.max(0, natural[n]! - (atLeast ?? natural[n]!)))
  const total = tableWidth(natural)
  const allSpare = spare.reduce((sum, one) => sum + one, 0)
  const share = allSpare === 0 ? 0 : Math.min(1, Math.max(0, total - width) / allSpare)
  return natural.map((one, n) => one - Math.ceil(spare[n]! * share))
}

const GAP = '  '

/** The width of a whole table. */
export const tableWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1)

const widestLine = (cell: string): number => Math.max(...cell.split('\n').map(line => line.length))

/** The lines of one row. Its cells may have several lines, which are wrapped to their columns. */
export function tableRow (cells: readonly string[], widths: readonly number[]): string[] {
  const wrapped = cells.map((cell, n) => cell.split('\n').flatMap(line => wrapWords(line, widths[n]!)))
  const height = Math.max(...wrapped.map(lines => lines.length))
  return Array.from({ length: height }, (_, line) =>
    wrapped.map((lines, n) => (lines[line] ?? '').padEnd(widths[n]!)).join(GAP).trimEnd())
}
