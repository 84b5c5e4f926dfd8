/*
 * The table of active calls: below 720 px a list of cards, made of the same elements.
 */

import { waitOf } from './board-counts.js'
import { isTyping } from './keys.js'
import { VirtualList } from './list.js'
import { callAddress, goTo } from './location.js'
import { useNow } from './ticking.js'
import { clockDuration, duration, localTime } from './time.js'
import {
  CauseMark, classes, DirectionMark, Hidden, html, Icon, numbersOf, PhaseMark, PhoneNumber, useCallback,
  useEffect, useLayoutEffect, useRef, useState, WAITING_WORDS
} from './ui.js'
import { Component } from './vendor/preact.js'

/** @import { Board, Entry } from './board.js' */

const COLUMNS = ['direction', 'number', 'our number', 'route', 'agent', 'state', 'waits for', 'duration', 'began']

/**
 * @param {{ board: Board, shown: readonly string[], onRelease: () => void }} props
 */
export function CallTable ({ board, shown, onRelease }) {
  const now = useNow()
  const { current, reveal, table, setCurrent } = useRowKeys(shown)
  const held = board.held.length
  const show = () => {
    scrollTo({ top: 0 })
    onRelease()
  }
  const selected = current === undefined ? -1 : shown.indexOf(current)
  const tabStop = selected === -1 ? 0 : selected

  return html`<div class="call-table" role="table" aria-label="Active calls, newest first" ref=${table}
    aria-rowcount=${shown.length + 1}>
    <div class=${classes('call-head', shown.length === 0 && 'call-head-empty')} role="rowgroup">
      <div class="call-row" role="row" aria-rowindex="1">
        ${COLUMNS.map(name =>
          html`<span role="columnheader" class=${`col-${name.replaceAll(' ', '-')}`}>${name}</span>`)}
      </div>
    </div>
    ${held > 0 && html`<button type="button" class="new-calls" onClick=${show}>
      <${Icon} name="up" />${held} new ${held === 1 ? 'call' : 'calls'}
    </button>`}
    <${VirtualList} class="call-rows" items=${shown} pinned=${selected} reveal=${reveal}
      row=${(/** @type {string} */ sid, /** @type {number} */ index, /** @type {number} */ top) => {
        const entry = board.entries.get(sid)
        return entry && html`<${Row} key=${sid} entry=${entry} now=${now} index=${index} top=${top}
          isTabStop=${index === tabStop} onFocus=${setCurrent} />`
      }} />
  </div>`
}

/** The call that was opened by keyboard, where a reader who comes back goes on. @type {string | undefined} */
let opened

/**
 * Arrows and j, k move through the rows; Home and End to the ends. Enter follows the row's link.
 * @param {readonly string[]} shown
 */
