/*
 * What is known of one call: live while it goes on, and from the history later.
 */

import { ApiError } from './api.js'
import { bridgeNow } from './time.js'
import { useCallback, useEffect, useState } from './ui.js'

/** @import { Api } from './api.js' */
/** @import { Picture } from './call-types.js' */

/** News of a call may come so long after its end, milliseconds. */
const LATE_NEWS_MS = 5 * 60_000

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
    let close = () => {}
    const follow = () => {
      close = api.live(`calls/stream?callSid=${encodeURIComponent(callSid)}`, (event, data) => {
        if (event === 'call') setState({ picture: data, isGone: false })
        if (event !== 'gone') return
        close()
        setState(({ picture }) => ({ picture, isGone: true }))
      })
    }
    load(api, callSid, controller.signal).then(picture => {
      if (controller.signal.aborted) return
      setState({ picture, isGone: false })
      const ended = picture.call.at['ended']
      if (ended === undefined || bridgeNow() - Date.parse(ended) < LATE_NEWS_MS) follow()
    }, error => {
      if (!controller.signal.aborted) setState({ error, isGone: false })
    })
    return () => {
      controller.abort()
      close()
    }
  }, [api, callSid, tries])

  const retry = useCallback(() => setTries(tries => tries + 1), [])
  return { ...state, retry }
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
