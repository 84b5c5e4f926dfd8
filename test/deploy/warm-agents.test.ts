import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { readJob } from '../../deploy/agent/src/call.ts'
import { inPython, inTypeScript, type EnterRoom, type Happens } from '../fixtures/agent-room.ts'
import { project } from '../fixtures/paths.ts'

/*
 * What the example agents make of a room that was made before its call: docs/warm-agents.md.
 */

const python = spawnSync('python3', ['--version']).status === 0
const skip = !python && 'python3 is not installed'

const BASE = 'https://bridge.example.com/calls'
const CALL = {
  callSid: 'sid-1',
  direction: 'inbound',
  from: '+15550001111',
  to: '+15551230000',
  callerName: 'Ada',
  trunk: 'MyCarrier',
  attempt: 1,
  headers: { 'X-Customer-Id': '7' }
}
const URL_OF_CALL = `${BASE}/sid-1`
const TOKEN = 'jlb_call_x'
const WARM = { v: 1, mode: 'warm', app: '{"tenant":"acme"}', control: { token: TOKEN, base: BASE } }
/** Metadata of a room that nobody has claimed. */
const WAITING = { v: 2, warm: true, seal: 's' }
const BACK = { id: 'tr-1', mode: 'consult', result: 'returned', reason: 'declined' }
const CLAIMED = { v: 2, callSid: 'sid-1', from: CALL.from, call: CALL, control: { url: URL_OF_CALL } }
/** What a caller's participant has, as recorded (warm-silent-track). */
const ATTRIBUTES = {
  'sip.callStatus': 'ringing',
  'sip.h.x-lk-call': 'sid-1',
  'sip.h.x-lk-from': '+15550001111',
  'sip.h.x-lk-to': '+15551230000',
  'sip.phoneNumber': '+15550001111'
}
const ATTRIBUTED = { callSid: 'sid-1', from: CALL.from, to: CALL.to }
const CONTROL = { url: URL_OF_CALL, token: TOKEN }
const known = (more: object) => ({ mode: 'warm', app: WARM.app, ...more })

interface Case {
  says: string
  job: unknown
  room?: unknown
  attributes?: Record<string, string>
  is: object
}

const CASES: Case[] = [
  { says: 'nobody has called', job: WARM, room: WAITING, is: known({}) },
  { says: 'the room says who calls', job: WARM, room: CLAIMED, is: known({ call: CALL, control: CONTROL }) },
  {
    says: 'the room counts more than the attributes',
    job: WARM,
    room: CLAIMED,
    attributes: { 'sip.h.x-lk-call': 'sid-9', 'sip.h.x-lk-from': 'anonymous' },
    is: known({ call: CALL, control: CONTROL })
  },
  {
    says: 'a caller comes back from a person',
    job: WARM,
    room: { ...CLAIMED, lastTransfer: BACK },
    is: known({ call: CALL, control: CONTROL, lastTransfer: BACK })
  },
  {
    says: 'the metadata are not there yet',
    job: WARM,
    room: WAITING,
    attributes: ATTRIBUTES,
    is: known({ call: ATTRIBUTED, control: CONTROL })
  },
  {
    says: 'a withheld number, and no metadata at all',
    job: WARM,
    attributes: { 'sip.h.x-lk-call': 'sid-1', 'sip.h.x-lk-from': 'anonymous' },
    is: known({ call: { callSid: 'sid-1', from: 'anonymous', to: '' }, control: CONTROL })
  },
  {
    says: 'the room has no address yet',
    job: WARM,
    room: { call: CALL },
    is: known({ call: CALL, control: CONTROL })
  },
  { says: 'a caller whom nobody announced', job: WARM, attributes: { 'sip.callStatus': 'ringing' }, is: known({}) },
  ...['', 'null', '7', '[]', '{', '{"call":{}}', '{"call":7,"control":7,"lastTransfer":7}', '{"call":null}'].map(room =>
    ({ says: `rubbish in the room: ${room}`, job: WARM, room, is: known({}) })
  ),
  {
    says: 'rubbish beside the call',
    job: WARM,
    room: { call: CALL, control: { url: 7 }, lastTransfer: 'x' },
    is: known({ call: CALL, control: CONTROL })
  },
  { says: 'without an API', job: { v: 1, mode: 'warm' }, room: { call: CALL }, is: { mode: 'warm', call: CALL } },
  { says: 'a later version', job: { ...WARM, v: 2 }, room: CLAIMED, attributes: ATTRIBUTES, is: {} },
  {
    says: 'a cold call',
    job: { v: 1, call: CALL, app: '', control: CONTROL },
    is: { call: CALL, app: '', control: CONTROL }
  },
  {
    says: 'a cold call knows itself from its job alone',
    job: { v: 1, call: CALL, app: '', control: CONTROL },
    room: { call: { ...CALL, callSid: 'sid-9' }, control: { url: 'https://other.example.com' }, lastTransfer: BACK },
    attributes: { 'sip.h.x-lk-call': 'sid-9' },
    is: { call: CALL, app: '', control: CONTROL }
  },
  {
    says: 'to consult a person',
    job: { v: 1, call: CALL, app: 'a', control: CONTROL, transfer: { id: 'tr-1', mode: 'consult', callSid: 'sid-0' } },
    is: { call: CALL, app: 'a', control: CONTROL, transfer: { id: 'tr-1', mode: 'consult', callSid: 'sid-0' } }
  },
  {
    says: 'what became of a transfer',
    job: { v: 1, call: CALL, app: 'a', control: CONTROL, lastTransfer: BACK },
    is: { call: CALL, app: 'a', control: CONTROL, lastTransfer: BACK }
  },
  { says: 'a job without a call', job: { v: 1, app: 'a', control: CONTROL }, is: {} },
  ...['', 'null', '7', '{', '{"from":"rule"}', '{"v":2,"call":{"callSid":"x"}}', '{"v":1,"call":null}'].map(job =>
    ({ says: `a degraded call: ${job}`, job, room: CLAIMED, attributes: ATTRIBUTES, is: {} })
  )
]

