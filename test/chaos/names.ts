import type { HttpRequest } from '../../src/sandbox/network.ts'

/** What a request is about, in a few words. */
export function nameOf ({ method, url, body }: HttpRequest): string {
  const path = url.replace(/^https?:\/\/[^/]+/, '').replace(/\?.*/, '')
  if (path.startsWith('/twirp/')) return path.split('/').pop()!
  if (method === 'PUT') return `PUT ${body}`
  if (path.endsWith('/Calls') && method === 'POST') return CREATE_CALL
  if (!/^\/(livekit|action|status|refer|redirect|screen|amd)/.test(path)) return `${method} ${path} ${body.slice(0, 80)}`
  const json = JSON.parse(body || '{}') as Record<string, any>
  if (path === '/livekit-events') {
    return [json.event, json.participant?.kind, json.participant?.disconnectReason].filter(Boolean).join(' ')
  }
  const status = [
    json.call_status,
    json.dial_call_status,
    json.dial_sip_status,
    json.refer_status,
    json.final_referred_call_status
  ].filter(Boolean).join('/')
  return `${path} ${json.parent_call_sid ? 'agent leg' : 'caller leg'} ${status}`
}

/** A request to call somebody. */
export const CREATE_CALL = 'createCall'

/** A reply, without what every one has. */
export function shortened (body: string): string {
  return body.replace(/"(sipUri|auth|headers|actionHook|referHook)":("[^"]*"|\{[^}]*\}),?/g, '').slice(0, 160)
}
