import { duration } from '../../diagnosis/facts.ts'
import { addressTag } from '../lenient-sip.ts'
import { header } from '../../sip/message.ts'
import { meaningOf, type KnownRefusal, type Refuser } from '../knowledge/finals.ts'
import type { Final, Leg } from '../leg.ts'
import { answererOf, type Naming } from '../parties.ts'
import { quote } from '../quote.ts'

/*
 * A refused call in words: who refused it as far as the response shows, what the status means, and what to do.
 */

const REFUSERS: Readonly<Record<Refuser, string>> = {
  drachtio: "Jambonz's SBC (drachtio)",
  'sbc-inbound': "Jambonz's SBC (sbc-inbound)",
  'feature-server': "Jambonz's feature-server",
  application: 'The application'
}

/** Who refused a call with what, when, and what that means. */
export function refusalText (leg: Leg, final: Final, naming: Naming, refusal?: KnownRefusal): string {
  const { status, reason, xReason } = final
  const who = refusal ? REFUSERS[refusal.by] : answererOf(leg)
  const xReasonText = xReason === undefined ? '' : ` and X-Reason "${quote(xReason)}"`
  const refused = `${who} refused the call with ${`${status} ${quote(reason)}`.trim()}${xReasonText}${whenText(leg)}.`
  const means = refusal?.says ?? `${status} means that ${meaningOf(status).means}.`
  return [
    refused,
    means,
    ...refusal ? [] : jambonzText(leg, status, naming)
  ].join(' ')
}

/** What to do about it, the likeliest first. */
export function refusalTodos (leg: Leg, { status }: Final, naming: Naming, refusal?: KnownRefusal): string[] {
  if (refusal) return [refusal.todo]

  const { todo: usual, jambonz } = meaningOf(status)
  const todo = status === 400 && excluded(leg, status) !== undefined ? OTHER_HEADERS : usual
  if (!jambonz || naming === 'unnamed') return [todo]
  const atJambonz = naming === 'named'
    ? jambonz.todo
    : `If ${answererOf(leg)} is Jambonz's SBC: ${lowerFirst(jambonz.todo)}`
  return excluded(leg, status) === undefined ? [atJambonz, todo] : [todo, atJambonz]
}

/** What is left of an INVITE that has Contact, and a tag in From. */
const OTHER_HEADERS = 'Look in the log of the server that answered for what it could not read; compare Via, To, ' +
  'Call-ID, CSeq and Content-Length with RFC 3261'

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** ` 300 ms after the INVITE, before it rang`, where the file shows it. */
function whenText ({ at, timed, invite, rings }: Leg): string {
  if (!invite) return ' (the files begin after its INVITE)'

  const { final = 0, ringing, invite: began = 0 } = at
  const after = timed ? ` ${duration(final - began)} after the INVITE` : ''
  if (ringing === undefined) return `${after}, before it rang`
  const rang = rings > 0 ? 'ringing' : 'early media'
  return timed ? `${after}, after ${duration(final - ringing)} of ${rang}` : `${after}, after ${rang}`
}

/** When Jambonz sends this status, where the leg is or may be one of Jambonz. */
function jambonzText (leg: Leg, status: number, naming: Naming): string[] {
  const { jambonz } = meaningOf(status)
  if (!jambonz || naming === 'unnamed') return []

  const known = naming === 'named' ? 'Jambonz' : `If ${answererOf(leg)} is Jambonz's SBC: it`
  const not = excluded(leg, status)
  return [`${known} sends ${status} when ${jambonz.when}.`, ...not === undefined ? [] : [not]]
}

/** How long sbc-inbound waits for feature-server before it answers 408 (RFC 3261, 64 * T1), milliseconds. */
const GIVES_UP_MS = 30_000

/** Why what Jambonz sends a status for is not the case here. */
function excluded ({ invite, at, timed }: Leg, status: number): string | undefined {
  if (!invite) return undefined
  if (status === 481 && addressTag(header(invite, 'to')) === undefined) {
    return 'This INVITE has none, so another server refused it, or one behind the SBC.'
  }
  if (status === 400 && header(invite, 'contact') !== undefined && addressTag(header(invite, 'from')) !== undefined) {
    return 'This INVITE has both, so something else in it, or a server behind the SBC, is the reason.'
  }
  const waitedMs = (at.final ?? 0) - (at.invite ?? 0)
  if (status === 408 && timed && waitedMs < GIVES_UP_MS) {
    return `This one came after ${duration(waitedMs)}, which is too soon for that: a server behind it, or a proxy, ` +
      'gave up.'
  }
  return undefined
}
