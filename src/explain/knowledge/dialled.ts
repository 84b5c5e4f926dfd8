import { carrierFinal } from './carrier-finals.ts'

/** A status of whoever was dialled, with what it means: `403: it does not allow this call`. */
export function dialledWords (status: string): string {
  const code = Number(status)
  return code >= 300 && code < 700 ? `${status}: ${carrierFinal(code).means}` : status
}

/** What to do about it; LiveKit's own statuses have reasons of their own. */
export function dialledTodo (status: string): string {
  const code = Number(status)
  const todo = code >= 300 && code < 700 ? settled(carrierFinal(code).todo) : "Look at the far end's own log"
  const livekit = LIVEKIT[status]
  return livekit === undefined ? todo : `If it was a carrier: ${lowered(todo)}. If it was LiveKit: ${livekit}`
}

const settled = (text: string): string => text.replace(/\{settings\}/g, 'the carrier')
const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** What LiveKit means by a status (livekit/sip pkg/sip/inbound.go). */
const LIVEKIT: Readonly<Record<string, string>> = {
  401: 'the credentials of its inbound trunk',
  404: 'no trunk or no dispatch rule fits the call (bridge provision --plan)',
  407: 'give the dial the credentials of its inbound trunk',
  480: 'nobody joined the room in time',
  486: 'nobody joined the room in time, or the room was closed',
  488: 'offer PCMU or PCMA, and the same encryption as the trunk',
  503: 'it could not look up trunk and rule, or a quota is used up'
}