const text = (metadata: unknown): string => typeof metadata === 'string' ? metadata : JSON.stringify(metadata ?? '')
const argumentsOf = ({ job, room, attributes = {} }: Case) => [text(job), text(room), attributes] as const

await t.test('one function reads cold and warm calls', async t => {
  for (const each of CASES) t.same(readJob(...argumentsOf(each)), each.is, each.says)
})

await t.test('in Python it reads the same', { skip }, async t => {
  const program = `import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from call import read_job
print(json.dumps([read_job(*case) for case in json.load(sys.stdin)]))`
  const folder = fileURLToPath(project('deploy/agent-python'))
  const input = JSON.stringify(CASES.map(argumentsOf))
  const { stdout, stderr } = spawnSync('python3', ['-c', program, folder], { input, encoding: 'utf8' })
  t.equal(stderr, '')
  const read = JSON.parse(stdout) as object[]
  for (const [n, { says, is }] of CASES.entries()) t.same(read[n], is, says)
})

await t.test('the function on the page for authors does the same', async t => {
  const page = readFileSync(project('docs/agents.md'), 'utf8')
  const sound = CASES.filter(({ says }) => !/rubbish|degraded|later version|without/.test(says))
  t.ok(sound.length > 10)
  const expected = (is: any) => [is.call?.callSid, is.call?.from || undefined, is.call && is.control?.url]
  const found = (job: any) => [job.call?.callSid, job.call?.from, job.call && job.control?.url]

  const [, inTypeScript = ''] = /```ts\n(function readJob .*?\n\})\n/s.exec(page)!
  const { outputText } = ts.transpileModule(inTypeScript, {})
  // eslint-disable-next-line no-new-func
  const readAsOnPage = new Function('parse', `${outputText}\nreturn readJob`)(parse)
  for (const each of sound) t.same(found(readAsOnPage(...argumentsOf(each))), expected(each.is), each.says)
  if (!python) return

  const [, inPython = ''] = /```python\n(def read_job.*?)\n\njob =/s.exec(page)!
  const program = `import json, sys
def parse(text):
    data = json.loads(text or "{}")
    return data if isinstance(data, dict) else {}
${inPython}
print(json.dumps([read_job(*case) for case in json.load(sys.stdin)]))`
  const input = JSON.stringify(sound.map(argumentsOf))
  const { stdout, stderr } = spawnSync('python3', ['-c', program], { input, encoding: 'utf8' })
  t.equal(stderr, '')
  const read = JSON.parse(stdout, (_key, value) => value ?? undefined) as object[]
  for (const [n, { says, is }] of sound.entries()) t.same(found(read[n]), expected(is), says)
})

