import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SipClient } from 'livekit-server-sdk'
import t from 'tap'
import { applyProvision, ensureProvisioned, ProvisionError } from '../../src/provisioning/livekit.ts'
import { desiredRule, desiredTrunk, MARKER, type ProvisionSettings } from '../../src/provisioning/livekit-wish.ts'
import { KEY, liveKitProject, SECRET, type Project } from '../fixtures/livekit-project.ts'
import { fixture } from '../fixtures/paths.ts'

type Json = Record<string, any>
interface Exchange {
  path: string
  request: Json
  status: number
  reply: unknown
}
const recorded = (name: string) =>
  (JSON.parse(readFileSync(fixture(`livekit/${name}.json`), 'utf8')) as {
    twirp: Exchange[]
  }).twirp
const errors = recorded('api-errors')
const listed = recorded('dispatch-rules-listed')
const recordedItem = (method: string): Json =>
  structuredClone((listed.find(x => x.path.endsWith(method))?.reply as { items: Json[] }).items[0]!)
const recordedError = (text: string) => {
  const { status, reply } = errors.find(x => JSON.stringify(x.reply).includes(text))!
  return { status, body: reply }
}

const settings: ProvisionSettings = {
  livekitSipUsername: 'jambonz',
  livekitSipPassword: 'trunk-password',
  livekitRoomPrefix: 'jb',
  livekitAgentName: 'demo-agent',
  dialTimeoutS: 25,
  maxCallDurationS: 3600
}
const clientOf = (project: Project) => new SipClient(project.url, KEY, SECRET, { failover: false, requestTimeout: 2 })
const failure = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    return error as ProvisionError
  }
  throw new Error('should have failed')
}
/** A project with what LiveKit really listed; `id` says which id the double gave. */
function withRecorded (project: Project, trunk: Json = {}, rule: Json = {}): { trunk: string, rule: string } {
  const id = project.addTrunk({ ...recordedItem('ListSIPInboundTrunk'), ...trunk })
  return { trunk: id, rule: project.addRule({ ...recordedItem('ListSIPDispatchRule'), trunk_ids: [id], ...rule }) }
}

await t.test("the desired trunk takes any number, with credentials, and outlasts Jambonz' dial", async t => {
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
  t.same(desiredTrunk({ ...settings, livekitSipSrtp: true }).toJson(), {
    ...desiredTrunk(settings).toJson() as Json,
    media: { mediaTimeout: '120s', encryption: 'SIP_MEDIA_ENCRYPT_ALLOW' }
  })
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
  const project = await liveKitProject(t)
  const done = await ensureProvisioned(clientOf(project), settings)
  t.match(done, {
    trunk: { id: /^ST_/, did: 'created', changed: [] },
    rule: { id: /^SDR_/, did: 'created', changed: [] }
  })
  t.match(project.trunks(), [{
    metadata: MARKER,
    numbers: [],
    auth_username: 'jambonz',
    auth_password: 'trunk-password',
    include_headers: 'SIP_X_HEADERS',
    ringing_timeout: '40s',
    media: { media_timeout: '120s' }
  }])
  t.match(project.rules(), [{
    metadata: MARKER,
    trunk_ids: [done.trunk.id],
    rule: { dispatch_rule_callee: { room_prefix: 'jb', randomize: false, pin: '' } },
    room_config: { agents: [{ agent_name: 'demo-agent' }] }
  }])
  t.same(await ensureProvisioned(clientOf(project), settings), {
    trunk: { ...done.trunk, did: 'nothing' },
    rule: { ...done.rule, did: 'nothing' }
  })
  t.same(project.writes, ['CreateSIPInboundTrunk', 'CreateSIPDispatchRule'])
})

await t.test('what LiveKit really listed for such a pair lacks only the media timeout', async t => {
  const project = await liveKitProject(t)
  const ids = withRecorded(project)
  t.same(await ensureProvisioned(clientOf(project), settings), {
    trunk: { id: ids.trunk, did: 'updated', changed: ['media'] },
    rule: { id: ids.rule, did: 'nothing', changed: [] }
  })
  t.same(project.writes, ['UpdateSIPInboundTrunk'])
  t.equal(project.rules()[0]?.room_config.agents[0].metadata, '{"from":"rule"}', "the rule's agent keeps its metadata")
})

