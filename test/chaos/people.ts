import type { Clock } from '../../src/clock.ts'
import type { IncomingCall, OutgoingCall, UserAgent } from '../../src/sip/user-agent.ts'
import { digitInfo } from '../../src/sandbox/jambonz/dtmf.ts'
import type { Person } from './mix-transfers.ts'
import type { Carrier, Plan } from './mix.ts'

type Leg =
  | Pick<OutgoingCall, 'send' | 'bye' | 'onBye' | 'onRefer'>
  | Pick<IncomingCall, 'send' | 'bye' | 'onBye' | 'onRefer'>

/** From taking a REFER to telling its outcome, ms. */
const TRANSFER_MS = 1500

/** Calls from a caller's phone, behind a carrier; resolves when the phone is idle again. */
export async function phoneUs (
  plan: Plan,
  { phone, uri, clock }: { phone: UserAgent, uri: string, clock: Clock }
): Promise<void> {
  const call = phone.invite(uri, { from: plan.from })
  const stopWaiting = clock.schedule(plan.patienceMs, () => call.cancel())
  referBy(call, plan.carrier, clock)
  const hungUp = new Promise<void>(resolve => call.onBye(() => resolve()))
  const { status } = await call.final
  stopWaiting()
  if (status >= 300) return
  await talk(call, plan.hangUpAfterMs, hungUp, clock)
}

/** Takes a call as a phone does; resolves when the phone is idle again. */
export async function beCalled (call: IncomingCall, phone: Person, carrier: Carrier, clock: Clock): Promise<void> {
  const gone = new Promise<void>(resolve => {
    call.onCancel(() => resolve())
    call.onBye(() => resolve())
  })
  call.respond(180)
  referBy(call, carrier, clock)
  await Promise.race([
    gone,
    new Promise<void>(resolve => {
      clock.schedule(phone.ringMs, resolve)
    })
  ])
  if (call.state === 'ended') return
  call.respond(phone.status)
  if (phone.status >= 300) return
  const { key } = phone
  if (key) clock.schedule(key.afterMs, () => press(call, key.digit))
  await talk(call, phone.hangUpAfterMs, gone, clock)
}

function press (call: IncomingCall, digit: string): void {
  if (call.state === 'answered') call.send('INFO', digitInfo({ digit })).catch(() => {})
}

async function talk (call: Leg, hangUpAfterMs: number | undefined, hungUp: Promise<void>, clock: Clock): Promise<void> {
  if (hangUpAfterMs === undefined) return await hungUp
  await Promise.race([
    hungUp,
    new Promise<void>(resolve => {
      clock.schedule(hangUpAfterMs, resolve)
    })
  ])
  await call.bye()
}

function referBy (call: Leg, carrier: Carrier, clock: Clock): void {
  call.onRefer(() => {
    if (carrier === 'refuses') return { status: 603 }
    if (carrier !== 'says-nothing') {
      clock.schedule(TRANSFER_MS, () => {
        call.send('NOTIFY', {
          headers: { Event: 'refer', 'Subscription-State': 'terminated', 'Content-Type': 'message/sipfrag' },
          body: carrier === 'transfers' ? 'SIP/2.0 200 OK' : 'SIP/2.0 486 Busy Here'
        }).catch(() => {})
      })
    }
    return { status: 202 }
  })
}
