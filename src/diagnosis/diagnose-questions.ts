import { isAnnouncement, isDialled } from '../calls/fold/attempt-facts.ts'
import type { Attempt, Reply } from '../calls/fold/call.ts'
import type { Cause } from '../calls/fold/vocabulary.ts'
import { duration, since, sipText, type AttemptFacts } from './facts.ts'
import { isBeforeAnswer } from './callee.ts'
import { calleeAnswers, why487OfCallee, whyNoCallHook } from './callee-questions.ts'
import { leadsToOurRoom } from './far-end.ts'
import { QUESTIONS, type Answer, type Question, type Said } from './questions.ts'
import { announcementHeard, farEndAnswer, inviteSent, registered } from './far-end-questions.ts'
import { roomAnswers } from './room-questions.ts'

/** An unanswered call that is over within this time surprises people. */
const SOON_MS = 3000

/** Answers to what people ask of a call; of the questions that begin with why, only those that this call raises. */
export function answersTo (facts: AttemptFacts, cause: Cause | undefined): Answer[] {
  const said: Array<[Question, Said | undefined]> = [
    ...calleeAnswers(facts),
    ...(isBeforeAnswer(facts.call) ? [] : ofWay(facts, cause)),
    ['why-487', why487OfCallee(facts) ?? why487(facts)],
    ['why-480', why480(facts, cause)],
    ['why-so-soon', whySoSoon(facts, cause)],
    ['why-no-call-hook', whyNoCallHook(facts, cause)],
    ['why-no-action', whyNoAction(facts, cause)]
  ]
  return said.flatMap(([id, said]) => said ? [{ id, question: QUESTIONS[id], answer: said[0], says: said[1] }] : [])
}

/** What people ask depends on what the way leads to. */
function ofWay (facts: AttemptFacts, cause: Cause | undefined): Array<[Question, Said | undefined]> {
  const { attempt, call } = facts
  if (!attempt && call.facts.direction === 'agent') return [['invite-sent', inviteSent(facts, cause)]]
  if (attempt && isAnnouncement(attempt)) return [['announcement-heard', announcementHeard(facts)]]
  if (attempt && !isDialled(attempt)) return []
  if (leadsToOurRoom(attempt)) return [['invite-sent', inviteSent(facts, cause)], ...roomAnswers(facts)]
  return [
    ...(attempt?.strategy === 'retell' ? [['registered', registered(facts)] satisfies [Question, Said]] : []),
    ['invite-sent', inviteSent(facts, cause)],
    ['far-end-answer', farEndAnswer(facts)],
    // A carrier may lead to our LiveKit, which then shows who was there.
    ...(attempt?.room === undefined ? [] : roomAnswers(facts).slice(2))
  ]
}

function why487 ({ callerFinal, agentFinal, action, attempt, call, overAt }: AttemptFacts): Said | undefined {
  if (callerFinal?.sipStatus !== 487 && agentFinal?.sipStatus !== 487 && action?.dialSipStatus !== 487) return undefined
  const always = leadsToOurRoom(attempt)
    ? "LiveKit sends 487 only as the answer to Jambonz's CANCEL"
    : "A 487 is the answer to Jambonz's CANCEL"
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
    `Jambonz itself cancelled the dial${rangFor}: ${ringLimitOf(attempt)} was over, or the call was taken ` +
    `elsewhere. ${always}`
  ]
}

const ringLimitOf = (attempt: Attempt | undefined): string =>
  attempt && 'ringS' in attempt.way && attempt.way.ringS !== undefined
    ? `the way's \`ring\` of ${attempt.way.ringS} s`
    : 'DIAL_TIMEOUT_S'

function why480 (facts: AttemptFacts, cause: Cause | undefined): Said | undefined {
  const { call, callerFinal, agentFinal, action, attempt } = facts
  if (attempt?.way.strategy === 'decline') {
    return attempt.way.status === 480 ? ['because', 'The route declines such calls with 480'] : undefined
  }
  if (cause === 'reply-refused' && call.facts.direction !== 'outbound') {
    return [
      'because',
      'Jambonz rejects the caller with 480 and an X-Reason header when it cannot use a reply, and sends no event: ' +
      '`bridge calls <callSid> --fetch` has its alert'
    ]
  }
  if (agentFinal?.sipStatus === 480 || action?.dialSipStatus === 480) {
    const except = leadsToOurRoom(attempt) ? ': LiveKit itself has no 480 for an INVITE' : ''
    return ['because', `The far end, or Jambonz's SBC, answered 480${except}`]
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
  // How soon a callee decides is up to the callee.
  if (call.facts.direction !== 'inbound') return undefined
  if (cause === undefined || overAt === undefined || attempt?.answered || overAt - call.at.received > SOON_MS) {
    return undefined
  }
  if (attempt && !isDialled(attempt)) return undefined
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
  if (isBeforeAnswer(call)) return ['because', 'There was no dial: the callee had not answered']
  if (!attempt || cause === 'bridge-error' || cause === 'capacity' || cause === 'draining') {
    return ['because', 'There was no dial: the bridge declined the call']
  }
  if (attempt.strategy === 'decline') return ['because', 'There was no dial: the route declines such calls']
  if (cause === 'retell-failed') return ['because', 'There was no dial: Retell did not register the call']
  if (isAnnouncement(attempt)) {
    return ['because', 'Nobody was dialled. Jambonz asks what follows an announcement only where another way is left']
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
