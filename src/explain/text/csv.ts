import type { Json } from './json.ts'

/*
 * Tables with a row of names on top, as consoles of log collectors and spreadsheets export them.
 */

/** Names of columns that tell a table of events from a sentence with commas in it. */
const KNOWN = new RegExp(
  String.raw`^(?:@?time(?:stamp)?|date(?:[ _]?time)?|@?message|body|content|payload|log|line|_raw|text|event|data|` +
  String.raw`info|request(?:[_ ]body)?|log_?(?:message|entry)|timegenerated.{0,10}|` +
  String.raw`direction|protocol|source|destination|service|host|level|status|sid|` +
  String.raw`(?:[\w.]{0,40}[._])?(?:call_?(?:sid|status|id)|msg)|sip[._]?\w{0,30}|frame\.\w{1,30}|no\.)$`,
  'i'
)
const NAME = /^[\w@ .:#/()[\]%-]{0,60}$/
/** Characters of the names. */
const MAX_HEADER = 20_000
/** Characters of a row: a cell may hold a whole SIP message. */
const MAX_ROW = 256 * 1024
const DELIMITERS = [',', ';', '\t']

export interface Csv {
  /**
   * @returns the row that the line completes; `more` when a cell goes on in the next line; `none` when there is no such
   * row in the table
   */
  push(line: string): Json | 'more' | 'none'
}

/** Begins a table with the line of its names; undefined when the line is none. */
export function openCsv (line: string): Csv | undefined {
  if (line.length > MAX_HEADER || /^\s*[[{<]/.test(line)) return undefined

  const delimiter = DELIMITERS.find(each => isHeader(cellsOf(line, each)))
  if (delimiter === undefined) return undefined

  const names = namesOf(cellsOf(line, delimiter))
  let open: string[] = []
  let quotes = 0
  let size = 0

  function close (): string {
    const row = open.join('\n')
    open = []
    quotes = 0
    size = 0
    return row
  }

  return {
    push (next) {
      open.push(next)
      quotes += next.split('"').length - 1
      size += next.length
      if (quotes % 2 !== 0 && size < MAX_ROW) return 'more'

      const cells = cellsOf(close(), delimiter)
      if (cells.length !== names.length) return 'none'
      // An empty cell is a field that the record does not have.
      return Object.fromEntries(names.map((name, i) => [name, cells[i]]).filter(([, cell]) => cell !== ''))
    }
  }
}

const isHeader = (cells: readonly string[]): boolean =>
  cells.length > 1 && cells.every(cell => NAME.test(cell) && !/^\d+$/.test(cell)) &&
  cells.some(cell => KNOWN.test(cell.trim())) && new Set(cells).size === cells.length

/** Kibana and Google Cloud write the path of each field: of the fields of a record the last part is the name. */
function namesOf (cells: readonly string[]): string[] {
  const names = cells.map(cell => cell.trim())
  const path = names.map(name => /^(.*\.)(?:call_?sid|msg)$/i.exec(name)?.[1]).find(found => found !== undefined)
  return path === undefined ? names : names.map(name => name.startsWith(path) ? name.slice(path.length) : name)
}

/**
 * The cells of one row (RFC 4180). Where neither a delimiter nor the end follows, a single quote is a character like
 * others: programs forget to double it.
 */
function cellsOf (row: string, delimiter: string): string[] {
  if (!row.includes('"')) return row.split(delimiter)

  const cells: string[] = []
  let at = 0
  while (at <= row.length) {
    const { cell, end } = row[at] === '"' ? quotedCell(row, at, delimiter) : plainCell(row, at, delimiter)
    cells.push(cell)
    at = end + 1
  }
  return cells
}

interface Cell {
  cell: string
  /** Where its delimiter stands, or the end of the row. */
  end: number
}

function plainCell (row: string, start: number, delimiter: string): Cell {
  const found = row.indexOf(delimiter, start)
  const end = found === -1 ? row.length : found
  return { cell: row.slice(start, end), end }
}

/** @param start where its first quote stands */
function quotedCell (row: string, start: number, delimiter: string): Cell {
  let close = row.indexOf('"', start + 1)
  while (close !== -1 && close + 1 < row.length && row[close + 1] !== delimiter) {
    close = row.indexOf('"', close + (row[close + 1] === '"' ? 2 : 1))
  }
  return close === -1
    ? { cell: unquoted(row.slice(start + 1)), end: row.length }
    : { cell: unquoted(row.slice(start + 1, close)), end: close + 1 }
}

const unquoted = (text: string): string => text.replaceAll('""', '"')
