import { randomBytes, randomUUID } from 'node:crypto'
import type { JambonzContext } from './context.ts'
import type { CheckedCall } from './create-call.ts'
import type { CallStatus, Leg, SpeechDefaults } from './payloads.ts'
import type { Route } from './route.ts'

/** The leg of a createCall before its first status. */
export function newLeg (context: JambonzContext, request: CheckedCall, { to }: Route): Leg {
  return {
    callSid: randomUUID(),
    direction: 'outbound',
    from: request.from,
    to,
    callId: randomUUID(),
    sipStatus: 100,
    sipReason: 'Trying',
    callStatus: 'trying',
    accountSid: context.accountSid,
    traceId: randomBytes(16).toString('hex'),
    fsSipAddress: context.fsSipAddress,
    ...request.application_sid !== undefined && { applicationSid: request.application_sid },
    ...request.tag !== undefined && { customerData: request.tag }
  }
}

/** The headers of the INVITE to the carrier. */
export function inviteHeaders (request: CheckedCall, leg: Leg): Record<string, string> {
  return {
    ...request.headers,
    'X-Call-Sid': leg.callSid,
    'X-Account-Sid': leg.accountSid,
    ...leg.applicationSid !== undefined && { 'X-Application-Sid': leg.applicationSid },
    ...request.to.headers,
    'Content-Type': 'application/sdp'
  }
}

/** The speech settings of a createCall, as its call hook has them. */
export function speechOf (request: CheckedCall): SpeechDefaults {
  return {
    synthesizer: {
      vendor: request.speech_synthesis_vendor,
      language: request.speech_synthesis_language,
      voice: request.speech_synthesis_voice
    },
    recognizer: { vendor: request.speech_recognizer_vendor, language: request.speech_recognizer_language }
  }
}

/** The last status of a call that was not answered. */
export function outcome (status: number): CallStatus {
  if (status === 486 || status === 603) return 'busy'
  return status === 487 ? 'no-answer' : 'failed'
}
