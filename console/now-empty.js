/*
 * Now without a call.
 */

import { html, Icon, useLoaded } from './ui.js'

/** @import { ComponentChildren } from './vendor/preact.js' */
/** @import { Api } from './api.js' */

/** @param {{ title: string, children?: ComponentChildren }} props */
export const Quiet = ({ title, children }) => html`<div class="quiet-board">
  <p class="quiet-title">${title}</p>
  ${children}
</div>`

/**
 * Nobody calls. A bridge that never had a call says what to do next.
 * @param {{ api: Api, mayChange: boolean }} props
 */
export function FirstCall ({ api, mayChange }) {
  const { value, loading } = useLoaded(signal => api.get('calls?limit=1', { signal }), [api])
  if (loading && !value) return null
  if (value?.calls.length > 0) {
    return html`<${Quiet} title="Nobody is on the phone.">
      <p class="quiet">The next call appears here by itself. Ended calls are in <a href="#/find">Find</a>.</p>
    <//>`
  }
  return html`<${FirstSteps} mayChange=${mayChange} />`
}

/** @param {{ mayChange: boolean }} props */
function FirstSteps ({ mayChange }) {
  const docs = new URL('../docs', import.meta.url).href
  return html`<div class="quiet-board first-steps">
    <p class="quiet-title">No call has come yet.</p>
    <p class="quiet">The first one appears here within a second. To get there:</p>
    <ol>
      <li>
        <strong><a href="#/doctor">Run the doctor.</a></strong>${' '}
        It checks LiveKit, Jambonz and the SIP trunk, and says what to do about what it finds.
      </li>
      <li>
        <strong>Point the Jambonz application at this bridge.</strong>${' '}
        The call hook is <code>/livekit-api</code> and the call status hook is <code>/status</code>, both by POST, below
        the bridge's public address. ${' '}<code>bridge provision</code> can do it.
      </li>
      <li>
        <strong>${mayChange ? html`<a href="#/place">Place a test call</a>` : 'Place a test call'}</strong>
        ${mayChange ? ' to LiveKit from here, ' : ' '}or call your number from a phone.
      </li>
    </ol>
    <p class="quiet"><${Icon} name="info" /> The guide to the first call is docs/setup.md of the package.
      The API is described at <a href=${docs}>${docs}</a>.</p>
  </div>`
}
