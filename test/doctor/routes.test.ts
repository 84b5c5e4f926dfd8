import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { doctor } from '../../src/cli/doctor.ts'
import { provision } from '../../src/cli/provision.ts'
import { agentsOf, createAgentCheck } from '../../src/doctor/agent.ts'
import type { Check, DoctorContext } from '../../src/doctor/check.ts'
import { routesCheck } from '../../src/doctor/routes.ts'
import { trunkAndRuleCheck } from '../../src/doctor/livekit-trunk-and-rule.ts'
import { reviewProject } from '../../src/provisioning/livekit-review.ts'
import { readState } from '../../src/provisioning/livekit.ts'
import { readOnce } from '../../src/routing/file/read-once.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import type { RoutesSource } from '../../src/routing/routes.ts'
import { settingsTable } from '../../src/routing/settings-table.ts'
import { codes, contextWith, projectWith, run } from '../fixtures/doctor-check.ts'
import { surgery } from '../fixtures/doctor-surgery.ts'
import { jambonzApplications } from '../fixtures/jambonz-applications.ts'

type Json = Record<string, any>

/** A routes file that was read. */
function routesOf (text: string, secrets: Record<string, string> = {}): Pick<DoctorContext, 'routes' | 'secretOf'> {
  const secretOf = (name: string) => secrets[name]
  const { table = settingsTable, problems } = readRoutes(text, { secretOf })
  return { routes: { table, problems, readAt: 0, file: '/etc/bridge/routes.yaml' } satisfies RoutesSource, secretOf }
}

const file = (...ways: string[]): string =>
  ['version: 1', 'routes:', '  - name: only', '    connect:', ...ways.map(way => `      - ${way}`)].join('\n')

const AGENT = 'agent: receptionist'
const gateway = (ipv4: string, outbound: boolean | number = true): Json => ({ ipv4, port: 5060, outbound, inbound: 0 })
const carrier = (name: string, ...gateways: Json[]): Json => ({ voip_carrier_sid: `vc-${name}`, name, gateways })

/** What the check finds with this file and this Jambonz account. */
async function found (
  t: Test,
  text: string,
  account: Parameters<typeof jambonzApplications>[1] = {},
  secrets: Record<string, string> = {}
) {
  const { env } = await jambonzApplications(t, account)
  return await run(routesCheck, { ...contextWith(env), ...routesOf(text, secrets) })
}

await t.test('no file', async t => {
  t.match(await run(routesCheck, contextWith()), [{ code: 'routes-none', severity: 'ok' }])
})

await t.test('a file with nothing wrong asks Jambonz for nothing', async t => {
  const findings = await run(routesCheck, {
    ...contextWith({
      JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:1',
      JAMBONZ_ACCOUNT_SID: 'a',
      JAMBONZ_API_KEY: 'k'
    }),
    ...routesOf(file(AGENT))
  })
  t.match(findings, [{ code: 'routes-ok', severity: 'ok', seen: '/etc/bridge/routes.yaml has 1 route' }])
})

