import type { End } from '../../calls/fold/call.ts'
import { duration } from '../../diagnosis/facts.ts'
import { header } from '../../sip/message.ts'
import { carrierFinal, type CarrierFinal } from '../knowledge/carrier-finals.ts'
import { carrierOf, type Carrier } from '../knowledge/carriers.ts'
import { jambonzFinal } from '../knowledge/jambonz-finals.ts'
import type { Leg } from '../leg.ts'
import { failedTransferText } from '../moved-call.ts'
import type { OutgoingVerdict } from '../outgoing.ts'
import { quote } from '../quote.ts'
import { isLiveKitHost, isNumber } from '../roles.ts'
import { transferOf } from '../transfer.ts'
import { finalResponse } from './carrier-said.ts'

/** What is said of how a leg to a carrier ended. */
interface OutgoingWords {
  seen: string
  todo?: string
}

/** Who dialled this leg. */
export function diallerOf ({ role, invite, ends }: Leg): string {
  if (role === 'livekit-out') return 'LiveKit'
  const names = ['x-call-sid', 'x-account-sid', 'x-cid', 'x-lk-call', 'x-jambonz-routing']
  const isJambonz = invite !== undefined && (
    names.some(name => header(invite, name) !== undefined) || /jambonz/i.test(header(invite, 'user-agent') ?? '')
  )
  return isJambonz ? 'Jambonz' : ends?.source.address ?? 'the dialling side'
}

export const carrierIn = (leg: Leg): Carrier | undefined => {
  const response = finalResponse(leg)
  return carrierOf(leg.host, response && (header(response, 'server') ?? header(response, 'user-agent')))
}

/** Who was dialled: `the carrier (Twilio, example.pstn.twilio.com)`. */
export function farEndOf (leg: Leg): string {
  const names = [carrierIn(leg)?.name, leg.host === '' ? undefined : leg.host].filter(name => name !== undefined)
  const who = nounOf(leg)
  return names.length === 0 ? who : `${who} (${names.join(', ')})`
}

function nounOf (leg: Leg): string {
  if (leg.toJambonz) return 'Jambonz'
  if (isSelfDial(leg)) return "LiveKit's own inbound side"
  if (leg.unsure || (!isNumber(leg.user) && !carrierIn(leg))) return 'the far end'
  return leg.toSbc ? "the carrier, or Jambonz's SBC before it," : 'the carrier'
}

/** LiveKit was told to dial itself. */
export const isSelfDial = ({ role, host }: Leg): boolean => role === 'livekit-out' && isLiveKitHost(host)

const SETTINGS: Readonly<Record<string, string>> = {
  LiveKit: "LiveKit's outbound trunk",
  Jambonz: "Jambonz's carrier settings"
}