await t.test('drift is repaired, and what an operator added stays', async t => {
  const project = await liveKitProject(t)
  withRecorded(project, {
    numbers: ['+15550001111'],
    auth_password: 'old',
    allowed_addresses: ['203.0.113.9'],
    media: { media_timeout: '15s', encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' }
  }, {
    trunk_ids: ['ST_gone'],
    inbound_numbers: ['+15550002222'],
    rule: { dispatch_rule_direct: { room_name: 'x', pin: '1' } },
    attributes: { tenant: 'acme' }
  })
  const done = await ensureProvisioned(clientOf(project), { ...settings, livekitAgentName: 'other' })
  t.same(done.trunk.changed.sort(), ['auth_password', 'media', 'numbers'])
  t.same(done.rule.changed.sort(), ['inbound_numbers', 'room_config', 'rule', 'trunk_ids'])
  t.match(project.trunks(), [{
    auth_password: 'trunk-password',
    allowed_addresses: ['203.0.113.9'],
    numbers: [],
    media: { media_timeout: '120s', encryption: 'SIP_MEDIA_ENCRYPT_ALLOW' }
  }])
  t.match(project.rules(), [{
    trunk_ids: [done.trunk.id],
    inbound_numbers: [],
    rule: { dispatch_rule_callee: { room_prefix: 'jb' } },
    attributes: { tenant: 'acme' },
    room_config: { agents: [{ agent_name: 'other' }] }
  }])
})

await t.test('objects of others are left alone', async t => {
  const project = await liveKitProject(t)
  const trunk = project.addTrunk({ name: 'theirs', metadata: 'not json', numbers: ['+15550001111'] })
  project.addRule({
    name: 'theirs',
    metadata: '{"managed_by":"somebody"}',
    trunk_ids: [trunk],
    rule: { dispatch_rule_direct: { room_name: 'x' } }
  })
  const before = [project.trunks()[0], project.rules()[0]]
  const done = await ensureProvisioned(clientOf(project), settings)
  t.same([done.trunk.did, done.rule.did], ['created', 'created'])
  t.same([project.trunks()[0], project.rules()[0]], before)
})

await t.test('never a second pair: of several of ours the one in use stays', async t => {
  const project = await liveKitProject(t)
  const { trunk, rule } = withRecorded(project)
  project.addRule({ ...recordedItem('ListSIPDispatchRule'), trunk_ids: ['ST_gone'] })
  project.addTrunk({ metadata: MARKER, numbers: ['+1'] })
  t.match(await ensureProvisioned(clientOf(project), settings), { trunk: { id: trunk }, rule: { id: rule } })
  t.same(project.trunks().map(x => x.sip_trunk_id), [trunk])
  t.same(project.rules().map(x => x.sip_dispatch_rule_id), [rule])
})

await t.test('an interrupted run is finished by the next one', async t => {
  const project = await liveKitProject(t)
  const stop = new AbortController()
  const first = await failure(
    applyProvision(clientOf(project), settings, { onChange: () => stop.abort(), signal: stop.signal })
  )
  t.equal(first.finding.code, 'interrupted')
  t.same([project.trunks().length, project.rules().length], [1, 0])
  const done = await ensureProvisioned(clientOf(project), settings)
  t.same([done.trunk.did, done.rule.did], ['nothing', 'created'])
  t.same([project.trunks().length, project.rules().length], [1, 1])
})

await t.test('a lost answer makes nothing twice', async t => {
  const project = await liveKitProject(t)
  const lost = new Set<string>()
  project.meets = method => method.startsWith('List') || lost.has(method) ? 'pass' : (lost.add(method), 'lost')
  await ensureProvisioned(clientOf(project), settings)
  t.same(project.writes, ['CreateSIPInboundTrunk', 'CreateSIPDispatchRule'])
  t.same([project.trunks().length, project.rules().length], [1, 1])
})

await t.test('runs at once converge to one pair', async t => {
  for (const runs of [2, 5]) {
    const project = await liveKitProject(t)
    project.meets = async () => await sleep(Math.random() * 10, 'pass' as const)
    const all = await Promise.all(Array.from({ length: runs }, () => ensureProvisioned(clientOf(project), settings)))
    t.same([project.trunks().length, project.rules().length], [1, 1])
    t.same(new Set(all.map(({ trunk, rule }) => `${trunk.id} ${rule.id}`)).size, 1, 'all name the same')
  }
})

await t.test(
  "two runs that both made a pair, which LiveKit's own check need not prevent, keep the same " +
    'one',
  async t => {
    const project = await liveKitProject(t)
    project.addTrunk({ ...recordedItem('ListSIPInboundTrunk'), allowed_numbers: ['+1'] })
    project.addTrunk({ ...recordedItem('ListSIPInboundTrunk'), allowed_numbers: ['+2'] })
    const all = await Promise.all([1, 2].map(() => ensureProvisioned(clientOf(project), settings)))
    t.equal(all[0]?.trunk.id, all[1]?.trunk.id)
    t.same([project.trunks().length, project.rules().length], [1, 1])
  }
)

await t.test('a LiveKit that does not show passwords is written to once', async t => {
  const project = await liveKitProject(t)
  const sip = clientOf(project)
  const list = sip.listSipInboundTrunk.bind(sip)
  sip.listSipInboundTrunk = async () =>
    (await list()).map(trunk => {
      trunk.authPassword = ''
      return trunk
    })
  const done = await ensureProvisioned(sip, settings)
  t.same([done.trunk.did, done.rule.did], ['created', 'created'])
  t.ok(project.writes.length <= 3)
})

await t.test('another run gives the trunk another password meanwhile: that is said, and not called done', async t => {
  const project = await liveKitProject(t)
  const sip = clientOf(project)
  await ensureProvisioned(sip, settings)
  const update = sip.updateSipInboundTrunk.bind(sip)
  const id = String(project.trunks()[0]?.sip_trunk_id)
  sip.updateSipInboundTrunk = async (...args) => {
    const trunk = await update(...args)
    project.double.provision('UpdateSIPInboundTrunk', {
      sip_trunk_id: id,
      update: { auth_password: 'of-the-other-run' }
    })
    return trunk
  }
  const { finding } = await failure(applyProvision(sip, { ...settings, livekitSipPassword: 'of-this-run' }))
  t.match(finding, { code: 'unsettled', severity: 'failed', seen: /another user name or password/ })
  t.equal(project.trunks()[0]?.auth_password, 'of-the-other-run', 'the two do not fight')
})

await t.test('another prefix is followed by whoever owns the project', async t => {
  const project = await liveKitProject(t)
  const sip = clientOf(project)
  await ensureProvisioned(sip, settings)
  t.equal(
    (await failure(applyProvision(sip, { ...settings, livekitRoomPrefix: 'new' }))).finding.code,
    'prefix-conflict'
  )
  t.same((await ensureProvisioned(sip, { ...settings, livekitRoomPrefix: 'new' })).rule.changed, ['rule'])
})

await t.test('conflicts say what is in the way and what to do', async t => {
  const project = await liveKitProject(t)
  project.meets = method =>
    method === 'CreateSIPInboundTrunk' ? recordedError('Conflicting inbound SIP Trunks') : 'pass'
  const trunk = await failure(ensureProvisioned(clientOf(project), settings))
  t.type(trunk, ProvisionError)
  t.match(trunk, { finding: { code: 'trunk-conflict' }, message: /ST_sxeREhPKmVj7.*delete it/ })
  project.meets = method =>
    method === 'CreateSIPDispatchRule' ? recordedError('Dispatch rule for the same trunk') : 'pass'
  t.match(await failure(ensureProvisioned(clientOf(project), settings)), {
    finding: { code: 'rule-conflict' },
    message: /SDR_ZREV6WHCGH5u.*delete it/
  })
})

await t.test("a refused key is reported without the token that LiveKit's text contains", async t => {
  const project = await liveKitProject(t)
  const wrong: Array<[client: SipClient, code: string]> = [
    [new SipClient(project.url, KEY, 'wrong'.repeat(8)), 'livekit-key-refused'],
    [new SipClient(project.url, 'nokey', SECRET), 'livekit-key-refused']
  ]
  for (const [client, code] of wrong) {
    const error = await failure(ensureProvisioned(client, settings))
    t.equal(error.finding.code, code)
    t.match(error.message, /LIVEKIT_API_SECRET/)
    t.notMatch(JSON.stringify([error.message, error.finding, error.cause]), /eyJ/)
  }
})

await t.test('other failures are findings with a next step', async t => {
  const project = await liveKitProject(t)
  const error = (status: number, code: string, msg: string) => ({ status, body: { code, msg } })
  const cases: Array<[code: string, meets: Project['meets']]> = [
    ['livekit-key-without-sip', () => error(401, 'unauthenticated', 'permissions denied')],
    ['livekit-key-without-sip', () => error(403, 'permission_denied', 'no')],
    [
      'clock-skew',
      () => ({ status: 401, body: 'invalid token: eyJ.eyJ.x, error: token has invalid claims: token is not valid yet' })
    ],
    ['livekit-without-redis', () => error(500, 'internal', 'sip not connected (redis required)')],
    ['livekit-failed', () => error(503, 'unavailable', 'no response from servers')],
    ['livekit-unreachable', () => 'refuse'],
    ['not-livekit', () => ({ status: 404, body: '<html>nothing here</html>' })],
    ['not-livekit', () => ({ status: 200, body: '<html>welcome</html>' })],
    ['livekit-refused', () => recordedError('for security, one of the fields')]
  ]
  for (const [code, meets] of cases) {
    project.meets = meets
    const found = await failure(ensureProvisioned(clientOf(project), settings))
    t.match(found, { finding: { code, severity: 'failed', todo: String } }, `${code}: ${found.message}`)
    t.notMatch(found.message, /eyJ/)
  }
  t.equal(
    (await failure(ensureProvisioned(new SipClient('http://127.0.0.1:1', KEY, SECRET), settings))).finding.code,
    'livekit-unreachable'
  )
  t.equal(project.writes.length, 0)
})
