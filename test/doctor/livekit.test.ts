import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import { doctorContext } from '../../src/doctor/context.ts'
import { livekitApiCheck } from '../../src/doctor/livekit-api.ts'
import { othersCheck } from '../../src/doctor/livekit-others.ts'
import { trunkAndRuleCheck } from '../../src/doctor/livekit-trunk-and-rule.ts'
import { runChecks } from '../../src/doctor/run.ts'
import { sipHostCheck } from '../../src/doctor/sip-host.ts'
import { sipReachCheck } from '../../src/doctor/sip-reach.ts'
import { LIVEKIT_CHECKS, PAIR, surgery, type Surgery } from '../fixtures/doctor-surgery.ts'

const DIRECT = { dispatch_rule_direct: { room_name: 'lobby' } }
const CALLEE = { dispatch_rule_callee: { room_prefix: 'jb' } }
const NO_PAIR = { LIVEKIT_SIP_USERNAME: '', LIVEKIT_SIP_PASSWORD: '' }

await t.test('a project as it should be', async t => {
  const { provision, find, project } = await surgery(t)
  const { trunk, rule } = await provision()
  const before = project.writes.length
  const findings = await find(LIVEKIT_CHECKS)
  t.same(findings.filter(({ severity }) => severity !== 'ok'), [])
  t.same(findings.map(({ code }) => code), [
    'livekit-api-ok',
    'clock-ok',
    'sip-host-ok',
    'sip-host-address',
    'options-answered',
    'trunk-and-rule-ok',
    'project-ok',
    'matching-ok'
  ])
  t.match(
    findings.at(-1)?.seen,
    new RegExp(
      `trunk ${trunk}, is asked for user name and password, matches rule ${rule} and lands in room jb_c[a-z2-7]{26}$`
    )
  )
  t.match(findings.find(({ code }) => code === 'options-answered')?.seen, /proves little/)
  t.notMatch(JSON.stringify(findings), /eyJ|trunk-password|devsecret/)
  t.equal(project.writes.length, before, 'nothing is changed')
})

await t.test('an API that cannot be asked: once, and what depends on it is skipped', async t => {
  const { sick, find, project, provision } = await surgery(t)
  await provision()
  const checks = [livekitApiCheck, trunkAndRuleCheck, othersCheck]
  const skipped = ['livekit-not-read', 'livekit-not-read']
  t.same(await sick(checks, { LIVEKIT_URL: 'ws://127.0.0.1:1' }), ['livekit-unreachable', ...skipped])
  t.same(await sick(checks, { LIVEKIT_API_KEY: 'nokey' }), ['livekit-key-refused', ...skipped])
  t.same(await sick(checks, { LIVEKIT_API_SECRET: 'wrong'.repeat(8) }), ['livekit-key-refused', ...skipped])
  t.match(await find(checks, { LIVEKIT_API_KEY: 'nokey' }), [{ todo: /LIVEKIT_API_KEY/ }, {
    seen: /livekit-key-refused/,
    todo: /livekit-api/
  }, {}])
  project.meets = method =>
    method.includes('SIP') ? { status: 401, body: { code: 'unauthenticated', msg: 'permissions denied' } } : 'pass'
  t.same(await sick(checks), ['livekit-key-without-sip', ...skipped])
  project.meets = method =>
    method === 'ListRooms'
      ? { status: 401, body: { code: 'unauthenticated', msg: 'permissions denied eyJtoken' } }
      : 'pass'
  t.same(await sick(checks), ['livekit-key-without-rooms'])
  t.notMatch(JSON.stringify(await find(checks)), /eyJ/)
  project.meets = method =>
    method.includes('SIP')
      ? { status: 500, body: { code: 'internal', msg: 'sip not connected (redis required)' } }
      : 'pass'
  t.same(await sick(checks), ['livekit-without-redis', ...skipped])
  project.meets = () => ({ status: 200, body: '<html>' })
  t.same(await sick(checks), ['not-livekit', ...skipped])
  project.meets = method => method === 'ListRooms' ? { status: 500, body: { code: 'internal', msg: 'x' } } : 'pass'
  t.same(await sick(checks), ['livekit-failed'])
})

