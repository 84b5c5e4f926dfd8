import type { LogLines } from '../log-lines.ts'
import { carrierFinal } from './carrier-finals.ts'
import { captured, type LoggedLine } from './log-rule.ts'

/** Whether the SBC sent the call to LiveKit Cloud and to nobody else, as far as its own lines tell. */
export const toLiveKit = (call: LogLines): boolean =>
  call.has(/^forwarding call to sip endpoint \S{1,200}\.sip\.livekit\.cloud\b/i) && !call.has(/^sending INVITE to /)

/** The status in a line of the side that was dialled, with what it means where that is no LiveKit. */
export function dialledWords (line: LoggedLine): string {
  const status = captured(line)
  return toLiveKit(line.call) ? status : statusWords(status)
}

/** A status with what a carrier means by it: `403: it does not allow this call`. */
export function statusWords (status: string): string {
  const code = Number(status)
  return code >= 300 && code < 700 ? `${status}: ${carrierFinal(code).means}` : status
}

/** What to do about it. */
export const dialledTodo = (line: LoggedLine): string =>
  toLiveKit(line.call) ? liveKitSteps(captured(line)) : unknownSteps(captured(line))

/** What to do about a status of LiveKit. */
export function liveKitSteps (status: string): string {
  const todo = liveKitTodo(status)
  return todo === undefined ? "Look at livekit-sip's log" : `LiveKit's reasons for ${status}: ${todo}`
}

/** What to do about a status where it is not known who was dialled: LiveKit's statuses have other reasons. */
export function unknownSteps (status: string): string {
  const livekit = liveKitTodo(status)
  const code = Number(status)
  const todo = code >= 300 && code < 700 ? settled(carrierFinal(code).todo) : "Look at the far end's own log"
  return livekit === undefined ? todo : `If it was a carrier: ${lowered(todo)}. If it was LiveKit: ${livekit}`
}

/** What to look at when LiveKit answers with a status; undefined where that says nothing. */
export const liveKitTodo = (status: string): string | undefined => LIVEKIT[status]

const settled = (text: string): string => text.replaceAll('{settings}', 'the carrier')
const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** What LiveKit means by a status (livekit/sip pkg/sip/inbound.go). */
const LIVEKIT: Readonly<Record<string, string>> = {
  400: 'the INVITE, its SDP first: PCMU or PCMA, and the same encryption as the trunk',
  401: 'the credentials of its inbound trunk',
  404: 'no trunk or no dispatch rule fits the call (bridge provision --plan)',
  407: 'give the dial the credentials of its inbound trunk',
  480: 'nobody joined the room in time',
  486: 'nobody joined the room in time, or the room was closed',
  488: 'offer PCMU or PCMA, and the same encryption as the trunk',
  500: 'livekit-sip could not open its side of the audio, or the INVITE had no SDP',
  503: 'it could not look up trunk and rule, two trunks fit the call, or a quota is used up'
}
