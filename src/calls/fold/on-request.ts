import type { Call } from './call.ts'
import { note } from './duties.ts'
import { countLine } from './event-list.ts'
import type { EventOf } from './events.ts'

/*
 * What people, keys and agents ask for over the API, as the event list says it.
 */

/** The agent of a call, among the names of those who ask for something. No key may have it. */
const AGENT = 'agent'

/** Who said it, for the event list. */
export const saidBy = (by: string | undefined): 'agent' | 'operator' => by === AGENT ? 'agent' : 'operator'

/** Different refusals of a call that are remembered. */
const MOST_REFUSALS = 8

/** Somebody asked for something and was not allowed to. The call goes on as it was. */
export function onRefused (draft: Call, { at, operation, by, code }: EventOf<'refused'>): void {
  if (draft.phase === 'ended') return
  const line = { from: saidBy(by), what: 'refused', status: operation, by, detail: code }
  draft.events = countLine(draft.events, line, at, MOST_REFUSALS)
}

/** Digits were sent to a phone. Which ones is not known here: they may be a card number. */
export function onDigits (draft: Call, { at, by, to }: EventOf<'digits'>): void {
  if (draft.phase === 'ended') return
  note(draft, at, { from: saidBy(by), what: to === 'person' ? 'digits to the person' : 'digits', by })
}
