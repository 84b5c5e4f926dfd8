import { isDialled } from '../calls/fold/attempt-facts.ts'
import type { Attempt, Call, End } from '../calls/fold/call.ts'
import { openRequest, outcomeOf, transfersOf } from '../calls/fold/transfers.ts'
import {
  TRANSFER_REASONS,
  type Cause,
  type EndedBy,
  type TransferReason,
  type WaitingOn
} from '../calls/fold/vocabulary.ts'
import type { Strategy } from '../calls/fold/way.ts'
import { waitingOn as waitingOnOf } from '../calls/fold/unanswered-cause.ts'
import { isBeforeAnswer } from './callee.ts'
import { CATALOGUE, type CatalogueEntry, type NextStep } from './causes-catalogue.ts'
import { notToldApart } from './diagnose-doubts.ts'
import { evidenceFor, evidenceOfCall, evidenceSoFar } from './diagnose-evidence.ts'
import { answersTo } from './diagnose-questions.ts'
import { summaryOf, summarySoFar } from './diagnose-summary.ts'
import { attemptFacts, HARDLY_HEARD_MS, type AttemptFacts } from './facts.ts'
import { attemptsAtAgents, decidingAttempt, pathOf, type Naming } from './far-end.ts'
import type { Answer } from './questions.ts'
import type { Evidence } from './signals/evidence.ts'
import { stepsOfReason } from './reasons-of-transfers.ts'
import { stepsOfTransfers } from './transfer-steps.ts'
import { purposeInWords, transfersInWords } from './transfer-summary.ts'
import { wordsOf } from './words.ts'
import { STEPS_OF_WAY } from './way-steps.ts'

/** How an attempt before the one that decided ended. */
export interface EarlierAttempt {
  attempt: number
  strategy: Attempt['strategy']
  cause: Cause
  summary: string
  evidence: Evidence[]
  nextSteps: NextStep[]
}

/** Why a call ended as it did, or what one under way waits for. */
export interface Diagnosis {
  callSid: string
  /** Name of the route that the call matched. */
  route?: string
  /** Absent while the call is under way. */
  cause?: Cause
  by?: EndedBy
  waitingOn: WaitingOn
  sipStatus?: number
  /** `ok`: as calls end; `warning`: it went well in the end, or was declined on purpose; `failed`. */
  severity: CatalogueEntry['severity']
  /** One sentence of how the call ended, behind one that names its attempts where there were several. No numbers. */
  summary: string
  /** What the cause means in general; absent while the call is under way. */
  meaning?: string
  /** What decides, in the order of time. */
  evidence: Evidence[]
  answers: Answer[]
  nextSteps: NextStep[]
  /** What else would look the same in this call. */
  notToldApart: string[]
  earlierAttempts: EarlierAttempt[]
}

/** Explains a call by what is known of it. Pure. */
export function diagnose (call: Call, naming: Naming = 'with names'): Diagnosis {
  return inWords(judged(call, naming), wordsOf(call))
}

/** A diagnosis with every text in the words of its call. */
function inWords (diagnosis: Diagnosis, say: (text: string) => string): Diagnosis {
  const { summary, meaning, evidence, answers, nextSteps, notToldApart, earlierAttempts } = diagnosis
  const seen = (evidence: Evidence) => ({ ...evidence, seen: say(evidence.seen), shows: say(evidence.shows) })
  const step = (step: NextStep) => ({ ...step, todo: say(step.todo) })
  return {
    ...diagnosis,
    summary: say(summary),
    ...(meaning === undefined ? {} : { meaning: say(meaning) }),
    evidence: evidence.map(seen),
    answers: answers.map(answer => ({ ...answer, question: say(answer.question), says: say(answer.says) })),
    nextSteps: nextSteps.map(step),
    notToldApart: notToldApart.map(say),
    earlierAttempts: earlierAttempts.map(attempt => ({
      ...attempt,
      summary: say(attempt.summary),
      evidence: attempt.evidence.map(seen),
      nextSteps: attempt.nextSteps.map(step)
    }))
  }
}

