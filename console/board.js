/*
 * What Now shows: which calls, in which order. Pure, so that it can be tested without a page.
 *
 * Nothing moves under the reader: while the board is frozen, new calls wait in `held`, and ended calls stay where they
 * are. A call that ends while it is held is dropped, unless it failed, so that `held` does not grow for ever.
 */

/** @import { CallRow, Changes, Counts, Picture } from './types.js' */

/**
 * @typedef {object} Entry
 * @property {CallRow} row
 * @property {number} [endedAt] when the page learned that the call ended, milliseconds of the bridge's clock
 * @property {boolean} [gone] the call is no longer under way, and its end is not known here
 * @property {boolean} [unsure] the latest picture had no room for the call, so it may have changed since
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

/** A page that nobody touches for so long is not being read, milliseconds. */
export const RESTS_MS = 60_000

/** How many failed calls wait to be shown. Older ones are in Find. */
export const MOST_HELD_FAILED = 200

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
 * Whether somebody reads the table: with the pointer or the focus in it, or scrolled down. A wall screen that was left
 * like that is not read.
 * @param {{ pointer: boolean, focus: boolean, scrolled: boolean, hidden: boolean, movedAt: number }} state
 *   `hidden`: the tab is in the background. `movedAt`: when the pointer, a key or the page was last moved, milliseconds
 * @param {number} now
 */
export const isRead = ({ pointer, focus, scrolled, hidden, movedAt }, now) =>
  !hidden && (pointer || focus || scrolled) && now - movedAt < RESTS_MS

/**
 * A picture replaces everything, but for ended calls that are still to be seen, and for calls that are older than those
 * of a picture that is cut.
 * @param {Board} before
 * @param {Picture} picture
 * @param {Moment} moment
 * @returns {Board}
 */
export function withPicture (before, picture, { frozen, now }) {
  const board = renamed(before, picture.calls)
  const inPicture = new Set(picture.calls.map(({ callSid }) => callSid))
  const oldest = picture.calls.at(-1)?.at.received ?? ''
  const isBeyond = (/** @type {Entry} */ { row, endedAt }) =>
    picture.more && endedAt === undefined && row.at.received < oldest
  /** @type {Map<string, Entry>} */
  const entries = new Map()

  for (const sid of [...board.held, ...board.order]) {
    const entry = board.entries.get(sid)
    if (!entry || inPicture.has(sid)) continue
    if (isBeyond(entry)) entries.set(sid, { ...entry, unsure: true })
    else entries.set(sid, entry.endedAt === undefined ? { ...entry, endedAt: now, gone: true } : entry)
  }
  for (const row of picture.calls) entries.set(row.callSid, { row })

  const shown = new Set(board.order)
  const isThere = (/** @type {string} */ sid) => entries.has(sid)
  return arranged({
    ready: true,
    entries,
    order: board.order.filter(isThere),
    held: board.held.filter(sid => isThere(sid) && !inPicture.has(sid)),
    finished: new Map(),
    counts: picture.counts ?? {},
    more: picture.more
  }, [...inPicture].filter(sid => !shown.has(sid)), frozen && board.ready)
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
 * Takes calls away that ended a while ago, and those of which the latest picture says nothing. For a board that nobody
 * reads. The same board when there are none.
 * @param {Board} board
 * @param {number} now
 * @returns {Board}
 */
export function tidied (board, now) {
  const isOver = (/** @type {string} */ sid) => {
    const { endedAt, row, unsure = false } = board.entries.get(sid) ?? {}
    return endedAt === undefined ? unsure : now - endedAt >= (row?.failed ? STAYS_MS.failed : STAYS_MS.other)
  }
  return without(board, board.order.filter(isOver))
}

/**
 * Of the held calls that have ended only the newest that failed are worth seeing.
 * @param {Board} board
 * @returns {Board}
 */
function withoutEndedHeld (board) {
  const ended = board.held.filter(sid => board.entries.get(sid)?.endedAt !== undefined)
  const failed = ended.filter(sid => board.entries.get(sid)?.row.failed)
  const stay = new Set(failed.slice(-MOST_HELD_FAILED))
  return without(board, ended.filter(sid => !stay.has(sid)))
}

/**
 * The same board when there is nothing to take away.
 * @param {Board} board
 * @param {readonly string[]} sids
 * @returns {Board}
 */
function without (board, sids) {
  if (sids.length === 0) return board
  const entries = new Map(board.entries)
  const finished = new Map(board.finished)
  for (const sid of sids) {
    const entry = entries.get(sid)
    if (entry) finished.set(sid, entry.row)
    entries.delete(sid)
  }
  for (const sid of finished.keys()) {
    if (finished.size <= MOST_FINISHED) break
    finished.delete(sid)
  }
  const isThere = (/** @type {string} */ sid) => entries.has(sid)
  return { ...board, entries, finished, order: board.order.filter(isThere), held: board.held.filter(isThere) }
}

/**
 * @param {Board} board
 * @param {readonly string[]} fresh call_sids that are not in the order yet
 * @param {boolean} frozen
 * @returns {Board}
 */
function arranged (board, fresh, frozen) {
  if (frozen || fresh.length === 0) return withoutEndedHeld({ ...board, held: [...board.held, ...fresh] })

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
