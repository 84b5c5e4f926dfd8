import { log, type JobContext } from '@livekit/agents'
import { SipClient } from 'livekit-server-sdk'
import { addPerson, type Outcome } from './add-person.ts'
import { callSidOf, type Job } from './call.ts'
import { DONE, FAILED, REFUSED } from './earcons.ts'
import { isOnPhone, PERSON_IDENTITY } from './room.ts'

/*
 * Calls a person with LiveKit's own API, over the trunk that `bridge provision --outbound` makes. It prints the trunk's
 * id, SIP_OUTBOUND_TRUNK_ID. PERSON_NUMBER is who is called.
 */

/** What the caller hears of it, Hz. */
const TONES_OF: Record<Outcome, number[]> = {
  answered: DONE,
  busy: [425, 425, 425],
  'no-answer': [425],
  declined: [784, 523],
  unobtainable: [950, 1400, 1800],
  'not-allowed': REFUSED,
  failed: FAILED
}

/** Calls a person into the call. @returns what the caller is to hear of it */
export async function callDirectly (ctx: JobContext, job: Job): Promise<number[]> {
  const { LIVEKIT_URL: url = '', LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret } = process.env
  const { SIP_OUTBOUND_TRUNK_ID: trunkId, PERSON_NUMBER: number } = process.env
  if (!trunkId || !number) return [840]

  const caller = [...ctx.room.remoteParticipants.values()].find(participant => isOnPhone(participant, job))
  const outcome = await addPerson(new SipClient(url, key, secret), {
    trunkId,
    number,
    room: ctx.room.name!,
    identity: PERSON_IDENTITY,
    callSid: callSidOf(job, caller?.attributes ?? {})
  })
  log().info({ outcome }, 'person called')
  return TONES_OF[outcome]
}
