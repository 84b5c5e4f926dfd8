import type { Recording } from './recording.ts'
import { randomOf, type Away, type Variant } from './variant.ts'

/**
 * Whether a call could have gone on as it was recorded with the process away in this time: where Jambonz asked what to
 * do next and nobody answered, it would not have.
 */
export function isPlausible (
  { hooks, orders, hangUps, transfers }: Recording,
  { from, to }: Pick<Away, 'from' | 'to'>
): boolean {
  const began = [...orders, ...hooks.filter(({ path }) => path === '/livekit-api')].some(({ at }) => at < from)
  // Nobody could have asked it for anything.
  const wished = transfers.flatMap(({ at, completedAt, cancelledAt }) => [at, completedAt, cancelledAt])
  const isHeard = hangUps.every(({ at }) => to < at || from > at) &&
    wished.every(at => at === undefined || to < at || from > at + DONE_MS)
  return began && isHeard && hooks.every(({ path, at, repliedAt = at + 50, verbs }) => {
    const asks = ALWAYS_ASK.has(path ?? '') || (path !== '/status' && verbs.length > 0)
    return !asks || to < at || from > repliedAt
  })
}

/** Hooks whose reply decides how the call goes on, also when it has no verbs. */
const ALWAYS_ASK: ReadonlySet<string> = new Set(['/livekit-api', '/refer', '/redirect', '/screen', '/screen-digit'])

/** What was asked for has been asked of Jambonz after this, milliseconds. */
const DONE_MS = 150

/** Times at which being killed makes a difference: right after each thing that was recorded. */
export function momentsOf ({ hooks, roomEvents, orders }: Recording): number[] {
  const times = [...hooks, ...roomEvents, ...orders].map(({ at }) => at + 1)
  return [...new Set(times)].sort((a, b) => a - b)
}

/** How long the process may be away, and how long after that LiveKit's next try may be; milliseconds. */
const AWAY_MS = [300, 2000, 6000, 9000]
const REDELIVERED_AFTER_MS = [50, 1000, 4000, 10_000]

/** The process away at random moments of a recording, each with its memory lost and with a store that survives. */
export function awayVariants (recording: Recording, count: number, seed: number): Variant[] {
  const random = randomOf(seed)
  const oneOf = <T>(items: T[]): T => items[Math.floor(random() * items.length)]!
  const moments = momentsOf(recording)
  const variants: Variant[] = []
  // Not every moment is one at which the call could have gone on as it did.
  for (let tries = 0; tries < count * 20 && variants.length < count * 2; tries++) {
    const from = oneOf(moments)
    const window = { from, to: from + oneOf(AWAY_MS) }
    const redeliveredAfter = oneOf(REDELIVERED_AFTER_MS)
    if (!isPlausible(recording, window)) continue
    for (const store of ['lost', 'survives'] as const) {
      const away: Away = { ...window, store, redeliveredAfter }
      const name = `away from ${from} to ${window.to} ms, store ${store}, LiveKit +${redeliveredAfter} ms`
      variants.push({ name, away })
    }
  }
  return variants
}
