/*
 * One call: its ladder, why it ended as it did, and what can be done. Live while it goes on.
 */

import { isUnknown, useCall } from './call-data.js'
import { CallHead } from './call-head.js'
import { Attempts, Duties, Earlier } from './call-parts.js'
import { RoomPanel } from './call-room.js'
import { Transfers } from './call-transfers.js'
import { DiagnosisPanel } from './diagnosis.js'
import { stepsOf } from './ladder-marks.js'
import { LadderPanel } from './ladder.js'
import { styleSheet } from './style-sheet.js'
import { Heading, html, Notice, Problem, useLayoutEffect, useMemo, useRef, useState } from './ui.js'

/** @import { ViewProps } from './ui.js' */
/** @import { Picture } from './call-types.js' */

await styleSheet('call.css')

/** @param {ViewProps} props */
export default function CallView ({ api, place, mayChange }) {
  const callSid = place.rest[0] ?? ''
  const { picture, error, isGone, retry } = useCall(api, callSid)
  // The heading of the picture takes the focus over from the one that is there while it loads.
  const hadFocus = useRef(false)
  if (!picture) hadFocus.current = false
  else if (document.activeElement?.matches('main h1')) hadFocus.current = true
  const isThere = picture !== undefined
  useLayoutEffect(() => {
    const heading = document.querySelector('main h1')
    if (isThere && hadFocus.current && heading instanceof HTMLElement) heading.focus({ preventScroll: true })
  }, [isThere])

  if (picture) return html`<${Shown} api=${api} picture=${picture} isGone=${isGone} mayChange=${mayChange} />`
  if (error === undefined) {
    return html`<section class="view">
      <${Heading} title="Call">Call<//>
      <p class="quiet" role="status">Loading…</p>
    </section>`
  }
  return html`<section class="view">
    <${Heading} title="Call">Call <span class="mono">${callSid}</span><//>
    ${isUnknown(error)
      ? html`<${Notice} title="The bridge does not know this call" alert>
          <p>It may have ended long ago: ended calls are kept for a while (CALL_RETENTION_S, CALL_HISTORY_S). Or the
            address is not complete.</p>
          <p>See <a href="#/now">the calls now</a>, or <a href="#/find">find a call</a>.</p>
        <//>`
      : html`<${Problem} error=${error} retry=${retry} />`}
  </section>`
}

/** @param {{ api: ViewProps['api'], picture: Picture, isGone: boolean, mayChange: boolean }} props */
function Shown ({ api, picture, isGone, mayChange }) {
  const { call, ladder, diagnosis } = picture
  const [steps, setSteps] = useState(/** @type {number[]} */ ([]))
  const [pointed, setPointed] = useState(/** @type {number | undefined} */ (undefined))
  const marked = useMemo(() => new Set(steps), [steps])
  const evidence = useMemo(
    () => new Set(diagnosis.evidence.flatMap(one => stepsOf(one, ladder, call))),
    [picture]
  )

  const how = html`<${LadderPanel} key="how" picture=${picture} marked=${marked} evidence=${evidence}
    isOpen=${!isGone && call.phase !== 'ended'} onPoint=${setPointed} />`
  const why = html`<${DiagnosisPanel} key="why" picture=${picture} pointed=${pointed} onMark=${setSteps} />`
  // Whoever opens a failed call on a phone wants to know first what to do.
  const isFailed = call.phase === 'ended' && diagnosis.severity !== 'ok'

  return html`<section class="view call-view">
    <${CallHead} api=${api} picture=${picture} mayChange=${mayChange && !isGone} />
    ${isGone && html`<${Notice} kind="late">
      The bridge does not know this call any more. This is how it was last seen.<//>`}
    <div class="call-columns">${isFailed ? [why, how] : [how, why]}</div>
    <div class="call-rest">
      <${Transfers} api=${api} call=${call} mayChange=${mayChange} />
      <${Attempts} call=${call} />
      <${RoomPanel} api=${api} call=${call} />
      <${Earlier} call=${call} />
      <${Duties} call=${call} />
    </div>
  </section>`
}
