import { roomNameOf } from '../../calls/fold/room-name.ts'
import type { RoomWay } from '../../calls/fold/way.ts'
import type { VerbConfig } from '../../jambonz/verb-config.ts'
import type { Dial } from '../../jambonz/verbs.ts'
import { referHookOf } from './refer-hook.ts'
import type { DialStrategy } from './strategy.ts'

/**
 * Way `agent`: the SIP user that is dialled names a LiveKit room to which an agent was dispatched. LiveKit's Callee
 * rule puts the SIP leg into `<prefix>_<SIP user>` (livekit/protocol sip/sip.go).
 */
export const room: DialStrategy<RoomWay> = {
  open ({ agent }, { callSid, n }, { tokenOf, roomPrefix }) {
    const token = tokenOf(callSid, n)
    return { agent, token, room: roomNameOf(roomPrefix, token) }
  },
  dial: (_way, call, attempt, config) => ({
    ...dialRoom(attempt.token!, config),
    referHook: referHookOf(call, attempt, config),
    // LiveKit sends no early media: without a tone the caller would hear silence until the agent speaks.
    ...(config.ringbackTone ? { dialMusic: config.ringbackTone } : {})
  })
}

/** What dials a SIP user that LiveKit puts into a room. */
export const dialRoom = (
  token: string,
  { sipHost, sipTransport, sipAuth, srtp }: VerbConfig
): Pick<Dial, 'target' | 'srtpEncryption'> => ({
  target: [{
    type: 'sip',
    sipUri: `sip:${token}@${sipHost};transport=${sipTransport}`,
    ...(sipAuth ? { auth: sipAuth } : {})
  }],
  ...(srtp ? { srtpEncryption: 'sdes' as const } : {})
})
