/*
 * What is drawn again each second.
 */

import { bridgeNow } from './time.js'
import { useEffect, useState } from './vendor/hooks.js'

/** @type {Set<(now: number) => void>} */
const listeners = new Set()
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer

/** One timer for all that ticks, on the second, so that all durations change together. */
function tick () {
  const now = bridgeNow()
  for (const listener of [...listeners]) listener(now)
  timer = listeners.size === 0 ? undefined : setTimeout(tick, 1000 - Date.now() % 1000)
}

/** The bridge's time, milliseconds since the epoch. The caller is drawn again each second, when it changes. */
export function useNow () {
  const [now, setNow] = useState(bridgeNow)
  useEffect(() => {
    listeners.add(setNow)
    timer ??= setTimeout(tick, 1000 - Date.now() % 1000)
    return () => {
      listeners.delete(setNow)
    }
  }, [])
  return now
}
