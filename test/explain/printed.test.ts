import { inspect } from 'node:util'
import { WebhookEvent } from 'livekit-server-sdk'
import t from 'tap'
import type { Explanation } from '../../src/explain/explanation.ts'
import { protoText } from '../../src/explain/text/proto-text.ts'
import { codesOf, explainedAll } from '../fixtures/explained.ts'
import { FLAT, PRINTED, type Body } from '../fixtures/printed.ts'
import { readRecordings } from '../fixtures/recordings.ts'

/*
 * Webhooks in every form in which programs print them: what is told of the call is what their JSON lines tell.
 */

const verdict = ({ calls }: Explanation): object =>
  calls.map(({ end, sources, from, to }) => ({ cause: end?.cause, by: end?.by, sources, from, to }))

const NAMES = ['chain/wrong-trunk-password', 'jambonz/livekit-no-codec-400']

for (const name of NAMES) {
  const { requests } = readRecordings().find(recording => recording.name === name)!
  const bodies = requests.map(({ body }) => JSON.parse(body) as Body)

  await t.test(`the webhooks of ${name}`, async t => {
    const plain = await explainedAll([bodies.map(body => JSON.stringify(body)).join('\n')])
    t.equal(plain.calls.length, 1)
    t.equal(plain.calls[0]?.sources.hooks, bodies.length)
    for (const [form, print] of Object.entries(PRINTED)) {
      t.same(verdict(await explainedAll([print(bodies)])), verdict(plain), form)
    }
  })

  await t.test(`the texts and numbers in the webhooks of ${name}`, async t => {
    const flat = bodies.map(body =>
      Object.fromEntries(Object.entries(body).filter(([, value]) => /string|number/.test(typeof value))))
    const plain = await explainedAll([flat.map(body => JSON.stringify(body)).join('\n')])
    t.equal(plain.calls[0]?.sources.hooks, bodies.length)
    for (const [form, print] of Object.entries(FLAT)) {
      t.same(verdict(await explainedAll([print(flat)])), verdict(plain), form)
    }
  })
}

const ROOM = { sid: 'RM_q7', name: 'call-q7', emptyTimeout: 300, creationTime: '1772614800' }
const CALLER = {
  sid: 'PA_q7',
  identity: 'sip_+15550101111',
  state: 'ACTIVE',
  kind: 'SIP',
  joinedAt: '1772614801',
  attributes: { 'sip.callID': 'SCL_q7', 'sip.callIDFull': 'cid-q7@sbc', 'sip.phoneNumber': '+15550101111' }
}
const EVENTS = [
  { event: 'room_started', id: 'EV_1', createdAt: '1772614800', room: ROOM },
  { event: 'participant_joined', id: 'EV_2', createdAt: '1772614801', room: ROOM, participant: CALLER },
  {
    event: 'participant_left',
    id: 'EV_3',
    createdAt: '1772614809',
    room: ROOM,
    participant: { ...CALLER, state: 'DISCONNECTED', disconnectReason: 'CLIENT_INITIATED' }
  },
  { event: 'room_finished', id: 'EV_4', createdAt: '1772614810', room: ROOM }
]

/** An event with the names of protobuf, as LiveKit's SDK for Python has it. */
function inSnakeCase (value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [
    name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
    name === 'attributes' ? inner : inSnakeCase(inner)
  ]))
}

/** protobuf's text format. */
function textFormat (message: object, indent = ''): string {
  return Object.entries(message).map(([name, value]: [string, unknown]) => {
    if (name === 'attributes') {
      return Object.entries(value as object).map(([key, each]) =>
        `${indent}attributes {\n${indent}  key: "${key}"\n${indent}  value: "${each}"\n${indent}}\n`).join('')
    }
    if (typeof value === 'object') {
      return `${indent}${name} {\n${textFormat(value as object, `${indent}  `)}${indent}}\n`
    }
    return `${indent}${name}: ${/^(?:[A-Z_]+|\d+)$/.test(String(value)) ? value : JSON.stringify(value)}\n`
  }).join('')
}

