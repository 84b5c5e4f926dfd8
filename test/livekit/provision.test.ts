import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SipClient } from 'livekit-server-sdk'
import t, { type Test } from 'tap'
import { desiredRule, desiredTrunk, ensureProvisioned, MARKER, ProvisionError, type ProvisionSettings } from '../../src/livekit/provision.ts'

type Json = Record<string, unknown>
interface Exchange { path: string, request: Json, status: number, reply: unknown }
const recorded = (name: string) => (JSON.parse(readFileSync(new URL(`../fixtures/livekit/${name}.json`, import.meta.url), 'utf8')) as { twirp: Exchange[] }).twirp
const errors = recorded('api-errors')
const listed = recorded('dispatch-rules-listed')
const recordedItem = (method: string) => structuredClone((listed.find(x => x.path.endsWith(method))?.reply as { items: Json[] }).items[0]!)
const recordedError = (text: string) => errors.find(x => JSON.stringify(x.reply).includes(text))!

const settings: ProvisionSettings = {
  livekitSipUsername: 'jambonz',
  livekitSipPassword: 'trunk-password',
  livekitRoomPrefix: 'jb',
  livekitAgentName: 'demo-agent',
  dialTimeoutS: 25
}

/** What LiveKit keeps, in the spelling of its replies: the request's properties over the recorded object's. */
const stored = (base: Json, sent: Json): Json =>
  ({ ...base, ...Object.fromEntries(Object.entries(sent).map(([key, value]) => [key.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`), value])) })

/** A LiveKit that knows the six requests of provisioning; `fails` answers a method as the recording did. */
async function liveKit (t: Test, { trunks = [] as Json[], rules = [] as Json[], fails = {} as Record<string, Exchange> } = {}) {
  const requests: Array<{ method: string, body: Json }> = []
  const bareTrunk = { ...recordedItem('ListSIPInboundTrunk'), sip_trunk_id: 'ST_new', name: '', metadata: '', auth_username: '', auth_password: '', include_headers: 'SIP_NO_HEADERS', ringing_timeout: null }
  const bareRule = { ...recordedItem('ListSIPDispatchRule'), sip_dispatch_rule_id: 'SDR_new', rule: null, name: '', metadata: '', trunk_ids: [], room_config: null }
  const answers: Record<string, (body: Json) => Json> = {
    ListSIPInboundTrunk: () => ({ items: trunks }),
    ListSIPDispatchRule: () => ({ items: rules }),
    CreateSIPInboundTrunk: body => push(trunks, stored(bareTrunk, body.trunk as Json)),
    CreateSIPDispatchRule: body => push(rules, stored(bareRule, body)),
    UpdateSIPInboundTrunk: body => replace(trunks, 'sip_trunk_id', body.sipTrunkId, stored(bareTrunk, body.replace as Json)),
    UpdateSIPDispatchRule: body => replace(rules, 'sip_dispatch_rule_id', body.sipDispatchRuleId, stored(bareRule, body.replace as Json))
  }
  const server = createServer((req, res) => {
    let text = ''
    req.on('data', chunk => { text += String(chunk) })
    req.on('end', () => {
      const method = req.url?.split('/').at(-1) ?? ''
      const body = JSON.parse(text) as Json
      requests.push({ method, body })
      const failure = fails[method]
      const reply = failure ? failure.reply : answers[method]?.(body)
      res.writeHead(failure?.status ?? 200, { 'content-type': typeof reply === 'string' ? 'text/plain' : 'application/json' })
      res.end(typeof reply === 'string' ? reply : JSON.stringify(reply))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const sip = new SipClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'devkey', 'devsecretdevsecretdevsecretdevsecret')
  return { sip, requests, trunks, rules, writes: () => requests.filter(x => !x.method.startsWith('List')).map(x => x.method) }
}

function push (items: Json[], item: Json): Json {
  items.push(item)
  return item
}

function replace (items: Json[], key: string, id: unknown, item: Json): Json {
  items[items.findIndex(old => old[key] === id)] = { ...item, [key]: id }
  return item
}

const failure = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    return error as ProvisionError
  }
  throw new Error('should have failed')
}

await t.test('the desired trunk takes any number, with credentials, and outlasts Jambonz\' dial', async t => {
  t.same(desiredTrunk(settings).toJson(), {
    name: 'jambonz-bridge',
    metadata: MARKER,
    authUsername: 'jambonz',
    authPassword: 'trunk-password',
    includeHeaders: 'SIP_X_HEADERS',
    ringingTimeout: '40s',
    media: { mediaTimeout: '120s' }
  })
  t.equal(MARKER, '{"managed_by":"jambonz-livekit-bridge"}')
})

await t.test('a trunk that would challenge nobody is not made', async t => {
  t.throws(() => desiredTrunk({ ...settings, livekitSipPassword: '' }), /LIVEKIT_SIP_PASSWORD/)
  t.throws(() => desiredTrunk({ ...settings, livekitSipUsername: '' }), /LIVEKIT_SIP_USERNAME/)
})

await t.test('the desired rule is bound to the trunk and brings the default agent', async t => {
  t.same(desiredRule(settings, 'ST_1').toJson(), {
    name: 'jambonz-bridge',
    metadata: MARKER,
    trunkIds: ['ST_1'],
    rule: { dispatchRuleCallee: { roomPrefix: 'jb' } },
    roomConfig: { agents: [{ agentName: 'demo-agent' }] }
  })
})

await t.test('an empty project gets both; the second run changes nothing', async t => {
  const livekit = await liveKit(t)
  t.same(await ensureProvisioned(livekit.sip, settings), {
    trunk: { id: 'ST_new', did: 'created', changed: [] },
    rule: { id: 'SDR_new', did: 'created', changed: [] }
  })
  t.same(livekit.requests.find(x => x.method === 'CreateSIPInboundTrunk')?.body, { trunk: desiredTrunk(settings).toJson() })
  t.same(livekit.requests.find(x => x.method === 'CreateSIPDispatchRule')?.body, desiredRule(settings, 'ST_new').toJson())
  t.same(await ensureProvisioned(livekit.sip, settings), {
    trunk: { id: 'ST_new', did: 'nothing', changed: [] },
    rule: { id: 'SDR_new', did: 'nothing', changed: [] }
  })
  t.equal(livekit.writes().length, 2)
})

await t.test('what LiveKit really listed for such a pair lacks only the media timeout', async t => {
  const livekit = await liveKit(t, { trunks: [recordedItem('ListSIPInboundTrunk')], rules: [recordedItem('ListSIPDispatchRule')] })
  t.same(await ensureProvisioned(livekit.sip, settings), {
    trunk: { id: 'ST_cfYDX5BsrjmH', did: 'updated', changed: ['media'] },
    rule: { id: 'SDR_BFvbjzqKWSrr', did: 'nothing', changed: [] }
  })
  t.same(livekit.writes(), ['UpdateSIPInboundTrunk'])
  t.equal((await ensureProvisioned(livekit.sip, settings)).trunk.did, 'nothing')
})

await t.test('drift is repaired, and what an operator added stays', async t => {
  const trunk = { ...recordedItem('ListSIPInboundTrunk'), numbers: ['+15550001111'], auth_password: 'old', allowed_addresses: ['203.0.113.9'], media: { media_timeout: '15s', encryption: 'SIP_MEDIA_ENCRYPT_ALLOW' } }
  const rule = { ...recordedItem('ListSIPDispatchRule'), trunk_ids: ['ST_gone'], inbound_numbers: ['+15550002222'], rule: { dispatch_rule_direct: { room_name: 'x', pin: '1' } }, attributes: { tenant: 'acme' } }
  const livekit = await liveKit(t, { trunks: [trunk], rules: [rule] })
  const done = await ensureProvisioned(livekit.sip, { ...settings, livekitAgentName: 'other' })
  t.same(done.trunk.changed.sort(), ['authPassword', 'media', 'numbers'])
  t.same(done.rule.changed.sort(), ['inboundNumbers', 'roomConfig', 'rule', 'trunkIds'])
  t.match(livekit.requests.find(x => x.method === 'UpdateSIPInboundTrunk')?.body, {
    sipTrunkId: 'ST_cfYDX5BsrjmH',
    replace: { authPassword: 'trunk-password', allowedAddresses: ['203.0.113.9'], media: { mediaTimeout: '120s', encryption: 'SIP_MEDIA_ENCRYPT_ALLOW' } }
  })
  t.match(livekit.requests.find(x => x.method === 'UpdateSIPDispatchRule')?.body, {
    replace: { trunkIds: ['ST_cfYDX5BsrjmH'], rule: { dispatchRuleCallee: { roomPrefix: 'jb' } }, attributes: { tenant: 'acme' }, roomConfig: { agents: [{ agentName: 'other' }] } }
  })
})

await t.test('objects of others are left alone', async t => {
  const livekit = await liveKit(t, {
    trunks: [{ ...recordedItem('ListSIPInboundTrunk'), sip_trunk_id: 'ST_theirs', metadata: 'not json', numbers: ['+15550001111'] }],
    rules: [{ ...recordedItem('ListSIPDispatchRule'), sip_dispatch_rule_id: 'SDR_theirs', metadata: '{"managed_by":"somebody"}', trunk_ids: ['ST_theirs'] }]
  })
  const done = await ensureProvisioned(livekit.sip, settings)
  t.equal(done.trunk.did, 'created')
  t.equal(done.rule.did, 'created')
  t.same(livekit.writes(), ['CreateSIPInboundTrunk', 'CreateSIPDispatchRule'])
})

await t.test('of two rules of ours, the one on the trunk is the one', async t => {
  const stale = { ...recordedItem('ListSIPDispatchRule'), sip_dispatch_rule_id: 'SDR_stale', trunk_ids: ['ST_gone'] }
  const livekit = await liveKit(t, { trunks: [recordedItem('ListSIPInboundTrunk')], rules: [stale, recordedItem('ListSIPDispatchRule')] })
  t.equal((await ensureProvisioned(livekit.sip, settings)).rule.id, 'SDR_BFvbjzqKWSrr')
})

await t.test('conflicts say what is in the way and what to do', async t => {
  const trunk = await failure(ensureProvisioned((await liveKit(t, { fails: { CreateSIPInboundTrunk: recordedError('Conflicting inbound SIP Trunks') } })).sip, settings))
  t.type(trunk, ProvisionError)
  t.equal(trunk.reason, 'trunk-conflict')
  t.match(trunk.message, /ST_sxeREhPKmVj7.*Delete it/)
  const rule = await failure(ensureProvisioned((await liveKit(t, { fails: { CreateSIPDispatchRule: recordedError('Dispatch rule for the same trunk') } })).sip, settings))
  t.equal(rule.reason, 'rule-conflict')
  t.match(rule.message, /SDR_ZREV6WHCGH5u.*Delete it/)
})

await t.test('a refused key is reported without the token that LiveKit\'s text contains', async t => {
  const error = await failure(ensureProvisioned((await liveKit(t, { fails: { ListSIPInboundTrunk: recordedError('invalid token') } })).sip, settings))
  t.equal(error.reason, 'not-allowed')
  t.match(error.message, /LIVEKIT_API_SECRET/)
  t.notMatch(error.message, /eyJ/)
  t.equal(error.cause, undefined)
})

await t.test('other failures', async t => {
  const reply = (status: number, msg: string): Exchange => ({ path: '', request: {}, status, reply: { code: 'internal', msg } })
  const cases: Array<[ProvisionError['reason'], Exchange]> = [
    ['no-redis', reply(500, 'sip not connected (redis required)')],
    ['unreachable', reply(503, 'no response from servers')],
    ['refused', recordedError('for security, one of the fields')]
  ]
  for (const [reason, exchange] of cases) {
    const error = await failure(ensureProvisioned((await liveKit(t, { fails: { ListSIPInboundTrunk: exchange } })).sip, settings))
    t.equal(error.reason, reason)
  }
  const nobody = new SipClient('http://127.0.0.1:1', 'devkey', 'devsecretdevsecretdevsecretdevsecret')
  t.equal((await failure(ensureProvisioned(nobody, settings))).reason, 'unreachable')
})
