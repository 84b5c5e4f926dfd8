/*
 * What a check or a probe found, and what to do about it.
 */

import { Ticked } from './ticked.js'
import { CopyButton, html, Icon } from './ui.js'

/** @import { Finding, Severity } from './view-types.js' */

/** @type {Record<Severity, string>} */
const ICONS = { ok: 'good', warning: 'late', failed: 'failed', skipped: 'same' }

/** How a check ended; without `severity` it runs. @param {{ severity?: Severity }} props */
export const SeverityMark = ({ severity }) => severity === undefined
  ? html`<span class="status status-running"><${Icon} name="requested" />running</span>`
  : html`<span class=${`status status-${severity}`}><${Icon} name=${ICONS[severity]} />${severity}</span>`

/** @param {{ findings: Finding[] }} props */
export const Findings = ({ findings }) => html`<ul class="findings">
  ${findings.map((finding, index) => html`<li key=${index} class=${`finding finding-${finding.severity}`}>
    <p class="finding-seen">
      ${findings.length > 1 && html`<${SeverityMark} severity=${finding.severity} />`}
      <${Ticked} text=${finding.seen} />
      ${finding.severity !== 'ok' &&
        html` <code class="quiet" title="See docs/troubleshooting.md">${finding.code}</code>`}
    </p>
    ${finding.todo !== undefined && html`<p class="finding-todo"><${Icon} name="right" />
      <${Ticked} text=${finding.todo} /></p>`}
    ${finding.command !== undefined && html`<p class="finding-command">
      <code>${finding.command}</code><${CopyButton} text=${finding.command} class="button-small" /></p>`}
  </li>`)}
</ul>`
