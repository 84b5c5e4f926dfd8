import type { Call } from './call.ts'
import { owe } from './duties.ts'
import type { Rules } from './rules.ts'

/*
 * What the user's systems are told of a call. Each event is owed once, in the commit that brings it about, so that no
 * crash comes between. The order of this list is the order in which the events of one commit are told.
 */
export const PUBLICATIONS = [
  'call.started',
  'call.answered',
  'call.transfer_finished',
  'call.ended',
  'call.dial_finished'
] as const
export type Publication = typeof PUBLICATIONS[number]

/** Whether it has come about. */
const HAPPENED: Record<Publication, (call: Call) => boolean> = {
  // Under the id of its order a call has not begun, and may go on under its call_sid.
  'call.started': call => call.callSid !== call.order?.id,
  'call.answered': call => call.at.answered !== undefined,
  'call.transfer_finished': call => call.transfer?.result !== undefined,
  'call.ended': call => call.phase === 'ended',
  'call.dial_finished': call => call.phase === 'ended' && call.facts.direction === 'outbound'
}

/** Marks a call of which nothing more is told: its end was told before it had a name. */
export function tellNothing (draft: Call): void {
  draft.published = [...PUBLICATIONS]
}

/** Owes the events that have come about and were not owed before. */
export function owePublications (draft: Call, at: number, rules: Rules): void {
  if (!rules.publishes) return
  for (const publication of PUBLICATIONS) {
    const name = nameOf(draft, publication)
    if (!HAPPENED[publication](draft) || draft.published?.includes(name)) continue
    draft.published = [...draft.published ?? [], name]
    owe(draft, at, { kind: 'publish', target: name, due: at })
  }
}

/** A call has several transfers, one after another, and several records when it comes back. It was dialled once. */
function nameOf (draft: Call, publication: Publication): string {
  if (publication === 'call.dial_finished') return publication
  const n = publication === 'call.transfer_finished' ? draft.transfers ?? 1 : draft.earlier.length + 1
  return n === 1 ? publication : `${publication}:${n}`
}
