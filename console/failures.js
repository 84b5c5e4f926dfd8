/*
 * The failed calls of the last hour by cause, beside the hour before.
 */

import { Hidden, html, Icon, Problem, useEffect, useLoaded, useState } from './ui.js'
import { addressOf } from './location.js'

/** @import { Api } from './api.js' */
/** @import { Failures } from './types.js' */

const EVERY_MS = 20_000
/** After a call failed, so that a burst asks once. */
const SOON_MS = 1500

/**
 * @param {{ api: Api, failedCalls: number }} props `failedCalls` changes when another call has failed
 */
export function FailuresPanel ({ api, failedCalls }) {
  const [open, setOpen] = useState(false)
  const { value, error, reload } = useLoaded(signal => api.get('calls/failures', { signal }), [api])
  useEffect(() => {
    const timer = setInterval(() => document.hidden || reload(), EVERY_MS)
    return () => clearInterval(timer)
  }, [reload])
  useEffect(() => {
    if (failedCalls === 0) return
    const timer = setTimeout(reload, SOON_MS)
    return () => clearTimeout(timer)
  }, [failedCalls, reload])

  return html`<section class="failures" aria-labelledby="failures-title">
    <h2 id="failures-title">Failed in the last hour</h2>
    ${value && html`<${Summary} failures=${value} open=${open} toggle=${() => setOpen(!open)} />`}
    ${value && html`<${Causes} failures=${value} open=${open} />`}
    ${error && !value && html`<${Problem} error=${error} retry=${reload} />`}
  </section>`
}

/** @param {{ failures: Failures, open: boolean, toggle: () => void }} props */
function Summary ({ failures: { hour }, open, toggle }) {
  const { failed, received, causes } = hour
  if (causes.length === 0) return null
  const before = causes.reduce((sum, cause) => sum + cause.before, 0)
  const share = received === 0 ? '' : `${(100 * failed / received).toFixed(1)} % of ${received} calls`
  return html`<div class="failures-summary">
    <p class="failures-total">
      <span class=${failed > 0 ? 'figure figure-bad' : 'figure'}>${failed}</span>
      <${Change} count=${failed} before=${before} words />
    </p>
    ${share && html`<p class="quiet">${share}</p>`}
    <button type="button" class="button failures-toggle" aria-expanded=${open} aria-controls="failures-causes"
      onClick=${toggle}>${open ? 'Hide causes' : 'Causes'}</button>
  </div>`
}

/** @param {{ failures: Failures, open: boolean }} props */
function Causes ({ failures: { hour }, open }) {
  if (hour.causes.length === 0) {
    return html`<p class="failures-none"><${Icon} name="good" />No failed call</p>`
  }
  const most = Math.max(...hour.causes.map(({ count, before }) => Math.max(count, before)))
  return html`<table id="failures-causes" class=${open ? 'causes causes-open' : 'causes'}>
    <thead><tr><th scope="col">cause</th><th scope="col">calls</th><th scope="col">change</th></tr></thead>
    <tbody>
      ${hour.causes.map(({ cause, count, before }) => html`<tr key=${cause}>
        <th scope="row">
          <a href=${addressOf('find', [], { cause, since: hour.since })}>${cause}</a>
          <${Bar} count=${count} before=${before} most=${most} />
        </th>
        <td class="figure-small">${count}</td>
        <td><${Change} count=${count} before=${before} /></td>
      </tr>`)}
    </tbody>
  </table>`
}

/** The line marks the hour before. @param {{ count: number, before: number, most: number }} props */
function Bar ({ count, before, most }) {
  const at = (/** @type {number} */ value) => Math.round(1000 * value / most) / 10
  return html`<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    <rect class="share-track" width="100" height="6" />
    <rect class="share-now" width=${at(count)} height="6" />
    ${before > 0 && html`<rect class="share-before" x=${Math.min(99, at(before))} width="1" height="6" />`}
  </svg>`
}

/** More or less than the hour before. @param {{ count: number, before: number, words?: boolean }} props */
function Change ({ count, before, words = false }) {
  const difference = count - before
  if (difference === 0) {
    return html`<span class="change"><${Icon} name="same" />${words ? 'as many as the hour before' : 'same'}</span>`
  }
  const more = difference > 0
  const text = `${more ? '+' : '−'}${Math.abs(difference)}`
  return html`<span class=${more ? 'change change-more' : 'change change-less'}>
    <${Icon} name=${more ? 'up' : 'down'} />${text}
    ${words
      ? html` <span class="quiet">than the hour before (${before})</span>`
      : html`<${Hidden}>, before ${before}<//>`}
  </span>`
}
