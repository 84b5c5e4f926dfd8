import t, { type Test } from 'tap'
import { provision } from '../../src/cli/provision.ts'
import { buildSdp } from '../../src/sip/sdp.ts'
import { createUserAgent } from '../../src/sip/user-agent.ts'
import { ACCOUNT, jambonzApplications } from '../fixtures/jambonz-applications.ts'
import { KEY, liveKitProject, SECRET, type Project } from '../fixtures/livekit-project.ts'

const REST_OFF = { JAMBONZ_REST_API_BASE_URL: '', JAMBONZ_ACCOUNT_SID: '', JAMBONZ_API_KEY: '' }
const PAIR = { LIVEKIT_SIP_USERNAME: 'jambonz', LIVEKIT_SIP_PASSWORD: 'trunk-password' }
const THEIRS = { name: 'theirs', auth_username: 'a', auth_password: 'b' }
const DIRECT = { dispatch_rule_direct: { room_name: 'x' } }

interface Ran {
  code: number
  out: string
  err: string
  asked: string[]
}
type Run = (
  args: string[],
  env?: Record<string, string>,
  options?: { answer?: boolean, signal?: AbortSignal, onLine?: (line: string) => void }
) => Promise<Ran>

/** Runs the command against a project of its own; without an answer nobody is there to ask. */
async function bench (
  t: Test,
  base: Record<string, string> = PAIR,
  double: Parameters<typeof liveKitProject>[1] = {}
): Promise<{ project: Project, run: Run }> {
  const project = await liveKitProject(t, double)
  const run: Run = async (args, env = {}, { answer, signal, onLine } = {}) => {
    const [out, err, asked]: [string[], string[], string[]] = [[], [], []]
    const code = await provision(args, {
      env: {
        LIVEKIT_URL: project.url,
        LIVEKIT_API_KEY: KEY,
        LIVEKIT_API_SECRET: SECRET,
        LIVEKIT_AGENT_NAME: 'demo-agent',
        LIVEKIT_ROOM_PREFIX: 'jb',
        ...REST_OFF,
        ...base,
        ...env
      },
      out (line) {
        out.push(line)
        onLine?.(line)
      },
      err (line) {
        err.push(line)
      },
      ...(answer !== undefined && {
        ask: async (question: string) => {
          asked.push(question)
          return answer
        }
      }),
      ...(signal && { signal })
    })
    const said = [...out, ...err].join('\n')
    t.notMatch(said, /^\s+at .*:\d+/m, 'no stack trace')
    t.notMatch(said, SECRET, 'no secret of the API')
    return { code, out: out.join('\n'), err: err.join('\n'), asked }
  }
  return { project, run }
}
const pairOf = (out: string) => /LIVEKIT_SIP_USERNAME=(\S+)\nLIVEKIT_SIP_PASSWORD=(\S+)/.exec(out)?.slice(1)

await t.test('shows, asks, makes, and then finds everything as it should be', async t => {
  const { project, run } = await bench(t)
  const plan = await run(['--plan'])
  t.equal(plan.code, 0)
  t.match(
    plan.out,
    /\+ create LiveKit inbound trunk "jambonz-bridge"[^]*ringing_timeout[^]*\+ create LiveKit dispatch rule[^]*Nothing was changed/
  )
  t.notMatch(plan.out, 'trunk-password')
  const no = await run([], {}, { answer: false })
  t.equal(no.code, 1)
  t.match(no.asked, [`${project.url}?`], 'the question names the project')
  const nobody = await run([])
  t.equal(nobody.code, 1)
  t.match(nobody.err, /nobody can be asked[^]*--yes/)
  t.same(project.writes, [], 'nothing was changed')
  const yes = await run([], {}, { answer: true })
  t.equal(yes.code, 0)
  t.ok(yes.out.startsWith(`LiveKit project: ${project.url}`), 'the project is named first')
  t.match(yes.out, /created: LiveKit inbound trunk ST_\w+[^]*created: LiveKit dispatch rule SDR_\w+/)
  t.equal(pairOf(yes.out), undefined, 'the pair is in the settings already')
  const again = await run(['--yes'])
  t.equal(again.code, 0)
  t.match(again.out, 'Everything is as it should be')
  t.same(project.writes, ['CreateSIPInboundTrunk', 'CreateSIPDispatchRule'])
})

