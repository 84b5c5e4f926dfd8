/*
 * What stands around each view: the way to the others, how the page stands with the bridge, who is signed in.
 */

import { useKeys } from './keys.js'
import { Logo } from './sign-in.js'
import { chosenTheme, nextTheme, THEMES } from './theme-choice.js'
import { useNow } from './ticking.js'
import { duration, localTime, zoneName, zoneShortName } from './time.js'
import { html, Icon, useEffect, useLoaded, useState, useStore } from './ui.js'

/** @import { ComponentChildren } from './vendor/preact.js' */
/** @import { Api, ConnectionState } from './api.js' */
/** @import { Session } from './types.js' */
/** @import { ViewProps } from './ui.js' */

const TABS = [
  { view: 'now', name: 'Now', icon: 'live' },
  { view: 'find', name: 'Find', icon: 'search' },
  { view: 'routes', name: 'Routes', icon: 'routes' },
  { view: 'doctor', name: 'Doctor', icon: 'doctor' },
  { view: 'place', name: 'Place a call', short: 'Place', icon: 'phone', changes: true }
]

/** @param {ViewProps & { onLeave: () => void, children?: ComponentChildren }} props */
export function Frame ({ api, session, place, mayChange, onLeave, children }) {
  const tabs = TABS.filter(({ changes }) => mayChange || !changes)
  const { help, openHelp } = useKeys(tabs.map(({ view }) => view))
  return html`
    <a class="skip" href="#content" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <a class="brand" href="#/now" aria-label="bridge console"><${Logo} /><span>bridge</span></a>
      <nav class="tabs" aria-label="Views">
        ${tabs.map(({ view, name, short, icon }) => html`<a key=${view} href=${`#/${view}`} aria-label=${name}
          aria-current=${isUnder(place.view, view) ? 'page' : undefined}>
          <${Icon} name=${icon} /><span>${short ?? name}</span></a>`)}
      </nav>
      <${Update} api=${api} session=${session} />
      <${Trouble} api=${api} />
      <${ConnectionChip} connection=${api.connection} />
      <${WallClock} />
      <span class="who" title=${`Signed in as ${session.name}, ${session.role}. Version ${session.version}`}>
        <${Icon} name=${mayChange ? 'person' : 'eye'} />
        <span class="who-name">${session.name}</span>
        ${session.name !== session.role && html`<span class="quiet">${session.role}</span>`}
      </span>
      <span class="tools">
        <${ThemeButton} />
        <button type="button" class="button button-plain tool-help" aria-label="Keyboard shortcuts" title="Keys (?)"
          onClick=${openHelp}><${Icon} name="keyboard" /></button>
        <button type="button" class="button button-plain" aria-label="Sign out" title="Sign out" onClick=${onLeave}>
          <${Icon} name="out" /></button>
      </span>
    </header>
    <main id="content" tabindex="-1">${children}</main>
    ${help}`
}

/** A call is reached from Now. @param {string} shown @param {string} tab */
const isUnder = (shown, tab) => shown === tab || (shown === 'call' && tab === 'now')

/** The address holds the view, so the link must not change it. @param {Event} event */
function skip (event) {
  event.preventDefault()
  document.getElementById('content')?.focus()
}

/** @param {{ connection: ConnectionState }} props */
function ConnectionChip ({ connection }) {
  useStore(connection)
  const { state, heardAt, problem } = connection.value
  useNow()
  if (state === 'off') return html`<span class="connection"></span>`
  if (state === 'live') {
    return html`<span class="connection connection-live" role="status"><${Icon} name="live" />live</span>`
  }

  const age = heardAt === undefined ? '' : duration(Date.now() - heardAt)
  if (state === 'connecting') {
    return html`<span class="connection" role="status"><${Icon} name="live" />connecting</span>`
  }
  return html`<span class="connection connection-lost" title=${problem}>
    <${Icon} name="lost" /><span role="status">reconnecting</span>
    ${age && html`<span class="connection-age">${' · '}data ${age} old</span>`}
  </span>`
}

/**
 * After an update of the bridge this page is that of the version before.
 * @param {{ api: Api, session: Session }} props
 */
function Update ({ api, session }) {
  useStore(api.connection)
  const isLive = api.connection.value.state === 'live'
  const { value } = useLoaded(async signal => isLive ? api.get('session', { signal }) : undefined, [api, isLive])
  if (!value || value.version === session.version) return html`<span role="status"></span>`
  return html`<span role="status"><button type="button" class="button button-small" onClick=${() => location.reload()}>
    Version ${value.version} is here. Load it
  </button></span>`
}

/** How often the bridge is asked how it is, milliseconds. */
const HEALTH_EVERY_MS = 20_000

/** What the bridge itself says does not work, such as LiveKit that does not answer. @param {{ api: Api }} props */
function Trouble ({ api }) {
  const { value, reload } = useLoaded(signal => healthOf(api, signal), [api])
  useEffect(() => {
    const timer = setInterval(() => document.hidden || reload(), HEALTH_EVERY_MS)
    return () => clearInterval(timer)
  }, [reload])
  if (!value) return html`<span role="status"></span>`
  return html`<span role="status"><a class="trouble" href="#/doctor" title=${value}>
    <${Icon} name="late" /><span>${value}</span>
  </a></span>`
}

/**
 * @param {Api} api
 * @param {AbortSignal} signal
 * @returns {Promise<string>} empty when all is well, or when nobody answers, which the connection shows
 */
async function healthOf (api, signal) {
  const health = await api.get('health/ready', { signal }).catch(error => error.body)
  if (health?.status === 'draining') return 'This bridge is about to end'
  return (health?.degraded ?? []).join('. ')
}

function WallClock () {
  useNow()
  return html`<span class="clock" title=${`Times are local: ${zoneName()}`}>
    ${localTime(Date.now())} <span class="quiet">${zoneShortName()}</span>
  </span>`
}

function ThemeButton () {
  const [theme, setTheme] = useState(chosenTheme())
  const { icon, says } = THEMES[theme]
  return html`<button type="button" class="button button-plain" title=${`Theme: ${says}`}
    aria-label=${`Theme: ${says}. Change`} onClick=${() => setTheme(nextTheme())}><${Icon} name=${icon} /></button>`
}
