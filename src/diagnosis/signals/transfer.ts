import type { EventLine } from '../../calls/fold/event-list.ts'
import type { Call } from '../../calls/fold/call.ts'
import { outcomeOf, transfersOf, type Transfer } from '../../calls/fold/transfers.ts'
import type { AttemptFacts } from '../facts.ts'
import { sentenceOf } from '../transfer-summary.ts'
import type { Evidence } from './evidence.ts'

/*
 * Evidence about transfers that were asked for over the API: the request, what the person's call told, the key, and
 * the result.
 */

/** All evidence about the transfers of a call. */
export function transfers ({ call }: AttemptFacts): Evidence[] {
  const requested = transfersOf(call).filter(({ request }) => request !== undefined)
  return [
    ...requested.map(transfer => asked(call, transfer)),
    ...call.events.flatMap(line => ofLine(line) ?? []),
    ...requested.flatMap(transfer => decided(call, transfer))
  ]
}

function asked ({ events }: Call, transfer: Transfer): Evidence {
  const { at, request } = transfer
  const line = events.findLast(({ what, first }) => what === `transfer ${request!.mode}` && first <= at)
  return {
    signal: 'transfer',
    at: line?.first ?? at,
    seen: `${request!.mode} transfer asked for by ${request!.requestedBy}`,
    shows: 'the caller was to be handed to a person'
  }
}

function decided (call: Call, transfer: Transfer): Evidence[] {
  const outcome = outcomeOf(transfer)
  if (!outcome) return []
  const { at, result, reason } = outcome
  const shows = asClause(sentenceOf(call, transfer))
  return [{ signal: 'transfer-result', at, seen: `transfer ${result}, ${reason}`, shows }]
}

/** What a sentence says, as the end of another one. */
const asClause = (sentence: string): string => `${sentence.charAt(0).toLowerCase()}${sentence.slice(1, -1)}`

function ofLine (line: EventLine): Evidence | undefined {
  const { what, from, status = '', first: at, detail } = line
  if (from === 'person' && what === 'person') {
    const end = detail === undefined ? '' : ` (${detail})`
    const shows = PERSON[status] ?? 'the person was on the way to the caller'
    return { signal: 'person', at, seen: `call of the person: ${status}${end}`, shows }
  }
  if (what === 'key') {
    return { signal: 'key', at, seen: `/screen-digit: ${status}`, shows: KEYS[status] ?? 'a key came' }
  }
  if (what === 'redirect failed' || what === 'merge failed') {
    return {
      signal: 'redirect-failed',
      at,
      seen: `${what}: ${detail ?? WHY[what]}`,
      shows: what === 'merge failed'
        ? 'the person stayed in the consultation'
        : 'the leg of the caller stayed where it was'
    }
  }
  return undefined
}

const WHY = {
  'redirect failed': 'Jambonz did not redirect the leg',
  'merge failed': 'the person was not connected in time'
}

const PERSON: Partial<Record<string, string>> = {
  calling: 'Jambonz was asked to call the person',
  ringing: "the person's phone rang, or the carrier said so",
  answered: 'a person or a machine answered',
  consulting: 'the person was connected with an agent',
  joining: 'the person was being connected with the caller',
  joined: "the person was in the caller's room",
  ended: 'the call of the person was over'
}

const KEYS: Partial<Record<string, string>> = {
  accepted: 'the person took the call',
  declined: 'the person did not take the call',
  none: 'no key came before the time for it was over'
}
