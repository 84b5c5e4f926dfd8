import type { SipClient } from 'livekit-server-sdk'

/** What became of a person whom the agent called. */
export type Outcome = 'answered' | 'busy' | 'no-answer' | 'declined' | 'unobtainable' | 'not-allowed' | 'failed'

export interface Person {
  /** The bridge's outbound trunk: `bridge provision --outbound` prints its id. */
  trunkId: string
  /** E.164. The bridge's number policy decides whether it may be called. */
  number: string
  /** Room of the call. */
  room: string
  /** Two people in a room must not have the same identity: LiveKit removes the first one. */
  identity: string
  /** `callSid` of the job metadata. */
  callSid: string | undefined
}

/** How long the phone rings, seconds. Jambonz itself stops after the bridge's DIAL_TIMEOUT_S. */
const RINGING_S = 30
/** The API answers a little later than the phone stops ringing. */
const ANSWER_S = RINGING_S + 10

/** Calls a person into the room, and waits until the phone is answered or is not. */
export async function addPerson (
  sip: Pick<SipClient, 'createSipParticipant'>,
  { trunkId, number, room, identity, callSid }: Person
): Promise<Outcome> {
  try {
    await sip.createSipParticipant(trunkId, number, room, {
      participantIdentity: identity,
      waitUntilAnswered: true,
      ringingTimeout: RINGING_S,
      timeout: ANSWER_S,
      // With this header the bridge shows the two calls together from the start.
      headers: callSid === undefined ? {} : { 'X-LK-Call': callSid }
    })
    return 'answered'
  } catch (error) {
    return outcomeOf(error)
  }
}

/** What the error of LiveKit's API says: the callee's SIP status is in its metadata. */
export function outcomeOf (error: unknown): Outcome {
  const { code, metadata = {} } = error as { code?: string, metadata?: Record<string, string> }
  switch (Number(metadata['sip_status_code'])) {
    case 486:
    case 600:
      return 'busy'
    case 408:
    case 480:
    case 487:
      return 'no-answer'
    case 603:
      return 'declined'
    case 403:
      // The bridge refuses a number with these words. Any other 403 is the carrier's.
      return metadata['sip_status'] === 'Destination Not Allowed' ? 'not-allowed' : 'declined'
    case 404:
    case 410:
    case 484:
    case 604:
      return 'unobtainable'
    default:
      // LiveKit's own ringing timeout has no SIP status.
      return code === 'canceled' ? 'no-answer' : 'failed'
  }
}
