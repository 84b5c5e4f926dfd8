import { duration } from '../diagnosis/facts.ts'
import type { AnyHookBody, HookSeen, Seen } from './seen.ts'

/*
 * Files without times do not show how long anything took. The sentences about a call are those of one whose times are
 * known: here they lose their durations.
 */

/** Whether webhooks or SIP messages of a call have no time: nobody knows how long it was between two of them. */
export const isUntimed = (seen: readonly Seen[]): boolean =>
  seen.some(({ kind, untimed }) => (kind === 'hook' || kind === 'sip') && untimed === true)

/** Whether nothing at all of a call has a time. */
export const isAllUntimed = (seen: readonly Seen[]): boolean =>
  seen.length > 0 && seen.every(({ untimed }) => untimed === true)

/** How long the caller was connected, as Jambonz reports it with the end of the leg; undefined where it does not. */
export function reportedTalk (hooks: readonly HookSeen[]): string | undefined {
  const lasted = hooks.map(({ hook, body }) => {
    const { parent_call_sid: parent, call_status: status, duration: seconds }: AnyHookBody = body
    return hook === 'status' && parent === undefined && status === 'completed' ? Number(seconds) : NaN
  }).find(seconds => seconds >= 0)
  return lasted === undefined ? undefined : duration(lasted * 1000)
}

/** As duration() writes it. */
const LENGTH = String.raw`\d{1,9}(?:\.\d)? m?s\b`
const OF_TALK = new RegExp(` after ${LENGTH} of talk`, 'g')
/** Phrases that say nothing without the duration. */
const WHOLE_PHRASE = new RegExp(
  `,? (?:after|within|for) ${LENGTH}(?: of (?:it|ringing))?(?! (?:after|of))|, which took ${LENGTH}|` +
    ` ${LENGTH}(?= (?:after|before|later|of silence)\\b)`,
  'g'
)

/**
 * A sentence without its durations.
 * @param talk how long the talk was, where somebody reports it
 */
export const withoutDurations = (text: string, talk?: string): string =>
  text.replace(OF_TALK, talk === undefined ? '' : ` after ${talk} of talk`).replace(WHOLE_PHRASE, '')