function useRowKeys (shown) {
  const table = useRef(/** @type {HTMLElement | null} */ (null))
  const [current, setCurrent] = useState(opened)
  const [reveal, setReveal] = useState(() => {
    const index = opened === undefined ? -1 : shown.indexOf(opened)
    return index === -1 ? undefined : { index }
  })
  const state = useRef({ shown, current })
  state.current = { shown, current }

  const move = useCallback((/** @type {number | 'first' | 'last'} */ where) => {
    const { shown, current } = state.current
    if (shown.length === 0) return
    const from = current === undefined ? -1 : shown.indexOf(current)
    const index = targetOf(where, from, shown.length)
    setCurrent(shown[index])
    setReveal({ index })
  }, [])

  useEffect(() => {
    const listener = (/** @type {KeyboardEvent} */ event) => {
      const where = moveOf(event)
      if (where === undefined) return
      event.preventDefault()
      move(where)
    }
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [move])

  // The row is in the document once it was scrolled to. Its focus must not wait for the next frame: by then another key
  // may have gone on from here.
  useLayoutEffect(() => {
    if (!reveal || current === undefined) return
    const links = [...table.current?.querySelectorAll('a') ?? []]
    const link = links.find(a => a.getAttribute('href') === callAddress(current))
    opened = undefined
    if (link) link.focus({ preventScroll: true })
  }, [reveal])

  return { current, reveal, table, setCurrent }
}

/** @param {number | 'first' | 'last'} where @param {number} from @param {number} length */
function targetOf (where, from, length) {
  if (where === 'first') return 0
  if (where === 'last') return length - 1
  return Math.min(length - 1, Math.max(0, from === -1 ? 0 : from + where))
}

/** @param {KeyboardEvent} event @returns {number | 'first' | 'last' | undefined} */
function moveOf (event) {
  if (isTyping(event)) return undefined
  const { key, target } = event
  if (key === 'j' || key === 'ArrowDown') return 1
  if (key === 'k' || key === 'ArrowUp') return -1
  const inTable = target instanceof HTMLElement && target.closest('.call-table') !== null
  if (!inTable) return undefined
  if (key === 'Home') return 'first'
  return key === 'End' ? 'last' : undefined
}

/**
 * @typedef {object} RowProps
 * @property {Entry} entry
 * @property {number} now
 * @property {number} index
 * @property {number} top distance from the first row, pixels
 * @property {boolean} isTabStop
 * @property {(callSid: string) => void} onFocus
 */

/**
 * A row. It is drawn again only when something in it has changed, because news comes many times a second.
 * @extends {Component<RowProps>}
 */
class Row extends Component {
  /** @override @param {RowProps} next */
  shouldComponentUpdate (next) {
    const { entry, now, index, top, isTabStop } = this.props
    return next.entry !== entry || next.now !== now || next.index !== index || next.top !== top ||
      next.isTabStop !== isTabStop
  }

  /** @override */
  render () {
    const { entry, now, index, top, isTabStop, onFocus } = this.props
    const { row } = entry
    const late = waitOf(entry, now)?.late
    const names = classes(
      'call-row',
      late && 'call-late',
      entry.endedAt !== undefined && 'call-ended',
      row.failed && 'call-failed'
    )
    return html`<div role="row" aria-rowindex=${index + 2} class=${names} style=${{ top: `${top}px` }}>
      <${Cells} entry=${entry} now=${now} isTabStop=${isTabStop} onFocus=${onFocus} />
    </div>`
  }
}

/** @param {Pick<RowProps, 'entry' | 'now' | 'isTabStop' | 'onFocus'>} props */
function Cells ({ entry, now, isTabStop, onFocus }) {
  const { row, endedAt } = entry
  const { person, ours } = numbersOf(row)
  const until = row.at.ended === undefined ? endedAt ?? now : Date.parse(row.at.ended)
  const ms = until - Date.parse(row.at.received)
  return html`
    <span role="cell" class="col-direction"><${DirectionMark} direction=${row.direction} /></span>
    <span role="cell" class="col-number">
      <a href=${callAddress(row.callSid)} tabindex=${isTabStop ? 0 : -1} onFocus=${() => onFocus(row.callSid)}
        onClick=${(/** @type {MouseEvent} */ event) => open(event, row.callSid)}><${PhoneNumber} number=${person} /></a>
    </span>
    <span role="cell" class="col-our-number"><${PhoneNumber} number=${ours} /></span>
    <span role="cell" class="col-route" title=${row.route}>${row.route ?? '–'}</span>
    <span role="cell" class="col-agent" title=${row.agent}><span>${row.agent ?? '–'}</span>
      ${row.attempt > 1 && html`<span class="badge" title="Earlier ways failed">attempt ${row.attempt}</span>`}
    </span>
    ${endedAt === undefined
      ? html`<span role="cell" class="col-state"><${PhaseMark} phase=${row.phase} /></span>
        <span role="cell" class="col-waits-for"><${Waiting} entry=${entry} now=${now} /></span>`
      : html`<span role="cell" aria-colspan="2" class="col-cause"><${Outcome} entry=${entry} /></span>`}
    <span role="cell" class="col-duration">${clockDuration(ms)}</span>
    <span role="cell" class="col-began">${localTime(row.at.received)}</span>`
}

/** @param {MouseEvent} event @param {string} callSid */
function open (event, callSid) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
  event.preventDefault()
  opened = event.detail === 0 ? callSid : undefined
  goTo(callAddress(callSid))
}

/** @param {{ entry: Entry }} props */
function Outcome ({ entry: { row, gone } }) {
  if (gone) return html`<span class="cause"><${Icon} name="unknown" />no longer under way</span>`
  return html`<${CauseMark} end=${row.end} failed=${row.failed} />`
}

/** @param {{ entry: Entry, now: number }} props */
function Waiting ({ entry, now }) {
  const { row } = entry
  const wait = waitOf(entry, now)
  return html`${wait && html`<span class=${classes('wait', wait.late && 'wait-late')}>
      ${wait.late && html`<${Icon} name="late" />`}
      <span class="wait-for">${WAITING_WORDS[wait.on]}</span>
      <span class="wait-time">${duration(now - Date.parse(wait.since))}</span>
      ${wait.late && html`<${Hidden}>, longer than usual<//>`}
    </span>`}
    ${row.transfer && html`<span class="badge">${row.transfer.mode} ${row.transfer.state}</span>`}`
}
