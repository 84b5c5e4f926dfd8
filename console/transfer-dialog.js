/*
 * Handing a caller to a person. What the number policy says of it is shown before it is done.
 */

import { Dialog, html, Icon, Notice, PhoneNumber, Problem, useEffect, useMemo, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Call, TransferVerdict } from './call-types.js' */

const MODES = [
  { mode: 'consult', name: 'Consult', says: 'An agent talks with the person first. You or the agent connect them.' },
  { mode: 'screen', name: 'Screen', says: 'Jambonz calls the person, who presses 1 to take the call.' },
  { mode: 'blind', name: 'Blind', says: 'Jambonz dials the caller through. The agent leaves at once.' },
  { mode: 'add', name: 'Add', says: 'The person joins the caller and the agent, who stays.' },
  { mode: 'refer', name: 'Refer', says: 'The carrier moves the call away. The bridge does not see what follows.' }
]

const CHECK_AFTER_MS = 350

/** @param {{ api: Api, call: Call, onClose: () => void }} props */
export function TransferDialog ({ api, call, onClose }) {
  const [to, setTo] = useState('')
  const [mode, setMode] = useState('consult')
  const [brief, setBrief] = useState('')
  const [afterPerson, setAfterPerson] = useState('end')
  const [error, setError] = useState(/** @type {unknown} */ (undefined))
  const [isAsked, setAsked] = useState(false)
  const key = useMemo(randomKey, [to, mode, brief, afterPerson])
  const path = `calls/${encodeURIComponent(call.callSid)}/transfers`
  const body = {
    to: to.trim(),
    mode,
    ...(mode === 'consult' && brief.trim() ? { brief: brief.trim() } : {}),
    ...(afterPerson === 'end' ? {} : { afterPerson })
  }
  const verdict = useVerdict(api, `${path}/check`, body)
  const transfer = async (/** @type {Event} */ event) => {
    event.preventDefault()
    setAsked(true)
    setError(undefined)
    try {
      await api.post(path, body, { headers: { 'idempotency-key': key } })
      onClose()
    } catch (problem) {
      setError(problem)
      setAsked(false)
    }
  }

  return html`<${Dialog} title="Transfer the caller" class="transfer-dialog" onClose=${onClose}>
    <form onSubmit=${transfer}>
      <div>
        <label for="transfer-to">Number of the person</label>
        <input id="transfer-to" type="text" inputmode="tel" autocomplete="off" value=${to} required
          placeholder="+15550003333" onInput=${(/** @type {any} */ event) => setTo(event.target.value)} />
      </div>
      <fieldset>
        <legend class="label">How</legend>
        ${MODES.map(({ mode: one, name, says }) => html`<label key=${one} class="choice">
          <input type="radio" name="mode" checked=${mode === one} onChange=${() => setMode(one)} />
          <span><b>${name}</b> <span class="quiet">${says}</span></span>
        </label>`)}
      </fieldset>
      ${mode === 'consult' && html`<div>
        <label for="transfer-brief">What the agent should tell the person (optional)</label>
        <textarea id="transfer-brief" rows="2" maxlength="4096" value=${brief}
          onInput=${(/** @type {any} */ event) => setBrief(event.target.value)}></textarea>
      </div>`}
      ${mode !== 'refer' && html`<div>
        <label for="transfer-after">When the person leaves the caller alone</label>
        <select id="transfer-after" value=${afterPerson}
          onChange=${(/** @type {any} */ event) => setAfterPerson(event.target.value)}>
          <option value="end">the call ends</option>
          <option value="agent">an agent is called again</option>
        </select>
      </div>`}
      <div class="verdict" role="status"><${Verdict} verdict=${verdict} /></div>
      ${error !== undefined && html`<${Problem} error=${error} />`}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick=${onClose}>Do nothing</button>
        <button type="submit" class="button button-main" disabled=${isAsked || !verdict.value?.allowed}>
          <${Icon} name="transferring" />${isAsked ? 'Asking…' : 'Transfer'}
        </button>
      </div>
    </form>
  <//>`
}

/**
 * Asks what would become of a transfer, a moment after the last change.
 * @param {Api} api
 * @param {string} path
 * @param {object} body
 * @returns {{ value?: TransferVerdict, error?: unknown, isEmpty: boolean }} without both: not known yet
 */
function useVerdict (api, path, body) {
  const text = JSON.stringify(body)
  const [known, setKnown] = useState(
    /** @type {{ text: string, value?: TransferVerdict, error?: unknown }} */ ({ text: '' })
  )
  const isEmpty = JSON.parse(text).to === ''
  useEffect(() => {
    if (isEmpty) return
    const controller = new AbortController()
    const timer = setTimeout(() => {
      api.post(path, JSON.parse(text), { signal: controller.signal }).then(
        value => setKnown({ text, value }),
        error => controller.signal.aborted || setKnown({ text, error })
      )
    }, CHECK_AFTER_MS)
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [api, path, text, isEmpty])
  // A verdict about something else is none.
  return known.text === text ? { ...known, isEmpty } : { isEmpty }
}

/** @param {{ verdict: ReturnType<typeof useVerdict> }} props */
function Verdict ({ verdict: { value, error, isEmpty } }) {
  if (isEmpty) {
    return html`<p class="quiet">The number policy decides as soon as there is a number. Nothing is dialled.</p>`
  }
  if (error !== undefined) return html`<${Problem} error=${error} />`
  if (!value) return html`<p class="quiet">Asking the number policy…</p>`
  if (!value.allowed) {
    return html`<${Notice} kind="bad" title="This would be refused">
      <p>${value.message}</p><p class="quiet">${value.code}</p>
    <//>`
  }
  return html`<${Notice} kind="good" title="This is allowed">
    <p>${value.to?.startsWith('sip') ? value.to : html`<${PhoneNumber} number=${value.to ?? ''} />`} would be called
      ${value.carrier && ` over ${value.carrier}`}${value.from && html`, and would see
      ${' '}<${PhoneNumber} number=${value.from} />`}.</p>
    ${value.limits && html`<p class="quiet">
      Whether a limit of the policy is reached is known only when it is done.</p>`}
  <//>`
}

/** Asking twice by mistake does not transfer twice. crypto.randomUUID exists only on https and localhost. */
const randomKey = () =>
  `console-${[...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('')}`
