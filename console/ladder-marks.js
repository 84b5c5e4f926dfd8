/*
 * What the steps of a ladder mean, and which of them a piece of evidence is about. Pure.
 */

import { nameOf } from './ladder-layout.js'

/** @import { Attempt, Call, CallEvent, Diagnosis, Evidence, Ladder, LadderRow } from './call-types.js' */

/** @typedef {'good' | 'late' | 'bad' | 'plain'} Outcome */

/** Shown in front of a step, so that its colour is not needed. @type {Record<Outcome, string>} */
export const GLYPHS = { good: '✓ ', late: '! ', bad: '✕ ', plain: '' }

/** In the words of a screen reader. @type {Record<Outcome, string>} */
export const OUTCOME_WORDS = { good: 'success', late: 'attention', bad: 'failure', plain: '' }

const REFUSED = /\b(failed|refused|no reply|not known|unreachable|given up)\b/
const WORRYING = /\b(lost|again|deadline|without word|aborted|no room|life in a room)\b/
const REACHED = /^(answered|joined the caller|transfer bridged)|_joined AGENT|^track_published AGENT/

/**
 * Whether a step is how it should be.
 * @param {LadderRow} row
 * @param {CallEvent | undefined} event
 * @param {Diagnosis} [diagnosis]
 * @returns {Outcome}
 */
export function outcomeOf ({ what }, event, diagnosis) {
  if (event?.from === 'bridge' && event.what === 'call ended') return endOutcome(diagnosis)
  if (event?.from === 'bridge' && event.what === 'attempt ended') return attemptOutcome(event, diagnosis)
  const status = event?.sipStatus ?? Number(/^([1-6]\d\d)\b/.exec(what)?.[1] ?? 0)
  // 487 is what a caller gets who gave up, and what Jambonz gets for its own CANCEL.
  if (status === 487) return 'late'
  if (status >= 400 || REFUSED.test(what)) return 'bad'
  if (WORRYING.test(what)) return 'late'
  const isAnswer = event?.what === 'status' && event.status === 'in-progress'
  return isAnswer || REACHED.test(what) ? 'good' : 'plain'
}

/** @param {Diagnosis | undefined} diagnosis @returns {Outcome} */
function endOutcome (diagnosis) {
  if (diagnosis?.severity === 'failed') return 'bad'
  return diagnosis?.severity === 'warning' ? 'late' : 'plain'
}

/**
 * An attempt before the one that decided has failed.
 * @param {CallEvent} event
 * @param {Diagnosis | undefined} diagnosis
 */
const attemptOutcome = ({ attempt }, diagnosis) =>
  diagnosis?.earlierAttempts.some(earlier => earlier.attempt === attempt) ? 'bad' : endOutcome(diagnosis)

/** @param {LadderRow} row @param {Call} call */
export const eventOf = ({ event }, { events }) => event === undefined ? undefined : events[event]

/** A step's text in the ladder. @param {LadderRow} row @param {Outcome} outcome */
export const stepText = ({ what, count }, outcome) => `${GLYPHS[outcome]}${what}${count > 1 ? ` ×${count}` : ''}`

/**
 * A step as a sentence, for screen readers and lists.
 * @param {LadderRow} row
 * @param {Outcome} outcome
 */
export function sentenceOf ({ ms, from, to, what, count }, outcome) {
  const way = from === to ? nameOf(from) : `${nameOf(from)} to ${nameOf(to)}`
  const times = count > 1 ? `, ${count} times` : ''
  const said = OUTCOME_WORDS[outcome]
  return `${ms} milliseconds, ${way}: ${what}${times}${said === '' ? '' : `, ${said}`}`
}

/** Milliseconds with groups of three digits: `12 345`. @param {number} ms */
export const msText = ms => String(ms).replace(/\B(?=(\d{3})+$)/g, '\u202f')

