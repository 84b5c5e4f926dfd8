import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadSettings, misspeltSettings, readEnvironment, SettingsError, settingsWarnings } from '../src/config.ts'
import { ALIASES, SettingsSchema } from '../src/settings-schema.ts'
import { commaList } from '../src/comma-list.ts'
import { startWarnings } from '../src/start-warnings.ts'
import { buildTestBridge, callHook } from './fixtures/build.ts'
import { project } from './fixtures/paths.ts'

const REQUIRED = {
  PUBLIC_URL: 'https://bridge.example.com',
  LIVEKIT_URL: 'wss://livekit.example.com',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret',
  LIVEKIT_SIP_HOST: 'sip.example.com',
  LIVEKIT_AGENT_NAME: 'my-agent',
  JAMBONZ_WEBHOOK_SECRET: 'wh_secret_abc'
}

function problemsOf (env: Record<string, string | undefined>): string[] {
  try {
    loadSettings(env)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}

await t.test('the defaults are the documented ones', async t => {
  const { ...settings } = loadSettings(REQUIRED)
  t.strictSame(settings, {
    ...REQUIRED,
    PORT: 3000,
    HOST: '0.0.0.0',
    LOG_LEVEL: 'info',
    LIVEKIT_SIP_TRANSPORT: 'tcp',
    LIVEKIT_SIP_SRTP: false,
    LIVEKIT_ROOM_PREFIX: 'jambonz',
    AGENT_REDISPATCH_MS: 8000,
    AGENT_REJOIN_MS: 5000,
    AGENT_LOST_ACTION: 'end',
    WARM_AGENTS: 0,
    WARM_AGENT_LIFE_S: 600,
    LIVEKIT_TIMEOUT_MS: 3000,
    CALL_HOOK_DEADLINE_MS: 6000,
    DIAL_TIMEOUT_S: 40,
    MAX_CALL_DURATION_S: 7200,
    RINGBACK_TONE: 'tone_stream://L=20;%(2000,4000,440,480)',
    RETELL_API_BASE_URL: 'https://api.retellai.com',
    RETELL_SIP_HOST: 'sip.retellai.com',
    LIVEKIT_OUTBOUND_TRUNK: 'livekit-out',
    EVENTS_ALLOW_PRIVATE: false,
    EVENTS_MAX_PENDING: 50_000,
    CALL_RETENTION_S: 900,
    CALL_HISTORY_S: 86400,
    CALL_HISTORY_MAX: 10000,
    MAX_CALLS: 0,
    CAPACITY_STATUS: 486,
    DRAIN_DELAY_S: 5,
    SHUTDOWN_TIMEOUT_S: 25,
    ALLOW_UNSIGNED_HOOKS: false
  })
})

await t.test('an empty environment: everything that is missing at once, each with its name and an example', async t => {
  const problems = problemsOf({})
  t.equal(problems.length, Object.keys(REQUIRED).length, 'one problem for each')
  for (const name of Object.keys(REQUIRED)) {
    const lines = problems.filter(line => line.startsWith(`${name} `))
    t.equal(lines.length, 1, `${name} is listed once`)
    t.match(lines[0], new RegExp(`Example: ${name}=\\S`), `${name} has an example`)
  }
  t.match(
    problems.find(line => line.startsWith('JAMBONZ_WEBHOOK_SECRET')),
    /HTTP_USERNAME and HTTP_PASSWORD/,
    'the other way is named'
  )
})

await t.test('the message of the error lists every problem on a line of its own', async t => {
  const problems = problemsOf({ PORT: 'abc' })
  try {
    loadSettings({ PORT: 'abc' })
    t.fail('should have failed')
  } catch (error) {
    const { message, name } = error as SettingsError
    t.equal(name, 'SettingsError')
    t.same(message.split('\n').slice(1), problems.map(line => `  - ${line}`))
  }
})

await t.test('wrong values, missing ones and contradictions come together', async t => {
  const problems = problemsOf({
    PORT: '70000',
    LOG_LEVEL: 'loud',
    PUBLIC_URL: 'bridge.example.com',
    LIVEKIT_SIP_SRTP: 'maybe',
    DIAL_TIMEOUT_S: 'long',
    OPERATOR_TOKEN: 'short',
    HTTP_USERNAME: 'jambonz',
    LIVEKIT_TIMEOUT_MS: '7000',
    DRAIN_DELAY_S: '30'
  }).join('\n')
  for (
    const name of [
      'PORT',
      'LOG_LEVEL',
      'PUBLIC_URL',
      'LIVEKIT_SIP_SRTP',
      'DIAL_TIMEOUT_S',
      'OPERATOR_TOKEN',
      'HTTP_PASSWORD',
      'LIVEKIT_TIMEOUT_MS',
      'DRAIN_DELAY_S',
      'LIVEKIT_URL',
      'LIVEKIT_API_KEY',
      'LIVEKIT_API_SECRET',
      'LIVEKIT_SIP_HOST',
      'LIVEKIT_AGENT_NAME'
    ]
  ) {
    t.match(problems, new RegExp(`^${name} .*Example: `, 'm'), name)
  }
  t.match(problems, /LOG_LEVEL .*trace, debug, info/, 'the allowed values are listed')
})

await t.test('a wrong value is not repeated: it may be a secret', async t => {
  t.notMatch(problemsOf({ ...REQUIRED, OPERATOR_TOKEN: 'hunter2' }).join('\n'), 'hunter2')
  t.notMatch(problemsOf({ ...REQUIRED, LIVEKIT_URL: 'https-hunter2' }).join('\n'), 'hunter2')
  t.notMatch(problemsOf({ ...REQUIRED, HTTP_USERNAME: 'hunter2' }).join('\n'), 'hunter2')
})

await t.test('each form that is wrong', async t => {
  const wrong: Array<[name: string, value: string]> = [
    ['PORT', '-1'],
    ['PORT', '3000.5'],
    ['PORT', '1e9'],
    ['PUBLIC_URL', 'https://bridge.example.com/?x=1'],
    ['PUBLIC_URL', 'https://bridge.example.com/#x'],
    ['LIVEKIT_URL', 'livekit.example.com'],
    ['LIVEKIT_SIP_HOST', 'sip:sip.example.com'],
    ['LIVEKIT_SIP_HOST', 'sip.example.com;transport=tcp'],
    ['LIVEKIT_SIP_HOST', 'sip.example.com:'],
    ['LIVEKIT_SIP_TRANSPORT', 'sctp'],
    ['LIVEKIT_ROOM_PREFIX', 'a b'],
    ['FALLBACK_NUMBER', 'nobody'],
    ['CALLER_HEADERS', 'X-One;X-Two'],
    ['LIVEKIT_TIMEOUT_MS', '50'],
    ['CALL_HOOK_DEADLINE_MS', '10000'],
    ['DIAL_TIMEOUT_S', '0'],
    ['AGENT_LOST_ACTION', 'wait'],
    ['JAMBONZ_REST_API_BASE_URL', 'ftp://jambonz'],
    ['MAX_CALLS', '-1'],
    ['WARM_AGENTS', '-1'],
    ['WARM_AGENTS', '1001'],
    ['WARM_AGENTS_MAX', '1001'],
    ['WARM_AGENTS_PER_S', '0'],
    ['WARM_AGENT_LIFE_S', '29'],
    ['WARM_AGENT_LIFE_S', '3601'],
    ['CAPACITY_STATUS', '200'],
    ['SHUTDOWN_TIMEOUT_S', '0'],
    ['ALLOW_UNSIGNED_HOOKS', 'perhaps']
  ]
  for (const [name, value] of wrong) {
    t.match(problemsOf({ ...REQUIRED, [name]: value }).join('\n'), new RegExp(`^${name} `, 'm'), `${name}=${value}`)
  }
})

await t.test('each form that is right', async t => {
  const right: Array<[name: keyof typeof SettingsSchema.properties, value: string, setting: unknown]> = [
    ['PORT', '0', 0],
    ['PORT', ' 8080 ', 8080],
    ['PUBLIC_URL', 'http://10.0.0.1:8080/bridge', 'http://10.0.0.1:8080/bridge'],
    ['LIVEKIT_URL', 'http://localhost:7880', 'http://localhost:7880'],
    ['LIVEKIT_SIP_HOST', '[2001:db8::1]:5060', '[2001:db8::1]:5060'],
    ['LIVEKIT_SIP_HOST', '10.0.0.1:5060', '10.0.0.1:5060'],
    ['LIVEKIT_SIP_SRTP', 'true', true],
    ['FALLBACK_NUMBER', '+15551230009', '+15551230009'],
    ['CALLER_HEADERS', 'X-One, X-Two', 'X-One, X-Two'],
    ['DRAIN_DELAY_S', '0.5', 0.5],
    ['WARM_AGENTS', '1000', 1000],
    ['WARM_AGENTS_PER_S', '0.5', 0.5],
    ['WARM_AGENT_LIFE_S', '30', 30],
    ['ALLOW_UNSIGNED_HOOKS', 'false', false]
  ]
  for (const [name, value, setting] of right) {
    t.equal(loadSettings({ ...REQUIRED, [name]: value })[name], setting, `${name}=${value}`)
  }
})

await t.test('names that Jambonz applications use', async t => {
  const { JAMBONZ_WEBHOOK_SECRET: _, ...rest } = REQUIRED
  const settings = loadSettings({ ...rest, HTTP_PORT: '8080', LOGLEVEL: 'debug', WEBHOOK_SECRET: 'theirs' })
  t.equal(settings.PORT, 8080)
  t.equal(settings.LOG_LEVEL, 'debug')
  t.equal(settings.JAMBONZ_WEBHOOK_SECRET, 'theirs')
  t.equal(loadSettings({ ...REQUIRED, PORT: '1', HTTP_PORT: '2' }).PORT, 1, 'our own name wins')
  t.equal(loadSettings({ ...REQUIRED, PORT: '', HTTP_PORT: '2' }).PORT, 2, 'unless it is empty')
  t.match(
    problemsOf({ ...REQUIRED, HTTP_PORT: 'abc' }).join('\n'),
    /^PORT .*HTTP_PORT/m,
    'a wrong value under the other name is explained with both'
  )
})

await t.test('an empty variable is unset', async t => {
  const settings = loadSettings({
    ...REQUIRED,
    PORT: '',
    LIVEKIT_SIP_TRANSPORT: '  ',
    OPERATOR_TOKEN: '',
    FALLBACK_NUMBER: '',
    HTTP_USERNAME: '',
    HTTP_PASSWORD: '',
    AGENT_METADATA: ''
  })
  t.equal(settings.PORT, 3000)
  t.equal(settings.LIVEKIT_SIP_TRANSPORT, 'tcp')
  for (
    const name of ['OPERATOR_TOKEN', 'FALLBACK_NUMBER', 'HTTP_USERNAME', 'HTTP_PASSWORD', 'AGENT_METADATA'] as const
  ) t.equal(settings[name], undefined, name)
  t.match(problemsOf({ ...REQUIRED, PUBLIC_URL: ' ' }).join('\n'), /^PUBLIC_URL is required/m)
})

await t.test('an empty ring tone is none', async t => {
  t.equal(loadSettings({ ...REQUIRED, RINGBACK_TONE: '' }).RINGBACK_TONE, '')
  const quiet = await buildTestBridge(t, { RINGBACK_TONE: '' })
  t.notOk('dialMusic' in (await quiet.hook('/livekit-api', callHook())).json[0], 'no dialMusic')
  const own = await buildTestBridge(t, { RINGBACK_TONE: 'https://example.com/ring.wav' })
  t.equal((await own.hook('/livekit-api', callHook())).json[0].dialMusic, 'https://example.com/ring.wav')
})

await t.test('rules between settings', async t => {
  const { JAMBONZ_WEBHOOK_SECRET: _, ...unsigned } = REQUIRED
  const broken: Array<[env: Record<string, string>, problem: RegExp]> = [
    [{ ...REQUIRED, HTTP_USERNAME: 'u' }, /^HTTP_PASSWORD must be set too/],
    [{ ...REQUIRED, HTTP_PASSWORD: 'p' }, /^HTTP_USERNAME must be set too/],
    [{ ...REQUIRED, LIVEKIT_SIP_PASSWORD: 'p' }, /^LIVEKIT_SIP_USERNAME must be set too/],
    [{ ...REQUIRED, LIVEKIT_SIP_USERNAME: 'u' }, /^LIVEKIT_SIP_PASSWORD must be set too/],
    [{ ...REQUIRED, JAMBONZ_API_KEY: 'k' }, /^JAMBONZ_REST_API_BASE_URL and JAMBONZ_ACCOUNT_SID must be set too/],
    [{ ...REQUIRED, LIVEKIT_TIMEOUT_MS: '6000' }, /^LIVEKIT_TIMEOUT_MS must be smaller than CALL_HOOK_DEADLINE_MS/],
    [{ ...REQUIRED, CALL_HOOK_DEADLINE_MS: '3000' }, /^LIVEKIT_TIMEOUT_MS must be smaller than CALL_HOOK_DEADLINE_MS/],
    [{ ...REQUIRED, SHUTDOWN_TIMEOUT_S: '5' }, /^DRAIN_DELAY_S must be smaller than SHUTDOWN_TIMEOUT_S/],
    [{ ...REQUIRED, WARM_AGENTS: '5', WARM_AGENTS_MAX: '4' }, /^WARM_AGENTS_MAX must not be smaller than WARM_AGENTS/],
    [{ ...REQUIRED, WARM_AGENTS_MAX: '4' }, /^WARM_AGENTS must be 1 or more where WARM_AGENTS_MAX is set.*WARM_AGENTS=1 WARM_AGENTS_MAX=4$/],
    [
      { ...REQUIRED, WARM_AGENTS: '5', WARM_AGENTS_MAX: '100', WARM_AGENTS_PER_S: '1', WARM_AGENT_LIFE_S: '99' },
      /^WARM_AGENTS_PER_S is too small.* WARM_AGENTS_PER_S=10$/
    ],
    [unsigned, /^JAMBONZ_WEBHOOK_SECRET is required \(or HTTP_USERNAME and HTTP_PASSWORD\)/]
  ]
  for (const [env, problem] of broken) {
    const problems = problemsOf(env)
    t.equal(problems.length, 1, String(problem))
    t.match(problems[0], problem)
    t.match(problems[0], /Example: /)
  }
  const pool = { WARM_AGENTS: '5', WARM_AGENTS_MAX: '100', WARM_AGENTS_PER_S: '1', WARM_AGENT_LIFE_S: '100' }
  t.same(problemsOf({ ...REQUIRED, ...pool }), [], 'a pool that can just be filled')
  t.same(problemsOf({ ...REQUIRED, WARM_AGENTS: '1000', WARM_AGENT_LIFE_S: '30' }), [], 'by default it always can')
  t.same(problemsOf({ ...REQUIRED, WARM_AGENTS: '5', WARM_AGENTS_MAX: '5' }), [])
  t.same(problemsOf({ ...REQUIRED, WARM_AGENTS: '0', WARM_AGENTS_MAX: '0' }), [])
  t.same(problemsOf({ ...unsigned, HTTP_USERNAME: 'u', HTTP_PASSWORD: 'p' }), [], 'Basic alone is enough')
  t.same(problemsOf({ ...unsigned, ALLOW_UNSIGNED_HOOKS: 'true' }), [], 'no authentication, when told so')
  t.same(
    problemsOf({
      ...REQUIRED,
      JAMBONZ_API_KEY: 'k',
      JAMBONZ_ACCOUNT_SID: 'a',
      JAMBONZ_REST_API_BASE_URL: 'https://jambonz.example.com/api/v1'
    }),
    []
  )
})

await t.test('a list of secrets without any secret in it is none: the hooks would be open to everybody', async t => {
  for (const secret of [',', ' , ,']) {
    t.match(
      problemsOf({ ...REQUIRED, JAMBONZ_WEBHOOK_SECRET: secret }).join('\n'),
      /JAMBONZ_WEBHOOK_SECRET/,
      JSON.stringify(secret)
    )
  }
})

await t.test('what is usable, but seldom meant, is a warning', async t => {
  const full = { ...REQUIRED, LIVEKIT_SIP_USERNAME: 'u', LIVEKIT_SIP_PASSWORD: 'p', OPERATOR_TOKEN: '0123456789abcdef' }
  t.same(settingsWarnings(loadSettings(full)), [])
  t.match(settingsWarnings(loadSettings(REQUIRED)).join('\n'), /LIVEKIT_SIP_USERNAME[^]*OPERATOR_TOKEN/)
  const limited = (most: string) => settingsWarnings(loadSettings({ ...full, WARM_AGENTS: '5', MAX_CALLS: most }))
  t.match(limited('4'), [/WARM_AGENTS is greater than MAX_CALLS/])
  t.same([...limited('5'), ...limited('0')], [])
  t.match(settingsWarnings(loadSettings({ ...full, ALLOW_UNSIGNED_HOOKS: 'true' })).join('\n'), /ALLOW_UNSIGNED_HOOKS/)
})

await t.test('.env adds what the environment does not have', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'bridge-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, '.env')
  writeFileSync(file, '# a comment\nPORT=4000\nLIVEKIT_AGENT_NAME="from file"\nAGENT_METADATA=\'{"tenant":"acme"}\'\n')
  const env = readEnvironment({ PORT: '5000' }, file)
  t.equal(env['PORT'], '5000', 'a variable that is set wins')
  t.equal(env['LIVEKIT_AGENT_NAME'], 'from file')
  t.equal(env['AGENT_METADATA'], '{"tenant":"acme"}')
  t.same(readEnvironment({ PORT: '5000' }, join(directory, 'none')), { PORT: '5000' }, 'no file, no difference')
})

