/*
 * What Now shows: which calls, in which order. Pure, so that it can be tested without a page.
 *
 * Nothing moves under the reader: while the board is frozen, new calls wait in `held`, and ended calls stay where they
 * are.
 */

/** @import { CallRow, Changes, Counts, Picture, WaitingOn } from './types.js' */

/**
 * @typedef {object} Entry
 * @property {CallRow} row
 * @property {number} [endedAt] when the page learned that the call ended, milliseconds of the bridge's clock
 * @property {boolean} [gone] the call is no longer under way, and its end is not known here
 *
 * @typedef {object} Board
 * @property {boolean} ready whether there was a picture yet
 * @property {ReadonlyMap<string, Entry>} entries by call_sid
 * @property {readonly string[]} order the call_sids that are shown, the newest first
 * @property {readonly string[]} held new calls that wait until the board is released
 * @property {ReadonlyMap<string, CallRow>} finished last rows of calls that are no longer shown, against late news
 * @property {Counts} counts active calls by phase, as the bridge counts them about once a second
 * @property {boolean} more there are active calls that the picture left out
 *
 * @typedef {{ frozen: boolean, now: number }} Moment
 */

/** How long an ended call stays on the board, milliseconds. */
export const STAYS_MS = { failed: 20_000, other: 8_000 }

const MOST_FINISHED = 5000

/** @type {Board} */
export const EMPTY_BOARD = {
  ready: false,
  entries: new Map(),
  order: [],
  held: [],
  finished: new Map(),
  counts: {},
  more: false
}

/**
 * A picture replaces everything, but for ended calls that are still to be seen.
 * @param {Board} before
 * @param {Picture} picture
 * @param {Moment} moment
 * @returns {Board}
 */
export function withPicture (before, picture, { frozen, now }) {
  const board = renamed(before, picture.calls)
  const isActive = new Set(picture.calls.map(({ callSid }) => callSid))
  const oldest = picture.calls.at(-1)?.at.received ?? ''
  /** @type {Map<string, Entry>} */
  const entries = new Map()

  for (const sid of board.order) {
    const entry = board.entries.get(sid)
    if (!entry || isActive.has(sid)) continue
    // Older calls than those of a picture that is cut may go on or not.
    if (picture.more && entry.endedAt === undefined && entry.row.at.received < oldest) continue
    entries.set(sid, entry.endedAt === undefined ? { ...entry, endedAt: now, gone: true } : entry)
  }
  for (const row of picture.calls) entries.set(row.callSid, { row })

  const shown = new Set(board.order)
  const fresh = picture.calls.map(({ callSid }) => callSid).filter(sid => !shown.has(sid))
  const stay = board.order.filter(sid => entries.has(sid))
  return arranged({
    ready: true,
    entries,
    order: stay,
    held: [],
    finished: new Map(),
    counts: picture.counts ?? {},
    more: picture.more
  }, fresh, frozen && board.ready)
}

/**
 * @param {Board} before
 * @param {Changes} changes
 * @param {Moment} moment
 * @returns {Board}
 */
export function withChanges (before, changes, { frozen, now }) {
  const board = renamed(before, changes.calls)
  const entries = new Map(board.entries)
  const fresh = []
  for (const row of changes.calls) {
    const known = entries.get(row.callSid)
    if (isOlder(row, known?.row ?? board.finished.get(row.callSid))) continue
    if (!known) fresh.push(row.callSid)
    entries.set(row.callSid, row.phase === 'ended' ? { row, endedAt: known?.endedAt ?? now } : { row })
  }
  for (const sid of changes.gone ?? []) {
    const entry = entries.get(sid)
    if (entry && entry.endedAt === undefined) entries.set(sid, { ...entry, endedAt: now, gone: true })
  }
  return arranged({ ...board, entries, counts: changes.counts ?? board.counts }, fresh, frozen)
}

/**
 * An ordered call has the id of its order until Jambonz names it. It stays where it is.
 * @param {Board} board
 * @param {readonly CallRow[]} rows
 * @returns {Board}
 */
function renamed (board, rows) {
  /** @type {Map<string, string>} */
  const names = new Map()
  for (const { orderId, callSid } of rows) {
    const isNews = orderId !== undefined && board.entries.has(orderId) && !board.entries.has(callSid)
    if (isNews && orderId !== callSid) names.set(orderId, callSid)
  }
  if (names.size === 0) return board

  const entries = new Map(board.entries)
  for (const [orderId, callSid] of names) {
    const row = entries.get(orderId)?.row
    // The record of the order counted its own events.
    if (row) entries.set(callSid, { row: { ...row, callSid, seq: -1 } })
    entries.delete(orderId)
  }
  const nameOf = (/** @type {string} */ sid) => names.get(sid) ?? sid
  return { ...board, entries, order: board.order.map(nameOf), held: board.held.map(nameOf) }
}

