/*
 * A call's ladder: who said what to whom, and when. It grows while the call goes on. What is drawn is hidden from
 * screen readers, which get the same steps as a list of buttons that lie on the drawing.
 */

import { LadderHead } from './ladder-head.js'
import { layoutLadder } from './ladder-layout.js'
import {
  attemptTitles, eventOf, lastHeard, msText, outcomeOf, pauseBefore, sentenceOf, stepText
} from './ladder-marks.js'
import { LadderPicture } from './ladder-picture.js'
import { measureIn, useSize } from './ladder-size.js'
import { StepDetails } from './step-details.js'
import { saveLadder } from './svg-file.js'
import { localTime, zoneShortName } from './time.js'
import {
  classes, Duration, html, Icon, useEffect, useLayoutEffect, useMemo, useRef, useState, WAITING_WORDS
} from './ui.js'

/** @import { Picture } from './call-types.js' */

/**
 * @param {{
 *   picture: Picture,
 *   marked: ReadonlySet<number>,
 *   evidence: ReadonlySet<number>,
 *   isOpen: boolean,
 *   onPoint: (seq: number | undefined) => void
 * }} props `isOpen`: the call goes on. Steps by `seq`: `marked` stand out, the diagnosis rests on `evidence`.
 *   `onPoint`: the step under the pointer, or with the focus
 */
export function LadderPanel ({ picture, marked, evidence, isOpen, onPoint }) {
  const [isLocal, setLocal] = useState(false)
  const [selected, setSelected] = useState(/** @type {number | undefined} */ (undefined))
  const frame = useRef(/** @type {HTMLElement | null} */ (null))
  const { call, ladder } = picture
  const row = ladder.rows.find(({ seq }) => seq === selected)
  const save = () => saveLadder(frame.current, `call-${call.callSid}.svg`)

  return html`<section class="panel ladder" aria-labelledby="ladder-title">
    <header class="ladder-bar">
      <h2 id="ladder-title">Ladder</h2>
      <span class="quiet">${stepCount(ladder.rows.length)}</span>
      <div class="ladder-tools">
        <button type="button" class="button button-small" aria-pressed=${isLocal} onClick=${() => setLocal(!isLocal)}
          title="Show when each step was, instead of how long after the first">
          <${Icon} name="requested" />${isLocal ? `Local time (${zoneShortName()})` : 'Milliseconds'}
        </button>
        <button type="button" class="button button-small" onClick=${save} disabled=${ladder.rows.length === 0}>
          <${Icon} name="download" />SVG
        </button>
      </div>
    </header>
    <${Ladder} picture=${picture} marked=${marked} evidence=${evidence} isLocal=${isLocal} selected=${selected}
      isOpen=${isOpen} frame=${frame} onPoint=${onPoint} onSelect=${setSelected} />
    ${row && html`<${StepDetails} row=${row} event=${eventOf(row, call)}
      onClose=${() => setSelected(undefined)} />`}
    <${Legend} dropped=${call.eventsDropped} />
  </section>`
}

/** @param {number} count */
const stepCount = count => count === 1 ? '1 step' : `${count} steps`

/** @param {{ dropped: number }} props */
const Legend = ({ dropped }) => html`<details class="ladder-legend">
  <summary>How to read it</summary>
  <ul>
    <li>Lines: SIP is drawn solid, HTTP dashed, and what happens in the LiveKit room dotted.</li>
    <li><b class="outcome-good">✓</b> somebody was reached, <b class="outcome-late">!</b> look at this,
      <b class="outcome-bad">✕</b> a refusal or a failure. A dot is what one party did alone.</li>
    <li>×5 means that the step came five times in a row. A gap names a silence of a second or more.</li>
    <li>The bridge sees what Jambonz and LiveKit tell it. It does not see their SIP messages to others.</li>
    <li>A bar on the left marks a step on which the diagnosis rests.</li>
    <li>Arrow keys go from step to step, Enter shows a step's fields, Esc closes them.</li>
    ${dropped > 0 && html`<li>Of this long call ${dropped} events in the middle are not kept.</li>`}
  </ul>
</details>`

/**
 * @param {{
 *   picture: Picture,
 *   marked: ReadonlySet<number>,
 *   evidence: ReadonlySet<number>,
 *   isOpen: boolean,
 *   isLocal: boolean,
 *   selected: number | undefined,
 *   frame: { current: HTMLElement | null },
 *   onPoint: (seq: number | undefined) => void,
 *   onSelect: (seq: number | undefined) => void
 * }} props
 */
