/*
 * Signing in with a token of OPERATOR_TOKEN or VIEWER_TOKEN.
 */

import { ApiError, whoIs } from './api.js'
import { html, Icon, Notice, useEffect, useRef, useState } from './ui.js'

/** @import { Session } from './types.js' */

/** While the bridge does not answer a tab that has a token, it asks again this often, milliseconds. */
const AGAIN_MS = 3000

const FOR_PROGRAMS =
  'This token is for programs that place calls. The console needs one of OPERATOR_TOKEN or VIEWER_TOKEN.'

/**
 * @param {{
 *   kept?: string, message: string, onEnter: (signedIn: { token: string, session: Session }) => void
 * }} props `kept`: the token of this tab
 */
export function SignIn ({ kept, message, onEnter }) {
  const [error, setError] = useState(/** @type {ApiError | undefined} */ (undefined))
  const [asking, setAsking] = useState(kept !== undefined)
  const [usesKept, setUsesKept] = useState(kept !== undefined)

  function enter (/** @type {string} */ token) {
    setAsking(true)
    whoIs(token)
      .then(session => {
        if (session.role !== 'operator' && session.role !== 'viewer') throw new ApiError(FOR_PROGRAMS, { status: 403 })
        onEnter({ token, session })
      })
      .catch(problem => {
        setError(problem instanceof ApiError ? problem : new ApiError(String(problem)))
        setAsking(false)
      })
  }

  useEffect(() => {
    document.title = 'Sign in · Console'
    if (kept !== undefined) enter(kept)
  }, [])

  const waits = usesKept && error?.status === 0
  useEffect(() => {
    if (!waits || asking || kept === undefined) return
    const timer = setTimeout(() => enter(kept), AGAIN_MS)
    return () => clearTimeout(timer)
  }, [waits, asking])

  if (usesKept && (waits || !error)) {
    return html`<${Door}><${Waiting} problem=${error} other=${() => setUsesKept(false)} /><//>`
  }
  return html`<${Door}><${TokenForm} asking=${asking} error=${error} message=${message} onToken=${enter} /><//>`
}

/** @param {{ children?: any }} props */
const Door = ({ children }) => html`<main class="door">
  <div class="door-box">
    <p class="brand"><${Logo} />jambonz-livekit-bridge</p>
    ${children}
  </div>
</main>`

/** Two lifelines and what goes between them. */
export const Logo = () => html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
  <path d="M9 6v20M23 6v20" /><path d="M9 12h10m0 0-3-3m3 3-3 3" /><path class="logo-back" d="M23 20H13m0 0 3-3m-3 3 3 3" />
</svg>`

/** @param {{ problem?: ApiError, other: () => void }} props */
const Waiting = ({ problem, other }) => html`<h1 tabindex="-1">Console</h1>
  ${problem
    ? html`<${Notice} kind="late" alert title=${problem.message}><p>Trying again every few seconds.</p><//>
      <p><button type="button" class="button" onClick=${other}>Use another token</button></p>`
    : html`<p class="quiet" role="status">Signing in…</p>`}`

/**
 * @param {{ asking: boolean, error?: ApiError, message: string, onToken: (token: string) => void }} props
 */
function TokenForm ({ asking, error, message, onToken }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null))
  useEffect(() => field.current?.focus(), [error])

  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const token = field.current?.value.trim() ?? ''
    if (token !== '') onToken(token)
  }
  const problem = error ? problemOf(error) : message
  return html`<h1 tabindex="-1">Console</h1>
    <form onSubmit=${submit}>
      <label for="token">Token</label>
      <input id="token" ref=${field} type="password" autocomplete="off" spellcheck="false" autocapitalize="off"
        required aria-invalid=${Boolean(error)}
        aria-describedby=${problem ? 'token-problem token-help' : 'token-help'} />
      ${problem && html`<div id="token-problem"><${Notice} kind="bad" alert title=${problem} /></div>`}
      <button type="submit" class="button button-main" disabled=${asking}>${asking ? 'Signing in…' : 'Sign in'}</button>
    </form>
    <p id="token-help" class="quiet"><${Icon} name="info" /> One of the tokens of <code>OPERATOR_TOKEN</code> or
      <code>VIEWER_TOKEN</code>. This tab keeps it until you close it or sign out.</p>`
}

/** @param {ApiError} error */
function problemOf (error) {
  if (error.isRefusedToken) {
    return 'The bridge does not know this token. Check it against OPERATOR_TOKEN and VIEWER_TOKEN.'
  }
  if (error.status === 0) return 'The bridge does not answer. Is it running, and may this device reach it?'
  return error.message
}