/**
 * Shows the calls that waited.
 * @param {Board} board
 * @param {number} now
 * @returns {Board}
 */
export function released (board, now) {
  if (board.held.length === 0) return board
  const entries = new Map(board.entries)
  // What ended unseen is seen from now on.
  for (const sid of board.held) {
    const entry = entries.get(sid)
    if (entry?.endedAt !== undefined) entries.set(sid, { ...entry, endedAt: now })
  }
  return arranged({ ...board, entries, held: [] }, board.held, false)
}

/**
 * Takes calls away that ended a while ago. The same board when there are none.
 * @param {Board} board
 * @param {number} now
 * @returns {Board}
 */
export function tidied (board, now) {
  const isOver = (/** @type {string} */ sid) => {
    const { endedAt, row } = board.entries.get(sid) ?? {}
    return endedAt !== undefined && now - endedAt >= (row?.failed ? STAYS_MS.failed : STAYS_MS.other)
  }
  const over = board.order.filter(isOver)
  if (over.length === 0) return board

  const entries = new Map(board.entries)
  const finished = new Map(board.finished)
  for (const sid of over) {
    const entry = entries.get(sid)
    if (entry) finished.set(sid, entry.row)
    entries.delete(sid)
  }
  for (const sid of finished.keys()) {
    if (finished.size <= MOST_FINISHED) break
    finished.delete(sid)
  }
  return { ...board, entries, finished, order: board.order.filter(sid => entries.has(sid)) }
}

/**
 * @param {Board} board
 * @param {readonly string[]} fresh call_sids that are not in the order yet
 * @param {boolean} frozen
 * @returns {Board}
 */
function arranged (board, fresh, frozen) {
  if (fresh.length === 0) return board
  if (frozen) return { ...board, held: [...board.held, ...fresh] }

  const receivedOf = (/** @type {string} */ sid) => board.entries.get(sid)?.row.at.received ?? ''
  const order = [...fresh, ...board.order]
  order.sort((one, other) => compare(receivedOf(other), receivedOf(one)) || compare(one, other))
  return { ...board, order }
}

/** @param {string} one @param {string} other */
function compare (one, other) {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/**
 * Whether a row was made of an earlier state of the call than the one that is known.
 * @param {CallRow} row
 * @param {CallRow | undefined} known
 */
function isOlder (row, known) {
  if (!known) return false
  if (row.at.received !== known.at.received) return row.at.received < known.at.received
  return row.seq < known.seq
}

/** How long a call usually waits for something at most, milliseconds. @type {Record<WaitingOn, number>} */
const USUAL_WAIT_MS = {
  hook: 2000,
  sip: 6000,
  route: 6000,
  agent: 8000,
  'agent-audio': 8000,
  none: Infinity
}

/**
 * What a call waits for, and whether that takes too long.
 * @param {Entry} entry
 * @param {number} now
 * @returns {{ on: WaitingOn, since: string, late: boolean } | undefined}
 */
export function waitOf ({ row: { waitingOn, since }, endedAt }, now) {
  if (endedAt !== undefined || waitingOn === 'none' || since === undefined) return undefined
  return { on: waitingOn, since, late: now - Date.parse(since) > USUAL_WAIT_MS[waitingOn] }
}

/**
 * The call_sids of a board that a filter lets through: a phase, `late`, or nothing.
 * @param {Board} board
 * @param {string | undefined} filter
 * @param {number} now
 * @returns {readonly string[]}
 */
export function filtered (board, filter, now) {
  if (filter === undefined) return board.order
  return board.order.filter(sid => {
    const entry = board.entries.get(sid)
    return entry && (filter === 'late' ? waitOf(entry, now)?.late : entry.row.phase === filter)
  })
}

/** @param {Board} board @param {number} now */
export function lateCount (board, now) {
  let count = 0
  for (const entry of board.entries.values()) if (waitOf(entry, now)?.late) count++
  return count
}

/**
 * Active calls by phase. The board counts them itself while it has them all, because the bridge counts more seldom.
 * @param {Board} board
 * @returns {Counts}
 */
export function countsOf (board) {
  if (board.more) return board.counts
  /** @type {Counts} */
  const counts = {}
  for (const { row, endedAt } of board.entries.values()) {
    if (endedAt === undefined) counts[row.phase] = (counts[row.phase] ?? 0) + 1
  }
  return counts
}

/** @param {Counts} counts */
export const activeCount = counts =>
  Object.entries(counts).reduce((sum, [phase, count]) => phase === 'ended' ? sum : sum + count, 0)