await t.test('a wrong file: each problem with its place, and a bound', async t => {
  const findings = await found(t, file('agnet: receptionist'))
  t.match(findings, [{
    code: 'routes-wrong',
    severity: 'failed',
    seen: /^\/etc\/bridge\/routes\.yaml:5:9: .*Did you mean `?"?agent/,
    command: 'bridge routes check /etc/bridge/routes.yaml'
  }])
  const many = await found(t, file(...Array.from({ length: 9 }, () => 'agnet: receptionist')))
  t.equal(many.length, 6)
  t.match(many.at(-1)?.seen, /4 more/)
})

await t.test('something doubtful in a file', async t => {
  t.match(await found(t, file('decline: 603', AGENT)), [{ code: 'routes-doubtful', severity: 'warning' }])
})

await t.test('variables that are not set, each once', async t => {
  const text = file(
    'retell: { agent: agent_0123, key: RETELL_API_KEY }',
    'retell: { agent: agent_4567, key: RETELL_API_KEY }',
    'sip: "sip:sales@pbx.example.com"\n        auth: { username: PBX_USERNAME, password: PBX_PASSWORD }',
    AGENT
  )
  const findings = await found(t, text, {}, { PBX_USERNAME: 'u' })
  t.same(codes(findings), ['routes-variable-missing', 'routes-variable-missing'])
  t.match(findings[0], { severity: 'failed', seen: /RETELL_API_KEY .*`retell`.*\(route "only", line 5\)/ })
  t.match(findings[1]?.seen, /PBX_PASSWORD/)
  t.same(codes(await found(t, text, {}, { RETELL_API_KEY: 'k', PBX_USERNAME: 'u', PBX_PASSWORD: 'p' })), ['routes-ok'])
})

await t.test('carriers that Jambonz does not have, or cannot dial over', async t => {
  const text = file('phone: "+4915111111111"\n        carrier: Schmidtkom', AGENT)
  const good = [carrier('Schmidtkom', gateway('192.0.2.1'))]
  t.same(codes(await found(t, text, { carriers: good })), ['routes-ok'])
  t.match(await found(t, text, { carriers: [carrier('Other', gateway('192.0.2.1'))] }), [{
    code: 'routes-carrier-unknown',
    severity: 'failed',
    seen: /no carrier Schmidtkom \(route "only", line 5\): Jambonz ignores the name/
  }])
  t.match(await found(t, text, { carriers: [carrier('schmidtkom', gateway('192.0.2.1'))] }), [{
    code: 'routes-carrier-unknown',
    todo: 'Write it as Jambonz does: schmidtkom'
  }])
  for (const gateways of [[], [gateway('192.0.2.1', 0)], [gateway('192.0.2.1', false)]]) {
    t.match(await found(t, text, { carriers: [carrier('Schmidtkom', ...gateways)] }), [{
      code: 'routes-carrier-without-gateway',
      severity: 'failed',
      seen: /603/
    }])
  }
})

await t.test('speech credentials', async t => {
  const text = file('say: Nobody is here')
  const tts = (vendor: string, use: unknown): Json => ({ vendor, use_for_tts: use, use_for_stt: 1 })
  t.same(codes(await found(t, text, { speech: [tts('google', 1)] })), ['routes-ok', 'speech-credentials-ok'])
  for (const speech of [[], [tts('google', 0)], [tts('google', false)]]) {
    t.match(await found(t, text, { speech }), [{ code: 'speech-credentials-missing', severity: 'warning' }])
  }
  const vendor = file('say: Nobody is here\n        vendor: elevenlabs')
  t.match(await found(t, vendor, { speech: [tts('google', true)] }), [{
    code: 'speech-credentials-missing',
    seen: /of elevenlabs \(route "only", line 5\)/
  }])
})

await t.test('without the REST settings, or with a key that is refused', async t => {
  const text = file('say: Nobody is here', 'phone: "+4915111111111"\n        carrier: Schmidtkom')
  t.match(await run(routesCheck, { ...contextWith(), ...routesOf(text) }), [
    { code: 'routes-ok' },
    { code: 'routes-not-asked', severity: 'skipped', seen: /carriers and speech credentials/ }
  ])
  const { env } = await jambonzApplications(t)
  const findings = await run(routesCheck, { ...contextWith({ ...env, JAMBONZ_API_KEY: 'wrong' }), ...routesOf(text) })
  t.same([...new Set(codes(findings))], ['jambonz-key-refused'])
})

/** A project with a carrier that leads to it; what is found for a number of that way. */
async function toLiveKit (t: Test, change: (add: Awaited<ReturnType<typeof surgery>>) => void, row: Json = {}) {
  const bench = await surgery(t)
  await bench.provision()
  change(bench)
  const livekit = { ...carrier('LiveKit', gateway('127.0.0.1')), ...row }
  const { env } = await jambonzApplications(t, { carriers: [livekit] })
  const routes = routesOf(file('carrier: LiveKit\n        number: "+4953118054632"'))
  return await bench.find([routesCheck], env, routes)
}

const TRUNK = {
  name: 'mine',
  numbers: ['+49 5311 8054632'],
  auth_username: 'u',
  auth_password: 'p',
  include_headers: 1
}
const ruleFor = (trunk: string): Json => ({
  trunk_ids: [trunk],
  rule: { dispatch_rule_individual: { room_prefix: 'theirs' } },
  room_config: { agents: [{ agent_name: 'receptionist' }] }
})

await t.test('a carrier that leads to the own LiveKit project, with trunk and rule of the user', async t => {
  const credentials = { register_username: 'u' }
  t.match(await toLiveKit(t, ({ project }) => project.addRule(ruleFor(project.addTrunk(TRUNK))), credentials), [
    { code: 'routes-ok' },
    { code: 'carrier-to-livekit', severity: 'ok', seen: /trunk ST_\w+ and rule SDR_\w+ .*agent receptionist/ }
  ])
  t.match(await toLiveKit(t, () => {}), [{
    code: 'carrier-number-untaken',
    severity: 'failed',
    seen: /bridge's own trunk/
  }])
  t.match(await toLiveKit(t, ({ project }) => project.addTrunk(TRUNK), credentials), [{
    code: 'carrier-number-untaken',
    seen: /no dispatch rule/
  }])
  t.match(await toLiveKit(t, ({ project }) => project.addRule(ruleFor(project.addTrunk(TRUNK)))), [
    { code: 'carrier-to-livekit' },
    { code: 'carrier-without-credentials', severity: 'failed' }
  ])
  const blind = { ...TRUNK, include_headers: 0 }
  t.match(await toLiveKit(t, ({ project }) => project.addRule(ruleFor(project.addTrunk(blind))), credentials), [
    { code: 'carrier-to-livekit' },
    { code: 'carrier-trunk-without-headers', severity: 'warning' }
  ])
})

await t.test('provision --list says what such a trunk and rule are for', async t => {
  const bench = await surgery(t)
  await bench.provision()
  bench.project.addRule(ruleFor(bench.project.addTrunk(TRUNK)))
  const { sip, settings } = contextWith({ LIVEKIT_URL: bench.project.url })
  const state = await readState(sip, settings.LIVEKIT_URL)
  const { routes } = routesOf(file('carrier: LiveKit\n        number: "+4953118054632"'))
  const theirs = (ways = routes.table.ways) => reviewProject(state, { ways }).filter(({ ours }) => !ours)
  t.equal(theirs().length, 2)
  const said = /, for the way `carrier` of route "only": the bridge makes no room there$/
  for (const { does } of theirs()) t.match(does, said)
  for (const { does } of theirs([])) t.notMatch(does, /route/)
  for (const { ours, does } of reviewProject(state, routes.table)) if (ours) t.notMatch(does, /route/)
})

await t.test("LiveKit's ringing timeout must be longer than the longest ring of the routes", async t => {
  const bench = await surgery(t)
  await bench.provision()
  const sick = (text: string) => bench.sick([trunkAndRuleCheck], {}, routesOf(text))
  t.same(await sick(file('agent: receptionist\n        ring: 40s')), [])
  const long = file('agent: receptionist\n        ring: 90s')
  t.same(await sick(long), ['trunk-ringing-timeout'])
  const byDefault = `version: 1\ndefaults: { ring: 70s }\nroutes:\n  - name: only\n    connect: [{ ${AGENT} }]`
  t.ok((await sick(byDefault)).includes('trunk-ringing-timeout'))
  t.same(await sick(file('phone: "+4915111111111"\n        ring: 90s', AGENT)), [], 'a phone does not ring in LiveKit')
  const [finding] = await bench.find([trunkAndRuleCheck], {}, routesOf(long))
  t.match(finding, { severity: 'failed', seen: /rings for 90 s/ })
  const context: DoctorContext = { ...contextWith({ ...bench.env }), ...routesOf(long) }
  const fix = await trunkAndRuleCheck.fix!(context, new AbortController().signal)
  await fix!.apply(() => {})
  t.same(await sick(long), [], '--fix makes it long enough')
})

await t.test('each agent of the routes is looked for, within a bound', async t => {
  const agent = (name: string) => ({ name, joinAfterMs: 20, publishAfterMs: 20 })
  const { livekit, context } = await projectWith(t, { agents: [agent('demo-agent'), agent('night-desk')] })
  const check: Check = createAgentCheck({ waitMs: 1500, watchMs: 50 })
  const text = file(
    'agents: [{ agent: night-desk, weight: 1 }, { agent: typo, weight: 1 }]',
    ...['demo-agent', 'a4', 'a5', 'a6', 'a7'].map(name => `agent: ${name}`)
  )
  const own = { ...context, ...routesOf(text) }
  t.same(agentsOf(own), ['demo-agent', 'night-desk', 'typo', 'a4', 'a5', 'a6', 'a7'])
  t.same(agentsOf({ ...own, agent: 'a4' }), ['a4'], '--agent looks for that one alone')
  const findings = await run(check, own)
  const seen = (code: string) => findings.filter(finding => finding.code === code).map(({ seen }) => seen).join('\n')
  t.match(seen('agent-ready'), /demo-agent[^]*night-desk/)
  t.match(seen('agent-not-dispatched'), /typo[^]*a4[^]*a5/)
  t.match(seen('agents-unchecked'), /a6, a7$/)
  t.same(livekit.rooms(), [], 'no room is left')
})

await t.test('the commands read ROUTES_FILE, with the variables of their own environment', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'routes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'routes.yaml')
  const long = 'agent: receptionist\n        ring: 90s'
  writeFileSync(path, file('retell: { agent: agent_0123, key: RETELL_API_KEY }', long))
  const bench = await surgery(t)
  const lines: string[] = []
  const io = { out: (line: string) => lines.push(line), err: () => {} }
  const look = async (env: Record<string, string>) => {
    lines.length = 0
    const all = { ...bench.env, ROUTES_FILE: path, ...env }
    const code = await doctor(['--only', 'routes', '--json'], { ...io, env: all })
    const { checks } = JSON.parse(lines.join('\n')) as { checks: Array<{ findings: Array<{ code: string }> }> }
    return [code, ...checks.flatMap(({ findings }) => findings.map(({ code }) => code))]
  }
  t.same(await look({}), [1, 'routes-variable-missing'])
  t.same(await look({ RETELL_API_KEY: 'key' }), [0, 'routes-ok'])

  t.equal(await provision(['--yes'], { ...io, env: { ...bench.env, ROUTES_FILE: path } }), 0)
  t.equal(bench.project.trunks()[0]?.['ringing_timeout'], '105s', 'the longest ring, and 15 s')
  writeFileSync(path, file('agnet: receptionist'))
  lines.length = 0
  const errors: string[] = []
  const wrong = { out: () => {}, err: (line: string) => errors.push(line), env: { ...bench.env, ROUTES_FILE: path } }
  t.equal(await provision(['--plan'], wrong), 1)
  t.match(errors.join('\n'), /routes\.yaml:5:9: /)
  const unread = { ...contextWith(), routes: await readOnce(folder, () => undefined) }
  const [finding] = await run(routesCheck, unread)
  t.match(finding, { code: 'routes-wrong', seen: `${folder}: This is a folder.` })
})
