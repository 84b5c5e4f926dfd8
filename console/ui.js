/*
 * Small parts of which the views are made. All text goes in as text: there is no HTML made from data anywhere.
 */

import { h } from './vendor/preact.js'
import { useCallback, useEffect, useRef, useState } from './vendor/hooks.js'
import htm from './vendor/htm.js'
import { ApiError } from './api.js'
import { PATHS } from './icons.js'
import { useNow } from './ticking.js'
import { clockDuration, localTime, spokenDuration, zoneName } from './time.js'

export { h, Fragment, render } from './vendor/preact.js'
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from './vendor/hooks.js'

/** @import { ComponentChildren, VNode } from './vendor/preact.js' */
/** @import { Api } from './api.js' */
/** @import { CallRow, Direction, End, Phase, Session, WaitingOn } from './types.js' */
/** @import { Place } from './location.js' */

/**
 * What each view receives.
 * @typedef {object} ViewProps
 * @property {Api} api
 * @property {Session} session
 * @property {Place} place
 * @property {boolean} mayChange whether to show buttons that change something
 */

/** Makes elements from a template: html`<p class="note">${text}</p>`. */
export const html = /** @type {(strings: TemplateStringsArray, ...values: any[]) => VNode<any>} */ (htm.bind(h))

/**
 * Class names, without those that do not hold.
 * @param {...(string | false | null | undefined)} names
 */
export const classes = (...names) => names.filter(Boolean).join(' ')

/** A picture beside a word. @param {{ name: string, class?: string }} props */
export function Icon ({ name, class: extra }) {
  return html`<svg class=${classes('icon', extra)} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d=${PATHS[name] ?? PATHS.unknown} />
  </svg>`
}

/** Text for screen readers alone. @param {{ children?: ComponentChildren }} props */
export const Hidden = ({ children }) => html`<span class="hidden">${children}</span>`

/**
 * The heading of a view, which gets the focus after a navigation, and the page's title.
 * @param {{ title?: string, children?: ComponentChildren, class?: string }} props
 */
export function Heading ({ title, children, class: extra }) {
  const shown = title ?? (typeof children === 'string' ? children : '')
  useEffect(() => {
    document.title = shown === '' ? 'Console' : `${shown} · Console`
  }, [shown])
  return html`<h1 tabindex="-1" class=${extra}>${children}</h1>`
}

/** @type {Record<Phase, string>} */
export const PHASE_WORDS = {
  requested: 'requested',
  received: 'received',
  dialing: 'dialing',
  ringing: 'ringing',
  connected: 'connected',
  transferring: 'transferring',
  ended: 'ended'
}

/** How far a call is. @param {{ phase: Phase }} props */
export const PhaseMark = ({ phase }) =>
  html`<span class=${`phase phase-${phase}`}><${Icon} name=${phase} />${PHASE_WORDS[phase] ?? phase}</span>`

/** @type {Record<Direction, { icon: string, word: string, says: string }>} */
export const DIRECTIONS = {
  inbound: { icon: 'inbound', word: 'in', says: 'inbound' },
  outbound: { icon: 'outbound', word: 'out', says: 'outbound' },
  agent: { icon: 'agent', word: 'by agent', says: 'an agent calls somebody' }
}

/** @param {{ direction: Direction }} props */
export function DirectionMark ({ direction }) {
  const { icon, word, says } = DIRECTIONS[direction] ?? { icon: 'unknown', word: direction, says: direction }
  return html`<span class="direction" title=${says}><${Icon} name=${icon} />${word}</span>`
}

/** What an unanswered call waits for. @type {Record<WaitingOn, string>} */
export const WAITING_WORDS = {
  hook: 'bridge',
  sip: 'LiveKit SIP',
  route: 'LiveKit rule',
  agent: 'agent',
  'agent-audio': 'agent audio',
  none: ''
}

/** A phone number as the bridge knows it. @param {{ number: string }} props */
export function PhoneNumber ({ number }) {
  if (number === 'anonymous') return html`<span class="withheld">withheld</span>`
  return number === '' ? html`<span class="withheld">unknown</span>` : html`<span class="number">${number}</span>`
}

