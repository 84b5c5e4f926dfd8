import type { RoomWay } from '../../calls/fold/way.ts'
import { referHookOf } from './refer-hook.ts'
import type { DialStrategy } from './strategy.ts'

/**
 * Way `agent`: the SIP user that is dialled names a LiveKit room to which an agent was dispatched. LiveKit's Callee
 * rule puts the SIP leg into `<prefix>_<SIP user>` (livekit/protocol sip/sip.go).
 */
export const room: DialStrategy<RoomWay> = {
  open ({ agent }, { callSid, n }, { tokenOf, roomPrefix }) {
    const token = tokenOf(callSid, n)
    return { agent, token, room: `${roomPrefix}_${token}` }
  },
  dial: (_way, call, attempt, config) => ({
    target: [{
      type: 'sip',
      sipUri: `sip:${attempt.token}@${config.sipHost};transport=${config.sipTransport}`,
      ...(config.sipAuth ? { auth: config.sipAuth } : {})
    }],
    referHook: referHookOf(call, attempt, config),
    // LiveKit sends no early media: without a tone the caller would hear silence until the agent speaks.
    ...(config.ringbackTone ? { dialMusic: config.ringbackTone } : {}),
    ...(config.srtp ? { srtpEncryption: 'sdes' as const } : {})
  })
}
