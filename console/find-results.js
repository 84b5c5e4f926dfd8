/*
 * What was found: a table, below 760 px a list of cards, made of the same elements.
 */

import { causeInWords } from './causes.js'
import { filtersInWords, spanInWords } from './filters.js'
import { ExportButtons } from './find-export.js'
import { isTyping } from './keys.js'
import { callAddress } from './location.js'
import { localTime, zoneName } from './time.js'
import {
  CauseMark, DirectionMark, Duration, html, Icon, Notice, numbersOf, PhaseMark, PhoneNumber, Problem, Time, useEffect,
  useRef
} from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Filters } from './filters.js' */
/** @import { Search } from './find-search.js' */
/** @import { Session } from './types.js' */
/** @import { FoundCall } from './view-types.js' */

/**
 * @typedef {object} FoundProps
 * @property {Api} api
 * @property {Session & { callsKeptS?: number }} session
 * @property {Filters} filters
 * @property {Search} search
 * @property {(filters: Filters) => void} onFind
 *
 * @param {FoundProps} props
 */
export function Found ({ api, session, filters, search, onFind }) {
  const { result, loading, error } = search
  return html`<div class="found" aria-busy=${loading}>
    <div class="found-head">
      <p role="status" class="found-count">${countInWords(search)}</p>
      <${Chips} filters=${filters} onFind=${onFind} />
      ${result && result.calls.length > 0 && filters.callSid === undefined &&
        html`<${ExportButtons} key=${result.path} api=${api} filters=${filters} />`}
    </div>
    ${error && html`<${Problem} error=${error} retry=${result ? search.older : search.again} />`}
    ${result && result.calls.length > 0 && html`<${Results} result=${result} search=${search} />`}
    ${result && result.calls.length === 0 && !loading &&
      html`<${Nothing} filters=${filters} session=${session} onFind=${onFind} />`}
    ${result?.next !== undefined && html`<p class="found-older">
      <button type="button" class="button" aria-disabled=${loading} onClick=${search.older}>
        ${loading ? 'Loading…' : 'Older calls'}
      </button>
    </p>`}
  </div>`
}

/** @param {Search} search */
function countInWords ({ result, loading, error }) {
  if (!result) return loading && !error ? 'Searching…' : ''
  const { calls, next, at } = result
  if (calls.length === 0) return ''
  const count = calls.length === 1 ? '1 call' : `${calls.length} calls`
  return `${next === undefined ? count : `The newest ${count}`}, as of ${localTime(at)}`
}

/** What was searched, each to be taken away. @param {{ filters: Filters, onFind: (filters: Filters) => void }} props */
function Chips ({ filters, onFind }) {
  return html`<ul class="chips" aria-label="Searched for">
    ${filtersInWords(filters).map(({ name, words }) => html`<li key=${name} class="chip">
      <span>${words}</span>
      <button type="button" aria-label=${`Without ${words}`} title="Search without this"
        onClick=${() => onFind({ ...filters, [name]: undefined })}><${Icon} name="close" /></button>
    </li>`)}
  </ul>`
}

/** @param {Pick<FoundProps, 'filters' | 'session' | 'onFind'>} props */
function Nothing ({ filters, session, onFind }) {
  const words = filtersInWords(filters)
  const { callsKeptS } = session
  const span = callsKeptS === undefined ? 'CALL_RETENTION_S and CALL_HISTORY_S seconds' : spanInWords(callsKeptS)
  return html`<${Notice} title=${words.length === 0 ? 'There is no call yet.' : 'No call was found.'}>
    ${words.length > 0 && html`<p>Searched: ${words.map(({ words }) => words).join(' · ')}.</p>`}
    <p>Ended calls are kept for ${span}. Older ones cannot be found.</p>
    ${filters.callSid !== undefined && html`<p>A call_sid must be complete.</p>`}
    ${words.length > 0 && html`<p>
      <button type="button" class="button" onClick=${() => onFind({})}>Show the newest calls</button>
    </p>`}
  <//>`
}

const COLUMNS = ['received', 'direction', 'number', 'our number', 'route', 'agent', 'duration', 'outcome']