await t.test('events of LiveKit, as its SDKs print them', async t => {
  const classes = EVENTS.map(event => WebhookEvent.fromJson(event as Parameters<typeof WebhookEvent.fromJson>[0]))
  const forms: Record<string, string> = {
    'a class of the SDK for Node': classes.map(event => `event ${inspect(event)}`).join('\n'),
    'a class of the SDK for Node, all of it': classes.map(event => inspect(event, { depth: null })).join('\n'),
    'MessageToDict in Python': EVENTS.map(event => JSON.stringify(inSnakeCase(event)).replaceAll('"', "'")).join('\n'),
    'MessageToJson in Python': EVENTS.map(event => JSON.stringify(inSnakeCase(event), null, 2)).join('\n'),
    "protobuf's text format": EVENTS.map(event => textFormat(inSnakeCase(event) as object)).join('\n'),
    "protobuf's text format, behind the words of a logger": EVENTS.map(event =>
      `2026-03-04 09:00:01 INFO webhook ${textFormat(inSnakeCase(event) as object)}`).join(''),
    "protobuf's text format on one line": EVENTS.map(event =>
      `webhook {${textFormat(inSnakeCase(event) as object).replace(/\s*\n\s*/g, ' ')}}`).join('\n'),
    "protobuf's text format, as Go prints it": EVENTS.map(event => `2026/03/04 09:00:00 event ${
      textFormat(inSnakeCase(event) as object).trim().replace(/\s*\n\s*/g, '  ').replace(/(\w):? (?=["{\w])/g, '$1:')
    }`).join('\n'),
    "protobuf's text format, one after another": EVENTS.map(event => textFormat(inSnakeCase(event) as object)).join('')
  }
  const plain = await explainedAll([EVENTS.map(event => JSON.stringify(event)).join('\n')])
  t.equal(plain.calls[0]?.sources.rooms, EVENTS.length)
  for (const [form, text] of Object.entries(forms)) {
    const explanation = await explainedAll([text])
    t.same(verdict(explanation), verdict(plain), form)
    t.same(codesOf(explanation), codesOf(plain), form)
  }
})

await t.test("a list of numbers in protobuf's text format keeps all of them", async t => {
  const trunk = 'SIPInboundTrunkInfo {\n  sip_trunk_id: "ST_q7"\n  name: "q7"\n' +
    '  numbers: "+15550101117"\n  numbers: "+15550101118"\n}\n'
  const told = JSON.stringify((await explainedAll([trunk])).findings)
  t.match(told, /15550101117/)
  t.match(told, /15550101118/)

  const one = protoText('numbers: "+15550101117" mapping { key: "a" value: "b" } mapping { key: "c" value: "d" }')
  t.same(one, { numbers: ['+15550101117'], mapping: { a: 'b', c: 'd' } }, 'a list of one, and a map')
  for (const other of ['a: 1, b: 2', '{ a: undefined }', 'a {', 'a }', '', 'a: "b']) {
    t.equal(protoText(other), undefined, other)
  }
  t.equal(Object.getPrototypeOf(protoText('__proto__ { key: "polluted" value: "x" } b: 1')), Object.prototype)
})

await t.test('what only looks like a webhook is none', async t => {
  const sid = '0f7a2c5e-0000-4000-8000-000000000077'
  const others = {
    "Twilio's form":
      'CallSid=CA0123456789abcdef0123456789abcdef&CallStatus=failed&From=%2B15550101111&Direction=inbound',
    "feature-server's own line":
      JSON.stringify({ level: 30, callSid: sid, callId: 'c', direction: 'inbound', msg: 'x' }),
    'code that names the fields': "if (body.call_sid && body.call_status === 'failed') {\n  return\n}\n",
    'a block without an end': `{\n  "call_sid": "${sid}",\n  "call_status": "failed",\n`
  }
  for (const [name, text] of Object.entries(others)) {
    const { calls } = await explainedAll([text])
    t.equal(calls.reduce((sum, { sources }) => sum + sources.hooks, 0), 0, name)
  }
})