function judged (call: Call, naming: Naming): Diagnosis {
  const deciding = decidingAttempt(call)
  const facts = attemptFacts(call, deciding)
  const { end } = call
  const isTalking = talks(call)
  const open = isTalking || isBeforeAnswer(call) ? 'none' : waitingOnOf(call, facts.attempt)
  // What became of a person who was dialled is said of the transfer.
  const before = attemptsAtAgents(call).filter(({ n }) => deciding !== undefined && n < deciding.n)
  const earlierAttempts = call.order?.transfer
    ? []
    : before.flatMap(attempt => attempt.end ? [earlier(call, attempt, attempt.end, naming)] : [])
  const about = {
    callSid: call.callSid,
    ...(call.route?.name === undefined ? {} : { route: call.route.name })
  }
  if (!end) {
    return {
      ...about,
      waitingOn: open,
      severity: 'ok',
      summary: joined([pathOf(call, naming), purposeInWords(call), summarySoFar(facts, open)]),
      evidence: evidenceSoFar(facts),
      answers: answersTo(facts, undefined),
      nextSteps: isTalking || isBeforeAnswer(call)
        ? []
        : stepsFor({ cause: 'caller-gave-up', waitingOn: open }, { callSid: call.callSid }),
      notToldApart: [],
      earlierAttempts
    }
  }
  const { cause, by, waitingOn, sipStatus } = end
  const known = CATALOGUE[cause]
  const failedBefore = earlierAttempts.some(({ cause }) => CATALOGUE[cause].severity === 'failed') ||
    transfersOf(call).some(transfer => FAILURES.has(outcomeOf(transfer)?.reason))
  return {
    ...about,
    cause,
    by,
    waitingOn,
    ...(sipStatus === undefined ? {} : { sipStatus }),
    severity: severityOf(call, end) === 'ok' && (failedBefore || facts.attempt?.degraded || hardlyHeard(facts))
      ? 'warning'
      : severityOf(call, end),
    summary: joined([
      pathOf(call, naming),
      purposeInWords(call),
      summaryOf(end, facts, naming),
      transfersInWords(call),
      facts.attempt?.degraded
        ? "The bridge could not create the room, so the dispatch rule's agent got the call, without its metadata."
        : undefined
    ]),
    meaning: known.meaning,
    evidence: evidenceOfCall(cause, facts),
    answers: answersTo(facts, cause),
    nextSteps: unique([
      ...facts.attempt?.degraded ? [MAKE_ROOMS] : [],
      ...stepsOfEnd(call, end, facts.attempt),
      ...earlierAttempts.flatMap(({ nextSteps }) => nextSteps),
      ...stepsOfTransfers(call, (cause, callSid) => stepsFor({ cause, waitingOn: 'none' }, { callSid })),
      ...stepsOfSide(facts, cause)
    ]),
    notToldApart: notToldApart(cause, facts),
    earlierAttempts
  }
}

const talks = (call: Call): boolean =>
  call.phase === 'connected' || call.phase === 'transferring' || openRequest(call) !== undefined

/** What a call under way waits for; `none` when somebody talks, or when it has not come to an agent yet. */
export const waitsFor = (call: Call): WaitingOn =>
  talks(call) || isBeforeAnswer(call) ? 'none' : waitingOnOf(call, decidingAttempt(call))

/** Reasons of transfers about which somebody should do something. */
const FAILURES: ReadonlySet<TransferReason | undefined> = new Set(['refused', 'error'])

/**
 * A refusal that the route asks for is no failure, nor is a callee who does not take a call. A callee who answered and
 * met nobody is one.
 */
function severityOf ({ facts }: Call, { cause, by, waitingOn }: End): CatalogueEntry['severity'] {
  const isRefusal = cause === 'busy' || cause === 'declined'
  if (isRefusal && (by === 'bridge' || facts.direction !== 'inbound')) return 'ok'
  if (cause === 'callee-hung-up' && waitingOn !== 'none') return 'failed'
  return CATALOGUE[cause].severity
}

const hardlyHeard = ({ announcedMs }: AttemptFacts): boolean =>
  announcedMs !== undefined && announcedMs < HARDLY_HEARD_MS

const joined = (sentences: ReadonlyArray<string | undefined>): string =>
  sentences.filter(sentence => sentence !== undefined).join(' ')

/** Whether somebody should look at a call that has ended. */
export const isFailure = (call: Call): boolean => call.end !== undefined && severityOf(call, call.end) !== 'ok'

/** What a log may hold of a call's diagnosis: no numbers, names, tokens, nor anybody else's text. */
export function logFields (call: Call): Record<string, unknown> {
  const { cause, by, waitingOn, sipStatus, summary, evidence, nextSteps } = diagnose(call, 'without names')
  return {
    cause,
    by,
    waitingOn,
    sipStatus,
    summary,
    signals: evidence.map(({ signal }) => signal),
    next: nextSteps[0]?.todo
  }
}

function earlier (call: Call, attempt: Attempt, end: End, naming: Naming): EarlierAttempt {
  const facts = attemptFacts(call, attempt)
  return {
    attempt: attempt.n,
    strategy: attempt.strategy,
    cause: end.cause,
    summary: summaryOf(end, facts, naming),
    evidence: evidenceFor(end.cause, facts),
    nextSteps: wasLeftForPerson(attempt, end)
      ? []
      : stepsFor(end, { callSid: call.callSid, strategy: attempt.strategy })
  }
}

