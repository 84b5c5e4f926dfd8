/*
 * Routes: the table in force, what is wrong with its file, and what would become of a call.
 */

import { RoutesTrial } from './routes-trial.js'
import { Way } from './routes-way.js'
import { conditionsInWords, placeIn, writtenWay } from './routes-words.js'
import { styleSheet } from './style-sheet.js'
import { Ticked } from './ticked.js'
import { duration } from './time.js'
import { Heading, html, Icon, Notice, Problem, Time, useLoaded, useState } from './ui.js'

/** @import { ViewProps } from './ui.js' */
/** @import { RoutesView, Trial } from './view-types.js' */

await styleSheet('views.css')

/** @param {ViewProps} props */
export default function RoutesPage ({ api }) {
  const { value, error, loading, reload } = useLoaded(signal => api.get('routes', { signal }), [api])
  const [trial, setTrial] = useState(/** @type {Trial | undefined} */ (undefined))
  const matched = trial?.route?.name

  return html`<section class="view routes">
    <div class="view-head">
      <${Heading}>Routes<//>
      ${value && html`<${Reading} routes=${value} />`}
      <button type="button" class="button button-small" aria-disabled=${loading} onClick=${reload}>Look again</button>
    </div>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${value && html`<${Problems} routes=${value} />`}
    <${RoutesTrial} api=${api} trial=${trial} onTrial=${setTrial} />
    ${value && value.file === undefined && html`<${NoFile} />`}
    ${value && value.file !== undefined && html`<${Table} routes=${value} matched=${matched} />
      <${Policy} routes=${value} />`}
  </section>`
}

/** @param {{ routes: RoutesView }} props */
function Reading ({ routes: { file, readAt } }) {
  if (file === undefined || readAt === undefined) return null
  return html`<p class="quiet"><code>${file}</code> as read at <${Time} at=${readAt} /></p>`
}

const NoFile = () => html`<${Notice} title="There is no routes file.">
  <p>Each call goes to the agent of its Jambonz application, else to <code>LIVEKIT_AGENT_NAME</code>, and then to
    <code>FALLBACK_NUMBER</code>. Set <code>ROUTES_FILE</code> to choose agents by number, hour or header:
    docs/routes.md of the package.</p>
<//>`

/** @param {{ routes: RoutesView }} props */
function Problems ({ routes: { file = '', problems } }) {
  if (problems.length === 0) return null
  const isOld = problems.some(({ severity }) => severity === 'error')
  const name = file.split('/').at(-1) ?? file
  const title = isOld
    ? 'The file cannot be used as it is now. The routes below are those of an earlier reading.'
    : 'The last reading of the file has warnings. The routes below are in force.'
  return html`<${Notice} kind=${isOld ? 'bad' : 'late'} title=${title}>
    <ul class="problems">
      ${problems.map(problem => html`<li key=${problem.line + problem.path}>
        <p><strong class="mono">${placeIn(name, problem)}</strong> <span class="badge">${problem.severity}</span>
          ${' '}<span class="quiet mono">${problem.path}</span></p>
        <p><${Ticked} text=${problem.message} /></p>
      </li>`)}
    </ul>
  <//>`
}

/** @param {{ routes: RoutesView, matched?: string }} props */
function Table ({ routes: { routes }, matched }) {
  return html`<section class="panel" aria-labelledby="routes-table">
    <h2 id="routes-table">In this order: the first that matches wins</h2>
    <table class="data routes-table" role="table">
      <thead role="rowgroup"><tr role="row">
        <th role="columnheader" scope="col"><span class="hidden">Place</span></th>
        <th role="columnheader" scope="col">route</th>
        <th role="columnheader" scope="col">matches when</th>
        <th role="columnheader" scope="col">connects, in this order</th>
      </tr></thead>
      <tbody role="rowgroup">
        ${routes.map(({ name, when, connect }, index) => html`<tr key=${name} role="row"
          class=${name === matched ? 'route-matched' : ''}>
          <td role="cell" class="quiet">${index + 1}</td>
          <th role="rowheader" scope="row">${name}${name === matched && html`<span class="route-mark">
            <${Icon} name="good" />matches the tested call</span>`}</th>
          <td role="cell"><${Conditions} when=${when} /></td>
          <td role="cell"><${Ways} connect=${connect} /></td>
        </tr>`)}
      </tbody>
    </table>
    ${routes.length === 0 && html`<p class="quiet">The file has no routes.</p>`}
  </section>`
}

/** @param {{ when?: Record<string, unknown> }} props */
function Conditions ({ when }) {
  const parts = conditionsInWords(when)
  if (parts.length === 0) return html`<span class="quiet">every call</span>`
  return html`<dl class="conditions">
    ${parts.map(({ name, words }) => html`<div key=${name}><dt>${name}</dt><dd>${words}</dd></div>`)}
  </dl>`
}

/** @param {{ connect?: Record<string, any>[] }} props */
function Ways ({ connect }) {
  if (!connect) return html`<span class="quiet">the agent of the application, then its fallback number</span>`
  return html`<ol class="ways">
    ${connect.map((way, index) => html`<li key=${index}><${Way} ...${writtenWay(way)} /></li>`)}
  </ol>`
}

/** @param {{ routes: RoutesView }} props */
function Policy ({ routes: { numbers = [], policy, country, agent } }) {
  return html`<section class="panel" aria-labelledby="routes-policy">
    <h2 id="routes-policy">Numbers that may be dialled</h2>
    ${!policy && html`<p>The file has no <code>policy</code>: no order and no agent may have a number dialled. Ways of
      the routes above are dialled all the same.</p>`}
    <dl class="fact-list">
      ${policy && html`
        <${Fact} name="allowed" values=${policy.allow} none="nothing" />
        <${Fact} name="denied" values=${policy.deny} none="–" />
        ${policy.sip.length > 0 && html`<${Fact} name="SIP hosts" values=${policy.sip} />`}
        <${Fact} name="limits" values=${capsInWords(policy.caps)} none="none" />`}
      <${Fact} name="our numbers" values=${numbers} none="none: outbound calls have no caller id" />
      ${country !== undefined && html`<${Fact} name="national numbers of" values=${[country]} />`}
      ${agent !== undefined && html`<${Fact} name="default agent" values=${[agent]} />`}
    </dl>
  </section>`
}

/** @param {{ name: string, values: string[], none?: string }} props */
const Fact = ({ name, values, none = '' }) => html`<div>
  <dt>${name}</dt>
  <dd>${values.length === 0 ? html`<span class="quiet">${none}</span>` : values.join(', ')}</dd>
</div>`

/** @param {NonNullable<RoutesView['policy']>['caps']} caps */
function capsInWords ({ concurrent, perMinute, perDay, perCallerPerDay, longestS }) {
  return [
    concurrent !== undefined && `${concurrent} at the same time`,
    perMinute !== undefined && `${perMinute} a minute`,
    perDay !== undefined && `${perDay} a day`,
    perCallerPerDay !== undefined && `${perCallerPerDay} a day for one caller`,
    longestS !== undefined && `each at most ${duration(longestS * 1000)} long`
  ].filter(text => text !== false)
}