await t.test('drift is shown property by property', async t => {
  const { project, run } = await bench(t)
  await run(['--yes'])
  const { out, code } = await run(['--yes'], {
    LIVEKIT_AGENT_NAME: 'other',
    DIAL_TIMEOUT_S: '60',
    LIVEKIT_SIP_PASSWORD: 'changed'
  })
  t.equal(code, 0)
  t.match(out, /~ update LiveKit inbound trunk ST_\w+/)
  t.match(out, /ringing_timeout +"55s" → "75s"/)
  t.match(out, /auth_password +\(not shown\) → \(another, not shown\)/)
  t.match(out, /room_config .*demo-agent.* → .*other/)
  t.match(project.trunks(), [{ auth_password: 'changed' }])
})

await t.test('credentials: made when none are set, printed once as lines for .env, rotated', async t => {
  const { project, run } = await bench(t, {})
  const first = await run(['--yes'])
  t.equal(first.code, 0)
  const [username, password] = pairOf(first.out) ?? []
  t.match(project.trunks(), [{ auth_username: username, auth_password: password }])
  t.match(password, /^[\w-]{43}$/)
  t.equal(first.out.split(String(password)).length, 2, 'once')
  const forgotten = await run(['--yes'])
  t.same(pairOf(forgotten.out), [username, password], 'who did not keep them gets them again, and the trunk keeps them')
  t.equal(project.writes.length, 2)
  const pair = { LIVEKIT_SIP_USERNAME: String(username), LIVEKIT_SIP_PASSWORD: String(password) }
  t.equal(pairOf((await run([], pair)).out), undefined)
  const rotated = await run(['--rotate', '--yes'], pair)
  t.equal(rotated.code, 0)
  const [same, fresh] = pairOf(rotated.out) ?? []
  t.equal(same, username)
  t.not(fresh, password)
  t.match(project.trunks(), [{ auth_username: username, auth_password: fresh }])
  t.equal((await run(['--rotate', '--plan'], pair)).code, 0)
  t.match(project.trunks(), [{ auth_password: fresh }], '--plan changes nothing')
  const json = JSON.parse((await run(['--rotate', '--yes', '--json'], pair)).out) as {
    env: Record<string, string>
    applied: boolean
    project: string
  }
  t.match(json, {
    applied: true,
    project: project.url,
    env: { LIVEKIT_SIP_USERNAME: username, LIVEKIT_SIP_PASSWORD: /^[\w-]{43}$/ }
  })
})

await t.test('with what is made and printed a call reaches the agent; with anything else it does not', async t => {
  const { project, run } = await bench(t, {}, {
    agents: [{ name: 'demo-agent', joinAfterMs: 5, publishAfterMs: 5 }],
    ringIntervalMs: 20
  })
  const [username, password] = pairOf((await run(['--yes'])).out) as [string, string]
  const caller = await createUserAgent({ transport: 'tcp' })
  t.after(() => caller.close())
  const dial = (auth: { username: string, password: string }) =>
    caller.invite(project.double.sipUri('ctoken'), {
      from: '+15550001111',
      body: buildSdp({ ip: '127.0.0.1', port: 40000 }),
      auth
    })
  t.match(await dial({ username, password: 'wrong' }).final, { status: 401 })
  t.match(await dial({ username, password }).final, { status: 200 })
  t.ok(project.double.room('jb_ctoken'), 'in the room of its token')
})

await t.test('half a pair in the settings: said before anything is asked of LiveKit', async t => {
  const { project, run } = await bench(t, { LIVEKIT_SIP_USERNAME: 'jambonz' })
  const { code, err } = await run(['--yes'])
  t.equal(code, 2)
  t.match(err, /LIVEKIT_SIP_PASSWORD must be set too/)
  t.same(project.trunks(), [])
})

await t.test('arguments and settings that do not do: exit code 2', async t => {
  const { run } = await bench(t)
  for (const args of [['--fly'], ['--list', '--delete'], ['--plan', '--yes'], ['word']]) {
    const { code, err } = await run(args)
    t.equal(code, 2, args.join(' '))
    t.match(err, 'Usage: bridge provision')
  }
  const { code, err } = await run(['--yes'], { LIVEKIT_URL: '', LIVEKIT_AGENT_NAME: '' })
  t.equal(code, 2)
  t.match(err, /LIVEKIT_URL is required[^]*LIVEKIT_AGENT_NAME is required/)
  t.notMatch(err, /PUBLIC_URL|WEBHOOK|SIP_HOST/, 'what is not needed is not asked for')
  t.equal((await run(['--help'])).code, 0)
  t.match(JSON.parse((await run(['--json'], { LIVEKIT_URL: '' })).out), {
    findings: [{ code: 'settings-unusable', severity: 'failed' }]
  })
})

