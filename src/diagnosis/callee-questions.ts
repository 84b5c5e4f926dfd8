import type { Cause } from '../calls/fold/vocabulary.ts'
import { calledFor, isBeforeAnswer, isUnnamed } from './callee.ts'
import { duration, since, sipText, type AttemptFacts } from './facts.ts'
import type { Question, Said } from './questions.ts'
import { voicemail } from './signals/callee.ts'

/** The questions about the callee of an outbound call; none of other calls. */
export function calleeAnswers (facts: AttemptFacts): Array<[Question, Said | undefined]> {
  if (facts.call.facts.direction !== 'outbound') return []
  return [
    ['call-placed', placed(facts)],
    ['callee-rang', rang(facts)],
    ['callee-answered', answered(facts)],
    ['who-answered', whoAnswered(facts)]
  ]
}

function placed ({ call }: AttemptFacts): Said | undefined {
  const { order } = call
  if (!order) return undefined
  if (!isUnnamed(call)) return ['yes', `It gave the call the call_sid ${call.callSid}`]
  if (order.sentAt === undefined) return ['no', 'It was not asked to']
  if (call.end?.cause === 'not-placed') return ['no', 'It refused']
  return ['unknown', 'It was asked, and neither its answer nor a hook of the call came']
}

function rang (facts: AttemptFacts): Said | undefined {
  const { call, overAt } = facts
  if (isUnnamed(call)) return undefined
  const line = call.events.find(({ what, leg, status }) =>
    what === 'status' && leg === 'caller' && (status === 'ringing' || status === 'early-media'))
  if (line) {
    return line.status === 'ringing'
      ? ['yes', `${since(call, line.first)} after the call hook`]
      : ['unknown', `The carrier played something ${since(call, line.first)} after the call hook, which may be ringing`]
  }
  if (call.at.answered !== undefined) return ['unknown', 'It was answered. A carrier need not say that a phone rings']
  return overAt === undefined ? ['unknown', 'Not yet'] : ['no', 'The carrier did not say so']
}

function answered ({ call, callerFinal }: AttemptFacts): Said | undefined {
  if (isUnnamed(call)) return undefined
  if (call.at.answered !== undefined) return ['yes', `${since(call, call.at.answered)} after the call hook`]
  if (!callerFinal) return ['unknown', call.phase === 'ended' ? 'Nothing shows it' : 'Not yet']
  return callerFinal.callStatus === 'completed'
    ? ['yes', 'Its leg was completed, which only an answered one is']
    : ['no', `Its leg ended with ${sipText(callerFinal.sipStatus, callerFinal.sipReason)}`]
}

function whoAnswered (facts: AttemptFacts): Said | undefined {
  const { call } = facts
  const { order, at } = call
  if (!order || order.voicemail === 'off' || at.answered === undefined) return undefined
  const found = voicemail(facts)
  if (call.voicemail) return ['because', `${capital(found!.shows)}: ${found!.seen}`]
  if (found) return ['unknown', 'Jambonz listened, and could not tell a person from a machine']
  return order.voicemail === 'agent'
    ? ['unknown', 'The agent did not say: docs/agents.md']
    : ['unknown', 'Jambonz said nothing. Without speech credentials its detection does not start, and no hook says so']
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** Why an outbound call ended with 487. */
export function why487OfCallee (facts: AttemptFacts): Said | undefined {
  const { call, callerFinal } = facts
  if (!isBeforeAnswer(call) || callerFinal?.sipStatus !== 487) return undefined
  if (call.hangupAt !== undefined) {
    return ['because', "The call was ended over an API while it rang. A 487 is the answer to Jambonz's CANCEL"]
  }
  const { forHow, limit } = calledFor(facts)
  return [
    'because',
    limit === undefined
      ? `It came after ${forHow}, and Jambonz had not cancelled: the carrier gave up by itself, or the call was ` +
        "cancelled over Jambonz's API"
      : `Nobody answered within ${limit}, and Jambonz cancelled: a 487 is the answer to its CANCEL`
  ]
}

/** Why there was no call hook: Jambonz sends one when the callee answers. */
export const whyNoCallHook = ({ call, overAt }: AttemptFacts, cause: Cause | undefined): Said | undefined =>
  call.facts.direction === 'outbound' && cause !== undefined && overAt !== undefined &&
    !call.hooks.some(({ hook }) => hook === 'call-hook') && !call.events.some(({ what }) => what === 'call hook')
    ? [
        'because',
        call.at.answered === undefined
          ? 'Jambonz sends it when the callee answers, and the callee did not'
          : `The callee answered, and the call was over ${duration(overAt - call.at.answered)} later`
      ]
    : undefined
