import type { Cause, Reply } from '../calls/fold/call.ts'
import { duration, since, sipText, type AttemptFacts } from './facts.ts'

export const QUESTIONS = {
  'invite-sent': 'Was the INVITE sent?',
  'livekit-answer': 'Did LiveKit answer it, and what?',
  headers: 'Did the headers arrive?',
  'sip-participant': 'Did the SIP participant join?',
  'agent-dispatched': 'Was an agent dispatched?',
  'agent-joined': 'Did the agent join?',
  'agent-published': 'Did the agent publish audio?',
  'why-487': 'Why 487?',
  'why-480': 'Why 480?',
  'why-so-soon': 'Why was it over so soon?',
  'why-no-action': 'Why was there no /action?'
} as const
export type Question = keyof typeof QUESTIONS

export interface Answer {
  id: Question
  question: string
  answer: 'yes' | 'no' | 'unknown' | 'because'
  says: string
}

type Said = [answer: Answer['answer'], says: string]

/** An unanswered call that is over within this time surprises people. */
const SOON_MS = 3000

/** Answers to what people ask of a call; of the questions that begin with why, only those that this call raises. */
export function answersTo (facts: AttemptFacts, cause: Cause | undefined): Answer[] {
  const said: Array<[Question, Said | undefined]> = [
    ['invite-sent', inviteSent(facts, cause)],
    ...(facts.attempt?.strategy === 'phone' ? [] : room(facts)),
    ['why-487', why487(facts)],
    ['why-480', why480(facts, cause)],
    ['why-so-soon', whySoSoon(facts, cause)],
    ['why-no-action', whyNoAction(facts, cause)]
  ]
  return said.flatMap(([id, said]) => said ? [{ id, question: QUESTIONS[id], answer: said[0], says: said[1] }] : [])
}

const room = (facts: AttemptFacts): Array<[Question, Said]> => [
  ['livekit-answer', livekitAnswer(facts)],
  ['headers', headers(facts)],
  ['sip-participant', sipParticipant(facts)],
  ['agent-dispatched', dispatched(facts)],
  ['agent-joined', joined(facts)],
  ['agent-published', published(facts)]
]

const UNSEEN = "LiveKit's side was not seen: none of its webhooks for this room arrived"
const UNDIALLED: Said = ['no', 'Nothing was dialled']