await t.test('conflicts: explained, and nothing is changed', async t => {
  const { project, run } = await bench(t)
  const theirs = project.addTrunk(THEIRS)
  const before = project.trunks()
  const refused = await run(['--yes'])
  t.equal(refused.code, 1)
  t.match(refused.err, new RegExp(`${theirs}[^]*trunk-conflict[^]*\\$ bridge provision --adopt`))
  t.same(project.trunks(), before)
  t.same(project.writes, [])
  const adopted = await run(['--adopt'], {}, { answer: true })
  t.equal(adopted.code, 0)
  t.match(adopted.out, new RegExp(`~ update LiveKit inbound trunk ${theirs} "theirs" \\(taken over\\)`))
  t.match(project.trunks(), [{ sip_trunk_id: theirs, auth_username: 'jambonz', name: 'theirs' }])
  t.equal(project.rules().length, 1)
  const prefix = await run(['--yes'], { LIVEKIT_ROOM_PREFIX: 'staging' })
  t.equal(prefix.code, 1)
  t.match(prefix.err, /prefix "jb"[^]*prefix-conflict/)
})

await t.test('what is wrong with a project beside our pair is said, and a rule that wins is a failure', async t => {
  const { project, run } = await bench(t)
  await run(['--yes'])
  const ours = String(project.trunks()[0]?.sip_trunk_id)
  project.addRule({ name: 'wins', trunk_ids: [ours], inbound_numbers: ['+1555'], rule: DIRECT })
  project.addRule({ name: 'open', trunk_ids: [], rule: DIRECT })
  project.double.provision('UpdateSIPInboundTrunk', {
    sip_trunk_id: ours,
    update: { allowed_addresses: { set: ['sip://1.2.3.4'] } }
  })
  const { code, out, err } = await run(['--yes'])
  t.equal(code, 1)
  t.match(err, /rule-conflict/)
  t.match(err, /trunk-addresses-dropped/)
  t.match(out, /rule-without-trunks/)
})

