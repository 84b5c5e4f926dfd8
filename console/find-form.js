/*
 * The fields of Find.
 */

import { CAUSE_GROUPS } from './causes.js'
import { filtersOfForm, formOf } from './filters.js'
import { zoneName } from './time.js'
import { html, Icon, PHASE_WORDS, useEffect, useLoaded, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Filters, Form } from './filters.js' */

const MINUTE_MS = 60_000
/** The whole minute before a time. @param {number} ms */
const minute = ms => ms - ms % MINUTE_MS

/** Beginnings that are often asked for. @type {[name: string, since: () => number][]} */
const RECENT = [
  ['15 min', () => minute(Date.now() - 15 * MINUTE_MS)],
  ['1 hour', () => minute(Date.now() - 60 * MINUTE_MS)],
  ['today', () => new Date().setHours(0, 0, 0, 0)],
  ['24 hours', () => minute(Date.now() - 24 * 60 * MINUTE_MS)]
]

/** @param {{ api: Api, filters: Filters, searching: boolean, onFind: (filters: Filters) => void }} props */
export function FindForm ({ api, filters, searching, onFind }) {
  const [form, setForm] = useState(() => formOf(filters))
  useEffect(() => setForm(formOf(filters)), [filters])
  const bind = fieldsOf(form, setForm)
  // On a phone the fields below the first are shown on demand.
  const [more, setMore] = useState(() => Object.keys(filters).some(name => name !== 'number' && name !== 'callSid'))

  const submit = (/** @type {Event} */ event) => {
    event.preventDefault()
    onFind(filtersOfForm(form))
  }
  const recent = (/** @type {number} */ since) =>
    onFind({ ...filtersOfForm({ ...form, since: '', until: '' }), since: new Date(since).toISOString() })

  return html`<form class="panel find-form" role="search" aria-label="Calls" noValidate onSubmit=${submit}>
    <div class="field find-who">
      <label for="find-who">Number or call_sid</label>
      <input ...${bind('who')} data-focus type="search" autocomplete="off" spellcheck="false" enterkeyhint="search"
        aria-describedby="find-who-hint" />
      <p class="hint" id="find-who-hint">Any spelling. Four digits of a number are enough.</p>
    </div>
    <button class="button button-main find-go" aria-disabled=${searching}><${Icon} name="search" />Find</button>
    <button type="button" class="button find-show" aria-expanded=${more} onClick=${() => setMore(!more)}>
      ${more ? 'Fewer fields' : 'More fields'}
    </button>
    <div class=${more ? 'find-others' : 'find-others find-others-closed'}>
      <div class="field find-cause">
        <label for="find-cause">How it ended</label>
        <select ...${bind('cause')}>
          <option value="">any way, or not yet</option>
          ${Object.values(CAUSE_GROUPS).map(({ title, causes }) => html`<optgroup key=${title} label=${title}>
            ${Object.entries(causes).map(([cause, words]) =>
              html`<option key=${cause} value=${cause}>${words} (${cause})</option>`)}
          </optgroup>`)}
        </select>
      </div>
      <fieldset class="find-time">
        <legend class="label">Received <span class="quiet">(${zoneName()})</span></legend>
        <div class="find-between">
          <label for="find-since">from</label><input ...${bind('since')} ...${timeField(form.since)} />
          <label for="find-until">to</label><input ...${bind('until')} ...${timeField(form.until)} />
        </div>
        <p class="find-recent"><span class="quiet">The last</span>
          ${RECENT.map(([name, since]) => html`<button key=${name} type="button" class="button button-small"
            onClick=${() => recent(since())}>${name}</button>`)}
        </p>
      </fieldset>
      <${MoreFields} api=${api} bind=${bind} isUsed=${Boolean(form.phase || form.agent || form.route || form.room)} />
    </div>
  </form>`
}

/** Seconds are shown only where there are some. @param {string} value */
const timeField = value => ({ type: 'datetime-local', step: value.length > '2026-11-29T14:03'.length ? 1 : 60 })

/** @param {{ api: Api, bind: ReturnType<typeof fieldsOf>, isUsed: boolean }} props */
function MoreFields ({ api, bind, isUsed }) {
  const [open, setOpen] = useState(isUsed)
  useEffect(() => {
    if (isUsed) setOpen(true)
  }, [isUsed])
  return html`<details class="find-more" open=${open}
    onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
    <summary>Phase, agent, route, room</summary>
    <div class="field-grid">
      <div class="field">
        <label for="find-phase">Phase</label>
        <select ...${bind('phase')}>
          <option value="">any</option>
          <option value="active">not ended yet</option>
          ${Object.entries(PHASE_WORDS).map(([phase, words]) =>
            html`<option key=${phase} value=${phase}>${words}</option>`)}
        </select>
      </div>
      <div class="field"><label for="find-agent">Agent</label><input ...${bind('agent')} spellcheck="false" /></div>
      <div class="field">
        <label for="find-route">Route</label>
        <input ...${bind('route')} list="find-routes" spellcheck="false" />
        ${open && html`<${RouteNames} api=${api} />`}
      </div>
      <div class="field">
        <label for="find-room">LiveKit room</label>
        <input ...${bind('room')} spellcheck="false" />
      </div>
    </div>
  </details>`
}

/** What the field of the route offers. @param {{ api: Api }} props */
function RouteNames ({ api }) {
  const { value } = useLoaded(signal => api.get('routes', { signal }), [api])
  return html`<datalist id="find-routes">
    ${value?.routes.map((/** @type {{ name: string }} */ { name }) => html`<option key=${name} value=${name} />`)}
  </datalist>`
}

/**
 * Ties fields to the form.
 * @param {Form} form
 * @param {(form: Form) => void} setForm
 */
function fieldsOf (form, setForm) {
  return (/** @type {keyof Form} */ name) => ({
    id: `find-${name}`,
    name,
    value: form[name],
    onInput: (/** @type {any} */ event) => setForm({ ...form, [name]: event.currentTarget.value })
  })
}
