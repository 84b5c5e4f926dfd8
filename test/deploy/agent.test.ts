import { readFileSync } from 'node:fs'
import t from 'tap'
import { callSidOf, readJob } from '../../deploy/agent/src/call.ts'
import { Melody, Tones } from '../../deploy/agent/src/tone.ts'
import { jobMetadata } from '../../src/livekit/job-metadata.ts'
import { project } from '../fixtures/paths.ts'

type Arguments = Parameters<typeof jobMetadata>
const facts = {
  direction: 'inbound',
  from: '+15550001111',
  to: '+15551230000',
  callerName: 'Ada',
  withheld: false,
  trunk: 'MyCarrier',
  headers: { 'X-Customer-Id': '7' }
}
const ATTEMPT = { n: 2, way: { strategy: 'room', agent: 'demo-agent' } }
const CONTROL = { url: 'https://bridge.example.com/calls/sid-1', token: 'jlb_call_x' }
const metadata = (app: object, more: object = {}) =>
  jobMetadata(
    { callSid: 'sid-1', facts, app, ...more } as unknown as Arguments[0],
    ATTEMPT as unknown as Arguments[1],
    CONTROL
  )

await t.test('the example agent reads what the bridge writes', async t => {
  t.same(readJob(metadata({ metadata: '{"tenant":"acme"}' })), {
    call: {
      callSid: 'sid-1',
      direction: 'inbound',
      from: '+15550001111',
      to: '+15551230000',
      callerName: 'Ada',
      trunk: 'MyCarrier',
      attempt: 2,
      headers: { 'X-Customer-Id': '7' }
    },
    control: CONTROL,
    app: '{"tenant":"acme"}'
  })
  t.notOk('app' in readJob(metadata({})))
})

await t.test('it knows that it is to consult a person, and what became of a transfer', async t => {
  const purpose = { id: 'tr-1', mode: 'consult', callSid: 'sid-0', brief: 'Ada asks for a refund.' }
  const order = { id: 'order-tr-1', transfer: { ...purpose, attempt: 1 } }
  t.same(readJob(metadata({}, { order })).transfer, purpose)
  const transfer = { request: { id: 'tr-1', mode: 'blind' }, outcome: { result: 'returned', reason: 'busy' } }
  const back = readJob(metadata({}, { transfer }))
  t.same(back.lastTransfer, { id: 'tr-1', mode: 'blind', result: 'returned', reason: 'busy' })
  t.notOk('transfer' in back)
})

await t.test('a degraded call is answered too', async t => {
  for (
    const text of [
      '',
      'null',
      '7',
      '{',
      '{"from":"rule"}',
      '{"v":2,"call":{"callSid":"x"}}',
      '{"v":1}',
      '{"v":1,"call":null}'
    ]
  ) t.same(readJob(text), {}, text)
  t.equal(callSidOf({}, { 'sip.h.x-lk-call': 'sid-2' }), 'sid-2')
  t.equal(callSidOf(readJob(metadata({})), { 'sip.h.x-lk-call': 'sid-2' }), 'sid-1')
  t.equal(callSidOf({}, {}), undefined)
})

await t.test('its audio never has a gap', async t => {
  const tones = new Tones()
  const loud = (frame: Int16Array) => frame.some(sample => sample !== 0)
  t.notOk(loud(tones.next()))
  tones.add(523, 50)
  const frames = [tones.next(), tones.next(), tones.next(), tones.next()]
  t.same(frames.map(loud), [true, true, true, false])
  t.same(frames.map(frame => frame.length), [480, 480, 480, 480])
})

await t.test('music on hold goes on, and is softer than the agent', async t => {
  const melody = new Melody()
  const loudest = (frame: Int16Array) => Math.max(...frame)
  const seconds = Array.from({ length: 60 }, () => Array.from({ length: 50 }, () => melody.next()))
  for (const [n, frames] of seconds.entries()) {
    t.ok(frames.every(frame => frame.length === 480))
    t.ok(Math.max(...frames.map(loudest)) > 1000, `second ${n} is heard`)
  }
  const tones = new Tones()
  tones.add(440, 40)
  tones.next()
  t.ok(Math.max(...seconds.flat().map(loudest)) < loudest(tones.next()) / 2)
})

await t.test('its lockfile names no registry, and its Dockerfile starts what it builds', async t => {
  const read = (name: string) => readFileSync(project(`deploy/agent/${name}`), 'utf8')
  t.notMatch(read('package-lock.json'), /"resolved"/)
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } }
  const command = /^CMD (\[.*\])$/m.exec(read('Dockerfile'))?.[1] ?? '[]'
  t.equal((JSON.parse(command) as string[]).join(' '), scripts.start)
})
