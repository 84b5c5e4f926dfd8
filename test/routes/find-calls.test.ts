import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import t from 'tap'
import { csvCell } from '../../src/call-table.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { storeRulesOf } from '../../src/store-rules.ts'
import { callerStatus, callHook, dialAction, OPERATOR_TOKEN, type TestBridge } from '../fixtures/build.ts'
import { sketch } from '../fixtures/registry-contract.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'
import { bridgeTest, listen } from './support.ts'

const SHOP_TOKEN = 'shop-token-shop-token'
const VIEWER_TOKEN = 'viewer-token-viewer-token'
const SHORT = { CALL_RETENTION_S: '100', CALL_HISTORY_S: '1000' }

async function received (bridge: TestBridge, extra: Record<string, unknown> = {}): Promise<string> {
  const hook = callHook(extra)
  await bridge.hook('/livekit-api', hook)
  await bridge.clock.pass(1)
  return hook['call_sid']
}

/** A call that its caller gives up: a failed one. */
async function ended (bridge: TestBridge, extra: Record<string, unknown> = {}): Promise<string> {
  const sid = await received(bridge, extra)
  await bridge.hook('/status', callerStatus(sid, 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.hook('/action', dialAction(sid, 'no-answer', 487, { call_status: 'no-answer', sip_status: 487 }))
  await bridge.clock.pass(3000)
  return sid
}

/** The record of a call is forgotten, and it is in the history. */
async function forgotten (bridge: TestBridge): Promise<void> {
  await bridge.clock.pass(200_000)
  await settle()
}

const sidsOf = ({ json }: { json: { calls: Array<{ callSid: string }> } }) => json.calls.map(({ callSid }) => callSid)

const ask = (bridge: TestBridge, url: string, token = OPERATOR_TOKEN) =>
  bridge.app.inject({ url, headers: { authorization: `Bearer ${token}` } })

await bridgeTest('a call of the history is there as before, and cannot be hung up', async (t, bridge) => {
  const sid = await ended(bridge)
  // Its room is deleted.
  await bridge.clock.pass(65_000)
  const urls = ['', '/diagnosis', '/ladder'].map(path => `/calls/${sid}${path}`)
  const before = await Promise.all(urls.map(async url => (await bridge.operator('GET', url)).json))
  await forgotten(bridge)
  t.equal(await bridge.app.registry.get(sid), undefined)
  for (const [i, url] of urls.entries()) {
    const { status, json } = await bridge.operator('GET', url)
    t.equal(status, 200, url)
    t.same(json, before[i], url)
  }
  t.match(await bridge.operator('POST', `/calls/${sid}/hangup`), { status: 409, json: { code: 'BRIDGE_CALL_ENDED' } })
  await bridge.clock.pass(1_000_000)
  const { status, json } = await bridge.operator('GET', `/calls/${sid}`)
  t.equal(status, 404)
  t.match(json.message, /CALL_HISTORY_S/)
}, SHORT)

await bridgeTest('nothing is left without a history', async (t, bridge) => {
  const sid = await ended(bridge)
  await forgotten(bridge)
  t.equal((await bridge.operator('GET', `/calls/${sid}`)).status, 404)
  t.same(sidsOf(await bridge.operator('GET', '/calls')), [])
}, { ...SHORT, CALL_HISTORY_S: '0' })

await bridgeTest('filters find live calls and those of the history', async (t, bridge) => {
  const start = bridge.clock.now()
  const past = await ended(bridge, { from: '+49301234567' })
  await forgotten(bridge)
  const between = new Date(bridge.clock.now()).toISOString()
  const live = await received(bridge, { from: '+15550002222', to: '+4930999123' })
  const { json } = await bridge.operator('GET', `/calls/${past}`)
  const { room, agent } = json.attempts[0]
  const zoned = new Date(start + 3_600_000).toISOString().replace('Z', '+01:00')
  const expected: Array<[query: string, sids: string[]]> = [
    ['', [live, past]],
    ['number=030 1234', [past]],
    ['number=+49 30 1234567', [past]],
    ['number=0002222', [live]],
    ['number=4930', [live, past]],
    ['number=493', []],
    ['number=anonymous', []],
    [`room=${room}`, [past]],
    [`room=${room}x`, []],
    [`agent=${agent}`, [live, past]],
    ['agent=nobody', []],
    ['route=nothing', []],
    [`since=${between}`, [live]],
    [`until=${between}`, [past]],
    [`since=${zoned}&until=${between}`, [past]],
    [`since=${between}&number=1234`, []],
    ['phase=ended', [past]],
    ['phase=active', [live]]
  ]
  for (const [query, sids] of expected) {
    const reply = await bridge.operator('GET', `/calls?${encodeURI(query).replaceAll('+', '%2B')}`)
    t.same(sidsOf(reply), sids, query)
  }
  const first = await bridge.operator('GET', '/calls?limit=1')
  t.same(sidsOf(first), [live])
  t.same(sidsOf(await bridge.operator('GET', `/calls?limit=1&cursor=${first.json.next}`)), [past])
}, SHORT)

await bridgeTest('what is no time is refused with the form of one', async (t, bridge) => {
  const wrong = ['', 'yesterday', '2026-11-29', '2026-11-29T10:00:00', '2026-13-29T10:00:00Z', '1764410000', '12:00Z']
  for (const text of wrong) {
    for (const url of ['/calls', '/calls/export']) {
      const { status, json } = await bridge.operator('GET', `${url}?since=${encodeURIComponent(text)}`)
      t.equal(status, 400, text)
      t.equal(json.message, '`since` must be a time with its zone, such as 2026-11-29T10:15:00Z.', text)
    }
  }
  t.match((await bridge.operator('GET', '/calls/export?format=xlsx')).json.message, /csv, json/)
  t.equal((await bridge.operator('GET', '/calls/export?limit=5')).json.code, 'BRIDGE_UNKNOWN_QUERY')
})

await bridgeTest('failed calls are counted by cause, beside the hour before', async (t, bridge) => {
  await ended(bridge)
  await ended(bridge)
  await received(bridge)
  const { json } = await bridge.operator('GET', '/calls/failures')
  t.match(json.hour, { received: 3, failed: 2, causes: [{ cause: 'caller-gave-up', count: 2, before: 0 }] })
  t.equal(Date.parse(json.at) - Date.parse(json.hour.since), 3_600_000)
  await forgotten(bridge)
  t.same((await bridge.operator('GET', '/calls/failures')).json.hour.causes, [
    { cause: 'caller-gave-up', count: 2, before: 0 },
    { cause: 'reply-refused', count: 1, before: 0 }
  ], 'in the history too, with the third one, which has ended meanwhile')
  await bridge.clock.pass(3_600_000)
  await ended(bridge)
  t.same((await bridge.operator('GET', '/calls/failures')).json.hour.causes, [
    { cause: 'caller-gave-up', count: 1, before: 2 },
    { cause: 'reply-refused', count: 0, before: 1 }
  ])
  t.equal((await ask(bridge, '/calls/failures', VIEWER_TOKEN)).statusCode, 200)
  t.equal((await ask(bridge, '/calls/failures', SHOP_TOKEN)).statusCode, 403)
}, { ...SHORT, CALL_HISTORY_S: '86400', CALLERS: `shop:${SHOP_TOKEN}`, VIEWER_TOKEN })

await bridgeTest('an export has every call, and a key of CALLERS only its own', async (t, bridge) => {
  const { registry } = bridge.app
  const own = sketch('own', { placedBy: 'shop', received: bridge.clock.now() })
  await registry.update('own', () => own)
  const other = await ended(bridge, { from: '+49301234567' })
  await forgotten(bridge)

  const csv = await ask(bridge, '/calls/export')
  t.equal(csv.headers['content-type'], 'text/csv; charset=utf-8; header=present')
  t.match(csv.headers['content-disposition'], /^attachment; filename="calls-2026-11-21T\d{4}Z\.csv"$/)
  const [head, ...rows] = csv.body.split('\r\n')
  t.match(head, /^callSid,direction,phase,received,/)
  t.match(rows[0], new RegExp(`^${other},inbound,ended,2026-.*,\\+49301234567,`))
  t.match(rows[1], /^own,/)
  t.same(rows.slice(2), [''], 'the last line is ended')

  const json = await ask(bridge, '/calls/export?format=json')
  t.match(json.headers, { 'content-type': /^application\/json/, 'content-disposition': /\.json"$/ })
  t.same(json.json(), (await bridge.operator('GET', '/calls')).json.calls)
  t.same((await ask(bridge, '/calls/export?format=json&number=00%2049%2030')).json().length, 1)
  t.same((await ask(bridge, '/calls/export?format=json&number=nobody')).json(), [])

  const sids = async (query: string, token: string) =>
    (await ask(bridge, `/calls/export?format=json${query}`, token)).json().map(({ callSid }: any) => callSid)
  t.same(await sids('', SHOP_TOKEN), ['own'])
  t.same(await sids('&placedBy=operator', SHOP_TOKEN), [])
  t.same(await sids('', VIEWER_TOKEN), [other, 'own'])
  t.equal((await ask(bridge, '/calls/export', 'nothing-nothing-nothing')).statusCode, 401)
}, { ...SHORT, CALLERS: `shop:${SHOP_TOKEN}`, VIEWER_TOKEN })

await t.test('cells are what a spreadsheet shows, and no formulas', async t => {
  const cells: Array<[value: Parameters<typeof csvCell>[0], cell: string]> = [
    ['+15550001111', '+15550001111'],
    ['anonymous', 'anonymous'],
    [undefined, ''],
    [-1, '-1'],
    [true, 'true'],
    ['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
    ['+1+cmd|x', "'+1+cmd|x"],
    ['-2+3', "'-2+3"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', '"\'\r=1"'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['größer 😀', 'größer 😀']
  ]
  for (const [value, cell] of cells) t.equal(csvCell(value), cell)
})

/** A store with many calls, of which a page may fail. */
async function storeOf (count: number, reference = '') {
  const clock = createTestClock()
  const rules = storeRulesOf({ CALL_HISTORY_S: 1000, CALL_HISTORY_MAX: count })
  const store = createMemoryRegistry({ rules, clock })
  for (let i = 0; i < count; i++) {
    const is = { received: clock.now() - i, placedBy: 'shop', reference }
    const call = sketch(`call-${i}`, { ...is, phase: 'ended', wake: clock.now() })
    await store.update(call.callSid, () => call)
    if (i % 2 === 0) await store.update(call.callSid, () => undefined)
  }
  const pages = { read: 0, failing: Infinity }
  const list: Registry['list'] = async (filter, page) => {
    if (++pages.read >= pages.failing) throw new StoreUnavailableError('Redis: no answer')
    return store.list(filter, page)
  }
  return { registry: { ...store, list }, pages, clock }
}

async function download (bridge: TestBridge, path: string): Promise<IncomingMessage> {
  const port = await listen(bridge)
  const request = get({ port, host: '127.0.0.1', path, headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } })
  const [reply] = await once(request, 'response') as [IncomingMessage]
  return reply
}

const MANY = 3000
// More than sockets take in that nobody reads.
const many = await storeOf(MANY, 'x'.repeat(10_000))
await bridgeTest('an export is read as fast as it is taken', async (t, bridge) => {
  const reply = await download(bridge, '/calls/export?format=json')
  await new Promise(resolve => reply.once('readable', resolve))
  const { read } = many.pages
  t.ok(read < MANY / 100, `${read} pages were read for a client that takes nothing yet`)
  let text = ''
  for await (const chunk of reply.setEncoding('utf8')) text += chunk
  t.equal(many.pages.read, MANY / 100)
  const sids = JSON.parse(text).map(({ callSid }: any) => callSid)
  t.same(sids, Array.from({ length: MANY }, (_, i) => `call-${i}`))
}, {}, { registry: many.registry, clock: many.clock })

for (const format of ['csv', 'json']) {
  const broken = await storeOf(500)
  broken.pages.failing = 3
  await bridgeTest(`a store that fails midway breaks a ${format} off`, async (t, bridge) => {
    const reply = await download(bridge, `/calls/export?format=${format}`)
    t.equal(reply.statusCode, 200)
    let text = ''
    await t.rejects(async () => {
      for await (const chunk of reply.setEncoding('utf8')) text += chunk
    }, { code: 'ECONNRESET' }, 'the reply has no end')
    t.equal(reply.complete, false)
    if (format === 'json') t.throws(() => JSON.parse(text))
    t.notMatch(bridge.logged(), /\+1555/)
  }, {}, { registry: broken.registry, clock: broken.clock })
}

const gone = await storeOf(1)
gone.pages.failing = 1
await bridgeTest('a store that is gone from the start is an error reply', async (t, bridge) => {
  const { status, json } = await bridge.operator('GET', '/calls/export')
  t.match({ status, json }, { status: 503, json: { code: 'BRIDGE_STORE_UNAVAILABLE' } })
}, {}, { registry: gone.registry, clock: gone.clock })
