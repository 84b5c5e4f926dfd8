/*
 * Now: the active calls, live.
 */

import { EMPTY_BOARD, isRead, released, tidied, withChanges, withPicture } from './board.js'
import { activeCount, countsOf, filtered, lateCount } from './board-counts.js'
import { CallTable } from './call-table.js'
import { FailuresPanel } from './failures.js'
import { FirstCall, Quiet } from './now-empty.js'
import { useNow } from './ticking.js'
import { bridgeNow } from './time.js'
import {
  classes, Heading, Hidden, html, Icon, PHASE_WORDS, useCallback, useEffect, useMemo, useRef, useState, useStore
} from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Board } from './board.js' */
/** @import { Counts, Phase } from './types.js' */
/** @import { ViewProps } from './ui.js' */

/** The board of each sign-in, so that coming back to Now shows at once what was there. @type {WeakMap<Api, Board>} */
const boards = new WeakMap()

/** @param {ViewProps} props */
export default function NowView ({ api, session, mayChange }) {
  const { board, feed, failedCalls } = useFeed(api)
  const [filter, setFilter] = useState(/** @type {string | undefined} */ (undefined))
  const now = useNow()
  useStore(api.connection)
  const late = lateCount(board, now)
  const shown = useMemo(() => filtered(board, filter, now), [board, filter, filter === 'late' && now])
  const counts = useMemo(() => countsOf(board), [board])
  const active = activeCount(counts)
  const toggle = useCallback((/** @type {string | undefined} */ name) =>
    setFilter(before => before === name ? undefined : name), [])

  return html`<div class="now">
    <${Heading} class="hidden" title=${board.ready ? `${active} ${active === 1 ? 'call' : 'calls'}` : 'Now'}>Now<//>
    <${Counters} counts=${counts} late=${late} more=${board.more} filter=${filter} toggle=${toggle}
      ready=${board.ready} />
    <${FailuresPanel} api=${api} failedCalls=${failedCalls} />
    <section class="calls" aria-label="Active calls" ...${feed.watching}>
      <${CallTable} board=${board} shown=${shown} onRelease=${feed.release} />
      ${board.ready && shown.length === 0 && html`<${Nothing} api=${api} filter=${filter} toggle=${toggle}
        mayChange=${mayChange} session=${session} />`}
      ${board.more && html`<p class="quiet more-calls">
        The newest calls are shown. The others are in <a href="#/find?phase=active">Find</a>.
      </p>`}
    </section>
    <${LateNews} late=${late} />
  </div>`
}

/** @param {{ api: Api, filter?: string, toggle: (name?: string) => void, mayChange: boolean }} props */
function Nothing ({ api, filter, toggle, mayChange }) {
  if (filter === undefined) return html`<${FirstCall} api=${api} mayChange=${mayChange} />`
  const text = filter === 'late' ? 'No call waits too long.' : `No call is ${filter}.`
  return html`<${Quiet} title=${text}>
    <button type="button" class="button" onClick=${() => toggle(undefined)}>Show all calls</button>
  <//>`
}

/**
 * The calls as they are now, held still while somebody reads them.
 * @param {Api} api
 */
function useFeed (api) {
  const [board, setBoard] = useState(() => boards.get(api) ?? EMPTY_BOARD)
  const [failedCalls, setFailedCalls] = useState(0)
  const reader = useReader()

  useEffect(() => {
    boards.set(api, board)
  }, [api, board])

  useEffect(() => {
    const moment = () => ({ frozen: reader.isReading(), now: bridgeNow() })
    return api.live('calls/stream', (event, data) => {
      if (event === 'picture') setBoard(board => withPicture(board, data, moment()))
      if (event !== 'calls') return
      setBoard(board => withChanges(board, data, moment()))
      const failed = data.calls.filter((/** @type {any} */ row) => row.phase === 'ended' && row.failed).length
      if (failed > 0) setFailedCalls(count => count + failed)
    })
  }, [api, reader])

  const release = useCallback(() => setBoard(board => tidied(released(board, bridgeNow()), bridgeNow())), [])
  useEffect(() => {
    const timer = setInterval(() => reader.isReading() || release(), 1000)
    return () => clearInterval(timer)
  }, [reader, release])

  const watching = useMemo(() => reader.watching(release), [reader, release])
  return { board, failedCalls, feed: { release, watching } }
}

