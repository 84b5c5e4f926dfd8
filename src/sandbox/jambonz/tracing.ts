import type { Clock } from '../../clock.ts'
import type { Trace } from '../../ladder/trace.ts'
import { cseq, header } from '../../sip/message.ts'
import type { SipMessage } from '../../sip/message.ts'
import type { HookReply } from './hooks.ts'
import type { Payload } from './payloads.ts'
import { describeVerbs } from './verbs.ts'
import type { Verb } from './verbs.ts'

/**
 * Traces the messages between callers and Jambonz, and between Jambonz and the phones that createCall calls. Give it
 * the messages of the user agent that callers call.
 *
 * @param placed the Call-IDs of the calls that Jambonz has placed
 */
export function sipObserver (
  trace: Trace,
  placed: ReadonlySet<string>
): (seen: { at: number, dir: '>' | '<', message: SipMessage }) => void {
  return ({ at, dir, message }) => {
    const other = placed.has(header(message, 'Call-ID') ?? '') ? 'phone' : 'caller'
    const [from, to] = dir === '<' ? [other, 'jambonz'] as const : ['jambonz', other] as const
    trace({ at, from, to, what: describeSip(message), via: 'sip' })
  }
}

/** Traces what is asked of the REST API about calls, and the answers. */
export function restObserver (trace: Trace, clock: Clock): (from: 'bridge' | 'jambonz', what: string) => void {
  return (from, what) =>
    trace({ at: clock.now(), from, to: from === 'bridge' ? 'jambonz' : 'bridge', what, via: 'http' })
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

/** Traces the hooks, and those of their replies that contain verbs or a failure. */
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
    const statuses = [payload['refer_status'], payload['final_referred_call_status']]
    return ` ${statuses.filter(status => status !== undefined).join(' → ')}`
  }
  if ('verb_id' in payload || 'dial_call_status' in payload) {
    return ` ${payload['dial_call_status'] ?? (isRunning(payload) ? 'redirect' : 'not dialled')}`
  }
  // A call hook has one of these fields, and a status event has neither.
  if ('sip' in payload || 'defaults' in payload) return ''
  return ` ${legOf(payload)} ${payload['call_status']}`
}

function legOf (payload: Payload): string {
  if ('parent_call_sid' in payload) return 'agent-leg'
  return payload['direction'] === 'outbound' ? 'callee-leg' : 'caller-leg'
}

/** A redirect asks while the call runs. A dial that was not dialled reports that its caller is gone. */
const isRunning = ({ call_status: status }: Payload): boolean => status === 'trying' || status === 'in-progress'

function describeReply (body: unknown[]): string {
  return describeVerbs(body.filter((verb): verb is Verb => typeof verb === 'object' && verb !== null && 'verb' in verb))
}
