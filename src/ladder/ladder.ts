import { isTerminal, plain, styleFor, type TerminalStyle } from '../terminal.ts'
import { createFolder, type Row } from './fold.ts'
import { PARTIES } from './parties.ts'
import type { Party, Step } from './trace.ts'

export interface LadderOptions extends TerminalStyle {
  /** The columns of the terminal. The ladder uses at least 80 and at most 160. */
  width: number
  /** Whether lines can be overwritten, as on a terminal but not in a file. */
  rewrite: boolean
  /** The lifelines from left to right. Absent: those of a call that goes to LiveKit. */
  parties?: readonly Party[]
  /** Nobody knows when the steps were: the column with their times stays empty. */
  untimed?: boolean
}

/** What a stream and the environment allow. */
export function ladderOptionsFor (
  stream: { isTTY?: boolean, columns?: number },
  env: Record<string, string | undefined>
): LadderOptions {
  return {
    width: stream.columns ?? (Number(env['COLUMNS']) || 120),
    ...styleFor(stream, env),
    rewrite: isTerminal(stream, env)
  }
}

/** The columns of the lifelines, counted from 0. Parties with longer messages get more room. */
export function layout (
  width: number,
  parties: readonly Party[] = PARTIES
): { width: number, at: ReadonlyMap<Party, number> } {
  const total = Math.min(160, Math.max(80, Math.floor(width)))
  const first = GUTTER + 4
  const room = total - first - 5
  const shares = parties.map((party, i) => shareOf(party, parties[i + 1]))
  const sum = shares.slice(0, -1).reduce((sum, share) => sum + share, 0)
  const at = new Map<Party, number>()
  let used = 0
  for (const [i, party] of parties.entries()) {
    at.set(party, first + Math.round(room * used / sum))
    used += shares[i]!
  }
  return { width: total, at }
}

/** How much of the width is behind a lifeline. Between a person and whoever stands beside them nothing is written. */
const shareOf = (party: Party, next: Party | undefined): number => next === 'person' ? 2 : SHARES[party] ?? 3
const SHARES: Partial<Record<Party, number>> = { person: 4, jambonz: 5, bridge: 4 }

/** The number of columns on the left, which show the milliseconds. */
export const GUTTER = 8

/** The names of the parties above their lifelines. */
export function ladderHeader (options: LadderOptions): string {
  const { width, at } = layout(options.width, options.parties)
  const line = canvas(width)
  if (!options.untimed) write(line, 0, 'ms'.padStart(GUTTER - 2), 'time')
  for (const [party, column] of at) write(line, column - Math.floor(party.length / 2), party, 'name')
  return paint(line, options)
}

/**
 * One message as one line, or as two when its text does not fit into its arrow and must go above it.
 *
 * @param start milliseconds since the epoch that count as 0
 */
export function ladderRow (row: Row, start: number, options: LadderOptions): string[] {
  const { width, at } = layout(options.width, options.parties)
  const glyph = options.ascii ? ASCII : UNICODE
  const { step } = row
  const text = labelOf(step, options) + (row.count > 1 ? ` ${glyph.times}${row.count}` : '')
  const style = styleOf(step)
  // A party without a lifeline is drawn at the last one.
  const last = Math.max(...at.values())
  const from = at.get(step.from) ?? last
  const to = at.get(step.to) ?? last
  const arrow = lifelines(width, at, glyph)
  const ms = Math.max(0, Math.round(step.at - start))
  if (!options.untimed) write(arrow, 0, String(ms).padStart(GUTTER - 2), 'time')

  if (from === to) {
    // What a party does alone is a dot on its lifeline with the text beside it, on the left at the right edge.
    write(arrow, from, glyph.dot, style)
    const right = clip(text, Math.max(width - from - 2, from - GUTTER - 2), glyph)
    write(arrow, right.length <= width - from - 2 ? from + 2 : from - 1 - right.length, right, style)
    return [paint(arrow, options)]
  }

  const left = Math.min(from, to)
  const span = Math.abs(to - from) - 1
  write(arrow, left + 1, glyph.line.repeat(span), style)
  if (to > from) write(arrow, to - 1, glyph.right, style)
  else write(arrow, to + 1, glyph.left, style)
  const inside = [...text].length + 4 <= span
  if (inside) {
    write(arrow, left + 1 + Math.floor((span - [...text].length - 2) / 2), ` ${text} `, style)
    return [paint(arrow, options)]
  }
  const label = lifelines(width, at, glyph)
  const shown = clip(text, width - GUTTER - 1, glyph)
  const length = [...shown].length
  const middle = left + 1 + Math.floor((span - length) / 2)
  write(label, Math.min(width - length, Math.max(GUTTER, middle)), shown, style)
  return [paint(label, options), paint(arrow, options)]
}

/**
 * A whole ladder as text. Steps that repeat, alone or as alternating pairs, are drawn once with their count.
 */