/** LiveKit keeps the room of a caller who is away for a transfer only for a while: nobody deleted it. */
const wasLeftForPerson = ({ answered }: Attempt, { cause }: End): boolean => cause === 'room-closed' && answered

/** What to do about the end of a call. That a person is busy is no fault of the call to them. */
function stepsOfEnd (call: Call, end: End, attempt: Attempt | undefined): NextStep[] {
  const { callSid, order } = call
  const reason = TRANSFER_REASONS.find(reason => reason === end.cause)
  if (end.cause === 'no-agent' && attempt?.warm) return [WAITING_AGENT, ...stepsFor(end, { callSid })]
  return order?.transfer && reason !== undefined
    ? stepsOfReason(reason, order.transfer.mode)
    : stepsFor(end, { callSid, strategy: attempt?.strategy })
}

/** What a caller who gave up was waiting for is what is to be mended. */
const BEHIND: Partial<Record<WaitingOn, Cause>> = {
  sip: 'sip-unreachable',
  route: 'livekit-no-route',
  agent: 'no-agent',
  'agent-audio': 'agent-without-audio'
}

const ANSWER_FASTER: NextStep[] = [
  {
    todo:
      "Answer the call hook sooner. The metrics show how long LiveKit's API takes (hook to reply): run the bridge " +
      'near LiveKit, and lower LIVEKIT_TIMEOUT_MS'
  },
  { todo: 'If hooks are slow before they reach the bridge, check the load balancer and TLS in front of it' }
]

const MAKE_ROOMS: NextStep = {
  todo:
    "Find out why LiveKit's API could not create the room: check LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET " +
    'and the clock of this machine',
  command: 'bridge doctor --only livekit-api'
}

const WAITING_AGENT: NextStep = {
  todo: "Look in the worker's log for why the waiting agent was gone: a crash, a deployment that ended jobs, or an " +
    'agent that does not wait long enough',
  command: 'bridge doctor --only warm-agents'
}

/**
 * What to do about an end, the most likely first. Pure.
 * @param about.callSid for commands that name the call
 * @param about.strategy how the attempt connected
 */
export function stepsFor (
  { cause, waitingOn, sipStatus }: Pick<End, 'cause' | 'waitingOn' | 'sipStatus'>,
  { callSid, strategy }: { callSid?: string, strategy?: Strategy | undefined } = {}
): NextStep[] {
  const waited = cause === 'caller-gave-up' || cause === 'callee-hung-up'
  const behind = waited ? BEHIND[waitingOn] : undefined
  const steps = waited && waitingOn === 'hook'
    ? ANSWER_FASTER
    : fixFor(behind ?? cause, strategy)
  const fitting = cause === 'livekit-failed' ? steps.filter(step => fitsFailure(step, sipStatus)) : steps
  return fitting.map(step =>
    step.command === undefined || callSid === undefined
      ? step
      : { ...step, command: step.command.replace('<callSid>', callSid) }
  )
}

const fixFor = (cause: Cause, strategy: Strategy | undefined): NextStep[] =>
  (strategy && STEPS_OF_WAY[cause]?.[strategy]) ?? CATALOGUE[cause].fix

/** A refused call and a room that could not be created are both `livekit-failed`, and need different steps. */
function fitsFailure ({ todo }: NextStep, sipStatus: number | undefined): boolean {
  if (todo.startsWith('486')) return sipStatus === 486
  return todo.startsWith('If the room') ? sipStatus === undefined : true
}

/** Where one side was not heard at all, that is worth mending, too. */
function stepsOfSide ({ attempt, call, livekitKnown, undialled }: AttemptFacts, cause: Cause): NextStep[] {
  const steps: NextStep[] = []
  if (CATALOGUE[cause].severity === 'ok' || undialled || (attempt && !isDialled(attempt))) return steps
  if (attempt?.strategy === 'room' && !attempt.view.events && cause !== 'lost' && cause !== 'dial-timeout') {
    steps.push({
      todo: `Have LiveKit send its webhooks to <PUBLIC_URL>/livekit-events${
        livekitKnown ? '' : ': nothing is known about its side of this call'
      }`
    })
  }
  if (!call.caller.seen && attempt && cause !== 'lost') {
    steps.push({
      todo: "Set the Jambonz application's status hook to <PUBLIC_URL>/status#rc=2&rp=all, method POST: no status of " +
        'this call came'
    })
  }
  return steps
}

const unique = (steps: readonly NextStep[]): NextStep[] =>
  steps.filter(({ todo }, i) => steps.findIndex(other => other.todo === todo) === i)