await t.test('the project is read once in a run', async t => {
  const { project, find, provision } = await surgery(t)
  await provision()
  const asked: string[] = []
  project.meets = method => {
    asked.push(method)
    return 'pass'
  }
  await find(LIVEKIT_CHECKS)
  t.same(asked.filter(method => method.startsWith('ListSIP')).sort(), [
    'ListSIPDispatchRule',
    'ListSIPInboundTrunk',
    'ListSIPOutboundTrunk'
  ])
})

await t.test('an API that hangs: each check ends at its limit, and says so', async t => {
  const { project, settings } = await surgery(t)
  project.meets = () => new Promise(() => {})
  const checks = [livekitApiCheck, trunkAndRuleCheck].map(check => ({ ...check, limitMs: 100 }))
  const results = await runChecks(checks, doctorContext(settings()), { graceMs: 10 })
  for (const { findings } of results) {
    t.match(findings, [{ code: 'check-timeout', severity: 'failed' }, {
      code: 'check-not-stopped',
      severity: 'skipped'
    }])
  }
})

await t.test('clocks that differ', async t => {
  const { find, sick, provision } = await surgery(t)
  await provision()
  const off = (ms: number) => ({ clock: { ...systemClock, now: () => Date.now() + ms } })
  const check = [livekitApiCheck]
  t.same(await sick(check, {}, off(0)), [])
  t.same(await sick(check, {}, off(5000)), [])
  t.match((await find(check, {}, off(40_000))).at(-1), { code: 'clock-skew', severity: 'warning', seen: /ahead/ })
  t.match((await find(check, {}, off(90_000))).at(-1), {
    code: 'clock-skew',
    severity: 'failed',
    command: 'timedatectl'
  })
  t.match((await find(check, {}, off(-20_000))).at(-1), { code: 'clock-skew', severity: 'warning', seen: /behind/ })
  t.match((await find(check, {}, off(-180_000))).at(-1), {
    code: 'clock-skew',
    severity: 'warning',
    seen: /(179|180) s behind.*takes the tokens.*refuses LiveKit's webhooks/
  }, 'LiveKit takes tokens that are three minutes old')
  t.match((await find(check, {}, off(-670_000))).at(-1), { code: 'clock-skew', severity: 'failed', seen: /expired/ })
})

await t.test('a clock so wrong that LiveKit refuses the token', async t => {
  const { find } = await surgery(t, { tokenTime: () => Date.now() - 3600_000 })
  t.match(await find([livekitApiCheck, trunkAndRuleCheck]), [{ code: 'clock-skew', severity: 'failed' }, {
    code: 'livekit-not-read'
  }])
})

await t.test('TLS on a port without: the URL is said', async t => {
  const { find, project, provision } = await surgery(t)
  await provision()
  const LIVEKIT_URL = project.url.replace('http:', 'wss:')
  t.match(await find([livekitApiCheck, trunkAndRuleCheck], { LIVEKIT_URL }), [{
    code: 'livekit-url-scheme',
    severity: 'failed',
    todo: new RegExp(`Set LIVEKIT_URL to ${project.url.replace('http:', 'ws:')}`)
  }, { code: 'livekit-not-read', seen: /waits for the check livekit-api/ }])
})

