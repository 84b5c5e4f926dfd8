import t, { type Test } from 'tap'
import { hookEvents } from '../../src/explain/follow/hook-events.ts'
import { mergeFindings } from '../../src/explain/findings/merge.ts'
import { stepsOf } from '../../src/explain/ladder-steps.ts'
import { legsOf } from '../../src/explain/legs.ts'
import type { HookSeen, SipSeen } from '../../src/explain/seen.ts'
import type { Finding } from '../../src/finding.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { BEGAN } from '../fixtures/captures.ts'
import { codesOf, explainedAll } from '../fixtures/explained.ts'

/*
 * A caller or agent can make one call arbitrarily large. Explaining it takes a time that grows with its size, and not
 * with the square of it. These tests count how often each of many things is looked at.
 */

const MANY = 3000
/** Looks at each thing that are fine. */
const FEW = 20

/** Makes many things, of which one property counts how often it is read. */
function counted<T extends object> (make: (i: number) => T, property: keyof T): { all: T[], reads: () => number } {
  let reads = 0
  const all = Array.from({ length: MANY }, (_, i) => {
    const made = make(i)
    const value = made[property]
    return Object.defineProperty(made, property, {
      enumerable: true,
      get () {
        reads++
        return value
      }
    })
  })
  return { all, reads: () => reads }
}

function fewReads (t: Test, reads: number, message: string): void {
  t.ok(reads >= MANY, `${message}: each is read`)
  t.ok(reads <= MANY * FEW, `${message}: ${reads} reads of ${MANY}`)
}

await t.test('findings with one code', async t => {
  const { all, reads } = counted(
    (i): Finding => ({ code: 'refer-refused', severity: 'failed', seen: `The REFER ${i} was refused.` }),
    'seen'
  )
  const [merged, ...others] = mergeFindings(all)
  fewReads(t, reads(), 'findings')
  t.same(others, [])
  t.match(merged?.seen, /^The REFER 0 was refused\. The REFER 1 was refused\..* And 2995 more\.$/)
  t.ok(merged!.seen.length < 500, 'the finding stays short')
})

await t.test('doubts with one code, which all stay', async t => {
  const { all, reads } = counted(
    (i): Finding => ({ code: 'not-told-apart', severity: 'skipped', seen: `Doubt ${i}` }),
    'code'
  )
  t.equal(mergeFindings(all).length, MANY)
  fewReads(t, reads(), 'doubts')
})

await t.test('call hooks of one call', async t => {
  const { all, reads } = counted((i): HookSeen => ({
    kind: 'hook',
    place: { file: 'hooks', at: i + 1 },
    at: BEGAN + i * 1000,
    hook: 'call-hook',
    body: { call_sid: 'sid-1', direction: 'inbound', from: '+15550001111', to: '+15551230000' }
  }), 'hook')
  const rooms = hookEvents(all, 'sid-1').filter(event => event.kind === 'room')
  t.same(rooms.map(({ attempt }) => attempt), Array.from({ length: MANY }, (_, i) => i + 1))
  fewReads(t, reads(), 'call hooks')
})

const invite = (i: number, callId: string, extra: SipRequest['headers'] = []): SipRequest => ({
  kind: 'request',
  method: 'INVITE',
  uri: 'sip:token@sbc.example.com',
  headers: [
    { name: 'Via', value: `SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK${i}` },
    { name: 'From', value: '<sip:+15550001111@carrier.example.com>;tag=a' },
    { name: 'To', value: '<sip:+15551230000@sbc.example.com>' },
    { name: 'Call-ID', value: callId },
    { name: 'CSeq', value: `${i + 1} INVITE` },
    ...extra
  ],
  body: ''
})

const seenSip = (message: SipRequest, i: number): SipSeen =>
  ({ kind: 'sip', place: { file: 'call.pcap', at: i + 1 }, at: BEGAN + i, message })

await t.test('messages of one leg that nothing answers', async t => {
  const { all, reads } = counted(i => seenSip(invite(i, 'one'), i), 'message')
  const { steps, leftOut } = stepsOf(all, legsOf(all))
  t.equal(steps.length + leftOut, MANY)
  fewReads(t, reads(), 'messages')
})

await t.test('legs of one call, all of them inside Jambonz', async t => {
  const all = Array.from({ length: MANY }, (_, i) =>
    seenSip(invite(i, `call-${i}`, [{ name: 'X-Jambonz-Routing', value: 'phone' }]), i))
  const legs = legsOf(all)
  let reads = 0
  for (const leg of legs) {
    const { role } = leg
    Object.defineProperty(leg, 'role', {
      get () {
        reads++
        return role
      }
    })
  }
  const { steps, leftOut } = stepsOf(all, legs)
  t.equal(steps.length + leftOut, MANY, 'they are shown where nothing else is')
  fewReads(t, reads, 'legs')
})

await t.test('tens of thousands of legs in one call: the middle is left out, and the report says so', async t => {
  const count = 30_000
  const statuses = Array.from({ length: count }, (_, i) => ({
    time: BEGAN + i,
    url: '/status',
    body: {
      call_sid: `leg-${i}`,
      parent_call_sid: 'sid-1',
      direction: 'outbound',
      from: '+15550001111',
      to: 'sip:token@sip.example.com',
      call_status: i === count - 1 ? 'failed' : 'trying',
      sip_status: i === count - 1 ? 401 : 100
    }
  }))
  const lines = statuses.map(status => JSON.stringify(status)).join('\n')
  const explanation = await explainedAll([lines], { portion: 65_536 })
  const [call] = explanation.calls
  t.equal(explanation.calls.length, 1)
  t.equal(call?.end?.cause, 'livekit-refused-credentials', 'the end of the call is followed')
  t.ok(codesOf(explanation).includes('left-out'), String(codesOf(explanation)))
  t.match(call?.findings.find(({ code }) => code === 'left-out')?.seen, /^28000 events/)
})
