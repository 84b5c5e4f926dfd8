import { header } from '../../sip/message.ts'
import type { SipMessage } from '../../sip/message.ts'
import { legPayload } from './payloads.ts'
import type { Payload } from './payloads.ts'
import type { Session } from './session.ts'
import { nonEmpty } from './verbs.ts'
import type { ReferVerb, Verb } from './verbs.ts'

/**
 * The `sip:refer` verb towards the caller. Sends the REFER and, when it was accepted, waits for the NOTIFY with the
 * final status of the new call or for the timeout. The reply of the action hook replaces the remaining verbs; without
 * one they run even after a success. When the caller hangs up meanwhile, Jambonz sends no action hook (feature-server
 * sip_refer). /
 */
export async function referVerb (session: Session, verb: ReferVerb, signal: AbortSignal): Promise<Verb[] | undefined> {
  const { leg, context } = session
  const host = leg.fsSipAddress.replace(/:\d+$/, '')
  const finalStatus = finalNotify(session, verb, signal)
  const answer = await session.caller.refer(address(verb.referTo, host), {
    'Referred-By': address(verb.referredBy ?? leg.from, host),
    ...verb.headers
  })
  const { status } = answer
  const result: Payload = { refer_status: status }
  if (status === 202) {
    const final = await finalStatus.wait()
    if (final !== undefined) result['final_referred_call_status'] = final
  } else {
    finalStatus.drop()
  }
  session.onCallerNotify = undefined
  if (signal.aborted || verb.actionHook === undefined) return undefined
  const reply = await session.hooks.post(verb.actionHook, {
    ...legPayload(leg),
    ...result,
    ...verb.id !== undefined && { verb_id: verb.id }
  })
  return signal.aborted || !Array.isArray(reply) ? undefined : nonEmpty(context.parse(reply))
}

/** The status in a message/sipfrag body: `SIP/2.0 200 OK` → 200 (RFC 3515 2.4.5). */
export function sipfragStatus (body: string): number | undefined {
  const status = /^SIP\/2\.0 (\d{3})/.exec(body)?.[1]
  return status === undefined ? undefined : Number(status)
}

/** Listens for NOTIFYs before the REFER is sent, because a NOTIFY can overtake the 202 of the REFER. */
function finalNotify (session: Session, verb: ReferVerb, signal: AbortSignal): {
  wait(): Promise<number | undefined>
  drop(): void
} {
  const { clock, notifyTimeoutMs } = session.context
  let settle: (status: number | undefined) => void = () => {}
  const final = new Promise<number | undefined>(resolve => {
    settle = resolve
  })
  session.onCallerNotify = (message: SipMessage) => {
    const status = sipfragStatus(message.body)
    if (status === undefined || !/^refer/i.test(header(message, 'Event') ?? 'refer')) return
    if (verb.eventHook !== undefined) {
      session.outlive(
        session.hooks.post(verb.eventHook, {
          ...legPayload(session.leg),
          event: 'transfer-status',
          call_status: status
        })
      )
    }
    if (status >= 200) settle(status)
  }
  signal.addEventListener('abort', () => settle(undefined))
  return {
    async wait () {
      const cancel = clock.schedule(notifyTimeoutMs, () => settle(undefined))
      try {
        return await final
      } finally {
        cancel()
      }
    },
    drop () {
      settle(undefined)
    }
  }
}

function address (target: string, host: string): string {
  if (target.startsWith('<')) return target
  if (/^(sips?|tel):/i.test(target)) return `<${target}>`
  return target.includes('@') ? `<sip:${target}>` : `<sip:${target}@${host}>`
}