function parse (text: string): object {
  const data = JSON.parse(text || '{}')
  return typeof data === 'object' ? data : {}
}

const silence = (frames: number): string => '.'.repeat(frames)
const JOINED = ['joins', 'publishes agent']
/** Tones of 200 ms, in frames. */
const TONE = 10
/** What is played before the agent's first word: the audio queue, and the frame that waits for room in it. */
const QUEUE = 6

/** What the caller hears next: the length of the silence and of the tones after it, frames. */
async function greeting (happens: Happens): Promise<{ silence: number, tones: number }> {
  const { heard } = await happens('hear', QUEUE + 5 * TONE)
  const [, before = '', tones = ''] = /^(\.*)(#*)\.*$/.exec(heard) ?? []
  return { silence: before.length, tones: tones.length }
}

/** What the agent does at the end. Its last frame is played before. */
async function atTheEnd (happens: Happens, ...end: ['leaves'] | ['closes'] | ['breaks']): Promise<string[]> {
  const { done, logged } = await happens(...end)
  const later = await happens('hear', 1)
  return [...logged, ...done, ...later.done]
}

const ACTIVE = { 'sip.callStatus': 'active' }

async function behaves (t: Test, enter: EnterRoom): Promise<void> {
  const warm = (t: Test) => enter(t, { job: text(WARM), room: text(WAITING) })

  await t.test('a warm agent publishes at once, and is silent until the phone is answered', async t => {
    const happens = await warm(t)
    t.same((await happens('nothing')).done, JOINED)
    t.equal((await happens('hear', 50)).heard, silence(50))
    t.same((await happens('metadata', text(CLAIMED))).logged, ['called'], 'it knows who calls before the phone rings')
    t.equal((await happens('hear', 50)).heard, silence(50))
    await happens('joins', { ...ATTRIBUTES })
    t.equal((await happens('hear', 50)).heard, silence(50), 'the phone rings')
    t.same(await greeting(happens), { silence: QUEUE + 5 * TONE, tones: 0 }, 'still')
    await happens('attributes', ACTIVE)
    t.same(await greeting(happens), { silence: QUEUE, tones: 3 * TONE }, 'the first tone is 100 ms late, not a second')
    t.same(await atTheEnd(happens, 'leaves'), ['deletes the room', 'shuts down'])
  })

  await t.test('it waits as long as nobody calls', async t => {
    const happens = await warm(t)
    t.equal((await happens('nothing')).waits, true)
    for (const metadata of ['', '{', 'null', text(WAITING)]) await happens('metadata', metadata)
    t.same(await happens('hear', 500), { done: [], logged: [], heard: silence(500), waits: true })
    await happens('metadata', text(CLAIMED))
    await happens('joins', { ...ATTRIBUTES, ...ACTIVE })
    t.same(await greeting(happens), { silence: QUEUE, tones: 3 * TONE })
  })

  await t.test('it ends quietly when its room closes without a call', async t => {
    const happens = await warm(t)
    await happens('nothing')
    t.same(await atTheEnd(happens, 'closes'), ['nobody called', 'shuts down'])
  })

  await t.test('likewise when the caller gave up before they were there', async t => {
    const happens = await warm(t)
    await happens('metadata', text(CLAIMED))
    t.same(await atTheEnd(happens, 'closes'), ['shuts down'])
  })

  await t.test('an agent that cannot be heard does not wait for a call', async t => {
    const happens = await warm(t)
    await happens('nothing')
    t.same((await atTheEnd(happens, 'breaks')).slice(-2), ['nobody called', 'shuts down'])
  })

  await t.test('somebody who listens in is no call', async t => {
    const happens = await warm(t)
    await happens('joins', {})
    t.same(await greeting(happens), { silence: QUEUE + 5 * TONE, tones: 0 })
  })

  await t.test('the metadata may come after the caller', async t => {
    const happens = await warm(t)
    await happens('joins', { ...ATTRIBUTES })
    await happens('metadata', text({ ...CLAIMED, lastTransfer: BACK }))
    await happens('attributes', ACTIVE)
    t.same(await greeting(happens), { silence: QUEUE, tones: 2 * TONE }, 'the two tones of a person who declined')
  })

  await t.test('without any metadata the caller is greeted too', async t => {
    const happens = await warm(t)
    await happens('joins', { ...ATTRIBUTES })
    await happens('metadata', 'rubbish')
    await happens('attributes', ACTIVE)
    t.same(await greeting(happens), { silence: QUEUE, tones: 3 * TONE })
  })

  await t.test('a caller without the headers of the bridge is greeted too', async t => {
    const happens = await warm(t)
    await happens('joins', { 'sip.callStatus': 'ringing' })
    t.same(await greeting(happens), { silence: QUEUE + 5 * TONE, tones: 0 })
    await happens('attributes', ACTIVE)
    t.same(await greeting(happens), { silence: QUEUE, tones: 3 * TONE })
  })

  await t.test('it controls its call, whether room or attributes told of it', async t => {
    const api = await apiOf(t)
    const job = text({ ...WARM, control: { token: TOKEN, base: `${api.url}/calls` } })
    const told = await enter(t, { job })
    await told('metadata', text({ ...CLAIMED, control: { url: `${api.url}/other/sid-1` } }))
    await told('joins', { ...ATTRIBUTES, ...ACTIVE })
    await told('presses', '1')
    t.same(await api.asked(), { path: '/other/sid-1/transfers', token: `Bearer ${TOKEN}` })

    const seen = await enter(t, { job })
    await seen('joins', { ...ATTRIBUTES, ...ACTIVE })
    await seen('presses', '1')
    t.same(await api.asked(), { path: '/calls/sid-1/transfers', token: `Bearer ${TOKEN}` })

    const late = await enter(t, { job })
    await late('joins', { 'sip.callStatus': 'ringing' })
    await late('metadata', text({ ...CLAIMED, control: { url: `${api.url}/late/sid-1` } }))
    await late('attributes', ACTIVE)
    await late('presses', '1')
    t.same(await api.asked(), { path: '/late/sid-1/transfers', token: `Bearer ${TOKEN}` }, 'nobody had told before')
  })

  await t.test('in a cold call nothing has changed', async t => {
    const happens = await enter(t, { job: text({ v: 1, call: CALL, app: '', control: CONTROL }), room: text({ v: 2 }) })
    t.same((await happens('nothing')).done, JOINED)
    await happens('joins', { ...ATTRIBUTES })
    t.same(await greeting(happens), { silence: QUEUE + 5 * TONE, tones: 0 })
    await happens('attributes', ACTIVE)
    t.same(await greeting(happens), { silence: QUEUE, tones: 3 * TONE })
    t.same(await atTheEnd(happens, 'closes'), ['shuts down'])
  })

  await t.test('nor in a degraded one', async t => {
    const happens = await enter(t, { job: '{"from":"rule"}' })
    await happens('joins', { ...ATTRIBUTES, ...ACTIVE })
    t.same(await greeting(happens), { silence: QUEUE, tones: 3 * TONE })
    t.same(await atTheEnd(happens, 'leaves'), ['deletes the room', 'shuts down'])
  })

  await t.test('nor for somebody who joins without a phone', async t => {
    const happens = await enter(t, { job: '' })
    await happens('joins', {})
    t.same(await greeting(happens), { silence: QUEUE, tones: 3 * TONE })
  })
}

/** The bridge's API, which refuses everything. */
async function apiOf (t: Test) {
  const asked: Array<(request: { path: string, token: string }) => void> = []
  const requests: Array<Promise<{ path: string, token: string }>> = []
  const expect = () => requests.push(new Promise(resolve => asked.push(resolve)))
  expect()
  const server = createServer(({ url = '', headers }, response) => {
    asked.shift()!({ path: url, token: headers.authorization ?? '' })
    expect()
    response.writeHead(403, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => requests.shift()!
  }
}

process.env['PEOPLE'] = 'sales=+15550003333'

await t.test('in TypeScript', t => behaves(t, inTypeScript))
await t.test('in Python', { skip }, t => behaves(t, inPython))