/** Why a call ended, with a mark that says whether it failed. @param {{ end?: End, failed: boolean }} props */
export function CauseMark ({ end, failed }) {
  const waited = end && end.waitingOn !== 'none' ? WAITING_WORDS[end.waitingOn] : ''
  return html`<span class=${classes('cause', failed && 'cause-failed')}>
    <${Icon} name=${failed ? 'failed' : 'ended'} /><span>${end?.cause ?? 'ended'}</span>
    ${failed && html`<${Hidden}>, failed<//>`}
    ${waited && html`<span class="waited">waited for ${waited}</span>`}
  </span>`
}

/**
 * How long something takes, ticking each second until `until`.
 * @param {{ since: string, until?: string }} props ISO times
 */
export function Duration ({ since, until }) {
  const now = useNow()
  const ms = (until === undefined ? now : Date.parse(until)) - Date.parse(since)
  return html`<time class="duration" title=${spokenDuration(ms)}>${clockDuration(ms)}</time>`
}

/** A local time, with the exact one and the zone at hand. @param {{ at: string, ms?: boolean }} props */
export const Time = ({ at, ms }) =>
  html`<time datetime=${at} title=${`${localTime(at, { ms: true, date: true })} ${zoneName()}`}>
    ${localTime(at, { ms })}
  </time>`

/**
 * Something to read before the rest: `bad`, `late`, `good` or `info`.
 * @param {{ kind?: string, title?: ComponentChildren, children?: ComponentChildren, alert?: boolean }} props
 */
export function Notice ({ kind = 'info', title, children, alert = false }) {
  const icon = { bad: 'failed', late: 'late', good: 'good' }[kind] ?? 'info'
  return html`<div class=${`notice notice-${kind}`} role=${alert ? 'alert' : undefined}>
    <${Icon} name=${icon} />
    <div>${title && html`<p class="notice-title">${title}</p>`}${children}</div>
  </div>`
}

/** What the bridge had against a request. @param {{ error: unknown, retry?: () => void }} props */
export function Problem ({ error, retry }) {
  const isApi = error instanceof ApiError
  const message = error instanceof Error ? error.message : String(error)
  return html`<${Notice} kind="bad" alert title=${message}>
    ${isApi && error.code !== 'NO_ANSWER' && html`<p class="quiet">${error.code}</p>`}
    ${retry && html`<p><button type="button" class="button" onClick=${retry}>Try again</button></p>`}
  <//>`
}

/** Copies a text. @param {{ text: string, label?: string, class?: string }} props */
export function CopyButton ({ text, label = 'Copy', class: extra }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await copyText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return html`<button type="button" class=${classes('button', extra)} onClick=${copy}>
    <${Icon} name=${copied ? 'good' : 'copy'} /><span aria-live="polite">${copied ? 'Copied' : label}</span>
  </button>`
}

/** The clipboard exists only on https and localhost. @param {string} text */
async function copyText (text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

/**
 * Asks for something, and again when `keys` change. What was there before stays until the new is there.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} keys
 * @returns {{ value?: T, error?: unknown, loading: boolean, reload: () => void }}
 */
export function useLoaded (load, keys) {
  const [state, setState] = useState(
    /** @type {{ value?: T, error?: unknown, loading: boolean }} */ ({ loading: true })
  )
  const [count, setCount] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    setState(({ value }) => ({ value, loading: true }))
    load(controller.signal).then(
      value => controller.signal.aborted || setState({ value, loading: false }),
      error => controller.signal.aborted || setState(({ value }) => ({ value, error, loading: false }))
    )
    return () => controller.abort()
  }, [...keys, count])
  const reload = useCallback(() => setCount(count => count + 1), [])
  return { ...state, reload }
}

/**
 * Draws the caller again when a store changes.
 * @param {{ subscribe: (listener: () => void) => () => void }} store
 */
export function useStore (store) {
  const [, setCount] = useState(0)
  useEffect(() => store.subscribe(() => setCount(count => count + 1)), [store])
}

/**
 * A question above the page. The browser keeps the focus in it, and closes it on Escape.
 * @param {{ title: string, onClose: () => void, children?: ComponentChildren, class?: string }} props
 */
export function Dialog ({ title, onClose, children, class: extra }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null))
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    return () => before instanceof HTMLElement ? before.focus() : undefined
  }, [])
  const names = classes('dialog', extra)
  return html`<dialog ref=${element} class=${names} onClose=${onClose} aria-labelledby="dialog-title">
    <header>
      <h2 id="dialog-title">${title}</h2>
      <button type="button" class="button button-plain" aria-label="Close" onClick=${onClose}>
        <${Icon} name="close" />
      </button>
    </header>
    ${children}
  </dialog>`
}

/**
 * The number of a row that the agent talks to, and the other one.
 * @param {Pick<CallRow, 'direction' | 'from' | 'to'>} row
 */
export const numbersOf = ({ direction, from, to }) =>
  direction === 'inbound' ? { person: from, ours: to } : { person: to, ours: from }
