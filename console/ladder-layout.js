/*
 * Where the parts of a ladder are drawn. Pure: text is measured by whoever draws.
 */

/** @import { LadderRow } from './call-types.js' */

/**
 * @typedef {object} Label
 * @property {number} x
 * @property {number} y of the baseline
 * @property {string} text what fits
 * @property {number} width
 * @property {'start' | 'middle' | 'end'} anchor
 * @property {boolean} isCut
 *
 * @typedef {{ party: string, x: number, name: Label }} Lane
 *
 * @typedef {object} StepItem
 * @property {'step'} kind
 * @property {number} y
 * @property {number} height
 * @property {LadderRow} row
 * @property {Label} label
 * @property {number} line y of the arrow or the dot
 * @property {number} from x
 * @property {number} to x; equal to `from` for what a party does alone
 *
 * @typedef {{ kind: 'pause', y: number, height: number, ms: number }} PauseItem
 * @typedef {{ kind: 'title', y: number, height: number, label: Label }} TitleItem
 * @typedef {StepItem | PauseItem | TitleItem} Item
 * @typedef {{ width: number, height: number, timeWidth: number, lanes: Lane[], items: Item[] }} Layout
 *
 * @typedef {object} LayoutOptions
 * @property {readonly string[]} parties
 * @property {readonly LadderRow[]} rows
 * @property {number} width of the place for it, px. The ladder is wider where its lanes need more
 * @property {number} timeWidth of the column on the left, px
 * @property {number} unit px for one step of the sizes below, 1 at a font size of 14 px
 * @property {(text: string) => number} measure width of a label, px
 * @property {(text: string) => number} measureName width of the name of a lane, px
 * @property {(row: LadderRow) => string} textOf
 * @property {(row: LadderRow) => string | undefined} [titleOf] a heading in front of a row
 * @property {(row: LadderRow) => number} [pauseOf] how long nothing was heard before a row, milliseconds
 */

/** Sizes in units. */
export const SIZES = {
  /** From one lane to the next, at least. */
  lane: 50,
  /** Beside the first and the last lane: at least, and where there is room. */
  side: 24,
  wideSide: 58,
  arrowRow: 34,
  dotRow: 24,
  pauseRow: 18,
  titleRow: 28,
  /** Of letters, above and below the baseline. */
  ascent: 11,
  descent: 4,
  /** Between a label and what is beside it. */
  gap: 7
}

/** A silence of so many milliseconds is shown as one. */
export const PAUSE_MS = 1000

/** @type {Record<string, string>} */
const NAMES = { jambonz: 'Jambonz', livekit: 'LiveKit', retell: 'Retell', sip: 'SIP address' }

/** @param {string} party */
export const nameOf = party => NAMES[party] ?? party

/** How much room is behind a lane: most messages go between Jambonz and the bridge. @type {Record<string, number>} */
const SHARES = { caller: 1.6, callee: 2.6, person: 2.6, jambonz: 5, bridge: 4.4, livekit: 2.6 }

/** @param {string} party @param {string | undefined} next */
const shareOf = (party, next) => next === 'person' ? 2 : SHARES[party] ?? 3

/**
 * @param {LayoutOptions} options
 * @returns {Layout}
 */
export function layoutLadder (options) {
  const { parties, rows, unit, timeWidth } = options
  const least = timeWidth + (2 * SIZES.side + SIZES.lane * (parties.length - 1)) * unit
  const width = Math.max(options.width, least)
  const lanes = lanesOf(options, width)
  const at = new Map(lanes.map(({ party, x }) => [party, x]))

  /** @type {Item[]} */
  const items = []
  let y = 0
  const add = (/** @type {Item} */ item) => {
    items.push(item)
    y += item.height
  }
  const last = lanes.at(-1)?.x ?? timeWidth
  for (const [i, row] of rows.entries()) {
    const pause = i === 0 ? 0 : options.pauseOf?.(row) ?? 0
    if (pause >= PAUSE_MS) add({ kind: 'pause', y, height: SIZES.pauseRow * unit, ms: pause })
    const title = options.titleOf?.(row)
    if (title !== undefined) add(titleItem(title, y, width, options))
    // A party without a lane is drawn at the last one.
    add(stepItem({ row, y, from: at.get(row.from) ?? last, to: at.get(row.to) ?? last }, width, options))
  }
  return { width, height: y, timeWidth, lanes, items }
}

/**
 * @param {LayoutOptions} options
 * @param {number} width
 * @returns {Lane[]}
 */