await t.test('variables of other programs are ignored without a word', async t => {
  t.notOk('PATH' in loadSettings({ ...REQUIRED, PATH: '/bin' }))
  const others = [
    ...['PATH', 'HOME', 'HOSTNAME', 'PWD', 'SHLVL', 'NODE_ENV', 'NODE_OPTIONS', 'TZ', 'LANG', 'TERM', 'POST', 'PORTS'],
    ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'npm_config_cache', 'REDIS_HOST', 'REDIS_PORT', 'LIVEKIT_CONFIG'],
    // Kubernetes sets these for every Service of the namespace.
    ...['LIVEKIT_SERVICE_HOST', 'LIVEKIT_SERVICE_PORT', 'LIVEKIT_PORT', 'LIVEKIT_PORT_7880_TCP_ADDR'],
    ...['LIVEKIT_SIP_SERVICE_HOST', 'JAMBONZ_LIVEKIT_BRIDGE_SERVICE_HOST', 'JAMBONZ_LIVEKIT_BRIDGE_PORT_3000_TCP_PROTO']
  ]
  t.same(misspeltSettings(Object.fromEntries(others.map(name => [name, 'x']))), [])
  t.same(misspeltSettings({ ...REQUIRED, HTTP_PORT: '1', LOGLEVEL: 'info', WEBHOOK_SECRET: 's' }), [])
})

