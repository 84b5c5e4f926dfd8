import { calledFor, calleeFinal, isUnnamed } from './callee.ts'
import type { CalleeCause } from './causes-of-callees.ts'
import type { AttemptFacts } from './facts.ts'

/*
 * What cannot be told apart in a call in which somebody is called.
 */

/** Reason and X- headers of a carrier's response are not in Jambonz's hooks. */
const OWN_WORDS = "What the carrier said besides its status: its Reason and X- headers are not in Jambonz's hooks. " +
  'A SIP trace has them'
export const WHO_ANSWERED_SO = 'Whether the callee or the carrier answered so'

export const DOUBTS_OF_CALLEES: Record<CalleeCause, (facts: AttemptFacts) => string[]> = {
  'callee-hung-up': () => [],
  'agent-gave-up': () => [
    "LiveKit's ringing timeout, an agent that removed the participant, and a room that was deleted look alike from " +
    "Jambonz's side: each is a CANCEL"
  ],
  'no-answer': doubtsOfNoAnswer,
  'number-unobtainable': facts => [
    ...calleeFinal(facts) === 404
      ? ['A number that does not exist and one that the carrier cannot route look alike: each is 404']
      : [],
    OWN_WORDS
  ],
  'carrier-failed': doubtsOfCarrier,
  'not-allowed': () => [],
  'not-placed': () => [],
  'machine-answered': ({ call: { voicemail } }) =>
    voicemail?.by === 'agent'
      ? ['Whether the agent was right']
      : ['A person who answers with a long sentence looks like a machine: Jambonz counts words']
}

function doubtsOfNoAnswer (facts: AttemptFacts): string[] {
  switch (calleeFinal(facts)) {
    case 480:
      return [
        'A phone that is off, one without coverage, and one that takes no calls look alike: each is 480',
        OWN_WORDS
      ]
    case 487:
    case undefined:
      return calledFor(facts).limit === undefined
        ? ['A carrier that gave up by itself and a call that was cancelled look alike: each is 487', OWN_WORDS]
        : []
    default:
      return [OWN_WORDS]
  }
}

function doubtsOfCarrier (facts: AttemptFacts): string[] {
  const status = calleeFinal(facts)
  const alike = status === 503 || status === 408
    ? ["A carrier that is down, one that has no free channel, and one that Jambonz's SBC does not reach look alike"]
    : []
  return [...alike, OWN_WORDS]
}

/** What stays open of somebody who was busy or declined. */
export const doubtsOfRefusal = (facts: AttemptFacts): string[] => [
  calleeFinal(facts) === 603
    ? "A callee who declines and a carrier without an outbound gateway look alike: for the latter Jambonz's SBC " +
      'answers 603 itself'
    : WHO_ANSWERED_SO,
  OWN_WORDS
]

/** Of an order that Jambonz never named. */
export const doubtsOfLostOrder = ({ call }: AttemptFacts): string[] =>
  isUnnamed(call)
    ? [
        'A request that Jambonz never got, one that it refused, and a call that it placed look alike: the callee may ' +
        'have been called, and may have met nobody'
      ]
    : []