function Ladder ({ picture, marked, evidence, isOpen, isLocal, selected, frame, onPoint, onSelect }) {
  const { call, ladder, diagnosis } = picture
  const { width, font } = useSize(frame)
  const outcomes = useMemo(
    () => ladder.rows.map(row => outcomeOf(row, eventOf(row, call), diagnosis)),
    [picture]
  )
  const times = useMemo(
    () => ladder.rows.map(({ ms, at }) => isLocal ? localTime(at, { ms: true }) : msText(ms)),
    [ladder, isLocal]
  )
  const layout = useMemo(() => {
    const titles = attemptTitles(ladder, call)
    return layoutLadder({
      parties: ladder.parties,
      rows: ladder.rows,
      width,
      unit: font.unit,
      measure: measureIn(font.label),
      measureName: measureIn(font.name),
      timeWidth: Math.max(40 * font.unit, ...times.map(measureIn(font.time))) + 14 * font.unit,
      textOf: row => stepText(row, outcomes[row.seq] ?? 'plain'),
      titleOf: row => titles.get(row.seq),
      pauseOf: row => pauseBefore(row, ladder, call)
    })
  }, [picture, width, font, times])
  const focused = useRef(/** @type {number | undefined} */ (undefined))
  useFollowing(frame, ladder.rows.length, isOpen && selected === undefined)

  const isWide = layout.width > width + 1
  const current = selected ?? focused.current ?? 0
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => moveFocus(event, onSelect)

  const names = classes('ladder-scroll', isWide && 'ladder-wide', font.isSmall && 'ladder-small')
  return html`<div class=${names} ref=${frame}>
    <${LadderHead} layout=${layout} unit=${font.unit} head=${isLocal ? 'time' : 'ms'} call=${call}
      font=${font.who} />
    <div class="ladder-body" style=${{ width: `${layout.width}px`, height: `${layout.height}px` }}>
      <ol class="ladder-steps" aria-label="Steps of the call, oldest first" onKeyDown=${onKeyDown}>
        ${layout.items.map(item => item.kind === 'step' && html`<li key=${item.row.seq}
          style=${{ top: `${item.y}px`, height: `${item.height}px` }}>
          <button type="button" data-seq=${item.row.seq} tabindex=${item.row.seq === current ? 0 : -1}
            class=${classes(
              'ladder-step',
              marked.has(item.row.seq) && 'ladder-marked',
              evidence.has(item.row.seq) && 'ladder-evidence'
            )}
            aria-label=${sentenceOf(item.row, outcomes[item.row.seq] ?? 'plain')}
            aria-expanded=${item.row.seq === selected}
            title=${item.label.isCut ? item.row.what : undefined}
            onClick=${() => onSelect(item.row.seq === selected ? undefined : item.row.seq)}
            onPointerEnter=${() => onPoint(item.row.seq)} onPointerLeave=${() => onPoint(undefined)}
            onFocus=${() => { focused.current = item.row.seq; onPoint(item.row.seq) }}
            onBlur=${() => onPoint(undefined)}></button>
          <span class="ladder-time" aria-hidden="true"
            style=${{ width: `${layout.timeWidth}px` }}>${times[item.row.seq]}</span>
        </li>`)}
      </ol>
      <${LadderPicture} layout=${layout} unit=${font.unit} outcomes=${outcomes} times=${times} marked=${marked}
        selected=${selected} />
    </div>
    ${ladder.rows.length === 0 && html`<p class="quiet ladder-none">Nothing is known of this call yet.</p>`}
    ${isOpen && html`<${NowLine} picture=${picture} />`}
  </div>`
}

/** How long nothing was heard of a call that goes on. @param {{ picture: Picture }} props */
function NowLine ({ picture: { call, ladder, diagnosis } }) {
  const since = lastHeard(ladder, call)
  const waits = diagnosis.waitingOn === 'none' ? '' : WAITING_WORDS[diagnosis.waitingOn]
  return html`<p class=${classes('ladder-now', waits && 'ladder-now-waits')}>
    <span class="ladder-pulse"></span>
    <span>
      <b>now</b> <${Duration} since=${since} /> since the last step${waits ? `, waits for ${waits}` : ''}
      ${!waits && call.phase === 'connected' && ', they talk'}
    </span>
  </p>`
}

/** @param {KeyboardEvent} event @param {(seq: number | undefined) => void} onSelect */
function moveFocus (event, onSelect) {
  const list = /** @type {HTMLElement} */ (event.currentTarget)
  const buttons = [...list.querySelectorAll('button')]
  const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement))
  /** @type {Record<string, number>} */
  const places = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: buttons.length - 1 }
  const place = places[event.key]
  if (event.key === 'Escape') onSelect(undefined)
  if (place === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  const next = buttons[Math.max(0, Math.min(buttons.length - 1, place))]
  next?.focus()
  // Whoever reads the fields of the steps goes on reading them.
  if (next && list.querySelector('[aria-expanded="true"]')) onSelect(Number(next.dataset['seq']))
}

/**
 * Who looks at the end of a growing ladder goes on looking at it. Who is at the top of the page stays there.
 * @param {{ current: HTMLElement | null }} frame
 * @param {number} count of steps
 * @param {boolean} isFollowed
 */
function useFollowing (frame, count, isFollowed) {
  const wasSeen = useRef(false)
  useEffect(() => {
    const end = frame.current?.querySelector('.ladder-now')
    if (!end) return
    const observer = new IntersectionObserver(([entry]) => {
      wasSeen.current = entry?.isIntersecting === true && scrollY > 0
    })
    observer.observe(end)
    return () => observer.disconnect()
  }, [isFollowed])
  useLayoutEffect(() => {
    if (isFollowed && wasSeen.current) frame.current?.querySelector('.ladder-now')?.scrollIntoView({ block: 'nearest' })
  }, [count])
}