await t.test('a variable that looks like a misspelt setting: its name and the one that was meant', async t => {
  const misspelt = {
    MAX_CALL: 'MAX_CALLS',
    MAX_CALL_DURATION_MS: 'MAX_CALL_DURATION_S',
    OPERATOR_TOKENS: 'OPERATOR_TOKEN',
    LIVEKIT_SECRET: 'LIVEKIT_API_SECRET',
    LIVEKIT_SIP_USER: 'LIVEKIT_SIP_USERNAME',
    LIVEKIT_AGENTNAME: 'LIVEKIT_AGENT_NAME',
    LIVEKIT_APIKEY: 'LIVEKIT_API_KEY',
    LIVEKIT_SIPHOST: 'LIVEKIT_SIP_HOST',
    JAMBONZ_APIKEY: 'JAMBONZ_API_KEY',
    JAMBONZ_REST_API_URL: 'JAMBONZ_REST_API_BASE_URL',
    JAMBONZ_WEBHOOKS_SECRET: 'JAMBONZ_WEBHOOK_SECRET',
    livekit_url: 'LIVEKIT_URL'
  }
  for (const [name, meant] of Object.entries(misspelt)) {
    t.same(misspeltSettings({ ...REQUIRED, [name]: 'hunter2' }), [
      `${name} is not a setting and has no effect. Did you mean ${meant}?`
    ])
  }
})

