/*
 * The transfers of a call, and for whom a person's call is.
 */

import { lengthText } from './ladder-marks.js'
import { callAddress } from './location.js'
import { useNow } from './ticking.js'
import { html, Icon, PhoneNumber, Problem, Time, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Call, Transfer } from './call-types.js' */

/** @param {{ api: Api, call: Call, mayChange: boolean }} props */
export function Transfers ({ api, call: { callSid, transfers = [] }, mayChange }) {
  if (transfers.length === 0) return null
  return html`<section class="panel panel-long" aria-labelledby="transfers-title">
    <h2 id="transfers-title">Transfers</h2>
    <div class="wide-table"><table class="data">
      <thead><tr>
        <th>asked</th><th>to</th><th>mode</th><th>by</th><th>state</th><th>took</th><th>call of the person</th>
      </tr></thead>
      <tbody>${transfers.map((transfer, i) => html`<${TransferRow} key=${transfer.id ?? i} api=${api}
        callSid=${callSid} transfer=${transfer} mayChange=${mayChange} />`)}</tbody>
    </table></div>
  </section>`
}

/** @param {Transfer} transfer */
export const isOpenTransfer = ({ state, result }) => state !== 'finished' && result === undefined

/** @type {Record<string, string>} */
const RESULT_ICONS = { bridged: 'good', returned: 'same', failed: 'failed' }

/** @param {{ api: Api, callSid: string, transfer: Transfer, mayChange: boolean }} props */
function TransferRow ({ api, callSid, transfer, mayChange }) {
  const { id, mode, state, result, reason, sipStatus, detail, to, requestedBy, person, at } = transfer
  const now = useNow()
  const ms = (at.finished ? Date.parse(at.finished) : now) - Date.parse(at.requested)
  const isOpen = isOpenTransfer(transfer)
  return html`<tr>
    <td><${Time} at=${at.requested} ms /></td>
    <td>${to && html`<${PhoneNumber} number=${to} />`}</td>
    <td>${mode}</td>
    <td>${requestedBy ?? ''}</td>
    <td class=${result === 'failed' ? 'cause-failed' : ''}>
      <${Icon} name=${result ? RESULT_ICONS[result] ?? 'ended' : 'transferring'} /> ${result ?? state}
      ${reason && html`<span class="quiet"> ${[reason, sipStatus].filter(Boolean).join(' ')}</span>`}
      ${detail && html`<span class="quiet"> ${detail}</span>`}
      ${mayChange && isOpen && id !== undefined && html`<${Decide} api=${api} transfer=${transfer}
        path=${`calls/${encodeURIComponent(callSid)}/transfers/${encodeURIComponent(id)}`} />`}
    </td>
    <td>${lengthText(ms)}</td>
    <td>${person && html`<a href=${callAddress(person.callSid)}>open</a>`}</td>
  </tr>`
}

/** Buttons for a transfer that is not decided. @param {{ api: Api, transfer: Transfer, path: string }} props */
function Decide ({ api, transfer: { mode, state }, path }) {
  const [error, setError] = useState(/** @type {unknown} */ (undefined))
  const [isAsked, setAsked] = useState(false)
  const ask = (/** @type {string} */ what) => async () => {
    setAsked(true)
    setError(undefined)
    await api.post(`${path}/${what}`).catch(setError)
    setAsked(false)
  }
  return html`<span class="decide">
    ${mode === 'consult' && html`<button type="button" class="button button-small" onClick=${ask('complete')}
      disabled=${isAsked || state !== 'consulting'} title="The person joins the caller, and the agents leave">
      Connect the person</button>`}
    <button type="button" class="button button-small" disabled=${isAsked || state === 'completing'}
      onClick=${ask('cancel')} title="The person is hung up on, the caller stays with the agent">Cancel it</button>
    ${error !== undefined && html`<${Problem} error=${error} />`}
  </span>`
}

/** Of a person's call: for whom it is. @param {{ call: Call }} props */
export const CalledFor = ({ call: { calledFor, joins } }) => html`
  ${calledFor && html`<p class="called-for"><${Icon} name="transferring" /> Called for a transfer (${calledFor.mode}) of
    ${' '}<a href=${callAddress(calledFor.callSid)}>the caller's call</a>.</p>`}
  ${joins && html`<p class="called-for"><${Icon} name="agent" /> An agent calls from the room of
    ${' '}<a href=${callAddress(joins)}>this call</a>.</p>`}`