function lanesOf ({ parties, unit, timeWidth, measureName }, width) {
  const spare = width - timeWidth - (2 * SIZES.side + SIZES.lane * (parties.length - 1)) * unit
  const side = Math.min(SIZES.wideSide * unit, SIZES.side * unit + Math.max(0, spare) / 8)
  const first = timeWidth + side
  const room = width - first - side
  const shares = parties.slice(0, -1).map((party, i) => shareOf(party, parties[i + 1]))
  const sum = shares.reduce((sum, share) => sum + share, 0)
  // Every gap has what it needs at least, and the rest goes by shares.
  const least = SIZES.lane * unit
  const rest = room - least * shares.length
  let x = first
  const places = parties.map((party, i) => {
    const place = { party, x }
    x += least + rest * (shares[i] ?? 0) / (sum || 1)
    return place
  })

  return places.map(({ party, x }, i) => {
    const before = i === 0 ? timeWidth : ((places[i - 1]?.x ?? 0) + x) / 2
    const behind = i === places.length - 1 ? width : ((places[i + 1]?.x ?? width) + x) / 2
    // Centred on its lane, as far as its neighbours and the edges leave room.
    const most = 2 * Math.min(x - before, behind - x) - 4
    const text = cut(nameOf(party), most, measureName)
    const name = {
      x,
      y: SIZES.ascent * unit,
      text,
      width: measureName(text),
      anchor: /** @type {const} */ ('middle'),
      isCut: text !== nameOf(party)
    }
    return { party, x, name }
  })
}

/**
 * @param {{ row: LadderRow, y: number, from: number, to: number }} step
 * @param {number} width
 * @param {LayoutOptions} options
 * @returns {StepItem}
 */
function stepItem ({ row, y, from, to }, width, options) {
  const { unit, textOf } = options
  const text = textOf(row)
  const beside = from === to ? besideDot(text, from, width, options) : undefined
  if (beside) {
    const height = SIZES.dotRow * unit
    const line = y + height / 2
    const label = { ...beside, y: line + (SIZES.ascent - SIZES.descent) / 2 * unit }
    return { kind: 'step', y, height, row, label, line, from, to }
  }
  const height = SIZES.arrowRow * unit
  const label = above(text, (from + to) / 2, width, options)
  const line = y + height - (SIZES.gap + 2) * unit
  return { kind: 'step', y, height, row, label: { ...label, y: y + (SIZES.ascent + 3) * unit }, line, from, to }
}

/**
 * What a party does alone has its text beside the dot, where it fits.
 * @param {string} text
 * @param {number} x
 * @param {number} width
 * @param {LayoutOptions} options
 * @returns {Omit<Label, 'y'> | undefined}
 */
function besideDot (text, x, width, { unit, timeWidth, measure }) {
  const wide = measure(text)
  const gap = (SIZES.gap + 3) * unit
  if (x + gap + wide <= width - 2) return { x: x + gap, text, width: wide, anchor: 'start', isCut: false }
  if (x - gap - wide >= timeWidth) return { x: x - gap, text, width: wide, anchor: 'end', isCut: false }
  return undefined
}

/**
 * A text around a middle, moved where it would leave the ladder.
 * @param {string} text
 * @param {number} middle
 * @param {number} width
 * @param {LayoutOptions} options
 * @returns {Omit<Label, 'y'>}
 */
function above (text, middle, width, { timeWidth, measure }) {
  const left = timeWidth + 2
  const right = width - 2
  const shown = cut(text, right - left, measure)
  const wide = measure(shown)
  const x = Math.min(right - wide / 2, Math.max(left + wide / 2, middle))
  return { x, text: shown, width: wide, anchor: 'middle', isCut: shown !== text }
}

/**
 * @param {string} title
 * @param {number} y
 * @param {number} width
 * @param {LayoutOptions} options
 * @returns {TitleItem}
 */
function titleItem (title, y, width, { unit, timeWidth, measure }) {
  const text = cut(title, width - timeWidth - 4, measure)
  const label = {
    x: timeWidth + 2,
    y: y + (SIZES.titleRow - SIZES.gap - SIZES.descent + 2) * unit,
    text,
    width: measure(text),
    anchor: /** @type {const} */ ('start'),
    isCut: text !== title
  }
  return { kind: 'title', y, height: SIZES.titleRow * unit, label }
}

/**
 * The longest beginning of a text that fits, with an ellipsis.
 * @param {string} text
 * @param {number} most px
 * @param {(text: string) => number} measure
 */
export function cut (text, most, measure) {
  if (measure(text) <= most) return text
  const letters = [...text]
  let fits = 0
  let tooLong = letters.length
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1
    if (measure(shortened(letters, middle)) <= most) fits = middle
    else tooLong = middle
  }
  return shortened(letters, fits)
}

/** @param {string[]} letters @param {number} count */
const shortened = (letters, count) => `${letters.slice(0, count).join('').trimEnd()}…`

/** Where a label begins and ends, px. @param {Label} label @returns {[number, number]} */
export function spanOf ({ x, width, anchor }) {
  if (anchor === 'start') return [x, x + width]
  return anchor === 'end' ? [x - width, x] : [x - width / 2, x + width / 2]
}
