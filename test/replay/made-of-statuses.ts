import { isJson, text } from './json.ts'
import type { Hook, RoomEvent } from './recording.ts'

/**
 * What LiveKit's API would have shown of a call that was recorded against a stand-in: whoever rings has the caller in
 * a room, and whoever answered has an agent with audio too. No webhooks are made of it.
 */
export function presenceOfStatuses (hooks: Hook[]): RoomEvent[] {
  return hooks.flatMap(({ path, at, body }) => {
    const status: unknown = path === '/status' ? JSON.parse(body) : undefined
    if (!isJson(status) || status['parent_call_sid'] === undefined) return []
    const leg = text(status['call_sid']) ?? ''
    const room = { name: `jb_${(text(status['to']) ?? '').replace(/^sips?:/, '').split(/[@;]/)[0]}` }
    const sip = { sid: `PA_${leg}`, identity: `sip_${leg}`, kind: 'SIP', attributes: { 'sip.callStatus': 'ringing' } }
    const agent = { sid: `PA_agent_${leg}`, identity: `agent-${leg}`, kind: 'AGENT' }
    const event = (body: Record<string, unknown>): RoomEvent => ({
      at,
      raw: '',
      authorization: undefined,
      body: { room, ...body },
      silent: true
    })
    switch (text(status['call_status'])) {
      case 'ringing':
        return [event({ event: 'participant_joined', participant: sip })]
      case 'in-progress':
        return [
          event({ event: 'participant_joined', participant: sip }),
          event({ event: 'participant_joined', participant: agent }),
          event({ event: 'track_published', participant: agent, track: { sid: `TR_${leg}`, type: 'AUDIO' } })
        ]
      case 'trying':
      case 'early-media':
        return []
      default:
        return [event({ event: 'participant_left', participant: sip })]
    }
  })
}