await t.test('SIP host: form, address, OPTIONS', async t => {
  const { find, project } = await surgery(t)
  const form = async (host: string, url = 'wss://myproject-1a2b3c4d.livekit.cloud') =>
    (await find([sipHostCheck], { LIVEKIT_SIP_HOST: host, LIVEKIT_URL: url }))[0]?.code
  t.equal(await form('myproject-1a2b3c4d.sip.livekit.cloud'), 'sip-host-websocket-label')
  t.equal(await form('1a2b3c4d.sip.livekit.cloud'), 'sip-host-websocket-suffix')
  t.equal(await form('myproject-1a2b3c4d.livekit.cloud'), 'sip-host-websocket')
  t.equal(
    await form('5t4n6j0wnrl.sip.livekit.cloud'),
    'sip-host-retell',
    'strategy room makes its rooms in the project of LIVEKIT_URL'
  )
  t.equal(await form('sip.retellai.com'), 'sip-host-retell')
  t.equal(await form('vjnxecm0tjk.sip.livekit.cloud', project.url), 'sip-host-cloud')
  t.match(await find([sipHostCheck], { LIVEKIT_SIP_HOST: '[::1]:5060' }), [{ severity: 'ok' }, {
    code: 'sip-host-address',
    seen: /::1 is an address/
  }])
  t.match(await find([sipHostCheck], { LIVEKIT_SIP_HOST: 'localhost' }), [{}, {
    code: 'sip-host-address',
    seen: /localhost has the address.*Jambonz must be in it too/
  }])
  t.match(await find([sipHostCheck, sipReachCheck], { LIVEKIT_SIP_HOST: 'nowhere.invalid' }), [{}, {
    code: 'sip-host-unresolved',
    severity: 'failed'
  }, { code: 'sip-not-asked', severity: 'skipped' }])
  const free = createServer()
  await new Promise<void>(resolve => {
    free.listen(0, '127.0.0.1', resolve)
  })
  const { port } = free.address() as AddressInfo
  await new Promise(resolve => {
    free.close(resolve)
  })
  t.match(await find([sipReachCheck], { LIVEKIT_SIP_HOST: `127.0.0.1:${port}` }), [{
    code: 'sip-refused',
    seen: new RegExp(`nothing listens on TCP port ${port} `)
  }])
  const other = createServer(socket => socket.on('error', () => {}).on('data', data => {
    const [via, from, to, callId, cseq] = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map(name =>
      new RegExp(`^${name}: .*`, 'im').exec(String(data))?.[0]
    )
    socket.write(['SIP/2.0 405 Method Not Allowed', via, from, `${to};tag=x`, callId, cseq, 'Content-Length: 0', '', '']
      .join('\r\n'))
  }))
  await new Promise<void>(resolve => {
    other.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => other.close())
  t.match(await find([sipReachCheck], { LIVEKIT_SIP_HOST: `127.0.0.1:${(other.address() as AddressInfo).port}` }), [{
    code: 'options-answered',
    severity: 'ok',
    seen: /with 405.*in front of it or in its place/
  }], 'it is alive')
})

/** A fault, what the check `trunk-and-rule` finds, whether `--fix` cures it, and what any check finds then. */
interface Fault {
  name: string
  make: (surgery: Surgery) => unknown
  env?: Record<string, string>
  codes: string[]
  cured?: boolean
  left?: string[]
}

const FAULTS: Fault[] = [
  {
    name: 'nothing there',
    make: ({ project }) => {
      for (const { sip_dispatch_rule_id: id } of project.rules()) {
        project.double.provision('DeleteSIPDispatchRule', { sip_dispatch_rule_id: id } as never)
      }
      for (const { sip_trunk_id: id } of project.trunks()) {
        project.double.provision('DeleteSIPTrunk', { sip_trunk_id: id } as never)
      }
    },
    codes: ['trunk-missing', 'rule-missing'],
    cured: true
  },
  {
    name: 'no rule',
    make: ({ project }) =>
      project.double.provision(
        'DeleteSIPDispatchRule',
        { sip_dispatch_rule_id: project.rules()[0]!.sip_dispatch_rule_id } as never
      ),
    codes: ['rule-missing'],
    cured: true
  },
  {
    name: 'numbers',
    make: ({ trunk }) => trunk({ numbers: { set: ['+15551230000'] } }),
    codes: ['trunk-numbers'],
    cured: true
  },
  {
    name: 'another password',
    make: ({ trunk }) => trunk({ auth_password: 'other' }),
    codes: ['trunk-credentials'],
    cured: true
  },
  {
    name: 'another pair: told once',
    make: ({ trunk }) => trunk({ auth_username: 'x', auth_password: 'other' }),
    codes: ['trunk-credentials'],
    cured: true
  },
  {
    name: 'half a pair',
    make: ({ trunk }) => trunk({ auth_password: '', allowed_addresses: { set: ['203.0.113.9'] } }),
    codes: ['trunk-half-credentials'],
    cured: true,
    left: ['matching-addresses']
  },
  {
    name: 'half a pair, open',
    make: ({ trunk }) => trunk({ auth_password: '' }),
    codes: ['trunk-half-credentials', 'trunk-open'],
    cured: true
  },
  {
    name: 'allowed addresses that LiveKit drops',
    make: ({ trunk }) => trunk({ allowed_addresses: { set: ['sip://203.0.113.9'] } }),
    codes: ['trunk-addresses-dropped']
  },
  {
    name: 'an allowed address with a port',
    make: ({ trunk }) => trunk({ allowed_addresses: { set: ['203.0.113.9:5060'] } }),
    codes: ['trunk-addresses-with-port']
  },
  {
    name: 'allowed callers',
    make: ({ trunk }) => trunk({ allowed_numbers: { set: ['+15550001111'] } }),
    codes: ['trunk-callers-restricted']
  },
  {
    name: 'all headers',
    make: ({ trunk }) => trunk({ include_headers: 'SIP_ALL_HEADERS' }),
    codes: ['trunk-all-headers'],
    cured: true
  },
  {
    name: 'no headers',
    make: ({ trunk }) => trunk({ include_headers: 'SIP_NO_HEADERS' }),
    codes: ['trunk-drift'],
    cured: true
  },
  {
    name: 'rings shorter than the dial',
    make: ({ trunk }) => trunk({ ringing_timeout: '30s' }),
    codes: ['trunk-ringing-timeout'],
    cured: true
  },
  {
    name: 'a media timeout that ends calls on hold',
    make: ({ trunk }) => trunk({ media: { media_timeout: '15s' } }),
    codes: ['trunk-media'],
    cured: true
  },
  {
    name: 'a trunk that insists on encryption',
    make: ({ trunk }) => trunk({ media: { media_timeout: '120s', encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' } }),
    codes: ['media-encryption'],
    cured: true
  },
  {
    name: 'a rule that insists on encryption',
    make: ({ rule }) => rule({ media: { encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' } }),
    codes: ['media-encryption'],
    cured: true
  },
  {
    name: 'the deprecated field of a trunk insists on encryption',
    make: ({ trunk }) => trunk({ media_encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' }),
    codes: ['media-encryption'],
    cured: true
  },
  {
    name: 'the deprecated field of a rule insists on encryption',
    make: ({ rule }) => rule({ media_encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' }),
    codes: ['media-encryption'],
    cured: true
  },
  {
    name: 'a trunk that insists on encryption, and a rule that lets it be: calls get through',
    make ({ trunk, rule }) {
      trunk({ media: { media_timeout: '120s', encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' } })
      rule({ media: { encryption: 'SIP_MEDIA_ENCRYPT_ALLOW' } })
    },
    codes: ['trunk-media'],
    cured: true
  },
  {
    name: 'a trunk without encryption, and a dial with it',
    make: ({ trunk }) => trunk({ media: { media_timeout: '120s', encryption: 'SIP_MEDIA_ENCRYPT_DISABLE' } }),
    env: { LIVEKIT_SIP_SRTP: 'true' },
    codes: ['media-encryption'],
    cured: true
  },
  {
    name: 'a trunk with a list of codecs that Jambonz does not offer',
    make: ({ trunk }) =>
      trunk({ media: { media_timeout: '120s', only_listed_codecs: true, codecs: [{ name: 'G722', rate: 8000 }] } }),
    codes: ['media-codecs'],
    cured: true
  },
  {
    name: 'a rule with a list of codecs that Jambonz does not offer',
    make: ({ rule }) => rule({ media: { only_listed_codecs: true, codecs: [{ name: 'AMR-WB', rate: 16000 }] } }),
    codes: ['media-codecs'],
    cured: true
  },
  {
    name: 'a list of codecs with one that Jambonz offers',
    make: ({ trunk }) =>
      trunk({ media: { media_timeout: '120s', only_listed_codecs: true, codecs: [{ name: 'PCMA', rate: 0 }] } }),
    codes: []
  },
  {
    name: "a rule's own media timeout, which ends calls on hold",
    make: ({ rule }) => rule({ media: { media_timeout: '15s' } }),
    codes: ['rule-media'],
    cured: true
  },
  {
    name: 'calls that LiveKit ends before MAX_CALL_DURATION_S',
    make: ({ trunk }) => trunk({ max_call_duration: '600s' }),
    codes: ['trunk-max-call-duration'],
    cured: true
  },
  {
    name: 'allowed addresses instead of credentials',
    make: ({ trunk }) => trunk({ auth_username: '', auth_password: '', allowed_addresses: { set: ['203.0.113.9'] } }),
    codes: ['trunk-credentials'],
    cured: true,
    left: ['matching-addresses']
  },
  { name: 'another kind of rule', make: ({ rule }) => rule({ rule: DIRECT }), codes: ['rule-target'], cured: true },
  {
    name: 'a PIN',
    make: ({ rule }) => rule({ rule: { dispatch_rule_callee: { room_prefix: 'jb', pin: '1234' } } }),
    codes: ['rule-target'],
    cured: true
  },
  {
    name: 'random rooms',
    make: ({ rule }) => rule({ rule: { dispatch_rule_callee: { room_prefix: 'jb', randomize: true } } }),
    codes: ['rule-target'],
    cured: true
  },
  {
    name: 'another prefix',
    make: ({ rule }) => rule({ rule: { dispatch_rule_callee: { room_prefix: 'other' } } }),
    codes: ['prefix-conflict']
  },
  {
    name: 'the setting has another prefix',
    make: () => {},
    env: { LIVEKIT_ROOM_PREFIX: 'staging' },
    codes: ['prefix-conflict']
  },
  {
    name: 'no trunk ids',
    make: ({ rule }) => rule({ trunk_ids: { clear: true } }),
    codes: ['rule-without-trunks'],
    cured: true
  },
  {
    name: 'an unknown trunk',
    make: ({ rule }) => rule({ trunk_ids: { set: ['ST_gone'] } }),
    codes: ['rule-unknown-trunk'],
    cured: true
  },
  {
    name: 'dialled numbers',
    make: ({ rule }) => rule({ numbers: { set: ['+15551230000'] } }),
    codes: ['rule-numbers'],
    cured: true
  },
  {
    name: 'callers',
    make: ({ rule }) => rule({ inbound_numbers: { set: ['+15551230000'] } }),
    codes: ['rule-numbers'],
    cured: true
  },
  {
    name: 'another agent',
    make: () => {},
    env: { LIVEKIT_AGENT_NAME: 'other-agent' },
    codes: ['rule-agent'],
    cured: true
  },
  { name: 'no agent', make: ({ rule }) => rule({ room_config: { agents: [] } }), codes: ['rule-agent'], cured: true },
  {
    name: 'a second wildcard trunk, for other addresses',
    make: ({ project, trunk }) => {
      trunk({ allowed_numbers: { set: ['+1'] } })
      project.addTrunk({ name: 'theirs', auth_username: 'a', auth_password: 'b' })
      trunk({ allowed_numbers: { set: [] } })
    },
    codes: ['trunk-callers-restricted', 'trunk-conflict']
  },
  {
    name: 'a direct rule for some callers on our trunk',
    make: ({ project }) =>
      project.addRule({
        name: 'wins',
        trunk_ids: [project.trunks()[0]!.sip_trunk_id],
        inbound_numbers: ['+15550001111'],
        rule: DIRECT
      }),
    codes: ['rule-conflict']
  },
  {
    name: 'an individual rule with a PIN on our trunk',
    make: ({ project }) =>
      project.addRule({
        name: 'pin',
        trunk_ids: [project.trunks()[0]!.sip_trunk_id],
        rule: { dispatch_rule_individual: { room_prefix: 'x', pin: '12' } }
      }),
    codes: ['rule-conflict']
  }
]

await t.test('every fault of trunk and rule: found by its code, and --fix cures what it claims', async t => {
  t.jobs = 8
  await Promise.all(FAULTS.map(({ name, make, env = {}, codes, cured = false, left = [] }) =>
    t.test(name, async t => {
      const bench = await surgery(t)
      await bench.provision()
      make(bench)
      const found = await bench.find([trunkAndRuleCheck], env)
      t.same(found.filter(({ severity }) => severity !== 'ok').map(({ code }) => code).sort(), [...codes].sort())
      t.notMatch(JSON.stringify(found), /trunk-password|eyJ/, 'nothing secret')
      const context = doctorContext(bench.settings(env))
      const writes = bench.project.writes.length
      const fix = await trunkAndRuleCheck.fix!(context, new AbortController().signal)
      t.equal(bench.project.writes.length, writes, 'a look changes nothing')
      t.equal(fix !== undefined, cured, 'offers a cure')
      if (!fix) return
      t.match(fix, {
        where: `LiveKit project ${bench.project.url}`,
        lines: [/^ {2}[+~-] (create|update|delete) LiveKit/]
      })
      t.notMatch(fix.lines.join('\n'), PAIR.password)
      const done: string[] = []
      await fix.apply(line => done.push(line))
      t.ok(done.length > 0)
      t.same(await bench.sick(LIVEKIT_CHECKS, env), left, 'well again')
    })
  ))
})

await t.test('severities: what breaks calls, and what does not', async t => {
  const { provision, find, trunk } = await surgery(t)
  await provision()
  trunk({ ringing_timeout: '50s' })
  t.match(await find([trunkAndRuleCheck]), [{
    code: 'trunk-ringing-timeout',
    severity: 'warning',
    seen: /"50s", should be "55s"/,
    command: 'bridge doctor --fix'
  }])
  trunk({ ringing_timeout: '40s' })
  t.match(await find([trunkAndRuleCheck]), [{ severity: 'failed', seen: /486/ }])
  t.match(await find([trunkAndRuleCheck], { LIVEKIT_AGENT_NAME: 'other' }), [{}, {
    code: 'rule-agent',
    severity: 'warning'
  }])
  trunk({ ringing_timeout: '55s', max_call_duration: '7200s' })
  t.match(await find([trunkAndRuleCheck]), [{
    code: 'trunk-max-call-duration',
    severity: 'warning',
    seen: /"7200s", should be "7255s"/
  }], 'the ringing counts too')
  trunk({ max_call_duration: '40s' })
  t.match(await find([trunkAndRuleCheck]), [{ severity: 'failed', seen: /ringing/ }])
  trunk({
    max_call_duration: null,
    auth_username: '',
    auth_password: '',
    allowed_addresses: { set: ['203.0.113.9'] }
  })
  t.match((await find([trunkAndRuleCheck])).find(({ code }) => code === 'trunk-credentials'), {
    severity: 'warning',
    seen: /calls get through/
  }, 'LiveKit refuses nobody whom it does not ask')
})

await t.test('a second pair of ours, left by two that ran at once', async t => {
  const { provision, find, project, settings, sick, trunk } = await surgery(t)
  await provision()
  trunk({ numbers: { set: ['+1'] } })
  const metadata = String(project.trunks()[0]?.metadata)
  const second = project.addTrunk({
    name: 'jambonz-bridge',
    metadata,
    auth_username: PAIR.username,
    auth_password: PAIR.password
  })
  const first = String(project.trunks()[0]?.sip_trunk_id)
  t.match(await find([trunkAndRuleCheck]), [{ code: 'trunk-second', severity: 'failed', seen: second }, {
    code: 'trunk-numbers',
    seen: first
  }])
  const fix = await trunkAndRuleCheck.fix!(doctorContext(settings()), new AbortController().signal)
  await fix!.apply(() => {})
  t.same(project.trunks().map(({ sip_trunk_id: id }) => id), [first])
  t.same(await sick(LIVEKIT_CHECKS), [])
})

await t.test('credentials that the settings do not have: the doctor makes none', async t => {
  const { provision, find, settings, trunk, project, env } = await surgery(t)
  const fix = () => trunkAndRuleCheck.fix!(doctorContext(settings(NO_PAIR)), new AbortController().signal)
  t.match(await find([trunkAndRuleCheck], NO_PAIR), [{ code: 'trunk-missing', command: 'bridge provision' }, {
    code: 'rule-missing'
  }])
  t.equal(await fix(), undefined)
  await provision()
  t.match(await find([trunkAndRuleCheck], NO_PAIR), [{
    code: 'sip-credentials-missing',
    severity: 'failed',
    command: 'bridge provision'
  }])
  t.equal(await fix(), undefined, 'what is missing is in the settings')
  trunk({ ringing_timeout: '30s' })
  t.match(await find([trunkAndRuleCheck], NO_PAIR), [{ code: 'trunk-ringing-timeout' }, {
    code: 'sip-credentials-missing'
  }])
  await (await fix())!.apply(() => {})
  t.match(project.trunks(), [{
    auth_username: PAIR.username,
    auth_password: env.LIVEKIT_SIP_PASSWORD,
    ringing_timeout: '55s'
  }], 'the rest can be cured; the pair stays')
  trunk({ auth_username: '', auth_password: '', allowed_addresses: { set: ['203.0.113.9'] } })
  t.match(await find([trunkAndRuleCheck], NO_PAIR), [{ code: 'sip-credentials-unset', severity: 'warning' }])
  t.equal(await fix(), undefined)
  trunk({ numbers: { set: ['+1'] }, allowed_addresses: { clear: true } })
  t.match((await find([trunkAndRuleCheck], NO_PAIR)).map(({ code }) => code), [
    'trunk-open',
    'trunk-numbers',
    'sip-credentials-unset'
  ])
})

await t.test('what others have: warnings, and told once', async t => {
  const { provision, find, project } = await surgery(t)
  const { trunk } = await provision()
  project.addTrunk({ name: 'open', numbers: ['+15550001111'] })
  const dropped = project.addTrunk({
    name: 'dropped',
    numbers: ['+2'],
    allowed_addresses: ['1.2.3.4:5060'],
    auth_username: 'a',
    auth_password: 'b'
  })
  project.addRule({ name: 'ghost', trunk_ids: ['ST_gone'], rule: CALLEE })
  project.addRule({ name: 'wins', trunk_ids: [trunk], inbound_numbers: ['+15550001111'], rule: DIRECT })
  project.addOutbound({ name: 'to livekit', address: 'vjnxecm0tjk.sip.livekit.cloud' })
  project.addOutbound({ name: 'retell', address: '5t4n6j0wnrl.sip.livekit.cloud' })
  const found = await find([othersCheck])
  t.ok(found.every(({ severity }) => severity === 'warning'))
  t.same([...new Set(found.map(({ code }) => code))].sort(), [
    'outbound-livekit',
    'outbound-retell',
    'rule-same-prefix',
    'rule-unknown-trunk',
    'trunk-addresses-with-port',
    'trunk-open',
    'trunk-without-rule'
  ])
  t.ok(found.some(({ seen }) => seen.includes(dropped)))
  t.match(await find([trunkAndRuleCheck]), [{ code: 'rule-conflict', severity: 'failed' }], 'what takes our calls')
})