function inviteSent (facts: AttemptFacts, cause: Cause | undefined): Said {
  const { call, attempt, dialledAt, agentFinal, ringing, sip, action } = facts
  if (!attempt) return ['no', 'The bridge did not ask Jambonz to dial anything']
  if (agentFinal && isOwnOfJambonz(agentFinal.sipStatus, agentFinal.reason) && !ringing) {
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

function livekitAnswer (facts: AttemptFacts): Said {
  const { agentFinal, ringing, answeredAt, call, action, attempt, dialledAt } = facts
  const rang = whenItRang(facts)
  if (answeredAt !== undefined || attempt?.answered) {
    const answer = answeredAt === undefined ? '200' : `200 after ${since(call, answeredAt)}`
    return ['yes', rang === undefined ? answer : `${rang}, then ${answer}`]
  }

  const dialStatus = action?.dialSipStatus ?? 0
  const status = agentFinal?.sipStatus ?? (dialStatus >= 300 ? dialStatus : undefined)
  if (isOwnOfJambonz(agentFinal?.sipStatus, agentFinal?.reason) && !ringing) {
    return ['no', `${sipText(status, agentFinal?.reason)} is Jambonz's own: nothing came from LiveKit`]
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

/** Where LiveKit showed the caller's leg, its event line says whether our header was among the attributes. */
function headers ({ lines, sip, livekitKnown, undialled }: AttemptFacts): Said {
  const line = lines.find(({ what, status }) => what === 'participant_joined' && status === 'SIP')
  if (line?.detail === 'headers') return ['yes', 'The SIP participant has our X-LK-Call header as an attribute']
  if (line?.detail === 'no headers') {
    return [
      'no',
      'The SIP participant has no X-LK-Call attribute. Set include_headers to SIP_X_HEADERS on the trunk (`bridge ' +
      'provision --plan`). Calls work without it'
    ]
  }
  if (sip) {
    return [
      'unknown',
      "No stored event shows it. The SIP participant's attribute sip.h.x-lk-call does. Calls work without it"
    ]
  }
  if (undialled) return UNDIALLED
  return livekitKnown ? ['no', 'No SIP participant joined, so there was none to have them'] : ['unknown', UNSEEN]
}

function sipParticipant ({ sip, livekitKnown, call, overAt, undialled }: AttemptFacts): Said {
  if (sip) return ['yes', `${since(call, sip.joinedAt)} after the call hook`]
  if (overAt !== undefined && undialled) return UNDIALLED
  if (!livekitKnown) return ['unknown', UNSEEN]
  return [
    overAt === undefined ? 'unknown' : 'no',
    overAt === undefined ? 'Not yet' : 'LiveKit showed the room without it'
  ]
}

function dispatched ({ attempt, agent, lines, call, livekitKnown }: AttemptFacts): Said {
  if (!attempt?.room) return ['no', 'No room was created for it']
  const again = lines.find(({ what, status }) => what === 'agent dispatched again' && status === 'done')
  const more = again ? `, and once more ${since(call, again.first)} after the call hook` : ''
  if (attempt.made === 'created') {
    return ['yes', `Together with the room${more}. That LiveKit accepted it does not mean that a worker took the job`]
  }
  if (agent) {
    return [
      'yes',
      attempt.degraded ? 'By the dispatch rule: the bridge did not create the room' : `An agent came${more}`
    ]
  }
  if (attempt.degraded) {
    return [
      'unknown',
      'The bridge did not create the room. The dispatch rule dispatches its own agent when the SIP leg creates it'
    ]
  }
  return attempt.made === 'failed'
    ? ['no', 'The room could not be created']
    : ['unknown', livekitKnown ? 'LiveKit did not answer in time whether it created the room' : UNSEEN]
}

function joined ({ agent, livekitKnown, overAt, call }: AttemptFacts): Said {
  if (agent) {
    return [
      'yes',
      `${since(call, agent.joinedAt)} after the call hook${
        overAt !== undefined && agent.joinedAt > overAt ? ', when the call was over' : ''
      }${agent.left && agent.left.at <= (overAt ?? Infinity) ? `; it left after ${since(call, agent.left.at)}` : ''}`
    ]
  }
  if (!livekitKnown) return ['unknown', UNSEEN]
  return overAt === undefined ? ['unknown', 'Not yet'] : ['no', 'No agent was in the room until the end']
}

function published ({ agent, livekitKnown, attempt, call, overAt }: AttemptFacts): Said {
  if (agent?.audioAt !== undefined) {
    return [
      'yes',
      `${since(call, agent.audioAt)} after the call hook${
        overAt !== undefined && agent.audioAt > overAt ? ', when the call was over' : ''
      }`
    ]
  }
  if (attempt?.answered) return ['yes', 'LiveKit answered, which it does only when there is audio']
  if (!livekitKnown) return ['unknown', UNSEEN]
  return overAt === undefined
    ? ['unknown', 'Not yet']
    : ['no', agent ? 'It was in the room without an audio track' : 'No agent was in the room']
}

function why487 ({ callerFinal, agentFinal, action, attempt, call, overAt }: AttemptFacts): Said | undefined {
  if (callerFinal?.sipStatus !== 487 && agentFinal?.sipStatus !== 487 && action?.dialSipStatus !== 487) return undefined
  const always = "LiveKit sends 487 only as the answer to Jambonz's CANCEL"
  if (callerFinal?.by === 'caller' && callerFinal.callStatus === 'no-answer') {
    // When it was Jambonz tells only after the reply.
    const when = call.end?.waitingOn === 'hook'
      ? `within ${since(call, callerFinal.at)} of the call hook, while Jambonz waited for the reply`
      : `${since(call, callerFinal.at)} after the call hook, before an answer, and Jambonz cancelled`
    return ['because', `The caller hung up ${when}. ${always}`]
  }
  if (call.hangupAt !== undefined) return ['because', `The call was ended over an API while it rang. ${always}`]
  const at = agentFinal?.at ?? action?.at ?? overAt
  const rangFor = at === undefined || attempt === undefined
    ? ''
    : ` ${duration(at - (attempt.at.replied ?? attempt.at.opened))} after the bridge's reply`
  return [
    'because',
    `Jambonz itself cancelled the dial${rangFor}: DIAL_TIMEOUT_S was over, or the call was taken ` +
    `elsewhere. ${always}`
  ]
}

function why480 (facts: AttemptFacts, cause: Cause | undefined): Said | undefined {
  const { callerFinal, agentFinal, action } = facts
  if (cause === 'reply-refused') {
    return [
      'because',
      'Jambonz rejects the caller with 480 and an X-Reason header when it cannot use a reply, and sends no event: ' +
      '`bridge calls <callSid> --fetch` has its alert'
    ]
  }
  if (agentFinal?.sipStatus === 480 || action?.dialSipStatus === 480) {
    return ['because', "The far end, or Jambonz's SBC, answered 480: LiveKit itself has no 480 for an INVITE"]
  }
  if (cause === 'media-server-failed' && callerFinal?.sipStatus === 480) {
    return ['because', 'Jambonz\'s media server failed ("crankback: media server failure")']
  }
  if (
    ownDecline(facts) &&
    (callerFinal === undefined || callerFinal.sipStatus === 480 || callerFinal.sipReason === 'Agent Unavailable')
  ) {
    return [
      'because',
      "It is the bridge's own decline, sent when no attempt connected the caller. The cause says why none did"
    ]
  }
  return callerFinal?.sipStatus === 480
    ? [
        'because',
        "It is the decline that follows the bridge's dial, sent when the dial ends without an answer. The cause says " +
      'why it did'
      ]
    : undefined
}

const ownDecline = ({ call }: AttemptFacts): boolean => call.hooks.some(({ reply }) => isDecline480(reply))
const isDecline480 = (reply: Reply | undefined): boolean => reply?.kind === 'decline' && reply.status === 480

function whySoSoon (facts: AttemptFacts, cause: Cause | undefined): Said | undefined {
  const { call, overAt, attempt, callerFinal } = facts
  if (cause === undefined || overAt === undefined || attempt?.answered || overAt - call.at.received > SOON_MS) {
    return undefined
  }
  const after = since(call, overAt)
  if (cause === 'caller-gave-up') {
    const { waitingOn } = call.end ?? {}
    if (waitingOn === 'hook') {
      return [
        'because',
        `${after}: the caller hung up while Jambonz waited for the bridge's verbs, so no INVITE was sent. Carriers ` +
        'give up early when they hear nothing: the bridge must answer sooner'
      ]
    }
    return [
      'because',
      `${after}: it was the caller who hung up (${sipText(callerFinal?.sipStatus)}), not LiveKit and not the bridge`
    ]
  }
  return ['because', `${after}: ${cause} is final at once, so there was nothing to wait for`]
}

function whyNoAction (facts: AttemptFacts, cause: Cause | undefined): Said | undefined {
  const { action, attempt, callerFinal, agentFinal, overAt, call, lines } = facts
  if (action || lines.some(({ what }) => what === 'action') || overAt === undefined || cause === undefined) {
    return undefined
  }
  if (!attempt || cause === 'bridge-error' || cause === 'capacity' || cause === 'draining') {
    return ['because', 'There was no dial: the bridge declined the call']
  }
  if (cause === 'caller-gave-up' && call.end?.waitingOn === 'hook') {
    return [
      'because',
      "The caller was gone before Jambonz had the bridge's verbs, so the dial never began: /action is sent for " +
      'dials that began'
    ]
  }
  if (cause === 'reply-refused') return ['because', 'Jambonz did not run the reply, so there was no dial']
  if (cause === 'media-server-failed' || (callerFinal?.sipStatus === 488 && !agentFinal)) {
    return ['because', 'Jambonz gave up before it dialled, and then it sends no /action']
  }
  if (agentFinal) {
    return [
      'because',
      'A dial ended and its /action did not arrive. PUBLIC_URL must be reachable from Jambonz, with its path and ' +
      "without a redirect, and /action must be published. Jambonz's alerts list the URL that failed"
    ]
  }
  return [
    'unknown',
    'Neither statuses nor /action came. That does not mean that SIP failed: Jambonz may not reach PUBLIC_URL'
  ]
}
