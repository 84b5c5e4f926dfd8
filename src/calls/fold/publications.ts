import type { Call } from './call.ts'
import { owe } from './duties.ts'
import type { Rules } from './rules.ts'
import { outcomeOf, transfersOf } from './transfers.ts'

/*
 * What the user's systems are notified of. Each event is owed once, in the commit that brings it about, so that no
 * crash comes between. The order of this list is the order of the events of one commit.
 */
export const PUBLICATIONS = [
  'call.started',
  'call.answered',
  'call.transfer_finished',
  'call.ended',
  'call.dial_finished'
] as const
export type Publication = typeof PUBLICATIONS[number]

/** Whether it comes about when the record of the call ends. */
const COMES_WITH_THE_END: Partial<Record<Publication, (call: Call) => boolean>> = {
  'call.ended': () => true,
  'call.dial_finished': ({ facts }) => facts.direction === 'outbound'
}

/** The names of its events that have come about. */
function happened (publication: Publication, call: Call): string[] {
  switch (publication) {
    case 'call.started':
      // Under the id of its order a call has not begun, and may go on under its call_sid.
      return call.callSid === call.order?.id ? [] : [nameOf(call, publication)]
    case 'call.answered':
      return call.at.answered === undefined ? [] : [nameOf(call, publication)]
    case 'call.transfer_finished':
      return finishedTransfers(call).map(n => named(publication, n))
    case 'call.ended':
    case 'call.dial_finished':
      return call.phase === 'ended' && COMES_WITH_THE_END[publication]!(call) ? [nameOf(call, publication)] : []
  }
}

/**
 * The end of an order was told before its call had a name. The call is not told a second time, unless its beginning was
 * told already.
 */
export function endWasTold (draft: Call): void {
  const published = draft.published ?? []
  const isBegun = published.includes('call.started')
  draft.published = isBegun ? [...published, 'call.dial_finished'] : [...PUBLICATIONS]
}

/**
 * Owes the events that have come about and were not owed before. A call that began while nobody was to be notified
 * stays silent: an event about its beginning would come long after it.
 * @param before the call before the latest event
 */
export function owePublications (before: Call | undefined, draft: Call, at: number, rules: Rules): void {
  if (!rules.publishes) return
  if (before === undefined) draft.published ??= []
  if (!draft.published) return

  if (before !== undefined && before.earlier.length < draft.earlier.length) {
    // The hook that brought the call back may have been the first word of its end.
    for (const publication of PUBLICATIONS) {
      if (COMES_WITH_THE_END[publication]?.(before)) publish(draft, nameOf(before, publication), at)
    }
  }
  for (const publication of PUBLICATIONS) {
    for (const name of happened(publication, draft)) publish(draft, name, at)
  }
}

/** The transfers that are over, by their numbers from 1: another one may have begun, or the call been brought back. */
function finishedTransfers (call: Call): number[] {
  const all = transfersOf(call)
  const before = (call.transfers ?? all.length) - all.length
  return all.flatMap((transfer, i) => {
    const outcome = outcomeOf(transfer)
    // What it came to in truth may have been told before it was forgotten.
    const isUnknown = transfer.adopted && outcome?.reason === 'error'
    return outcome && !isUnknown ? [before + i + 1] : []
  })
}

function publish (draft: Call, name: string, at: number): void {
  if (draft.published!.includes(name)) return
  draft.published!.push(name)
  owe(draft, at, { kind: 'publish', target: name, due: at })
}

/** A call has several records when it comes back. It was dialled once. */
function nameOf (call: Call, publication: Publication): string {
  if (publication === 'call.dial_finished') return publication
  return named(publication, call.earlier.length + 1)
}

const named = (publication: Publication, n: number): string => n === 1 ? publication : `${publication}:${n}`

/** What the name of an event says: its type, and which one of that type it is, from 1. */
export interface PublicationName {
  type: Publication
  n: number
}

/** @returns undefined when the text is not the name of an event */
export function readName (name: string): PublicationName | undefined {
  const [text, n = '1', ...more] = name.split(':')
  const type = PUBLICATIONS.find(publication => publication === text)
  if (type === undefined || more.length > 0 || !/^[1-9]\d{0,3}$/.test(n)) return undefined
  return { type, n: Number(n) }
}
