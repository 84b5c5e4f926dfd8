import type { Strategy } from './strategy.ts'

/**
 * Strategy `room`: the SIP user that is dialled names a LiveKit room in which an agent was called. LiveKit's Callee
 * rule puts the SIP leg into `<prefix>_<SIP user>` (livekit/protocol sip/sip.go).
 */
export const room: Strategy<{ strategy: 'room', agent: string }> = {
  open ({ agent }, { callSid, n }, { tokenOf, roomPrefix }) {
    const token = tokenOf(callSid, n)
    return { agent, token, room: `${roomPrefix}_${token}` }
  },
  dial: (call, attempt, config) => ({
    target: [{
      type: 'sip',
      sipUri: `sip:${attempt.token}@${config.sipHost};transport=${config.sipTransport}`,
      ...(config.sipAuth ? { auth: config.sipAuth } : {})
    }],
    referHook: `${config.publicUrl}/refer?call=${encodeURIComponent(call.callSid)}&attempt=${attempt.n}`,
    // LiveKit sends no early media: without a tone the caller would hear silence until the agent speaks.
    ...(config.ringbackTone ? { dialMusic: config.ringbackTone } : {}),
    ...(config.srtp ? { srtpEncryption: 'sdes' as const } : {})
  })
}
