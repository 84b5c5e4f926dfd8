/*
 * What is known of one call: live while it goes on, and from the history later.
 */

import { ApiError } from './api.js'
import { bridgeNow } from './time.js'
import { useCallback, useEffect, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Picture } from './call-types.js' */

/** News of a call may come so long after its end, milliseconds. */
const LATE_NEWS_MS = 60_000

/**
 * @param {Api} api
 * @param {string} callSid
 * @returns {{ picture?: Picture, error?: unknown, isGone: boolean, retry: () => void }} `isGone`: the bridge does not
 *   know the call any more, and the picture is the last one
 */
export function useCall (api, callSid) {
  const [state, setState] = useState(
    /** @type {{ picture?: Picture, error?: unknown, isGone: boolean }} */ ({ isGone: false })
  )
  const [tries, setTries] = useState(0)

  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    let close = () => {}
    load(api, callSid, signal).then(picture => {
      if (signal.aborted) return
      setState({ picture, isGone: false })
      if (lateNewsMs(picture) <= 0) return
      close = follow(api, callSid, picture, {
        onPicture: picture => setState({ picture, isGone: false }),
        onGone: () => setState(({ picture }) => ({ picture, isGone: picture?.call.phase !== 'ended' }))
      })
    }, error => {
      if (!signal.aborted) setState({ error, isGone: false })
    })
    return () => {
      controller.abort()
      close()
    }
  }, [api, callSid, tries])

  const retry = useCallback(() => setTries(tries => tries + 1), [])
  return { ...state, retry }
}

/** For how long news of a call may still come, milliseconds. @param {Picture} picture */
function lateNewsMs ({ call: { at } }) {
  return at['ended'] === undefined ? Infinity : Date.parse(at['ended']) + LATE_NEWS_MS - bridgeNow()
}

/**
 * Follows a call until nothing more is expected of it, or the bridge does not know it any more.
 * @param {Api} api
 * @param {string} callSid
 * @param {Picture} picture what is known already
 * @param {{ onPicture: (picture: Picture) => void, onGone: () => void }} listeners
 * @returns {() => void} ends it
 */
function follow (api, callSid, picture, { onPicture, onGone }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  const { connection } = api
  const stop = api.live(`calls/stream?callSid=${encodeURIComponent(callSid)}`, (event, data) => {
    if (event === 'call') {
      onPicture(data)
      closeLater(data)
    }
    if (event === 'gone') lose()
  })
  // A bridge that has restarted may know nothing of the call, and then has no stream of it.
  const unsubscribe = connection.subscribe(() => {
    if (connection.value.state !== 'lost') return
    api.get(`calls/${encodeURIComponent(callSid)}`).catch(error => isUnknown(error) && lose())
  })
  const close = () => {
    clearTimeout(timer)
    unsubscribe()
    stop()
  }
  const lose = () => {
    close()
    onGone()
  }
  const closeLater = (/** @type {Picture} */ picture) => {
    const ms = lateNewsMs(picture)
    clearTimeout(timer)
    if (ms !== Infinity) timer = setTimeout(close, Math.max(0, ms))
  }
  closeLater(picture)
  return close
}

/**
 * @param {Api} api
 * @param {string} callSid
 * @param {AbortSignal} signal
 * @returns {Promise<Picture>}
 */
async function load (api, callSid, signal) {
  const path = `calls/${encodeURIComponent(callSid)}`
  const call = await api.get(path, { signal })
  const [ladder, diagnosis] = await Promise.all([
    api.get(`${path}/ladder`, { signal }),
    api.get(`${path}/diagnosis`, { signal })
  ])
  return { call, ladder, diagnosis }
}

/** @param {unknown} error */
export const isUnknown = error => error instanceof ApiError && error.status === 404
