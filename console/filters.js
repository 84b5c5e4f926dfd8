/*
 * What calls are looked for by: as the address has it, as the form has it, and as the bridge is asked.
 */

import { addressOf } from './location.js'
import { causeInWords } from './causes.js'
import { localTime } from './time.js'

/**
 * What the address may hold, and the bridge is asked for. `callSid` finds one call and goes with nothing else.
 */
export const FILTERS = /** @type {const} */ ([
  'callSid', 'number', 'cause', 'phase', 'agent', 'route', 'room', 'since', 'until'
])

/**
 * @typedef {typeof FILTERS[number]} FilterName
 * @typedef {Partial<Record<FilterName, string>>} Filters values that are not empty; times are ISO 8601
 *
 * @typedef {object} Form what stands in the fields
 * @property {string} who a number, a part of one, or a call_sid
 * @property {string} cause
 * @property {string} phase
 * @property {string} agent
 * @property {string} route
 * @property {string} room
 * @property {string} since as `datetime-local` has it, in local time
 * @property {string} until
 */

/** Calls of one page. */
export const PAGE = 50

/** Jambonz names calls by UUIDs, the bridge names orders that Jambonz has not named yet. */
const CALL_SID = /^(?:order-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The filters of an address. Others are left out.
 * @param {URLSearchParams} query
 * @returns {Filters}
 */
export function filtersOf (query) {
  const pairs = FILTERS.map(name => [name, (query.get(name) ?? '').trim()])
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}

/** The address of a search, for links. @param {Filters} filters */
export const findAddress = filters =>
  addressOf('find', [], Object.fromEntries(FILTERS.map(name => [name, filters[name]])))

/**
 * What the fields show.
 * @param {Filters} filters
 * @returns {Form}
 */
export const formOf = ({ callSid, number, since, until, ...others }) => ({
  cause: '',
  phase: '',
  agent: '',
  route: '',
  room: '',
  ...others,
  who: callSid ?? number ?? '',
  since: localFieldOf(since),
  until: localFieldOf(until)
})

/**
 * What the fields ask for.
 * @param {Form} form
 * @returns {Filters}
 */
export function filtersOfForm ({ who, since, until, ...others }) {
  const text = who.trim()
  if (CALL_SID.test(text)) return { callSid: text }
  const pairs = Object.entries({ number: text, ...others, since: isoOf(since), until: isoOf(until) })
  return Object.fromEntries(pairs.map(([name, value]) => [name, value.trim()]).filter(([, value]) => value !== ''))
}

/** @type {(value: number) => string} */
const two = value => String(value).padStart(2, '0')

/**
 * A time as a `datetime-local` field takes it, in local time: `2026-11-29T14:03`. Empty: there is none, or it cannot
 * be read.
 * @param {string | undefined} iso
 */
export function localFieldOf (iso) {
  const at = new Date(iso ?? '')
  if (Number.isNaN(at.getTime())) return ''
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const minute = `${two(at.getHours())}:${two(at.getMinutes())}`
  return `${day}T${minute}${at.getSeconds() === 0 ? '' : `:${two(at.getSeconds())}`}`
}

/** The other way round: ISO 8601 in UTC. @param {string} field */
export function isoOf (field) {
  const at = new Date(field)
  return field === '' || Number.isNaN(at.getTime()) ? '' : at.toISOString()
}

/**
 * Where the bridge is asked for a page of calls.
 * @param {Filters} filters
 * @param {string} [cursor] of the page before
 */
export function searchPath (filters, cursor) {
  const { callSid, ...others } = filters
  if (callSid !== undefined) return `calls/${encodeURIComponent(callSid)}`
  return `calls?${new URLSearchParams({ ...others, limit: String(PAGE), ...(cursor === undefined ? {} : { cursor }) })}`
}

/** @param {Filters} filters @param {'csv' | 'json'} format */
export const exportPath = ({ callSid, ...others }, format) =>
  `calls/export?${new URLSearchParams({ format, ...others })}`

/** @type {Record<FilterName, (value: string) => string>} */
const WORDS = {
  callSid: value => `call_sid ${value}`,
  number: value => `number ${value}`,
  cause: value => `cause: ${causeInWords(value)}`,
  phase: value => value === 'active' ? 'not ended yet' : `phase ${value}`,
  agent: value => `agent ${value}`,
  route: value => `route ${value}`,
  room: value => `room ${value}`,
  since: value => `since ${localTime(value) || value}`,
  until: value => `until ${localTime(value) || value}`
}

/**
 * Each filter in words, for what was searched.
 * @param {Filters} filters
 * @returns {{ name: FilterName, words: string }[]}
 */
export const filtersInWords = filters => FILTERS.flatMap(name => {
  const value = filters[name]
  return value === undefined ? [] : [{ name, words: WORDS[name](value) }]
})

/**
 * A length of time in words, at most as long as it is: `24 hours`, `7 days`, `90 minutes`.
 * @param {number} seconds
 */
export function spanInWords (seconds) {
  const [size, unit] = /** @type {[number, string]} */ (
    [[86_400, 'day'], [3600, 'hour'], [60, 'minute']].find(([size]) =>
      seconds >= 2 * Number(size)) ?? [1, 'second'])
  const count = Math.floor(seconds / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
