/*
 * What else is known of a call: its attempts, its earlier records, and what it still owes.
 */

import { lengthText, wayOf } from './ladder-marks.js'
import { useNow } from './ticking.js'
import { html, Icon, Time } from './ui.js'

/** @import { Attempt, Call } from './call-types.js' */

/** @param {{ call: Call }} props */
export function Attempts ({ call: { attempts } }) {
  if (attempts.length === 0) return null
  return html`<section class="panel panel-long" aria-labelledby="attempts-title">
    <h2 id="attempts-title">Attempts</h2>
    <div class="wide-table"><table class="data">
      <thead><tr>
        <th>#</th><th>way</th><th>began</th><th>rang</th><th>talked</th><th>ended</th><th>room</th>
      </tr></thead>
      <tbody>${attempts.map(attempt => html`<${AttemptRow} key=${attempt.attempt} attempt=${attempt} />`)}</tbody>
    </table></div>
  </section>`
}

/** @param {{ attempt: Attempt }} props */
function AttemptRow ({ attempt }) {
  const { attempt: n, at, room, cause, sipStatus, detail, degraded } = attempt
  const { opened, answered, ended } = at
  return html`<tr>
    <td>${n}</td>
    <td>${wayOf(attempt)}<${Start} attempt=${attempt} />
      ${degraded && html` <span class="badge">without our room</span>`}</td>
    <td>${opened && html`<${Time} at=${opened} ms />`}</td>
    <td><${Lasted} since=${at['ringing'] ?? at['dialing'] ?? opened} until=${answered ?? ended} /></td>
    <td>${answered && html`<${Lasted} since=${answered} until=${ended} />`}</td>
    <td>${endOf(cause, sipStatus)}${detail && html`<span class="quiet"> ${detail}</span>`}</td>
    <td class="mono">${room ?? ''}</td>
  </tr>`
}

/** Whether an agent waited in the room. Nothing is said where none was to wait. @param {{ attempt: Attempt }} props */
function Start ({ attempt: { start, whyCold, at } }) {
  const { roomMade, opened } = at
  const waited = roomMade && opened ? lengthText(Date.parse(opened) - Date.parse(roomMade)) : ''
  if (start === 'warm') {
    return html` <span class="badge">warm</span>${waited && html`<span class="quiet"> made ${waited} before</span>`}`
  }
  if (start === 'replaced') {
    return html` <span class="badge">replaced</span><span class="quiet"> the waiting agent was gone</span>`
  }
  const why = WHY_COLD[whyCold ?? '']
  return why && html` <span class="badge">cold</span><span class="quiet"> ${why}</span>`
}

/** @type {Record<string, string>} */
const WHY_COLD = { empty: 'no warm room was ready', store: 'Redis gave no warm room in time' }

/** @param {string | undefined} cause @param {number | undefined} sipStatus */
const endOf = (cause, sipStatus) => [cause ?? 'goes on', sipStatus].filter(Boolean).join(' ')

/** @param {{ since?: string, until?: string }} props */
function Lasted ({ since, until }) {
  const now = useNow()
  if (since === undefined) return null
  return html`${lengthText((until === undefined ? now : Date.parse(until)) - Date.parse(since))}`
}

/** What the call was before it came back. @param {{ call: Call }} props */
export function Earlier ({ call: { earlier } }) {
  if (earlier.length === 0) return null
  return html`<section class="panel" aria-labelledby="earlier-title">
    <h2 id="earlier-title">Earlier records of this call</h2>
    <p class="quiet">The call had ended, and came back.</p>
    <ul class="plain">${earlier.map(({ at, end }, i) => html`<li key=${i}>
      ${at['received'] && html`<${Time} at=${at['received']} ms />`} –
      ${' '}${at['ended'] && html`<${Time} at=${at['ended']} ms />`}: ${end.cause} by ${end.by}
    </li>`)}</ul>
  </section>`
}

/** @type {Record<string, string>} */
const DUTY_WORDS = {
  'make-room': 'create the room',
  'find-call': 'find the call at Jambonz',
  'delete-room': 'delete the room',
  'hang-up': 'hang up a leg',
  look: 'look at the room again',
  redispatch: 'dispatch an agent again',
  'remove-agent': 'remove an agent from the room',
  'tell-agent': 'tell the agent',
  publish: 'publish an event',
  redirect: 'redirect a leg',
  'call-person': 'call the person',
  'tell-person': "tell the person's call",
  'check-person': "check the person's call",
  'tell-call': "tell the caller's call",
  'send-message': 'send a message'
}

/** What the bridge still has to do for a call. @param {{ call: Call }} props */
export function Duties ({ call: { duties } }) {
  if (duties.length === 0) return null
  return html`<section class="panel" aria-labelledby="duties-title">
    <h2 id="duties-title">Still to do</h2>
    <div class="wide-table"><table class="data">
      <thead><tr><th>what</th><th>target</th><th>due</th><th>tries</th></tr></thead>
      <tbody>${duties.map(({ kind, target, due, tries }) => html`<tr key=${`${kind} ${target}`}>
        <td>${tries > 1 && html`<${Icon} name="late" /> `}<span title=${kind}>${DUTY_WORDS[kind] ?? kind}</span></td>
        <td class="mono">${target}</td>
        <td><${Time} at=${due} ms /></td>
        <td>${tries}</td>
      </tr>`)}</tbody>
    </table></div>
  </section>`
}