await t.test('--list: every trunk and rule, with what is wrong with each', async t => {
  const { project, run } = await bench(t)
  t.match((await run(['--list'])).out, 'No trunks and no dispatch rules')
  await run(['--yes'])
  project.addOutbound({ name: 'from a script', address: 'vjnxecm0tjk.sip.livekit.cloud' })
  project.addOutbound({ address: '5t4n6j0wnrl.sip.livekit.cloud' })
  project.addTrunk({ name: 'open', numbers: ['+15550001111'] })
  const before = project.writes.length
  const { code, out } = await run(['--list'], { LIVEKIT_AGENT_NAME: '' })
  t.equal(code, 0)
  t.match(
    out,
    /inbound trunk ST_\w+ "jambonz-bridge" \(the bridge's\): takes every number, asks for user name and password/
  )
  t.match(out, /room jb_<dialled>/)
  t.match(out, /LiveKit would call LiveKit itself[^]*outbound-livekit[^]*outbound-retell/)
  t.match(out, /open to strangers/)
  t.notMatch(out, 'trunk-password')
  t.equal(project.writes.length, before)
  const json = JSON.parse((await run(['--list', '--json'])).out) as { objects: Array<{ kind: string, ours: boolean }> }
  t.same(json.objects.map(({ kind, ours }) => [kind, ours]), [
    ['inbound trunk', true],
    ['inbound trunk', false],
    ['dispatch rule', true],
    ['outbound trunk', false],
    ['outbound trunk', false]
  ])
})

await t.test('--delete: our own, after consent', async t => {
  const { project, run } = await bench(t)
  t.match(await run(['--delete', '--yes']), { code: 0, out: /no trunk and no rule here/ })
  await run(['--yes'])
  const theirs = project.addTrunk({ name: 'theirs', numbers: ['+1'] })
  project.addRule({ name: 'theirs', trunk_ids: [theirs], rule: DIRECT })
  t.equal((await run(['--delete'])).code, 1)
  t.equal((await run(['--delete', '--plan'])).code, 0)
  t.equal((await run(['--delete', '--yes'], { LIVEKIT_ROOM_PREFIX: 'other' })).code, 1)
  t.same([project.trunks().length, project.rules().length], [2, 2])
  const { code, out, asked } = await run(['--delete'], { LIVEKIT_AGENT_NAME: '' }, { answer: true })
  t.equal(code, 0)
  t.match(asked, [project.url])
  t.match(out, /deleted: LiveKit dispatch rule[^]*deleted: LiveKit inbound trunk/)
  t.same([project.trunks().map(x => x.name), project.rules().map(x => x.name)], [['theirs'], ['theirs']])
})

await t.test('interrupted: says what was made, and the next run goes on', async t => {
  const { project, run } = await bench(t, {})
  const stop = new AbortController()
  const { code, out, err } = await run(['--yes'], {}, {
    signal: stop.signal,
    onLine (line) {
      if (line.startsWith('created')) stop.abort()
    }
  })
  t.equal(code, 1)
  t.match(out, /created: LiveKit inbound trunk/)
  t.match(out, /the next run says what to put into \.env/)
  t.match(err, /Interrupted[^]*\$ bridge provision/)
  const jambonz = await jambonzApplications(t)
  const json = JSON.parse(
    (await run(['--yes', '--json'], {
      ...jambonz.env,
      PUBLIC_URL: 'https://bridge.example.com',
      LIVEKIT_AGENT_NAME: 'other'
    }, { signal: stop.signal })).out
  )
  t.match(
    json,
    { applied: false, done: [], findings: [{}, { code: 'interrupted', command: 'bridge provision' }] },
    'nor is anything begun after it'
  )
  t.same(jambonz.writes, [])
  const next = await run(['--yes'])
  t.equal(next.code, 0)
  const [username, password] = pairOf(next.out) ?? []
  t.match(project.trunks(), [{ auth_username: username, auth_password: password }])
  t.same(project.writes, ['CreateSIPInboundTrunk', 'CreateSIPDispatchRule'])
})

await t.test('two at once, both without credentials: one pair, and both print what it has', async t => {
  const { project, run } = await bench(t, {})
  const all = await Promise.all([run(['--yes']), run(['--yes'])])
  t.same(all.map(({ code }) => code), [0, 0])
  t.same([project.trunks().length, project.rules().length], [1, 1])
  for (const { out } of all) {
    t.same(pairOf(out), [project.trunks()[0]?.auth_username, project.trunks()[0]?.auth_password])
  }
})

await t.test('a rotation that is cut off does not lose the new pair', async t => {
  const { project, run } = await bench(t)
  await run(['--yes'])
  project.meets = method => {
    if (method === 'UpdateSIPInboundTrunk') return 'lost'
    return method.startsWith('List') && project.writes.includes('UpdateSIPInboundTrunk') ? 'refuse' : 'pass'
  }
  const { code, out } = await run(['--rotate', '--yes'])
  t.equal(code, 1)
  t.match(project.trunks(), [{ auth_password: pairOf(out)?.[1] }])
})

await t.test('a LiveKit that cannot be asked: a finding with a next step', async t => {
  const { project, run } = await bench(t)
  const cases: Array<[code: string, env: Record<string, string>, meets?: Project['meets']]> = [
    ['livekit-unreachable', { LIVEKIT_URL: 'ws://127.0.0.1:1' }],
    ['livekit-unreachable', { LIVEKIT_URL: 'wss://nowhere.invalid' }],
    ['livekit-unreachable', { LIVEKIT_URL: 'http://[' }],
    ['livekit-key-refused', { LIVEKIT_API_SECRET: 'wrong'.repeat(8) }],
    ['livekit-key-refused', { LIVEKIT_API_KEY: 'nokey' }],
    [
      'livekit-key-without-sip',
      {},
      () => ({ status: 401, body: { code: 'unauthenticated', msg: 'permissions denied' } })
    ],
    ['not-livekit', {}, () => ({ status: 200, body: '<html>' })]
  ]
  for (const [finding, env, meets = () => 'pass'] of cases) {
    project.meets = meets as Project['meets']
    for (const args of [['--yes'], ['--plan'], ['--list'], ['--delete', '--yes']]) {
      const { code, err } = await run(args, env)
      t.equal(code, 1, `${finding} ${args.join(' ')}`)
      t.match(err, finding)
      t.notMatch(err, /eyJ/, 'no token')
    }
  }
  t.same(project.writes, [])
})

await t.test('the Jambonz application: made with consent, checked, repaired', async t => {
  const { project, run } = await bench(t)
  const jambonz = await jambonzApplications(t, { numbers: [{ number: '15550001111', application_sid: 'another' }] })
  const env = { ...jambonz.env, PUBLIC_URL: 'https://bridge.example.com/x/' }
  const plan = await run(['--plan'], env)
  t.match(plan.out, /\+ create Jambonz application "LiveKit bridge bridge\.example\.com\/x"/)
  t.same(jambonz.writes, [])
  const { code, out, asked } = await run([], env, { answer: true })
  t.equal(code, 0)
  t.match(out, new RegExp(`Jambonz account: ${ACCOUNT} at ${jambonz.url}`))
  t.match(asked, [jambonz.url], 'the question names Jambonz')
  t.match(jambonz.applications, [{
    account_sid: ACCOUNT,
    call_hook: { url: 'https://bridge.example.com/x/livekit-api#rc=2&rp=all', method: 'POST' },
    call_status_hook: { url: 'https://bridge.example.com/x/status#rc=2&rp=all', method: 'POST' }
  }])
  t.equal(project.rules().length, 1)

  const unused = await run(['--yes'], env)
  t.equal(unused.code, 0)
  t.match(unused.out, /No phone number uses[^]*application-without-numbers/)
  jambonz.numbers.push({ number: '15550002222', application_sid: jambonz.applications[0]?.application_sid })
  t.match((await run(['--yes'], env)).out, /has the numbers 15550002222/)
  t.equal(jambonz.writes.length, 1)
})

await t.test('an application that drifted is repaired without losing what else it has', async t => {
  const { run } = await bench(t)
  const jambonz = await jambonzApplications(t, {
    applications: [
      {
        application_sid: 'app-a',
        account_sid: ACCOUNT,
        name: 'mine',
        call_hook: {
          webhook_sid: 'w1',
          url: 'https://bridge.example.com/livekit-api',
          method: 'get',
          username: 'u',
          password: 'p'
        },
        call_status_hook: { webhook_sid: 'w2', url: 'https://bridge.example.com/status', method: 'GET' },
        messaging_hook: { webhook_sid: 'w3', url: 'https://sms.example.com' }
      },
      {
        application_sid: 'app-b',
        account_sid: ACCOUNT,
        name: 'theirs',
        call_hook: { webhook_sid: 'w4', url: 'https://other.example.com/', method: 'GET' },
        call_status_hook: null,
        messaging_hook: null
      }
    ]
  })
  const theirs = structuredClone(jambonz.applications[1])
  const env = { ...jambonz.env, PUBLIC_URL: 'https://bridge.example.com' }
  const { out, code } = await run(['--yes'], env)
  t.equal(code, 0)
  t.match(out, /call_hook\.method +GET → POST/)
  t.match(
    out,
    /call_status_hook\.url +https:\/\/bridge\.example\.com\/status → https:\/\/bridge\.example\.com\/status#rc=2&rp=all/
  )
  t.match(jambonz.applications[0], {
    call_hook: {
      webhook_sid: 'w1',
      url: 'https://bridge.example.com/livekit-api',
      method: 'POST',
      username: 'u',
      password: 'p'
    },
    call_status_hook: { webhook_sid: 'w2', url: 'https://bridge.example.com/status#rc=2&rp=all', method: 'POST' },
    messaging_hook: { webhook_sid: 'w3', url: 'https://sms.example.com' }
  })
  t.same(jambonz.applications[1], theirs)
  const basic = { ...env, HTTP_USERNAME: 'hooks', HTTP_PASSWORD: 'hook-password' }
  const secured = await run(['--yes'], basic)
  t.match(secured.out, /call_hook\.username +u → hooks/)
  t.notMatch(secured.out, 'hook-password')
  t.match(jambonz.applications[0], {
    call_hook: { username: 'hooks', password: 'hook-password' },
    call_status_hook: { username: 'hooks' }
  })
  t.match((await run(['--yes'], basic)).out, 'Everything is as it should be')
})

await t.test('a Jambonz that cannot be asked keeps nobody from LiveKit', async t => {
  const { project, run } = await bench(t)
  const jambonz = await jambonzApplications(t)
  const env = { ...jambonz.env, PUBLIC_URL: 'https://bridge.example.com' }
  const refused = await run(['--yes'], { ...env, JAMBONZ_API_KEY: 'wrong' })
  t.equal(refused.code, 1)
  t.match(refused.err, 'jambonz-key-refused')
  t.equal(project.rules().length, 1)
  t.match(
    (await run(['--yes'], { ...env, JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:1' })).err,
    'jambonz-unreachable'
  )
  t.match((await run(['--yes'], { ...env, JAMBONZ_REST_API_BASE_URL: project.url })).err, 'jambonz-refused')
  const without = await run(['--yes'], { PUBLIC_URL: 'https://bridge.example.com' })
  t.equal(without.code, 0)
  t.match(without.out, /application-skipped[^]*call hook https:\/\/bridge\.example\.com\/livekit-api/)
})
