import type { Cause } from '../calls/fold/vocabulary.ts'
import { duration, HARDLY_HEARD_MS, since, sipText, type AttemptFacts } from './facts.ts'
import { leadsToOurRoom } from './far-end.ts'
import type { Said } from './questions.ts'
import { reasonOfRetell } from './retell.ts'

/** Whether an INVITE left Jambonz. */
export function inviteSent (facts: AttemptFacts, cause: Cause | undefined): Said {
  const { call, attempt, dialledAt, agentFinal, ringing, sip, action } = facts
  if (!attempt) return ['no', 'The bridge did not ask Jambonz to dial anything']
  if (leadsToOurRoom(attempt) && agentFinal && isOwnOfJambonz(agentFinal.sipStatus, agentFinal.reason) && !ringing) {
    return ['no', `Jambonz dialled, and its SBC could not send it: ${sipText(agentFinal.sipStatus, agentFinal.reason)}`]
  }
  if (ringing || sip || attempt.answered) {
    return [
      'yes',
      `It reached the far end${
        dialledAt === undefined ? '' : `: dialled ${since(call, dialledAt)} after the call hook`
      }`
    ]
  }
  if (action?.dialSipStatus !== undefined || agentFinal) {
    return ['yes', "The far end, or Jambonz's SBC on its behalf, answered"]
  }
  if (dialledAt !== undefined) {
    return [
      'unknown',
      'Jambonz dialled (its own 100), and nothing shows whether the INVITE left its SBC; `bridge calls <callSid> ' +
      "--fetch` has Jambonz's SIP trace"
    ]
  }
  if (cause === 'reply-refused') return ['no', "Jambonz did not run the bridge's reply"]
  if (facts.overAt === undefined) return ['unknown', 'Nothing shows it yet']
  if (attempt.at.replied === undefined) return ['no', 'The bridge did not answer the call hook with a dial']
  return call.caller.seen
    ? ['no', 'Jambonz sends statuses for this call, and none of an agent leg']
    : ['unknown', 'Without a status hook only /action would tell, and it did not come']
}

const isOwnOfJambonz = (status: number | undefined, reason = ''): boolean =>
  status === 503 && !/try again later|service temporarily unavailable/i.test(reason)

/** What came back on the INVITE. */
export function farEndAnswer (facts: AttemptFacts): Said {
  const { agentFinal, ringing, answeredAt, call, action, attempt, dialledAt } = facts
  const rang = whenItRang(facts)
  const whose = leadsToOurRoom(attempt) ? 'LiveKit' : 'the far end'
  if (answeredAt !== undefined || attempt?.answered) {
    const answer = answeredAt === undefined ? '200' : `200 after ${since(call, answeredAt)}`
    return ['yes', rang === undefined ? answer : `${rang}, then ${answer}`]
  }

  const dialStatus = action?.dialSipStatus ?? 0
  const status = agentFinal?.sipStatus ?? (dialStatus >= 300 ? dialStatus : undefined)
  if (leadsToOurRoom(attempt) && isOwnOfJambonz(agentFinal?.sipStatus, agentFinal?.reason) && !ringing) {
    return ['no', `${sipText(status, agentFinal?.reason)} is Jambonz's own: nothing came from ${whose}`]
  }
  if (status === 487) {
    return rang === undefined
      ? ['no', "No ringing came. The 487 belongs to Jambonz's own CANCEL"]
      : ['yes', `${rang}. It sent no final answer of its own: the 487 belongs to Jambonz's CANCEL`]
  }
  if (status !== undefined) {
    const final = sipText(status, agentFinal?.reason)
    return ['yes', rang === undefined ? final : `${rang}, then ${final}`]
  }
  if (rang !== undefined) return ['yes', `${rang}, and no final answer`]
  return dialledAt === undefined
    ? ['no', 'Nothing shows that an INVITE reached it']
    : ['no', 'Nothing came from it. Jambonz does not report a 100']
}

function whenItRang ({ ringing, sip, attempt, call }: AttemptFacts): string | undefined {
  if (ringing) {
    const times = ringing.count > 1 ? `, ${ringing.count} times` : ''
    return `180 ${since(call, ringing.first)} after the call hook${times}`
  }
  return sip || attempt?.action?.rang
    ? 'It rang, as its participant or /action shows. Without statuses nothing shows when'
    : undefined
}

/** Whether Retell knows the call. */
export function registered ({ attempt, lines, call }: AttemptFacts): Said {
  const line = lines.find(({ what }) => what === 'registration')
  if (line?.status === 'created') return ['yes', `${since(call, line.first)} after the call hook`]
  if (attempt?.made === 'created') return ['yes', 'It gave the call an id']
  return line ? ['no', `Retell did not: ${reasonOfRetell(line.detail)}`] : ['unknown', 'Not yet']
}

/** Whether the caller heard a say or play. */
export function announcementHeard ({ attempt, announcedMs, callerFinal, overAt }: AttemptFacts): Said {
  if (callerFinal?.callStatus !== undefined && callerFinal.callStatus !== 'completed') {
    return ['no', 'The caller leg ended before it was answered']
  }
  if (overAt === undefined || announcedMs === undefined) return ['unknown', 'Nothing shows it yet']
  const took = `It was over after ${duration(announcedMs)}`
  if (announcedMs >= HARDLY_HEARD_MS) {
    return ['unknown', `${took}. Jambonz reports no error when it cannot play something, so only its alerts show that`]
  }
  return [
    'no',
    attempt?.strategy === 'say'
      ? `${took}. Jambonz skips a text for which it has no speech credentials`
      : `${took}. Jambonz skips a recording that it cannot fetch`
  ]
}
