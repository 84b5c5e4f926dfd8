/*
 * Place a call: a probe to LiveKit, or an outbound call.
 */

import { OrderPanel } from './place-form.js'
import { ProbePanel } from './place-probe.js'
import { styleSheet } from './style-sheet.js'
import { Heading, html, Notice, useLoaded } from './ui.js'

/** @import { ViewProps } from './ui.js' */

// The ladder of a probe looks as that of a call.
await Promise.all([styleSheet('views.css'), styleSheet('call.css')])

/** @param {ViewProps} props */
export default function PlaceView ({ api, session, mayChange }) {
  return html`<section class="view place">
    <${Heading}>Place a call<//>
    ${mayChange
      ? html`<${Panels} api=${api} session=${session} />`
      : html`<${Notice} title="Your token may only look.">
          <p>You have signed in as ${session.name}, a viewer. To place calls, sign in with a token of
            <code>OPERATOR_TOKEN</code>.</p>
        <//>`}
  </section>`
}

/** @param {Pick<ViewProps, 'api' | 'session'>} props */
function Panels ({ api, session }) {
  const { value: routes } = useLoaded(signal => api.get('routes', { signal }), [api])
  return html`<div class="place-panels">
    <${OrderPanel} api=${api} session=${session} routes=${routes} />
    <${ProbePanel} api=${api} />
  </div>`
}