await t.test('an unchanged copy of .env.example does not start: every required setting is listed', async t => {
  const problems = problemsOf(readEnvironment({}, fileURLToPath(project('.env.example'))))
  t.same(problems.map(line => line.split(' ')[0]).sort(), Object.keys(REQUIRED).sort())
})

await t.test('warnings at the start: the websocket name as SIP host, misspelt names, unusual settings', async t => {
  const settings = loadSettings({
    ...REQUIRED,
    LIVEKIT_URL: 'wss://myproject-1a2b3c4d.livekit.cloud',
    LIVEKIT_SIP_HOST: 'myproject-1a2b3c4d.sip.livekit.cloud'
  })
  const warnings = startWarnings(settings, { MAX_CALL: '5' }).join('\n')
  t.match(warnings, /^LIVEKIT_SIP_HOST: myproject-1a2b3c4d is the websocket name/m)
  t.match(warnings, /^MAX_CALL is not a setting/m)
  t.match(warnings, /^OPERATOR_TOKEN is not set/m)
  t.notMatch(startWarnings(loadSettings(REQUIRED), REQUIRED).join('\n'), /LIVEKIT_SIP_HOST/)
})

await t.test('every setting says what it is for, with an example that is usable', async t => {
  for (const [name, schema] of Object.entries(SettingsSchema.properties)) {
    const { description, examples } = schema as { description?: string, examples?: unknown[] }
    t.ok(description, `${name} is described`)
    t.ok(examples?.length, `${name} has an example`)
    t.notMatch(
      problemsOf({ ...REQUIRED, [name]: String(examples?.[0]) }).join('\n'),
      new RegExp(`^${name} `, 'm'),
      `${name}: its example is valid`
    )
  }
  for (const name of Object.values(ALIASES)) t.ok(name in SettingsSchema.properties, `${name} exists`)
})

