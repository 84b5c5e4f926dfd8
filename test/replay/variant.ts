/** The process is away for a while: killed, and started again. Milliseconds from the start of the recording. */
export interface Away {
  from: number
  to: number
  /** `lost`: calls were in the memory of the process. `survives`: they are in a store outside, as with Redis. */
  store: 'lost' | 'survives'
  /** LiveKit repeats what it could not deliver this long after the process is back, milliseconds. */
  redeliveredAfter: number
}

/** What does not arrive as it was recorded. */
export interface Variant {
  /** For people; empty: as recorded. */
  name: string
  /** LiveKit's webhooks are not configured. */
  withoutWebhooks?: boolean
  /** The application has no status hook. */
  withoutStatuses?: boolean
  withoutAction?: boolean
  /** How much later than it happened the nth webhook arrives, milliseconds. Later ones do not wait for it. */
  webhookDelay?(n: number): number
  /** The nth webhook arrives a second time this much later, milliseconds; undefined: once. */
  webhookAgain?(n: number): number | undefined
  /** How much later the nth status of Jambonz arrives, milliseconds. Whatever comes behind it does not wait for it. */
  statusDelay?(n: number): number
  /** Every hook of Jambonz arrives a second time this much later, milliseconds. */
  hooksAgain?: number
  away?: Away
  /** createCall is answered this much later than recorded, milliseconds; `lost`: never, the connection breaks. */
  answerDelay?: number | 'lost'
  /** The room is made at another step of the call than the recorder made it. */
  agentAt?: 'dial' | 'ringing' | 'answer'
}

export const AS_RECORDED: Variant = { name: '' }

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomOf (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const delays = (seed: number, mostMs: number) => (n: number) => Math.round(randomOf(seed * 1000 + n)() * mostMs)

/** The variants that the command line knows by name. */
export const VARIANTS: Record<string, (seed: number) => Variant> = {
  'without-webhooks': () => ({ name: "without LiveKit's webhooks", withoutWebhooks: true }),
  'without-statuses': () => ({ name: 'without a status hook', withoutStatuses: true }),
  'without-action': () => ({ name: 'without /action', withoutAction: true }),
  'livekit-alone': () => ({ name: "with LiveKit's webhooks alone", withoutStatuses: true, withoutAction: true }),
  'late-webhooks': seed => ({ name: `webhooks late, in any order (${seed})`, webhookDelay: delays(seed, 1000) }),
  'late-statuses': seed => ({ name: `statuses late, in any order (${seed})`, statusDelay: delays(seed, 300) }),
  'doubled-webhooks': () => ({ name: 'every webhook twice', webhookAgain: () => 5000 }),
  'answer-late': () => ({ name: 'createCall answered after the first status', answerDelay: 200 }),
  'answer-lost': () => ({ name: "createCall's answer lost", answerDelay: 'lost' }),
  'room-at-dial': () => ({ name: 'the room made at createCall', agentAt: 'dial' }),
  'doubled-hooks': () => ({ name: 'every hook twice', hooksAgain: 50 })
}
