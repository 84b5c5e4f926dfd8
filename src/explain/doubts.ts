import type { Told } from './story.ts'

/*
 * What the files cannot tell apart, beside what a diagnosis always says of a cause.
 */

export const MAYBE_CLOSED =
  "A room that is deleted while it rings (room-closed) ends in the same 486: LiveKit's webhooks or livekit-sip's " +
  'log of the same call tell'
export const NO_STATUSES =
  'Nobody collected statuses (the status hook): a caller who gave up while the call hook was pending, a reply that ' +
  'Jambonz refused (reply-refused) and a media server that failed look alike without them'
export const NO_INVITE =
  'The files begin in the middle of the call, behind an INVITE: how long it had lasted then, and what was asked ' +
  'for, is not in them'

/** What was concluded of who was behind Jambonz's CANCEL or BYE. */
export function assumedText (assumed: Told['assumed']): string[] {
  switch (assumed) {
    case 'caller-gave-up':
      return [
        'Jambonz cancelled at no round time: because the caller gave up, as a rule; a dial that somebody ended over ' +
        'the API looks the same'
      ]
    case 'dial-timeout':
      return [
        'Jambonz cancelled after a round number of seconds: because its dial timeout was over, as a rule; a caller ' +
        'who gave up just then looks the same'
      ]
    case 'caller-hung-up':
      return [
        'Jambonz sent the BYE: because the caller hung up, as a rule; a hang-up over its API and the time limit ' +
        'look the same'
      ]
    case undefined:
      return []
  }
}
