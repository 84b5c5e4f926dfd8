import type { Call } from '../calls/fold/call.ts'
import type { Direction } from '../calls/fold/vocabulary.ts'

/*
 * The texts of a diagnosis are written for a call that comes in: its first leg is the caller's, and Jambonz dials the
 * agent's. Where somebody is called, the same legs belong to others. Of an outbound call the first leg is the callee's.
 * Of a call that an agent makes, the first leg is LiveKit's, and Jambonz dials the callee. Where a person is called for
 * somebody else, the caller of that other call is "the caller of the transfer", and "the caller's room" is theirs.
 */

type Term = [pattern: RegExp, instead: string]

const TERMS: Record<Direction, Term[]> = {
  inbound: [],
  outbound: [
    [/^Was the INVITE sent\?$/, 'Was the INVITE to the agent sent?'],
    [/\bcaller(s?)\b(?! id|'s room| of the transfer)/g, 'callee$1'],
    [/\bCaller(s?)\b(?! id)/g, 'Callee$1']
  ],
  agent: [
    [/\bagent leg\b/g, 'callee leg'],
    [/\bcaller leg\b/g, 'LiveKit leg'],
    [/\bthe far end\b/g, 'the callee'],
    [/\bThe far end behind the carrier\b|\bThe number that was dialled\b|\bThe far end\b/g, 'The callee'],
    [/\b[Tt]he caller\b|\bcaller\b(?! id)/g, 'LiveKit']
  ]
}

/** A callee who is called for a transfer. */
const OF_PERSON: Term[] = [
  [/\bcallee(s?)\b/g, 'person$1'],
  [/\bCallee(s?)\b/g, 'Person$1']
]

/** An order is older than the call hook, which comes when the callee answers. */
const SINCE_ORDER: Term[] = [
  [/\bafter the call hook\b/g, 'after the order'],
  [/\bof the call hook\b/g, 'of the order']
]

/** Returns a function that says a text in the words of a call. */
export function wordsOf ({ facts, order }: Call): (text: string) => string {
  const terms = [...TERMS[facts.direction], ...order?.transfer ? OF_PERSON : [], ...order ? SINCE_ORDER : []]
  return text => terms.reduce((text, [pattern, instead]) => text.replace(pattern, instead), text)
}
