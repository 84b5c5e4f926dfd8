/*
 * The ladder of a probe, as it grows.
 */

import { html } from './ui.js'

/** @import { ProbeRow } from './view-types.js' */

/** @param {{ rows: ProbeRow[], isRunning: boolean }} props */
export const ProbeLadder = ({ rows, isRunning }) => html`<table class="data probe-rows" aria-busy=${isRunning}>
  <caption class="hidden">Messages of the probe, oldest first</caption>
  <thead><tr>
    <th scope="col">after</th><th scope="col">from</th><th scope="col">to</th><th scope="col">what</th>
  </tr></thead>
  <tbody>
    ${rows.map(({ seq, ms, from, to, what, count }) => html`<tr key=${seq}>
      <td class="probe-ms">${ms} ms</td><td>${from}</td><td>${to === from ? '' : to}</td>
      <td>${what}${count > 1 && html` <span class="badge">×${count}</span>`}</td>
    </tr>`)}
  </tbody>
</table>`
