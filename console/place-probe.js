/*
 * A probe: a SIP call to LiveKit as Jambonz would make it, without Jambonz.
 */

import { ApiError } from './api.js'
import { Findings, SeverityMark } from './findings.js'
import { afterProbeEvent, NO_PROBE, probeRequest, timingsInWords } from './probe-run.js'
import { ProbeLadder } from './probe-ladder.js'
import { html, Icon, Problem, useEffect, useRef, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { ProbeResult } from './view-types.js' */

const STOPPED = 'The probe was stopped. The bridge hangs up and deletes its room.'

/** @param {{ api: Api }} props */
export function ProbePanel ({ api }) {
  const [form, setForm] = useState({ agent: '', transport: '', seconds: '' })
  const { probe, isRunning, error, start, stop } = useProbe(api)
  const bind = (/** @type {keyof typeof form} */ name) => ({
    id: `probe-${name}`,
    value: form[name],
    onInput: (/** @type {any} */ event) => setForm({ ...form, [name]: event.currentTarget.value })
  })
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault()
    if (!isRunning) start(probeRequest(form))
  }

  const panel = useRef(/** @type {HTMLElement | null} */ (null))
  const wasRunning = useRef(isRunning)
  useEffect(() => {
    const button = panel.current?.querySelector('form > button')
    const isLost = document.activeElement === document.body
    // The button that had the focus is gone.
    const isSwapped = wasRunning.current !== isRunning && isLost
    if (isSwapped && button instanceof HTMLElement) button.focus({ preventScroll: true })
    wasRunning.current = isRunning
  }, [isRunning])

  return html`<section class="panel" aria-labelledby="probe-title" ref=${panel}>
    <h2 id="probe-title">Probe LiveKit</h2>
    <p class="quiet">The bridge makes a room with the agent, calls it by SIP, listens, hangs up and deletes the room. No
      phone rings, and Jambonz is not asked.</p>
    <form class="probe-form" onSubmit=${submit}>
      <div class="field"><label for="probe-agent">Agent</label>
        <input ...${bind('agent')} spellcheck="false" placeholder="the default agent" /></div>
      <div class="field"><label for="probe-transport">Transport</label>
        <select ...${bind('transport')}>
          <option value="">as configured</option>
          ${['udp', 'tcp', 'tls'].map(name => html`<option key=${name} value=${name}>${name.toUpperCase()}</option>`)}
        </select></div>
      <div class="field"><label for="probe-seconds">Listen for, seconds</label>
        <input ...${bind('seconds')} type="number" min="1" max="120" placeholder="5" /></div>
      ${/* The keys keep one from becoming the other during a click, which would start the probe again. */
        isRunning
          ? html`<button key="stop" type="button" class="button button-bad" onClick=${stop}>Stop the probe</button>`
          : html`<button key="start" class="button button-main"><${Icon} name="live" />Start the probe</button>`}
    </form>
    <p role="status" class="probe-state">${isRunning && 'The probe is under way.'}
      ${probe.result && html`<${SeverityMark} severity=${probe.result.failed ? 'failed' : 'ok'} />
        <strong>${probe.result.failed ? 'The probe failed.' : 'The probe went well.'}</strong>`}</p>
    ${error && html`<${Problem} error=${error} />`}
    ${probe.result && html`<${Findings} findings=${probe.result.findings} />`}
    ${probe.rows.length > 0 && html`<${ProbeLadder} rows=${probe.rows} isRunning=${isRunning} />`}
    ${probe.result && html`<${Result} result=${probe.result} />`}
  </section>`
}

/** @param {{ result: ProbeResult }} props */
function Result ({ result: { uri, transport, room, codec, timings, notProven } }) {
  const times = timingsInWords(timings)
  const target = [uri, transport?.toUpperCase(), codec, room?.agent && `agent ${room.agent}`].filter(Boolean)
  return html`<dl class="fact-list">
      ${target.length > 0 && html`<div><dt>called</dt><dd>${target.join(' · ')}</dd></div>`}
      ${times.map(({ words, ms }) => html`<div key=${words}><dt>${words}</dt><dd>after ${ms} ms</dd></div>`)}
    </dl>
    ${notProven.length > 0 && html`<details><summary>What a good probe does not prove</summary>
      <ul class="not-proven">${notProven.map(text => html`<li key=${text}>${text}</li>`)}</ul></details>`}`
}

/**
 * Runs probes one at a time. Leaving the page ends one: the bridge hangs up and deletes its room.
 * @param {Api} api
 */
function useProbe (api) {
  const [probe, setProbe] = useState(NO_PROBE)
  const [isRunning, setRunning] = useState(false)
  const [error, setError] = useState(/** @type {unknown} */ (undefined))
  const running = useRef(/** @type {AbortController | undefined} */ (undefined))
  const stop = () => running.current?.abort()
  useEffect(() => stop, [])

  const start = (/** @type {object} */ body) => {
    const { signal } = running.current = new AbortController()
    setProbe(NO_PROBE)
    setError(undefined)
    setRunning(true)
    follow(api, body, signal, setProbe)
      .catch(error => setError(signal.aborted ? new Error(STOPPED) : error))
      .finally(() => setRunning(false))
  }
  return { probe, isRunning, error, start, stop }
}

/**
 * @param {Api} api
 * @param {object} body
 * @param {AbortSignal} signal
 * @param {(change: (probe: typeof NO_PROBE) => typeof NO_PROBE) => void} set
 */
async function follow (api, body, signal, set) {
  let isOver = false
  for await (const { event, data } of api.events('probe', { method: 'POST', body, signal })) {
    if (event === '') continue
    const parsed = JSON.parse(data)
    if (event === 'problem') throw new ApiError(parsed.message, { status: 500, code: parsed.code })
    isOver ||= event === 'result'
    set(probe => afterProbeEvent(probe, event, parsed))
  }
  if (!isOver) {
    throw new ApiError('The connection ended before the probe did. The bridge hangs up and deletes its room.')
  }
}
