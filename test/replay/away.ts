import type { Recording } from './recording.ts'
import type { Away } from './variant.ts'

/**
 * Whether a call could have gone on as it was recorded with the process away in this time: where Jambonz asked what to
 * do next and nobody answered, it would not have.
 */
export function isPlausible ({ hooks }: Recording, { from, to }: Pick<Away, 'from' | 'to'>): boolean {
  return hooks.every(({ path, at, repliedAt = at + 50, verbs }) => {
    const asks = path === '/livekit-api' || path === '/refer' || (path !== '/status' && verbs.length > 0)
    return !asks || to < at || from > repliedAt
  }) && hooks.some(({ path, at }) => path === '/livekit-api' && at < from)
}

/** Times at which being killed makes a difference: right after each thing that was recorded. */
export function momentsOf ({ hooks, roomEvents }: Recording): number[] {
  const times = [...hooks, ...roomEvents].map(({ at }) => at + 1)
  return [...new Set(times)].sort((a, b) => a - b)
}
