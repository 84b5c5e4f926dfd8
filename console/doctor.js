/*
 * Doctor: the checks that change nothing and call nobody, run on demand.
 */

import { ApiError } from './api.js'
import { afterEvent, NOTHING_RUN, runAsText, runOf, SEVERITIES, totalInWords } from './doctor-run.js'
import { Findings, SeverityMark } from './findings.js'
import { styleSheet } from './style-sheet.js'
import { CopyButton, Heading, html, Icon, Problem, Time, useEffect, useRef, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Line, Run } from './doctor-run.js' */
/** @import { ViewProps } from './ui.js' */
/** @import { Severity } from './view-types.js' */

await styleSheet('views.css')

/** The latest run, for somebody who comes back. @type {WeakMap<Api, Run>} */
const latest = new WeakMap()

/** @param {ViewProps} props */
export default function DoctorView ({ api }) {
  const { run, isRunning, error, start } = useDoctor(api)
  const ended = run.lines.filter(({ result }) => result !== undefined).length
  const progress = run.lines.length === 0 ? 'The checks begin…' : `${ended} of ${run.lines.length} checks have ended`

  return html`<section class="view doctor">
    <div class="view-head">
      <${Heading}>Doctor<//>
      ${run.at !== undefined && !isRunning && html`<p class="quiet">checked at <${Time} at=${run.at} /></p>`}
    </div>
    <div class="panel doctor-start">
      <p>Asks LiveKit, Jambonz, DNS and Redis whether calls can come through. The checks change nothing and call nobody.
        They take up to half a minute.</p>
      <p class="doctor-buttons">
        <button type="button" class="button button-main" data-focus aria-disabled=${isRunning}
          onClick=${() => isRunning || start()}><${Icon} name="doctor" />
          ${run.lines.length === 0 ? 'Run the checks' : 'Run them again'}</button>
        ${run.total && html`<${CopyButton} text=${runAsText(run)} label="Copy as text" />`}
      </p>
      <div role="status" class="doctor-total">
        ${isRunning && html`<p>${progress}</p>
          <progress max=${Math.max(1, run.lines.length)} value=${ended} aria-label="Checks that have ended" />`}
        ${run.total && html`<${Total} total=${run.total} />`}
      </div>
    </div>
    ${error && html`<${Problem} error=${error} retry=${start} />`}
    ${run.lines.length > 0 && html`<ol class="panel checks" aria-label="Checks" aria-busy=${isRunning}>
      ${(run.total ? byStatus(run.lines) : run.lines).map(line => html`<${CheckLine} key=${line.name} line=${line}
        isRunning=${isRunning} />`)}
    </ol>`}
    <p class="quiet">More checks, which call and repair: <code>bridge doctor</code>. Each finding has a section in
      docs/troubleshooting.md of the package.</p>
  </section>`
}

const NOTHING_FOUND = 'These checks found nothing that stands in the way of calls.'

/** @type {Record<Severity, string>} */
const VERDICTS = {
  failed: 'Something stands in the way of calls.',
  warning: 'Something should be looked at.',
  ok: NOTHING_FOUND,
  skipped: NOTHING_FOUND
}

/** @param {{ total: NonNullable<Run['total']> }} props */
function Total ({ total }) {
  const worst = SEVERITIES.find(severity => total[severity] > 0) ?? 'ok'
  return html`<p class="doctor-verdict"><${SeverityMark} severity=${worst} />
    <strong>${VERDICTS[worst]}</strong>
    <span class="quiet">${totalInWords(total)}</span></p>`
}

/** What has to be looked at comes first. @param {Line[]} lines */
const byStatus = lines =>
  SEVERITIES.flatMap(severity => lines.filter(({ result }) => result?.status === severity))

/** @param {{ line: Line, isRunning: boolean }} props */
function CheckLine ({ line: { name, title, result }, isRunning }) {
  return html`<li class=${`check check-${result?.status ?? 'running'}`}>
    <div class="check-head">
      ${(result || isRunning) && html`<${SeverityMark} severity=${result?.status} />`}
      <h2>${title}</h2>
      <span class="quiet check-name">${name}${result && html`, ${tookInWords(result.ms)}`}</span>
    </div>
    ${result && html`<${Findings} findings=${result.findings} />`}
  </li>`
}

/** @param {number} ms */
const tookInWords = ms => ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`

/**
 * Runs the checks, and follows them.
 * @param {Api} api
 */
function useDoctor (api) {
  const [run, setRun] = useState(() => latest.get(api) ?? NOTHING_RUN)
  const [isRunning, setRunning] = useState(false)
  const [error, setError] = useState(/** @type {unknown} */ (undefined))
  const running = useRef(/** @type {AbortController | undefined} */ (undefined))
  useEffect(() => () => running.current?.abort(), [])

  const start = async () => {
    const { signal } = running.current = new AbortController()
    setRun(NOTHING_RUN)
    setRunning(true)
    setError(undefined)
    try {
      const report = await check(api, signal, setRun)
      latest.set(api, report)
    } catch (error) {
      if (!signal.aborted) setError(error)
    } finally {
      setRunning(false)
    }
  }
  return { run, isRunning, error, start }
}

/**
 * @param {Api} api
 * @param {AbortSignal} signal
 * @param {(run: Run) => void} tell receives the run whenever it has come further
 * @returns {Promise<Run>} the run when it is over
 */
async function check (api, signal, tell) {
  let run = NOTHING_RUN
  const set = (/** @type {Run} */ next) => {
    run = next
    if (!signal.aborted) tell(run)
  }
  try {
    for await (const { event, data } of api.events('doctor/stream', { signal })) {
      if (event === '') continue
      const parsed = JSON.parse(data)
      if (event === 'problem') throw new ApiError(parsed.message, { status: 500, code: parsed.code })
      set(afterEvent(run, event, parsed))
    }
  } catch (error) {
    if (!isUnknownStream(error)) throw error
    set(runOf(await api.get('doctor', { signal })))
  }
  if (!run.total) throw new ApiError('The bridge ended the checks before all of them had ended. Run them again.')
  return run
}

/** An older replica has only the whole report. @param {unknown} error */
const isUnknownStream = error =>
  error instanceof ApiError && error.status === 404 && error.code !== 'BRIDGE_OPERATOR_API_OFF'