export function renderLadder (steps: readonly Step[], options: LadderOptions): string {
  const folder = createFolder()
  for (const step of steps) folder.push(step)
  folder.end()
  const start = steps[0]?.at ?? 0
  return [ladderHeader(options), ...folder.rows.flatMap(row => ladderRow(row, start, options))].join('\n') + '\n'
}

/** A ladder that grows while the call happens. */
export interface LiveLadder {
  step(step: Step): void
  /** Draws a step that was held back. No step may follow. */
  end(): void
}

/**
 * Prints each step when it happens. Where lines can be overwritten, repeats increase a count in place. Elsewhere a line
 * gives their number as soon as another step follows.
 */
export function createLiveLadder (write: (text: string) => void, options: LadderOptions): LiveLadder {
  const folder = createFolder()
  let start: number | undefined
  let repeatsPrinted = true

  function draw (rows: readonly Row[]): void {
    for (const row of rows) for (const line of ladderRow(row, start ?? 0, options)) write(line + '\n')
  }
  function printRepeats (): void {
    if (repeatsPrinted) return
    repeatsPrinted = true
    const repeated = folder.repeating.map(row =>
      `${labelOf(row.step, options)} ${options.ascii ? 'x' : '×'}${row.count}`
    )
    write(
      clip(
        `${' '.repeat(GUTTER)}${options.ascii ? ':' : '⋮'} ${repeated.join(', ')} in all`,
        layout(options.width).width,
        options.ascii ? ASCII : UNICODE
      ) + '\n'
    )
  }
  function show (change: { fresh: readonly Row[], again: readonly Row[] }): void {
    if (change.again.length > 0) {
      if (options.rewrite) {
        const lines = change.again.reduce((sum, row) => sum + ladderRow(row, start ?? 0, options).length, 0)
        write(`\x1b[${lines}A\x1b[0J`)
        draw(change.again)
      } else repeatsPrinted = false
    }
    draw(change.fresh)
  }

  return {
    step (step) {
      if (start === undefined) {
        start = step.at
        write(ladderHeader(options) + '\n')
      }
      if (!folder.continues(step)) printRepeats()
      show(folder.push(step))
    },
    end () {
      printRepeats()
      show(folder.end())
    }
  }
}

type Style = 'none' | 'life' | 'time' | 'name' | 'sip' | 'http' | 'room' | 'bad'
interface Cell {
  char: string
  style: Style
}
interface Glyphs {
  life: string
  line: string
  left: string
  right: string
  dot: string
  times: string
  more: string
}

const UNICODE: Glyphs = { life: '│', line: '─', left: '◀', right: '▶', dot: '●', times: '×', more: '…' }
const ASCII: Glyphs = { life: '|', line: '-', left: '<', right: '>', dot: '*', times: 'x', more: '...' }
const ANSI: Record<Style, string> = {
  none: '',
  life: '\x1b[2m',
  time: '\x1b[2m',
  name: '\x1b[1m',
  sip: '\x1b[36m',
  http: '\x1b[33m',
  room: '\x1b[35m',
  bad: '\x1b[31m'
}

/** Final failures are red in every protocol. */
function styleOf (step: Step): Style {
  return /^[4-6]\d\d\b/.test(step.what) || /\b(failed|no reply)\b/.test(step.what) ? 'bad' : step.via
}

function canvas (width: number): Cell[] {
  return Array.from({ length: width }, () => ({ char: ' ', style: 'none' }))
}

function lifelines (width: number, at: ReadonlyMap<Party, number>, glyph: Glyphs): Cell[] {
  const line = canvas(width)
  for (const column of at.values()) write(line, column, glyph.life, 'life')
  return line
}

function write (line: Cell[], at: number, text: string, style: Style): void {
  let i = at
  for (const char of text) {
    if (i >= 0 && i < line.length) line[i] = { char, style }
    i++
  }
}

function paint (line: readonly Cell[], options: LadderOptions): string {
  let end = line.length
  while (end > 0 && line[end - 1]?.char === ' ') end--
  let out = ''
  let style: Style = 'none'
  for (const cell of line.slice(0, end)) {
    if (options.colour && cell.style !== style) out += (ANSI[style] && '\x1b[0m') + ANSI[cell.style]
    style = cell.style
    out += cell.char
  }
  return options.colour && ANSI[style] ? out + '\x1b[0m' : out
}

function clip (text: string, length: number, glyph: Glyphs): string {
  const chars = [...text]
  return chars.length <= length ? text : chars.slice(0, Math.max(0, length - glyph.more.length)).join('') + glyph.more
}

/** The text of a step. Messages may contain wide characters, which would break the columns: they become `?`. */
function labelOf (step: Step, options: LadderOptions): string {
  return plain(step.what, options).replace(WIDE, '?')
}

/** Every character except those of Latin, Greek signs, punctuation, arrows and mathematics, which fill one column. */
const WIDE = /[^\x20-\x7e\u00a1-\u02ff\u2010-\u2027\u2030-\u205e\u2070-\u22ff]/gu
