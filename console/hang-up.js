/*
 * Hanging up a call, behind a question that says what will happen.
 */

import { isOpenTransfer } from './call-transfers.js'
import { Dialog, html, Icon, Problem, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Call } from './call-types.js' */

/** @param {{ api: Api, call: Call, onClose: () => void }} props */
export function HangUpDialog ({ api, call, onClose }) {
  const [error, setError] = useState(/** @type {unknown} */ (undefined))
  const [isAsked, setAsked] = useState(false)
  const isOver = call.phase === 'ended'
  const hangUp = async () => {
    setAsked(true)
    setError(undefined)
    try {
      await api.post(`calls/${encodeURIComponent(call.callSid)}/hangup`)
      onClose()
    } catch (problem) {
      setError(problem)
      setAsked(false)
    }
  }
  return html`<${Dialog} title="Hang up this call?" onClose=${onClose}>
    <ul class="consequences">${consequencesOf(call).map(text => html`<li key=${text}>${text}</li>`)}</ul>
    ${isOver && html`<p role="status"><b>The call has ended meanwhile.</b></p>`}
    ${error !== undefined && html`<${Problem} error=${error} />`}
    <div class="dialog-buttons">
      <button type="button" class="button" onClick=${onClose}>Keep the call</button>
      <button type="button" class="button button-bad" disabled=${isAsked || isOver} onClick=${hangUp}>
        <${Icon} name="failed" />${isAsked ? 'Hanging up…' : 'Hang up'}
      </button>
    </div>
  <//>`
}

/**
 * What hanging up does to those who are there.
 * @param {Pick<Call, 'direction' | 'phase' | 'attempts' | 'transfers'>} call
 */
export function consequencesOf ({ direction, phase, attempts, transfers = [] }) {
  const who = direction === 'inbound' ? 'The caller' : 'The person who is called'
  const talks = phase === 'connected' || phase === 'transferring'
  const inRoom = attempts.at(-1)?.room !== undefined
  const isTransferred = transfers.some(isOpenTransfer)
  return [
    talks ? `${who} is cut off in the middle of the talk.` : `${who} is not connected any more, and the call ends.`,
    ...inRoom ? ['The agent has to leave: the LiveKit room is deleted.'] : [],
    ...isTransferred ? ['A transfer is under way. Whoever is called for it is hung up on as well.'] : [],
    'The call ends with the cause operator-hung-up. Your name is in the audit log.',
    'This cannot be undone.'
  ]
}
