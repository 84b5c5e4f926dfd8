import { watch as watchFolder } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Clock } from '../../clock.ts'

/** How changes are noticed: at once by the system's events, or by looking at the file from time to time. */
export type Watching = 'events' | 'polling'

export interface WatchOptions {
  clock: Clock
  /** Something about the file may have changed. Called often, and sometimes for nothing. */
  changed(): void
  /**
   * The way in which changes are noticed is another one from now on.
   * @param code why there are no events, such as ENOSPC
   */
  watching(how: Watching, code?: string): void
  watch?: typeof watchFolder
}

/**
 * Milliseconds between two looks at the file. Events come late or never from network file systems, from behind links,
 * and once the folder was replaced, so the file is looked at even where there are events.
 */
export const POLL_MS = { events: 30_000, polling: 5000 } as const

/**
 * Notices that a file changes, however it is written. It watches the folder, because editors rename a new file over the
 * old one, and Kubernetes swaps a link beside the link that the file is (`..data`, AtomicWriter in kubelet).
 * @returns ends the watching
 */
export function watchFile (file: string, options: WatchOptions): () => void {
  const { clock, changed, watch = watchFolder } = options
  let how: Watching | undefined
  let stopEvents = () => {}
  let cancelPoll = () => {}
  let closed = false
  let seen: string | undefined

  function say (next: Watching, code?: string): void {
    if (how === next) return
    // Events are what everybody expects at the beginning.
    const isNews = how !== undefined || next === 'polling'
    how = next
    if (isNews) options.watching(next, code)
  }

  function listen (): void {
    stopEvents()
    stopEvents = () => {}
    try {
      const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
        if (concerns(name)) changed()
      })
      stopEvents = () => watcher.close()
      watcher.on('error', error => {
        watcher.close()
        say('polling', (error as NodeJS.ErrnoException).code)
      })
      say('events')
    } catch (error) {
      say('polling', (error as NodeJS.ErrnoException).code)
    }
  }

  /** Other files of the folder are nobody's business. A system may not say which one it is. */
  function concerns (name: string | null): boolean {
    return name === null || name === basename(file) || name.startsWith('..')
  }

  function poll (): void {
    stat(file).then(
      ({ dev, ino, size, mtimeMs }) => compare([dev, ino, size, mtimeMs].join(' ')),
      (error: NodeJS.ErrnoException) => compare(String(error.code))
    )
  }

  /** @param now what changes when the file does */
  function compare (now: string): void {
    if (closed) return
    const isNew = seen !== undefined && now !== seen
    seen = now
    // The watched folder may be another one by now.
    if (isNew || how === 'polling') listen()
    if (isNew) changed()
    cancelPoll = clock.schedule(POLL_MS[how ?? 'polling'], poll)
  }

  listen()
  poll()

  return () => {
    closed = true
    stopEvents()
    cancelPoll()
  }
}