await t.test('.env.example lists every setting and nothing else', async t => {
  const text = readFileSync(project('.env.example'), 'utf8')
  const names = [...text.matchAll(/^\s*#?\s*([A-Z][A-Z0-9_]+)=/gm)].map(match => match[1]!)
  t.same([...new Set(names)].sort(), Object.keys(SettingsSchema.properties).sort())
})

await t.test('comma lists', async t => {
  t.same(commaList(undefined), [])
  t.same(commaList(' a, b ,,c '), ['a', 'b', 'c'])
})

await t.test('TRUST_PROXY names proxies, and never everybody', async t => {
  const load = (value: string) => loadSettings({ ...REQUIRED, TRUST_PROXY: value })
  for (const value of ['1', '10', '10.0.0.0/8', '192.0.2.1, fd00::/8', 'loopback', 'uniquelocal,10.1.2.3/32']) {
    t.equal(load(value).TRUST_PROXY, value)
  }
  const refused = ['true', '0', '-1', '100', '0.0.0.0/0', '::/0', '10.0.0.0/33', '10.0.0', 'proxy.example.com', ',']
  for (const value of refused) {
    t.throws(() => load(value), { message: /TRUST_PROXY must be .* Example: TRUST_PROXY=10\.0\.0\.0\/8/ }, value)
  }
})
