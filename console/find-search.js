/*
 * The calls that a search has found so far, page by page.
 */

import { ApiError } from './api.js'
import { searchPath } from './filters.js'
import { useCallback, useEffect, useRef, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Filters } from './filters.js' */
/** @import { FoundCall } from './view-types.js' */

/**
 * @typedef {object} Result
 * @property {string} path what was asked
 * @property {FoundCall[]} calls newest first
 * @property {string} [next] cursor of the next page
 * @property {number} at when it was asked, milliseconds since the epoch
 *
 * @typedef {object} Search
 * @property {Result} [result] of these filters; absent until it is there
 * @property {boolean} loading
 * @property {unknown} [error]
 * @property {() => void} again
 * @property {() => void} older asks for the next page
 * @property {(callSid: string) => void} keep keeps the result for a reader who opens this call and comes back
 * @property {string} [opened] the call that was opened from here before
 */

/** The result from which a call was opened. @type {WeakMap<Api, { result: Result, opened: string }>} */
const kept = new WeakMap()
/** An older result is asked for again, milliseconds. */
const KEPT_MS = 300_000

/** Takes what was kept for a reader who comes back. @param {Api} api */
function taken (api) {
  const back = kept.get(api)
  kept.delete(api)
  return back && Date.now() - back.result.at < KEPT_MS ? back : undefined
}

/**
 * @param {Api} api
 * @param {Filters} filters
 * @returns {Search}
 */
export function useSearch (api, filters) {
  const path = searchPath(filters)
  const [back] = useState(() => taken(api))
  const [state, setState] = useState(
    /** @type {{ result?: Result, loading: boolean, error?: unknown }} */
    ({ result: back?.result, loading: true })
  )
  const [count, setCount] = useState(0)
  const asked = useRef(/** @type {AbortController | undefined} */ (undefined))

  const ask = useCallback((/** @type {Result | undefined} */ before) => {
    asked.current?.abort()
    const controller = asked.current = new AbortController()
    setState(state => ({ result: before ?? ofPath(state.result, path), loading: true }))
    pageOf(api, filters, before, controller.signal).then(
      result => controller.signal.aborted || setState({ result, loading: false }),
      error => controller.signal.aborted || setState(({ result }) => ({ result, error, loading: false }))
    )
  }, [api, path])

  useEffect(() => {
    // What was found before is still on the page of somebody who comes back from a call.
    if (count > 0 || ofPath(back?.result, path) === undefined) ask(undefined)
    else setState({ result: back?.result, loading: false })
    return () => asked.current?.abort()
  }, [ask, count])

  const result = ofPath(state.result, path)
  return {
    result,
    loading: state.loading,
    error: state.error,
    opened: back?.opened,
    again: useCallback(() => setCount(count => count + 1), []),
    older: () => result?.next !== undefined && !state.loading && ask(result),
    keep: opened => result && kept.set(api, { result, opened })
  }
}

/** @param {Result | undefined} result @param {string} path */
const ofPath = (result, path) => result?.path === path ? result : undefined

/**
 * The first page, or those before and the next one.
 * @param {Api} api
 * @param {Filters} filters
 * @param {Result | undefined} before
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
async function pageOf (api, filters, before, signal) {
  const path = searchPath(filters)
  const at = before?.at ?? Date.now()
  if (filters.callSid !== undefined) return { path, at, calls: await oneCall(api, path, signal) }

  const page = await api.get(searchPath(filters, before?.next), { signal })
  return { path, at, calls: joined(before?.calls ?? [], page.calls), next: page.next }
}

/** @param {Api} api @param {string} path @param {AbortSignal} signal @returns {Promise<FoundCall[]>} */
async function oneCall (api, path, signal) {
  try {
    return [await api.get(path, { signal })]
  } catch (error) {
    if (error instanceof ApiError && error.code === 'BRIDGE_CALL_NOT_FOUND') return []
    throw error
  }
}

/**
 * A call that came back meanwhile may be on two pages.
 * @param {FoundCall[]} before
 * @param {FoundCall[]} page
 */
function joined (before, page) {
  const known = new Set(before.map(({ callSid }) => callSid))
  return [...before, ...page.filter(({ callSid }) => !known.has(callSid))]
}
