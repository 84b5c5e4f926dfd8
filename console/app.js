/*
 * The console: signing in, the frame around the views, and which view is shown.
 *
 * How a view is made. A view is a module with a component as its default export. It is loaded when it is first opened,
 * so add it to VIEWS below and leave it out of index.html. It receives ViewProps (ui.js):
 *
 *   api        get, post, download, events (one stream), live (a stream that heals): api.js
 *   session    who has signed in, and as what
 *   place      the address: place.rest[0] is the call_sid of `#/call/<sid>`, place.query a URLSearchParams
 *   mayChange  false for viewers: show no button that changes something
 *
 * A view begins with one Heading, which gets the focus after a navigation. Its parts come from ui.js (html, Icon,
 * Notice, Problem, Time, Duration, PhoneNumber, CauseMark, useLoaded …), its addresses from location.js, and its style
 * from style.css, where everything is made of the variables at the top. The page has a strict Content-Security-Policy:
 * no HTML from text, no style or script in attributes. `style=${{ width: '3px' }}` is allowed. Preact's `on…` is too.
 */

import { createApi } from './api.js'
import { Frame } from './frame.js'
import { usePlace } from './location.js'
import { SignIn } from './sign-in.js'
import { forgetToken, keepToken, keptToken } from './token.js'
import {
  html, Notice, Problem, render, useCallback, useEffect, useMemo, useRef, useState
} from './ui.js'
import { Component } from './vendor/preact.js'

/** @import { ComponentType } from './vendor/preact.js' */
/** @import { Session } from './types.js' */
/** @import { ViewProps } from './ui.js' */

/** @type {Record<string, () => Promise<{ default: ComponentType<ViewProps> }>>} */
const VIEWS = {
  now: () => import('./now.js'),
  call: () => import('./call.js'),
  find: () => import('./find.js'),
  routes: () => import('./routes.js'),
  doctor: () => import('./doctor.js'),
  place: () => import('./place.js')
}

/**
 * @typedef {{ token: string, session: Session }} SignedIn
 */

function App () {
  const [signedIn, setSignedIn] = useState(/** @type {SignedIn | undefined} */ (undefined))
  const [message, setMessage] = useState('')

  const enter = useCallback((/** @type {SignedIn} */ entered) => {
    keepToken(entered.token)
    setMessage('')
    setSignedIn(entered)
  }, [])
  const leave = useCallback((why = '') => {
    forgetToken()
    setMessage(why)
    setSignedIn(undefined)
  }, [])

  if (!signedIn) return html`<${SignIn} kept=${keptToken()} message=${message} onEnter=${enter} />`
  return html`<${Inside} signedIn=${signedIn} leave=${leave} />`
}

/** @param {{ signedIn: SignedIn, leave: (why?: string) => void }} props */
function Inside ({ signedIn: { token, session }, leave }) {
  const place = usePlace()
  const api = useMemo(() =>
    createApi(token, { onRefused: () => leave('The bridge no longer accepts this token. Sign in again.') }), [token])
  const mayChange = session.role === 'operator'

  return html`<${Frame} api=${api} session=${session} place=${place} mayChange=${mayChange} onLeave=${() => leave()}>
    <${View} api=${api} session=${session} place=${place} mayChange=${mayChange} />
  <//>`
}

/** The view of an address, loaded when it is first shown. @param {ViewProps} props */
function View (props) {
  const { view, rest } = props.place
  const [loaded, setLoaded] = useState(/** @type {{ view: string, View?: any, error?: unknown }} */ ({ view: '' }))
  const isFirst = useRef(true)

  useEffect(() => {
    let isCurrent = true
    const load = Object.hasOwn(VIEWS, view) ? VIEWS[view] : undefined
    if (!load) return setLoaded({ view })
    load().then(
      module => isCurrent && setLoaded({ view, View: module.default }),
      error => isCurrent && setLoaded({ view, error })
    )
    return () => {
      isCurrent = false
    }
  }, [view])

  const shown = `${loaded.view}/${rest.join('/')}`
  useEffect(() => {
    if (loaded.view === '') return
    // The browser itself puts the focus where it belongs when the page was loaded.
    if (!isFirst.current) focusView()
    isFirst.current = false
  }, [shown])

  if (loaded.view !== view) return html`<p class="quiet loading" role="status">Loading…</p>`
  if (loaded.error) return html`<${NotLoaded} />`
  if (!loaded.View) return html`<${NoView} />`
  return html`<${Fence} key=${shown}><${loaded.View} ...${props} /><//>`
}

/**
 * Unless the view has put the focus somewhere itself, a search field takes it, else the heading does, where a screen
 * reader begins to read.
 */
function focusView () {
  const { activeElement } = document
  if (activeElement?.closest('main > *')) return
  const target = document.querySelector('main [data-focus]') ?? document.querySelector('main h1')
  if (target instanceof HTMLElement) target.focus({ preventScroll: true })
  scrollTo({ top: 0 })
}

const NoView = () => html`<section class="view">
  <h1 tabindex="-1">There is no such page</h1>
  <p>Go to <a href="#/now">Now</a>.</p>
</section>`

const NotLoaded = () => html`<section class="view">
  <h1 tabindex="-1">This part could not be loaded</h1>
  <${Notice} kind="bad" alert>
    <p>The bridge does not answer, or it was updated.</p>
    <p><button type="button" class="button" onClick=${() => location.reload()}>Load the page again</button></p>
  <//>
</section>`

/**
 * Keeps a fault of one view from taking the others away.
 * @extends {Component<{ children?: any }, { error?: unknown }>}
 */
class Fence extends Component {
  /** @override @param {unknown} error */
  static getDerivedStateFromError (error) {
    return { error }
  }

  /** @override */
  render () {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return html`<section class="view">
      <h1 tabindex="-1">This view has a fault</h1>
      <${Problem} error=${error} retry=${() => this.setState({ error: undefined })} />
    </section>`
  }
}

const page = /** @type {HTMLElement} */ (document.getElementById('app'))
// What was painted until now.
page.replaceChildren()
render(html`<${App} />`, page)
