import type { Assumption } from './follow/assumption.ts'
import type { Naming } from './parties.ts'

/*
 * What the files cannot tell apart, in addition to what a diagnosis always says of a cause.
 */

export const MAYBE_CLOSED =
  "A room that is deleted while it rings (room-closed) ends in the same 486: LiveKit's webhooks or livekit-sip's log " +
  'of the same call would tell'
export const NO_STATUSES =
  'Nobody collected statuses (the status hook). Without them, a caller who gave up while the call hook was pending, ' +
  'a reply that Jambonz refused (reply-refused) and a media server that failed look alike'
export const NO_INVITE =
  'The files begin in the middle of the call, after an INVITE: they do not show how long it had lasted by then, or ' +
  'what was asked for'

export const TRANSFER_UNKNOWN =
  'The side that hung up had accepted a REFER, and nothing reports what became of it: a caller who was moved to ' +
  'somebody else looks the same'
export const NO_BEGINNING =
  'The files begin in the middle of the call: they do not show what had happened before, such as a transfer or an ' +
  'agent who had left'
export const CHALLENGED_AT_END =
  'The files end right after LiveKit asked for credentials: an INVITE that has them may have followed'

/** What was assumed about who was behind the CANCEL or BYE of the side that dialled LiveKit. */
export function assumptionText (assumption: Assumption | undefined, naming: Naming): string[] {
  if (naming !== 'named') return []
  switch (assumption) {
    case 'caller-gave-up':
      return [
        'Jambonz cancelled after no round number of seconds: usually because the caller gave up. A dial that ' +
        'somebody ended over the API looks the same'
      ]
    case 'dial-timeout':
      return [
        'Jambonz cancelled after a round number of seconds: usually because its dial timeout was over. A caller who ' +
        'gave up at that moment looks the same'
      ]
    case 'caller-hung-up':
      return [
        'Jambonz sent the BYE: usually because the caller hung up. A hang-up over its API and the time limit look ' +
        'the same'
      ]
    case undefined:
      return []
  }
}
