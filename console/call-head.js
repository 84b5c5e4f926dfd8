/*
 * The head of a call: who talks with whom, how far it is or why it ended, and what can be done.
 */

import { save } from './api.js'
import { CalledFor, isOpenTransfer } from './call-transfers.js'
import { HangUpDialog } from './hang-up.js'
import { TransferDialog } from './transfer-dialog.js'
import {
  CauseMark, classes, CopyButton, DirectionMark, Duration, Heading, html, Icon, numbersOf, PhaseMark, PhoneNumber,
  Time, useState, WAITING_WORDS
} from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Call, Diagnosis, Picture } from './call-types.js' */

/** @param {{ api: Api, picture: Picture, mayChange: boolean }} props */
export function CallHead ({ api, picture, mayChange }) {
  const { call, diagnosis } = picture
  const { person } = numbersOf(call)
  const isOver = call.phase === 'ended'
  const isFailed = isOver && diagnosis.severity !== 'ok'
  return html`<header class=${classes('call-headline', `severity-${isOver ? diagnosis.severity : 'open'}`)}>
    <div class="call-who">
      <${DirectionMark} direction=${call.direction} />
      <${Heading} title=${person === 'anonymous' ? 'Withheld' : person}>
        <${PhoneNumber} number=${call.from} /><span class="arrow" aria-label="to"> → </span>
        <${PhoneNumber} number=${call.to} />
      <//>
      ${isOver
        ? html`<${CauseMark} end=${call.end} failed=${diagnosis.severity === 'failed'} />`
        : html`<${PhaseMark} phase=${call.phase} />`}
      <span class="call-length"><${Length} call=${call} /></span>
    </div>
    <p class="call-summary">
      ${isFailed && html`<${Icon} name=${diagnosis.severity === 'failed' ? 'failed' : 'late'} /> `}
      ${diagnosis.summary}
    </p>
    <${CalledFor} call=${call} />
    <${Facts} call=${call} diagnosis=${diagnosis} />
    <${Actions} api=${api} picture=${picture} mayChange=${mayChange} />
  </header>`
}

/** How long people talked, or how long it has been going on. @param {{ call: Call }} props */
function Length ({ call: { at } }) {
  const { received, answered, ended } = at
  if (received === undefined) return null
  return html`<${Duration} since=${received} until=${ended} />
    ${answered && html`<span class="quiet"> talked <${Duration} since=${answered} until=${ended} /></span>`}`
}

/** @param {{ call: Call, diagnosis: Diagnosis }} props */
function Facts ({ call, diagnosis }) {
  const { at, agent, route, carrier, placedBy, reference, voicemail, end, callSid } = call
  const waits = call.phase === 'ended' ? '' : WAITING_WORDS[diagnosis.waitingOn]
  return html`<dl class="facts">
    ${at['received'] && html`<${Fact} name="began"><${Time} at=${at['received']} ms /><//>`}
    ${waits && html`<${Fact} name="waits for">${waits}<//>`}
    ${agent && html`<${Fact} name="agent">${agent}<//>`}
    ${route && html`<${Fact} name="route">${route}<//>`}
    ${carrier && html`<${Fact} name="carrier">${carrier}<//>`}
    ${placedBy && html`<${Fact} name="ordered by">${placedBy}<//>`}
    ${reference && html`<${Fact} name="reference">${reference}<//>`}
    ${voicemail && html`<${Fact} name="answered by">
      ${voicemail.verdict}${voicemail.reason && ` (${voicemail.reason})`}<//>`}
    ${end && html`<${Fact} name="ended by">${end.by}${end.sipStatus && ` with ${end.sipStatus}`}
      ${end.detail && html`<span class="quiet"> ${end.detail}</span>`}<//>`}
    <${Fact} name="call_sid">
      <span class="mono">${callSid}</span> <${CopyButton} class="button-small" text=${callSid} /><//>
  </dl>`
}

/** @param {{ name: string, children?: any }} props */
const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`

/** @param {{ api: Api, picture: Picture, mayChange: boolean }} props */
function Actions ({ api, picture, mayChange }) {
  const [dialog, setDialog] = useState('')
  const { call } = picture
  const close = () => setDialog('')
  const isOpen = call.phase !== 'ended'
  const json = () => save(
    new Blob([`${JSON.stringify(picture, null, 2)}\n`], { type: 'application/json' }),
    `call-${call.callSid}.json`
  )
  return html`<div class="call-actions">
    ${mayChange && isOpen && html`
      <button type="button" class="button" onClick=${() => setDialog('transfer')} disabled=${!canTransfer(call)}
        title=${canTransfer(call) ? undefined : whyNot(call)}>
        <${Icon} name="transferring" />Transfer…</button>
      <button type="button" class="button button-bad" onClick=${() => setDialog('hang-up')}>
        <${Icon} name="failed" />Hang up…</button>`}
    <${CopyButton} text=${location.href} label="Copy link" />
    <button type="button" class="button" onClick=${json}><${Icon} name="download" />JSON</button>
    ${dialog === 'hang-up' && html`<${HangUpDialog} api=${api} call=${call} onClose=${close} />`}
    ${dialog === 'transfer' && html`<${TransferDialog} api=${api} call=${call} onClose=${close} />`}
  </div>`
}

/** Only who talks with an agent is transferred; the bridge has the last word. @param {Call} call */
const canTransfer = ({ phase, calledFor, transfers = [] }) =>
  phase === 'connected' && !calledFor && !transfers.some(isOpenTransfer)

/** @param {Call} call */
function whyNot ({ phase, calledFor, transfers = [] }) {
  if (calledFor) return 'This is the call of a person. Transfer the call of the caller.'
  const isUnderWay = phase === 'transferring' || transfers.some(isOpenTransfer)
  return isUnderWay ? 'A transfer is under way.' : 'Nobody talks with an agent yet.'
}
