/** A table that is open: the names of its columns, and the row that is being read. */
export interface Table {
  columns: readonly string[]
  row?: { cells: string[], number: number }
}

/** The cells of a line with borders, or of one that is separated by tabs; undefined for another line. */
export function cellsOf (line: string): string[] | undefined {
  const text = line.trim()
  const border = /^[│┃|]/.exec(text)?.[0]
  if (border !== undefined && text.length > 1 && text.endsWith(border)) {
    return text.slice(1, -1).split(border).map(cell => cell.trim())
  }
  return line.includes('\t') ? line.split('\t').map(cell => cell.trim()) : undefined
}

/** A line that only draws a border: `├───┼───┤`, `+---+---+`, `|---|:--|`. */
export const isBorder = (line: string): boolean => /^\s*[\u2500-\u257f+|=:\s-]{3,}$/.test(line)
