import { besideHook, hadWaited, since, waitedFor, type AttemptFacts } from './facts.ts'
import { farEndAnswer } from './far-end-questions.ts'
import type { Question, Said } from './questions.ts'

/** The questions about a LiveKit room. */
export const roomAnswers = (facts: AttemptFacts): Array<[Question, Said]> => [
  ['livekit-answer', farEndAnswer(facts)],
  ['headers', headers(facts)],
  ['sip-participant', sipParticipant(facts)],
  ['agent-dispatched', dispatched(facts)],
  ['agent-joined', joined(facts)],
  ['agent-published', published(facts)]
]

const UNSEEN = "LiveKit's side was not seen: none of its webhooks for this room arrived"
const UNDIALLED: Said = ['no', 'Nothing was dialled']

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

function dispatched (facts: AttemptFacts): Said {
  const { attempt, agent, lines, call, livekitKnown } = facts
  if (!attempt?.room) return ['no', 'No room was created for it']
  const again = lines.find(({ what, status }) => what === 'agent dispatched again' && status === 'done')
  const more = again ? `, and once more ${since(call, again.first)} after the call hook` : ''
  if (attempt.warm) {
    return ['yes', `Together with the room, ${waitedFor(facts)} before the call hook: it waited for the call${more}`]
  }
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

function joined (facts: AttemptFacts): Said {
  const { agent, livekitKnown, overAt, call } = facts
  if (hadWaited(facts)) return ['yes', `Before the call hook: it waited for the call${leftAfter(facts)}`]
  if (agent) {
    return [
      'yes',
      `${since(call, agent.joinedAt)} after the call hook${
        overAt !== undefined && agent.joinedAt > overAt ? ', when the call was over' : ''
      }${leftAfter(facts)}`
    ]
  }
  if (!livekitKnown) return ['unknown', UNSEEN]
  return overAt === undefined ? ['unknown', 'Not yet'] : ['no', 'No agent was in the room until the end']
}

const leftAfter = ({ agent, call, overAt }: AttemptFacts): string =>
  agent?.left && agent.left.at <= (overAt ?? Infinity) ? `; it left ${besideHook(call, agent.left.at)}` : ''

function published (facts: AttemptFacts): Said {
  const { agent, livekitKnown, attempt, call, overAt } = facts
  if (hadWaited(facts) && agent?.audioAt !== undefined && agent.audioAt <= attempt!.at.opened) {
    return ['yes', 'Before the call hook']
  }
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