/** How long something took: `0.3 s`, `2:05`. @param {number} ms */
export function lengthText (ms) {
  if (ms < 59_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const rest = String(seconds % 60).padStart(2, '0')
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes).padStart(2, '0')}:${rest}`
}

/** @param {string | undefined} text */
const wordsOf = text => (text ?? '').toLowerCase().match(/[a-z0-9]+/g) ?? []

/** Events are known by some of their words, of which an evidence says others. @type {Record<string, string[]>} */
const SIGNAL_WORDS = {
  'warm-room': ['warm room claimed'],
  'sip-joined': ['participant_joined', 'SIP'],
  'sip-left': ['participant_left', 'SIP'],
  'agent-joined': ['participant_joined', 'AGENT'],
  'agent-left': ['participant_left', 'AGENT'],
  'agent-audio': ['track_published', 'AGENT'],
  'room-gone': ['room_finished'],
  answered: ['in-progress', 'agent'],
  'hang-up': ['hang-up']
}

/**
 * The steps that a piece of evidence is about: they have its time, and most of its words. What did not come has none,
 * and neither has what came before the call.
 * @param {Evidence} evidence
 * @param {Ladder} ladder
 * @param {Call} call
 * @returns {number[]} their `seq`
 */
export function stepsOf ({ signal, at, last, seen }, { rows }, call) {
  if (/^no\b|before the call hook$/.test(seen)) return []
  const said = new Set([...wordsOf(seen), ...(SIGNAL_WORDS[signal] ?? []).flatMap(wordsOf)])
  const scored = rows.flatMap(row => {
    const event = eventOf(row, call)
    if (event ? event.first !== at && event.last !== at : row.at !== at) return []
    const words = event ? wordsOfEvent(event) : wordsOf(row.what)
    return { row, event, score: words.filter(word => said.has(word)).length / words.length }
  })
  const best = Math.max(...scored.map(({ score }) => score))
  if (!(best > 0)) return []
  const found = scored.filter(({ score }) => score === best)
  if (last === undefined) return found.slice(0, 1).map(({ row }) => row.seq)

  // What came several times may stand in several rows, with others in between.
  return rows.filter(row => {
    const event = eventOf(row, call)
    return event && event.first >= at && event.last <= last && found.some(({ event: one }) => one && isLike(one, event))
  }).map(({ seq }) => seq)
}

/** @param {CallEvent} event */
const wordsOfEvent = ({ what, leg, status, sipStatus, reason }) =>
  [what, leg, status, reason, sipStatus === undefined ? '' : String(sipStatus)].flatMap(wordsOf)

/** @param {CallEvent} one @param {CallEvent} other */
const isLike = (one, other) =>
  one.from === other.from && one.what === other.what && one.leg === other.leg && one.status === other.status

/**
 * When something was heard of a call for the last time, as its steps say.
 * @param {Ladder} ladder
 * @param {Call} call
 */
export const lastHeard = ({ start, rows }, { events }) =>
  [start, ...rows.map(({ at }) => at), ...events.map(({ last }) => last)].reduce((a, b) => a > b ? a : b)

/**
 * How long nothing was heard before a step, milliseconds. A step that came several times was heard until its last time.
 * @param {LadderRow} row
 * @param {Ladder} ladder
 * @param {Call} call
 */
export function pauseBefore (row, { rows }, { events }) {
  const before = row.event === undefined ? [] : events.slice(0, row.event).map(({ last }) => Date.parse(last))
  const previous = rows[row.seq - 1]
  const heard = Math.max(...before, previous === undefined ? -Infinity : Date.parse(previous.at))
  return row.event === undefined && previous !== undefined && previous.count > 1 ? 0 : Date.parse(row.at) - heard
}

/**
 * Headings in front of the steps with which the attempts begin, where there are several.
 * @param {Ladder} ladder
 * @param {Call} call
 * @returns {Map<number, string>} by `seq`
 */
export function attemptTitles ({ rows }, call) {
  const titles = new Map()
  if (call.attempts.length < 2) return titles
  let current = 0
  for (const row of rows) {
    const n = eventOf(row, call)?.attempt ?? 0
    const attempt = n > current ? call.attempts.find(({ attempt }) => attempt === n) : undefined
    if (!attempt) continue
    current = n
    titles.set(row.seq, `Attempt ${n}: ${wayOf(attempt)}`)
  }
  return titles
}

/** @type {Record<string, string>} */
const WAYS = {
  room: 'an agent in LiveKit',
  join: "the caller's room",
  carrier: 'carrier',
  phone: 'phone',
  retell: 'Retell',
  sip: 'SIP address',
  say: 'announcement',
  play: 'recording',
  decline: 'decline'
}

/** The way that an attempt takes. @param {Attempt} attempt */
export function wayOf ({ strategy, agent, number, transfer }) {
  if (strategy === 'room' && agent !== undefined) return `agent ${agent}`
  const way = transfer === undefined ? WAYS[strategy] ?? strategy : 'person'
  const whom = strategy === 'retell' ? agent : number
  return whom === undefined ? way : `${way} ${whom}`
}
