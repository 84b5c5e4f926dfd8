/*
 * Who is in a call's LiveKit room, asked of LiveKit on request and again while it is open.
 */

import { html, Icon, Notice, Problem, Time, useEffect, useLoaded, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Call, RoomView } from './call-types.js' */

const EVERY_MS = 4000

/** @param {{ api: Api, call: Call }} props */
export function RoomPanel ({ api, call }) {
  const [isOpen, setOpen] = useState(false)
  const room = call.attempts.findLast(({ room }) => room !== undefined)?.room
  if (room === undefined) return null
  return html`<section class="panel" aria-labelledby="room-title">
    <div class="panel-bar">
      <h2 id="room-title">Who is in the room</h2>
      <button type="button" class="button button-small" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
        <${Icon} name="eye" />${isOpen ? 'Close' : 'Look'}
      </button>
    </div>
    ${isOpen
      ? html`<${Room} api=${api} call=${call} />`
      : html`<p class="quiet">Asks LiveKit about <code>${room}</code>.</p>`}
  </section>`
}

/** @param {{ api: Api, call: Call }} props */
function Room ({ api, call: { callSid, phase } }) {
  const { value, error, reload } = useLoaded(signal =>
    api.get(`calls/${encodeURIComponent(callSid)}?live=true`, { signal }), [api, callSid, phase])
  const isOver = phase === 'ended'
  useEffect(() => {
    if (isOver) return
    const timer = setInterval(() => document.hidden || reload(), EVERY_MS)
    return () => clearInterval(timer)
  }, [isOver, reload])

  if (error) return html`<${Problem} error=${error} retry=${reload} />`
  /** @type {RoomView | undefined} */
  const live = value?.live
  if (!live) return html`<p class="quiet" role="status">Asking LiveKit…</p>`
  if (live.error) return html`<${Notice} kind="late">${live.error}.<//>`
  if (live.exists === false) return html`<p>The room is gone.</p>`
  if (live.participants.length === 0) return html`<p>Nobody is there.</p>`
  return html`<div class="wide-table"><table class="data">
    <thead><tr><th>who</th><th>state</th><th>audio</th><th>joined</th></tr></thead>
    <tbody>${live.participants.map(({ kind, state, joinedAt, audio, sipCallStatus }, i) => html`<tr key=${i}>
      <td><${Icon} name=${KINDS[kind]?.icon ?? 'unknown'} /> ${KINDS[kind]?.word ?? kind}</td>
      <td>${state.toLowerCase()}${sipCallStatus && ` (SIP ${sipCallStatus})`}</td>
      <td>${audio ? 'yes' : 'no'}</td>
      <td>${joinedAt && html`<${Time} at=${joinedAt} />`}</td>
    </tr>`)}</tbody>
  </table></div>`
}

/** @type {Record<string, { icon: string, word: string }>} */
const KINDS = {
  SIP: { icon: 'phone', word: 'phone (SIP)' },
  AGENT: { icon: 'agent', word: 'agent' },
  OTHER: { icon: 'person', word: 'other' }
}
