/*
 * What is counted on Now, and which calls a filter shows. Pure, as the board.
 */

/** @import { Board, Entry } from './board.js' */
/** @import { Counts, WaitingOn } from './types.js' */

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
export function waitOf ({ row: { waitingOn, since }, endedAt, unsure }, now) {
  if (endedAt !== undefined || waitingOn === 'none' || since === undefined) return undefined
  const isLong = now - Date.parse(since) > USUAL_WAIT_MS[waitingOn]
  return { on: waitingOn, since, late: isLong && !unsure }
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

/** Calls that wait too long: at least so many when there are `more`. @param {Board} board @param {number} now */
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
