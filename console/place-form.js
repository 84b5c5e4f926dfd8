/*
 * An outbound call: somebody is called and connected with an agent.
 */

import { callAddress, goTo } from './location.js'
import { createOrderKeys, EMPTY_ORDER, orderRequest, refusalOf } from './place-order.js'
import { Ticked } from './ticked.js'
import { html, Icon, Notice, useEffect, useMemo, useRef, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { OrderForm } from './place-order.js' */
/** @import { Session } from './types.js' */
/** @import { RoutesView } from './view-types.js' */

/** @param {{ api: Api, session: Session, routes?: RoutesView }} props */
export function OrderPanel ({ api, session, routes }) {
  const [form, setForm] = useState(EMPTY_ORDER)
  const { isPlacing, refusal, place } = usePlacing(api)
  const bind = (/** @type {keyof OrderForm} */ name) => ({
    id: `order-${name}`,
    value: form[name],
    onInput: (/** @type {any} */ event) => setForm({ ...form, [name]: event.currentTarget.value })
  })
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault()
    place(orderRequest(form))
  }

  return html`<section class="panel" aria-labelledby="order-title">
    <h2 id="order-title">Call somebody</h2>
    <p class="quiet">Jambonz calls the number, and connects whoever answers with the agent. This is a real call.</p>
    ${!session.callControl && html`<${NotConfigured} />`}
    ${routes && !routes.policy && html`<${NoPolicy} />`}
    <form class="order-form" onSubmit=${submit}>
      <div class="field"><label for="order-to">Number to call</label>
        <input ...${bind('to')} data-focus required inputmode="tel" autocomplete="off" placeholder="+49…" /></div>
      <div class="field"><label for="order-from">Shown to the callee</label>
        <select ...${bind('from')}>
          <option value="">${routes?.numbers?.[0] ?? 'the first of our numbers'}</option>
          ${routes?.numbers?.slice(1).map(number => html`<option key=${number} value=${number}>${number}</option>`)}
        </select></div>
      <div class="field"><label for="order-agent">Agent</label>
        <input ...${bind('agent')} spellcheck="false" placeholder=${routes?.agent ?? 'the default agent'} /></div>
      <div class="field"><label for="order-reference">Your reference</label><input ...${bind('reference')} /></div>
      <div class="field order-metadata"><label for="order-metadata">Metadata for the agent</label>
        <textarea ...${bind('metadata')} rows="2" spellcheck="false" placeholder='a text, or {"customer": "C-17"}'
          aria-describedby="order-metadata-hint"></textarea>
        <p class="hint" id="order-metadata-hint">The agent gets it as <code>app</code> in its job metadata.</p></div>
      <details><summary>More</summary><${MoreOptions} bind=${bind} /></details>
      <button class="button button-main" aria-disabled=${isPlacing}><${Icon} name="phone" />
        ${isPlacing ? 'Placing the call…' : `Call ${form.to.trim()}`}</button>
    </form>
    <div role="status">${refusal && html`<${Refusal} refusal=${refusal} />`}</div>
  </section>`
}

/** @param {{ bind: (name: keyof OrderForm) => object }} props */
const MoreOptions = ({ bind }) => html`<div class="field-grid">
  <div class="field"><label for="order-carrier">Jambonz carrier</label>
    <input ...${bind('carrier')} placeholder="the default carrier" /></div>
  <div class="field"><label for="order-callerName">Name beside our number</label>
    <input ...${bind('callerName')} /></div>
  <div class="field"><label for="order-ring">Ring for, seconds</label>
    <input ...${bind('ring')} inputmode="numeric" placeholder="60" /></div>
  <div class="field"><label for="order-longest">Longest call, seconds</label>
    <input ...${bind('longest')} inputmode="numeric" /></div>
  <div class="field"><label for="order-voicemail">Who finds out whether a machine answers</label>
    <select ...${bind('voicemail')}>
      <option value="">nobody</option><option value="agent">the agent</option><option value="jambonz">Jambonz</option>
    </select></div>
  <div class="field"><label for="order-onMachine">When a machine answers</label>
    <select ...${bind('onMachine')}><option value="">continue</option><option value="hangup">hang up</option></select>
  </div>
</div>`

const NotConfigured = () => html`<${Notice} kind="late" title="Outbound calls are not configured.">
  <p>The bridge has no Jambonz REST settings. Set <code>JAMBONZ_REST_API_BASE_URL</code>,
    <code>JAMBONZ_ACCOUNT_SID</code> and <code>JAMBONZ_API_KEY</code>: docs/outbound.md of the package.</p>
<//>`

const NoPolicy = () => html`<${Notice} kind="late" title="No number may be called.">
  <p>The routes file has no <code>policy</code>. Name there which countries and numbers may be called:
    docs/outbound.md of the package.</p>
<//>`

/** @param {{ refusal: ReturnType<typeof refusalOf> }} props */
function Refusal ({ refusal: { title, message, code, hint, isSettled, callSid } }) {
  return html`<${Notice} kind=${isSettled ? 'bad' : 'late'} title=${title}>
    <p><${Ticked} text=${message} /></p>
    ${hint !== undefined && html`<p><${Ticked} text=${hint} /></p>`}
    ${callSid !== undefined && html`<p><a href=${callAddress(callSid)}>What becomes of the order</a></p>`}
    ${code !== undefined && html`<p class="quiet">${code}</p>`}
  <//>`
}

/**
 * Places orders one at a time, and goes to the call.
 * @param {Api} api
 */
function usePlacing (api) {
  const [isPlacing, setPlacing] = useState(false)
  const [refusal, setRefusal] = useState(/** @type {ReturnType<typeof refusalOf> | undefined} */ (undefined))
  const keys = useMemo(() => createOrderKeys(), [])
  const isBusy = useRef(false)
  const isGone = useRef(false)
  useEffect(() => () => {
    isGone.current = true
  }, [])

  const send = async (/** @type {object} */ request) => {
    const placed = await api.post('calls', request, { headers: { 'idempotency-key': keys.keyOf(request) } })
    keys.settled()
    if (!isGone.current) goTo(callAddress(placed.callSid))
  }
  const refused = (/** @type {unknown} */ error) => {
    const refusal = refusalOf(error)
    if (refusal.isSettled) keys.settled()
    setRefusal(refusal)
  }
  const place = (/** @type {object} */ request) => {
    if (isBusy.current) return
    isBusy.current = true
    setPlacing(true)
    setRefusal(undefined)
    send(request).catch(refused).finally(() => {
      isBusy.current = false
      setPlacing(false)
    })
  }
  return { isPlacing, refusal, place }
}
