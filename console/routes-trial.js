/*
 * What would become of a call. Nobody is called.
 */

import { EMPTY_TRIAL, triedWay, trialRequest, warmInWords } from './routes-words.js'
import { Way } from './routes-way.js'
import { Ticked } from './ticked.js'
import { localTime, zoneName } from './time.js'
import { html, Icon, Problem, useRef, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { TrialForm } from './routes-words.js' */
/** @import { Trial } from './view-types.js' */

/** @param {{ api: Api, trial?: Trial, onTrial: (trial: Trial | undefined) => void }} props */
export function RoutesTrial ({ api, trial, onTrial }) {
  const [form, setForm] = useState(EMPTY_TRIAL)
  const [error, setError] = useState(/** @type {unknown} */ (undefined))
  const newest = useRef(0)
  const bind = (/** @type {keyof TrialForm} */ name) => ({
    id: `trial-${name}`,
    value: form[name],
    onInput: (/** @type {any} */ event) => setForm({ ...form, [name]: event.currentTarget.value })
  })

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault()
    const mine = ++newest.current
    const [trial, error] = await api.post('routes/test', trialRequest(form)).then(
      trial => [trial, undefined],
      error => [undefined, error]
    )
    if (mine !== newest.current) return
    onTrial(trial)
    setError(error)
  }

  return html`<section class="panel trial" aria-labelledby="trial-title">
    <h2 id="trial-title">Test a number</h2>
    <p class="quiet">What would become of a call with the routes in force. Nobody is called.</p>
    <form class="trial-form" onSubmit=${submit}>
      <div class="field"><label for="trial-to">Called number</label>
        <input ...${bind('to')} data-focus required inputmode="tel" autocomplete="off" placeholder="+49…" /></div>
      <div class="field"><label for="trial-from">Caller</label>
        <input ...${bind('from')} autocomplete="off" placeholder="a number, or anonymous" /></div>
      <div class="field"><label for="trial-at">When <span class="quiet">(${zoneName()})</span></label>
        <input ...${bind('at')} type="datetime-local" title="Empty: now" /></div>
      <button class="button button-main">Test</button>
      <details>
        <summary>Direction, carrier, application, headers</summary>
        <div class="field-grid">
          <div class="field"><label for="trial-direction">Direction</label>
            <select ...${bind('direction')}>
              <option value="">inbound</option><option value="outbound">outbound</option>
            </select></div>
          <div class="field"><label for="trial-carrier">Jambonz carrier</label><input ...${bind('carrier')} /></div>
          <div class="field"><label for="trial-application">sid of the Jambonz application</label>
            <input ...${bind('application')} spellcheck="false" /></div>
          <div class="field"><label for="trial-headers">Headers of the INVITE, one a line</label>
            <textarea ...${bind('headers')} rows="2" spellcheck="false" placeholder="X-Tenant: acme"></textarea></div>
        </div>
      </details>
    </form>
    <div role="status">
      ${trial && html`<${Verdict} trial=${trial} />`}
      ${error && html`<${Problem} error=${error} />`}
    </div>
  </section>`
}

/** @param {{ trial: Trial }} props */
function Verdict ({ trial: { call, route, before, ways, longestWaitS, notes } }) {
  const line = route?.line === undefined ? '' : ` (line ${route.line})`
  return html`<div class="trial-verdict">
    <p class="verdict-route"><${Icon} name=${route ? 'good' : 'info'} />
      <span><strong>${route?.name ?? 'No route'}</strong>${line}${' '}
        ${route ? 'takes the call' : 'matches, so the agent of the application or of the settings is called'}</span></p>
    <p class="quiet">${call.from === '' ? 'Somebody' : call.from} calls ${call.to} at ${localTime(call.at)}
      ${' '}(${zoneName()}), ${call.direction}</p>
    ${before.length > 0 && html`<h3>Why not the routes before it</h3>
      <ul>${before.map(({ route, line, reason }) => html`<li key=${route}>
        <strong>${route}</strong>${line === undefined ? '' : ` (line ${line})`}: ${reason}</li>`)}</ul>`}
    <h3>How the call is connected</h3>
    ${ways.length === 0 && html`<p>In no way.</p>`}
    <ol class="ways">${ways.map(way => html`<${Tried} key=${way.attempt} tried=${way} />`)}</ol>
    ${longestWaitS > 0 && html`<p>The caller hears ringing for at most ${longestWaitS} s.</p>`}
    ${notes.map(note => html`<p key=${note} class="note"><${Icon} name="info" /><span>${note}.</span></p>`)}
  </div>`
}

/** @param {{ tried: Trial['ways'][number] }} props */
function Tried ({ tried: { way, ringS, warm, verbs, policy, missing = [] } }) {
  return html`<li>
    <${Way} ...${triedWay(way)} />
    ${ringS !== undefined && html`<span class="way-more">rings ${ringS} s</span>`}
    ${warm && html`<span class="way-more">warm rooms: ${warmInWords(warm)}</span>`}
    ${missing.map(name => html`<p key=${name} class="note note-late"><${Icon} name="late" />
      <span><code>${name}</code> is not set. Without it this way is skipped.</span></p>`)}
    ${policy && !policy.allowed && html`<p class="note note-late"><${Icon} name="late" /><span>It is dialled, because it
      stands in the routes file. Agents may not transfer to it: <${Ticked} text=${policy.why} /></span></p>`}
    ${policy?.allowed && html`<p class="note note-good"><${Icon} name="good" />
      <span>The number policy allows ${policy.number}.</span></p>`}
    <details><summary>What Jambonz gets</summary>
      <pre class="code" tabindex="0">${JSON.stringify(verbs, null, 2)}</pre></details>
  </li>`
}
