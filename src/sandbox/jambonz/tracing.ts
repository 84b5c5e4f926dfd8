import type { Clock } from '../../clock.ts'
import type { Trace } from '../../ladder/trace.ts'
import { cseq, header } from '../../sip/message.ts'
import type { SipMessage } from '../../sip/message.ts'
import type { HookReply } from './hooks.ts'
import type { Payload } from './payloads.ts'
import { describeVerbs } from './verbs.ts'
import type { Verb } from './verbs.ts'

/** Tells a ladder of what goes between caller and Jambonz: give it the messages of the caller-facing user agent. */
export function sipObserver (trace: Trace): (seen: { at: number, dir: '>' | '<', message: SipMessage }) => void {
  return ({ at, dir, message }) =>
    trace({
      at,
      from: dir === '<' ? 'caller' : 'jambonz',
      to: dir === '<' ? 'jambonz' : 'caller',
      what: describeSip(message),
      via: 'sip'
    })
}

/** One SIP message in a few words: `INVITE`, `180 Ringing`, `200 OK (BYE)`, `NOTIFY 200 OK`. */
export function describeSip (message: SipMessage): string {
  if (message.kind === 'request') {
    const fragment = /^SIP\/2\.0 (.*)/.exec(message.body)?.[1]
    return message.method === 'NOTIFY' && fragment !== undefined ? `NOTIFY ${fragment}` : message.method
  }
  const text = `${message.status} ${message.reason}`.trim()
  const method = header(message, 'CSeq') === undefined ? 'INVITE' : cseq(message).method
  return method === 'INVITE' ? text : `${text} (${method})`
}

/** Tells a ladder of the hooks and of those replies that say something: verbs, or a failure. */
export function hookObserver (trace: Trace, clock: Clock): {
  onRequest(url: URL, payload: Payload): void
  onReply(url: URL, payload: Payload, reply: HookReply): void
} {
  return {
    onRequest (url, payload) {
      const what = `POST ${url.pathname}${describeHook(payload)}`
      trace({ at: clock.now(), from: 'jambonz', to: 'bridge', what, via: 'http' })
    },
    onReply (_url, _payload, { status, body }) {
      if (!Array.isArray(body) && status >= 200 && status < 300) return
      const verbs = Array.isArray(body) ? ` ${describeReply(body)}` : ''
      const what = status === 0 ? 'no reply' : `${status}${verbs}`
      trace({ at: clock.now(), from: 'bridge', to: 'jambonz', what, via: 'http' })
    }
  }
}

function describeHook (payload: Payload): string {
  if ('refer_details' in payload) return ''
  if ('refer_status' in payload) {
    return ` ${
      [payload['refer_status'], payload['final_referred_call_status']].filter(status => status !== undefined).join(
        ' → '
      )
    }`
  }
  if ('verb_id' in payload || 'dial_call_status' in payload) {
    return ` ${payload['dial_call_status'] ?? 'not dialled'}`
  }
  // Both fields of a call hook that a status event never has.
  if ('sip' in payload || 'defaults' in payload) return ''
  const leg = 'parent_call_sid' in payload ? 'agent-leg' : 'caller-leg'
  return ` ${leg} ${payload['call_status']}`
}

function describeReply (body: unknown[]): string {
  return describeVerbs(body.filter((verb): verb is Verb => typeof verb === 'object' && verb !== null && 'verb' in verb))
}