/** @param {{ result: NonNullable<Search['result']>, search: Search }} props */
function Results ({ result: { calls }, search }) {
  const body = useRef(/** @type {HTMLElement | null} */ (null))
  const shown = useRef(calls.length)
  useRowKeys(body)

  useEffect(() => {
    if (search.opened !== undefined) focusRow(body.current, calls.findIndex(({ callSid }) => callSid === search.opened))
  }, [])
  // Somebody who asked for older calls goes on with the first of them.
  useEffect(() => {
    if (calls.length > shown.current) focusRow(body.current, shown.current)
    shown.current = calls.length
  }, [calls])

  return html`<table class="data found-table" role="table" aria-label="Calls, newest first">
    <caption class="hidden">Times are local: ${zoneName()}</caption>
    <thead role="rowgroup"><tr role="row">${COLUMNS.map(name =>
      html`<th key=${name} role="columnheader" scope="col" class=${classOf(name)}>${name}</th>`)}</tr></thead>
    <tbody role="rowgroup" ref=${body}>
      ${calls.map(call => html`<${Row} key=${call.callSid} call=${call} keep=${search.keep} />`)}
    </tbody>
  </table>`
}

/** @param {string} name of a column */
const classOf = name => `found-${name.replaceAll(' ', '-')}`

/** @param {{ call: FoundCall, keep: (callSid: string) => void }} props */
function Row ({ call, keep }) {
  const { person, ours } = numbersOf(call)
  const { received, ended } = call.at
  const opens = (/** @type {MouseEvent} */ event) => isHere(event) && keep(call.callSid)
  return html`<tr role="row" class=${call.failed ? 'found-row call-failed' : 'found-row'}>
    <td role="cell" class="found-received">${received !== undefined && html`<${Time} at=${received} />`}</td>
    <td role="cell" class="found-direction"><${DirectionMark} direction=${call.direction} /></td>
    <th role="cell" class="found-number">
      <a href=${callAddress(call.callSid)} onClick=${opens}><${PhoneNumber} number=${person} /></a>
    </th>
    <td role="cell" class="found-our-number"><${PhoneNumber} number=${ours} /></td>
    <td role="cell" class="found-route">${call.route ?? '–'}</td>
    <td role="cell" class="found-agent">${call.agent ?? '–'}
      ${call.attempts.length > 1 && html` <span class="badge">${call.attempts.length} attempts</span>`}</td>
    <td role="cell" class="found-duration">
      ${received !== undefined && html`<${Duration} since=${received} until=${ended} />`}</td>
    <td role="cell" class="found-outcome"><${Outcome} call=${call} /></td>
  </tr>`
}

/** Whether a click opens the link in this tab. @param {MouseEvent} event */
const isHere = ({ ctrlKey, metaKey, shiftKey }) => !ctrlKey && !metaKey && !shiftKey

/** @param {{ call: FoundCall }} props */
function Outcome ({ call: { phase, end, failed = false, transfers = [] } }) {
  const transfer = transfers.at(-1)
  return html`${phase === 'ended'
    ? html`<${CauseMark} end=${end} failed=${failed} />
      ${end && failed && html`<span class="quiet found-words">${causeInWords(end.cause)}</span>`}`
    : html`<${PhaseMark} phase=${phase} />`}
    ${transfer && html` <span class="badge">transfer ${transfer.result ?? transfer.state}</span>`}`
}

/** Arrows and j, k move through the calls. @param {{ current: HTMLElement | null }} body */
function useRowKeys (body) {
  useEffect(() => {
    const listener = (/** @type {KeyboardEvent} */ event) => {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key]
      if (step === undefined || isTyping(event)) return
      event.preventDefault()
      const at = linksIn(body.current).findIndex(link => link === document.activeElement)
      focusRow(body.current, at === -1 ? 0 : Math.max(0, at + step))
    }
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [])
}

/** @param {HTMLElement | null} body */
const linksIn = body => [...body?.querySelectorAll('a') ?? []]

/** @param {HTMLElement | null} body @param {number} index */
const focusRow = (body, index) => linksIn(body)[index]?.focus()
