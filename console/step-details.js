/*
 * What is known of one step of a ladder.
 */

import { msText } from './ladder-marks.js'
import { nameOf } from './ladder-layout.js'
import { CopyButton, html, Icon, Time } from './ui.js'

/** @import { CallEvent, LadderRow } from './call-types.js' */

const VIA = { sip: 'SIP', http: 'HTTP', room: 'LiveKit room' }

/**
 * @param {{ row: LadderRow, event: CallEvent | undefined, onClose: () => void }} props
 */
export function StepDetails ({ row, event, onClose }) {
  const { from, to, via, what, at, ms, count } = row
  const way = from === to ? nameOf(from) : `${nameOf(from)} → ${nameOf(to)}`
  return html`<section class="step-details" aria-label="The step" aria-live="polite">
    <header>
      <h3>${what}</h3>
      <${CopyButton} class="button-small" text=${JSON.stringify(event ?? row, null, 2)} label="Copy" />
      <button type="button" class="button button-plain button-small" aria-label="Close the step" onClick=${onClose}>
        <${Icon} name="close" />
      </button>
    </header>
    <dl class="fields">
      <${Field} name="way">${way} over ${VIA[via] ?? via}<//>
      <${Field} name="when"><${Time} at=${at} ms /> (${msText(ms)} ms after the first)<//>
      ${count > 1 && html`<${Field} name="times">${count}<//>`}
      ${event ? fieldsOf(event) : html`<${Field} name="event">none: a reply of the bridge<//>`}
    </dl>
  </section>`
}

/** @param {CallEvent} event */
function fieldsOf (event) {
  const { first, last, count, ...fields } = event
  return html`
    ${Object.entries(fields).map(([name, value]) => html`<${Field} key=${name} name=${name}>${String(value)}<//>`)}
    ${count > 1 && html`
      <${Field} name="heard">${count} times<//>
      <${Field} name="last"><${Time} at=${last} ms /><//>`}`
}

/** @param {{ name: string, children?: any }} props */
const Field = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`