/** Notices whether somebody reads the table. */
function useReader () {
  const state = useRef({ pointer: false, focus: false, movedAt: 0 })

  useEffect(() => {
    const moved = () => {
      state.current.movedAt = Date.now()
    }
    const names = ['pointermove', 'pointerdown', 'touchmove', 'wheel', 'keydown']
    for (const name of names) addEventListener(name, moved, { passive: true })
    return () => {
      for (const name of names) removeEventListener(name, moved)
    }
  }, [])

  return useMemo(() => {
    const isReading = () => isRead({ ...state.current, scrolled: isScrolled(), hidden: document.hidden }, Date.now())
    return { isReading, watching: watchingOf(state.current, isReading) }
  }, [])
}

/**
 * @param {{ pointer: boolean, focus: boolean }} state
 * @param {() => boolean} isReading
 */
function watchingOf (state, isReading) {
  return (/** @type {() => void} */ release) => ({
    onPointerEnter: () => {
      state.pointer = true
    },
    onPointerLeave: () => {
      state.pointer = false
      if (!isReading()) release()
    },
    onFocusIn: () => {
      state.focus = true
    },
    onFocusOut: () => {
      state.focus = false
    }
  })
}

/** Reading scrollY costs a layout, so it is kept. */
let scrolledTo = 0
addEventListener('scroll', () => {
  scrolledTo = scrollY
}, { passive: true })

/** Whether the newest call is out of sight. */
const isScrolled = () => scrolledTo > 60

/** @type {Phase[]} */
const COUNTED = ['requested', 'received', 'dialing', 'ringing', 'connected', 'transferring']

/**
 * @param {{
 *   counts: Counts,
 *   late: number,
 *   more: boolean,
 *   filter?: string,
 *   toggle: (name?: string) => void,
 *   ready: boolean
 * }} props `more`: not all calls are here, so that at least `late` of them wait too long
 */
function Counters ({ counts, late, more, filter, toggle, ready }) {
  const figure = (/** @type {number} */ count) => ready ? count : '–'
  return html`<div class="counters" role="group" aria-label="Active calls by phase. Press one to see only these">
    <button type="button" class="counter counter-all" aria-pressed=${filter === undefined}
      onClick=${() => toggle(undefined)}>
      <span class="figure">${figure(activeCount(counts))}</span><span class="counter-label">active</span>
    </button>
    ${COUNTED.map(phase => html`<button type="button" key=${phase} aria-pressed=${filter === phase}
      class=${classes('counter', `phase-${phase}`, !counts[phase] && 'counter-zero')} onClick=${() => toggle(phase)}>
      <span class="figure">${figure(counts[phase] ?? 0)}</span>
      <span class="counter-label"><${Icon} name=${phase} />${PHASE_WORDS[phase]}</span>
    </button>`)}
    <button type="button" class=${classes('counter', 'counter-late', late === 0 && 'counter-zero')}
      aria-pressed=${filter === 'late'} onClick=${() => toggle('late')}>
      <span class="figure">${more && html`<${Hidden}>at least <//>`}${figure(late)}${more && '+'}</span>
      <span class="counter-label"><${Icon} name="late" />
        <span><span class="wide-only">wait </span>too long</span></span>
    </button>
  </div>`
}

/** Says it once when calls begin to wait too long, and not for each of them. @param {{ late: number }} props */
function LateNews ({ late }) {
  const text = late > 0 ? 'Calls wait too long.' : ''
  return html`<${Hidden}><span role="status">${text}</span><//>`
}
