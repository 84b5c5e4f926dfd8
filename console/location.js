/*
 * The address of a view: `#/call/<call_sid>`, `#/find?number=+1555`.
 */

import { useEffect, useState } from './vendor/hooks.js'

/**
 * @typedef {{ view: string, rest: string[], query: URLSearchParams, hash: string }} Place
 *   `rest` is what stands behind the view: the call_sid
 */

/**
 * @param {string} hash
 * @returns {Place}
 */
export function placeOf (hash) {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2)
  const [view = '', ...rest] = path.split('/').map(decoded)
  return { view: view || 'now', rest, query: new URLSearchParams(query), hash }
}

/** @param {string} text */
function decoded (text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * The address of a view, for links: `addressOf('find', [], { cause: 'busy' })`. Empty values are left out.
 * @param {string} view
 * @param {readonly string[]} [rest]
 * @param {Record<string, string | number | undefined>} [query]
 */
export function addressOf (view, rest = [], query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()
  return `#/${[view, ...rest].map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

/** @param {string} callSid */
export const callAddress = callSid => addressOf('call', [callSid])

/** Goes to an address that {@link addressOf} has made. @param {string} address */
export function goTo (address) {
  location.hash = address
}

/** Changes the address without a new entry in the browser's history. @param {string} address */
export function replaceAddress (address) {
  history.replaceState(null, '', address)
  window.dispatchEvent(new HashChangeEvent('hashchange'))
}

/** Where the page is; the caller is drawn again when it changes. */
export function usePlace () {
  const [place, setPlace] = useState(() => placeOf(location.hash))
  useEffect(() => {
    const listener = () => setPlace(placeOf(location.hash))
    window.addEventListener('hashchange', listener)
    return () => window.removeEventListener('hashchange', listener)
  }, [])
  return place
}