function settled (text: string, leg: Leg): string {
  const settings = leg.unsure ? undefined : SETTINGS[diallerOf(leg)]
  return text.replaceAll('{settings}', settings ?? 'the settings of the dialling side')
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** ` 300 ms after it`, where the files show the INVITE and have times. */
const since = ({ at, timed, invite }: Leg, when: number | undefined, rest: string): string =>
  timed && invite && when !== undefined ? ` ${duration(when - (at.invite ?? when))}${rest}` : ''

/** ` of ringing` and the like behind how long it lasted, where the files have times. */
const lasting = ({ timed }: Leg, from: number | undefined, to: number | undefined): string | undefined =>
  timed && from !== undefined && to !== undefined ? duration(to - from) : undefined

/** How a leg to a carrier ended, in words. */
export function outgoingWords (leg: Leg, verdict: OutgoingVerdict, endAt: number): OutgoingWords {
  switch (verdict.outcome) {
    case 'refused':
      return refusedWords(leg)
    case 'cancelled':
      return verdict.end?.cause === 'caller-gave-up'
        ? { seen: 'The caller gave up (CANCEL) while Jambonz was calling the number.' }
        : cancelledWords(leg)
    case 'unanswered':
      return unansweredWords(leg, endAt)
    case 'ended':
      return { seen: endedWords(leg, verdict.end) }
    case 'going':
      return { seen: goingWords(leg, endAt) }
  }
}

function refusedWords (leg: Leg): OutgoingWords {
  const { final, at, rings, challenged } = leg
  const { status = 0, reason = '' } = final ?? {}
  const rang = at.ringing !== undefined
  const known = (leg.toJambonz ? jambonzFinal : carrierFinal)(status, {
    authorized: challenged && sentCredentials(leg),
    challenges: challengesIn(leg),
    rang
  })
  const answer = quote(`${status} ${reason}`.trim())
  const sound = rings > 0 ? 'ringing' : 'early media'
  const length = lasting(leg, at.ringing, at.final)
  const ring = length === undefined ? '' : ` and after ${length} of ${sound}`
  const after = since(leg, at.final, ` after it${ring}`)
  const what = `${capital(farEndOf(leg))} answered ${diallerOf(leg)}'s INVITE with ${answer}${after && `,${after}`}`
  if (isSelfDial(leg)) return { seen: `${what}.` }
  return {
    seen: `${what}: ${inWords(known, leg)}`,
    todo: settled(known.todo, leg)
  }
}

/** Where headers are not known, an INVITE after the challenge counts as one with credentials. */
const sentCredentials = ({ authorized, startLinesOnly, messages, repeats }: Leg): boolean =>
  authorized || (startLinesOnly && messages.filter(({ message }) =>
    message.kind === 'request' && message.method === 'INVITE'
  ).length > repeats + 1)

function challengesIn (leg: Leg): boolean {
  const response = finalResponse(leg)
  return response === undefined || leg.startLinesOnly ||
    ['www-authenticate', 'proxy-authenticate'].some(name => header(response, name) !== undefined)
}

function inWords ({ means, reasons }: CarrierFinal, leg: Leg): string {
  const usual = reasons === undefined ? '' : ` Usual reasons: ${reasons}.`
  return settled(`${means}.${usual}`, leg)
}

function cancelledWords (leg: Leg): OutgoingWords {
  const { at } = leg
  const dialler = diallerOf(leg)
  const length = lasting(leg, at.ringing, at.cancel)
  const rung = length === undefined ? 'it had rung' : `it had rung for ${length}`
  const rang = at.ringing === undefined ? 'it had not rung' : rung
  const why = dialler === 'LiveKit'
    ? 'CANCEL does not say why: the ringing timeout was over, the agent removed the participant, or the room was closed'
    : 'CANCEL does not say why: the dial timeout was over, the caller had left, or somebody ended the call'
  return {
    seen: `${capital(dialler)} cancelled the call${since(leg, at.cancel, ' after the INVITE')} (CANCEL, 487); ` +
      `${rang}. Nobody had answered. ${why}.`,
    todo: dialler === 'LiveKit'
      ? 'If the phone should ring for longer, raise ringing_timeout of CreateSIPParticipant, and keep the agent in ' +
        'the room'
      : 'If the phone should ring for longer, raise the timeout of the dial'
  }
}

function unansweredWords (leg: Leg, endAt: number): OutgoingWords {
  const times = leg.repeats > 0 ? `, which was sent ${leg.repeats + 1} times` : ''
  const transport = leg.transport === undefined ? '' : ` over ${leg.transport.toUpperCase()}`
  const waited = since(leg, leg.at.cancel ?? endAt, '')
  return {
    seen: `Nothing came back to ${diallerOf(leg)}'s INVITE to ${farEndOf(leg)}${transport}${times}` +
      `${waited && `, for${waited}`}.`,
    todo: settled(
      'Check host, port and transport in {settings}, and the firewalls between; some carriers do not answer an ' +
        'address that they do not know',
      leg
    )
  }
}

function goingWords (leg: Leg, endAt: number): string {
  const { at, invite, repeats, challenged } = leg
  if (at.answered !== undefined || !invite) return 'The call had not ended when the files end.'
  const ends = `The files end${since(leg, endAt, '')} after ${diallerOf(leg)}'s INVITE to ${farEndOf(leg)}`
  if (at.ringing !== undefined) return `${ends}: it was ringing, and nobody had answered yet.`
  if (at.trying !== undefined || challenged) return `${ends}: no final answer had come by then.`
  return `${ends}: nothing had come back by then${repeats > 0 ? `, and it had been sent ${repeats + 1} times` : ''}.`
}

function endedWords (leg: Leg, end: End | undefined): string {
  const { at } = leg
  const length = lasting(leg, at.answered, at.bye)
  const talk = length === undefined ? '' : ` after ${length} of talk`
  switch (end?.cause) {
    case 'lost':
      return 'One side hung up; the files begin too late to show which.'
    case 'caller-hung-up':
      return `The caller hung up${talk}.`
    case 'callee-hung-up':
      return `The called side hung up${talk}.`
    case 'transferred':
      return `${diallerOf(leg)} transferred the call${talk}.`
    case 'transfer-failed':
      return failedTransferText(leg, transferOf(leg)!, diallerOf(leg) === 'Jambonz' ? 'named' : 'unnamed')
    default:
      return leg.role === 'livekit-out'
        ? `LiveKit hung up${talk}: the agent ended the call, or the participant or the room was removed.`
        : `${capital(diallerOf(leg))} hung up${talk}: its other side had left, or somebody ended the call.`
  }
}
