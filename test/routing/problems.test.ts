import t from 'tap'
import { ALIASES, SettingsSchema } from '../../src/settings-schema.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'

/*
 * Everything that can be wrong in a file is found where it is.
 */

/** A file with one route, whose conditions are in line 4 and whose ways are in line 5. */
const file = (when: string, connect: string): string =>
  `version: 1\nroutes:\n  - name: r\n    when: ${when}\n    connect: ${connect}\n  - name: rest\n`
const condition = (when: string): string => file(when, '[{ agent: a }]')
const way = (connect: string): string => file('{ to: "+491" }', connect)

/** What is found, as `error 4:17 routes[0].when.to`. */
const found = (text: string): string[] =>
  readRoutes(text, { secretOf: () => undefined }).problems
    .map(({ severity, line, column, path }) => `${severity} ${line}:${column} ${path}`.trim())

/** Text, what is found, and what the first message must say. */
type Case = [text: string, problems: string | string[], says: RegExp]

async function check (title: string, cases: readonly Case[]): Promise<void> {
  await t.test(title, async t => {
    for (const [text, problems, says] of cases) {
      const [first] = readRoutes(text, { secretOf: () => undefined }).problems
      t.same(found(text), [problems].flat(), text.slice(0, 200))
      t.match(first?.message, says, text.slice(0, 200))
    }
  })
}

await check('the form of the file', [
  ['', 'error 1:1', /empty.*version: 1/],
  ['# nothing yet\n', 'error 1:1', /empty/],
  ['- a\n', 'error 1:1', /mapping.*not a list/],
  ['hello', 'error 1:1', /mapping.*not a text/],
  ['version: 1\n---\nversion: 1\n', 'error 2:1', /second document/],
  ['version: 1\nroutes:\n\t- name: a\n', 'error 3:1', /tab/],
  ['version: 1\nversion: 1\n', 'error 2:1 version', /twice/],
  ['version: 1\nroutes: []\nroutes: []\n', 'error 3:1 routes', /"routes" appears twice/],
  ['version: 1\nroutes: &a [*a]\n', 'error 2:13', /contains itself/],
  ['version: 1\nroutes: *nowhere\n', 'error 2:9', /anchor/],
  [condition('{ to: * }'), 'error 4:17', /must be in quotes/],
  ['version: 1\nroutes:\n  - name: a: b\n', 'error 3:11', /text with a colon must be in quotes/],
  ['version: 1\nroutes:\n  - name: @a\n', 'error 3:11', /begins with @ must be in quotes/],
  ['version: 1\nroutes: [\n', 'error 3:1', /bracket/],
  ['version: 1\nroutes: !foo []\n', 'error 2:9', /Tags/],
  [`version: 1\n${'x'.repeat(2 * 1024 * 1024)}`, 'error 1:1', /larger than 2 MiB/],
  [`version: 1\nroutes: ${'['.repeat(70)}${']'.repeat(70)}`, 'error 2:69', /nested too deeply/]
])

await t.test('a file that exhausts the parser is refused like any other', async t => {
  for (const part of ['[', '{', '? ', '- ', ': ', 'a: b: ', '? [']) {
    const { problems } = readRoutes(part.repeat(20_000))
    t.match(problems, [{ severity: 'error', line: 1, message: /nested too deeply/ }], part)
    t.equal(problems.length, 1, part)
  }
})

await t.test('after many errors the rest of a file is not read', async t => {
  const route = '  - { name: a, connect: [{ retell: { agent: a, key: A_KEY } }] }\n'
  let read = 0
  const { problems } = readRoutes(`version: 1\nroutes:\n${route.repeat(5000)}`, {
    secretOf: () => {
      read++
      return 'set'
    }
  })
  t.ok(problems.length >= 100)
  t.ok(read < 1000, `${read} of 5000 routes were read`)
})

await t.test('many warnings do not hide an error', async t => {
  const routes = Array.from({ length: 2000 }, (_, i) =>
    `  - { name: "${i}", when: { to: "+49${i + 100}" }, connect: [{ retell: { agent: a, key: A_KEY } }] }\n`)
  const { table, problems } = readRoutes(`version: 1\nroutes:\n${routes.join('')}  - { name: b, connect: [{}] }\n`, {
    secretOf: () => undefined
  })
  t.equal(table, undefined)
  t.match(problems.filter(({ severity }) => severity === 'error'), [{ line: 2003 }])
})

await t.test('aliases that explode are refused before anything is repeated', async t => {
  const letters = 'abcdefghi'.split('')
  const lines = letters.map((name, i) => `${name}: &${name} [${`*${letters[i - 1]}, `.repeat(i && 10)}x]`)
  t.match(found(`version: 1\n${lines.join('\n')}\n`), [/^error \d+:\d+$/])
})

await check('keys', [
  ['version: 1\nrouets: []\n', 'error 2:1 rouets', /"rouets" is not known.*mean "routes"/],
  ['version: 1\ncolour: red\n', 'error 2:1', /not known.*Known: version, defaults, policy, numbers, routes/],
  ['version: 1\ndefaults: { agnet: a }\n', 'error 2:13 defaults.agnet', /mean "agent"/],
  ['version: 1\npolicy: { per_minut: 3 }\n', 'error 2:11 policy.per_minut', /mean "per_minute"/],
  ['version: 1\nroutes:\n  - nmae: a\n', 'error 3:5 routes[0].nmae', /mean "name"/],
  [condition('{ form: anonymous }'), 'error 4:13 routes[0].when.form', /mean "from"/],
  [condition('{ hours: { zone: UTC, nto: Mon } }'), 'error 4:33 routes[0].when.hours.nto', /mean "not"/],
  [way('[{ ring: 20s, agnet: a }]'), 'error 5:28 routes[0].connect[0].agnet', /mean "agent"/],
  [way('[{ say: a, langauge: de }]'), 'error 5:25 routes[0].connect[0].langauge', /mean "language"/],
  [way('[{ say: a, ring: 20s }]'), 'error 5:25 routes[0].connect[0].ring', /belongs to `agent`.*not to `say`/],
  [way('[{ dial: a }]'), 'error 5:15 routes[0].connect[0]', /no way.*agent, agents, phone/],
  [way('[{ agent: a, phone: "+491" }]'), 'error 5:15 routes[0].connect[0]', /`agent` and `phone` are two ways/]
])

await t.test('the misspelt key of a long file is found at its line and column, with what was meant', async t => {
  const text = [
    'version: 1', 'defaults:', '  agent: receptionist', 'routes:', '  - name: sales at night', '    when:',
    '      to: "+49531180*"', '    connect:', '      - agent: night-desk', '  - name: canary', '    when:',
    '      from: anonymous', '    connect:', '    - phnoe: "+4915111111111"', '  - name: everything else'
  ].join('\n')
  t.match(readRoutes(text).problems, [{
    severity: 'error',
    line: 14,
    column: 7,
    path: 'routes[1].connect[0].phnoe',
    message: 'The key "phnoe" is not known here. Did you mean "phone"?'
  }])
})

await check('version, defaults, policy, numbers', [
  ['version: 2\n', 'error 1:10 version', /Write: version: 1/],
  ['version: "1"\n', 'error 1:10 version', /Write: version: 1/],
  ['routes: []\n', 'error 1:1', /version is missing/],
  ['version: 1\ndefaults: { country: UK }\n', 'error 2:22 defaults.country', /mean "GB"/],
  ['version: 1\ndefaults: { country: de }\n', 'error 2:22 defaults.country', /mean "DE"/],
  ['version: 1\ndefaults: { ring: 5m }\n', 'error 2:19 defaults.ring', /from 1s to 3m/],
  ['version: 1\npolicy: { allow: [XX] }\n', 'error 2:19 policy.allow[0]', /not a country/],
  ['version: 1\npolicy: { allow: ["0049"] }\n', 'error 2:19 policy.allow[0]', /such as "\+49"/],
  ['version: 1\npolicy: { deny: [+49] }\n', 'error 2:18 policy.deny[0]', /in quotes: "\+49"/],
  ['version: 1\npolicy: { longest: 3600 }\n', 'error 2:20 policy.longest', /unit is missing.*3600s/],
  ['version: 1\npolicy: { concurrent: 0 }\n', 'error 2:23 policy.concurrent', /1 or more/],
  ['version: 1\npolicy: { sip: ["sip:a@b.c"] }\n', 'error 2:17 policy.sip[0]', /host/],
  ['version: 1\nnumbers: ["0531123"]\n', 'error 2:11 numbers[0]', /no country code/],
  ['version: 1\nnumbers: [0531123]\n', 'error 2:11 numbers[0]', /in quotes: "0531123"/]
])

const TO = 'error 4:17 routes[0].when.to'

await check('numbers and expressions of conditions', [
  [condition('{ to: +4953118054630 }'), TO, /in quotes: "\+4953118054630"/],
  [condition('{ to: 0049531 }'), TO, /in quotes: "0049531"/],
  [condition('{ to: "+4953*11" }'), TO, /"\+4953\*", or an expression such as "\/\^\\\\\+4953\.\*11\$\/"/],
  [condition('{ to: "*" }'), TO, /every number/],
  [condition('{ to: "+*" }'), TO, /every number/],
  [condition('{ to: "49531 18*" }'), TO, /Write "4953118\*"\.$/],
  [condition('{ to: "+49531**" }'), TO, /Write "\+49531\*"\.$/],
  [condition('{ to: "+49531%" }'), TO, /prefix such as "\+49531\*"/],
  [condition('{ to: "^\\\\+49531" }'), TO, /between slashes/],
  [condition('{ to: "+49 (0)531 1" }'), TO, /\(0\)/],
  [condition('{ to: "+0531*" }'), TO, /No country code begins with 0/],
  [condition('{ to: anonymous }'), TO, /Only callers/],
  [condition('{ to: ["+491", "+4x"] }'), 'error 4:26 routes[0].when.to[1]', /not a number/],
  [condition('{ from: anonymos }'), 'error 4:19 routes[0].when.from', /anonymous/],
  [condition('{ to: "/[/" }'), TO, /does not compile: missing closing \]/],
  [condition('{ to: "/(?=a)/" }'), TO, /does not compile.*no lookahead/],
  [condition(`{ to: "/${'a'.repeat(257)}/" }`), TO, /at most 256/],
  [condition('{ to: "/(a{500}b{500}){1}c{900}d{900}/" }'), TO, /repeats too much/],
  [condition('{ to: [] }'), TO, /never match/]
])

const HOURS = 'error 4:37 routes[0].when.hours.in'

await check('other conditions', [
  [condition(''), 'error 4:11 routes[0].when', /not nothing/],
  [condition('{}'), 'error 4:11 routes[0].when', /Leave out `when`/],
  [condition('{ hours: { zone: Europe/Berln, in: Mon } }'), 'error 4:28 routes[0].when.hours.zone', /"Europe\/Berlin"/],
  [condition('{ hours: { zone: "+01:00", in: Mon } }'), 'error 4:28 routes[0].when.hours.zone', /no time zone/],
  [condition('{ hours: { in: Mon } }'), 'error 4:20 routes[0].when.hours', /zone is missing/],
  [condition('{ hours: { zone: UTC } }'), 'error 4:20 routes[0].when.hours', /no hours/],
  [condition('{ hours: { zone: UTC, in: Mon-Fry } }'), HOURS, /"Mon-Fry" is not a day/],
  [condition('{ hours: { zone: UTC, in: "8-18" } }'), HOURS, /08:00-18:00/],
  [condition('{ hours: { zone: UTC, in: "Mon 08:00-25:00" } }'), HOURS, /not on the clock/],
  [condition('{ hours: { zone: UTC, in: "24:00-06:00" } }'), HOURS, /not on the clock/],
  [condition('{ hours: { zone: UTC, in: "08:60-09:00" } }'), HOURS, /not on the clock/],
  [condition('{ hours: { zone: UTC, in: "08:00-08:00" } }'), HOURS, /no time at all/],
  [condition('{ hours: { zone: UTC, in: "Mon Tue 08:00-09:00" } }'), HOURS, /cannot be read/],
  [condition('{ direction: inbuond }'), 'error 4:24 routes[0].when.direction', /mean "inbound"/],
  [condition('{ header: X-A }'), 'error 4:21 routes[0].when.header', /mapping/],
  [condition('{ header: { X A: a } }'), 'error 4:23 routes[0].when.header.X A', /name of a header/],
  [condition('{ header: { X-A: "*" } }'), 'error 4:28 routes[0].when.header.X-A', /present/],
  [condition('{ header: { X-A: 5 } }'), 'error 4:28 routes[0].when.header.X-A', /in quotes: "5"/]
])

const FIRST = 'routes[0].connect[0]'

await check('ways', [
  [way(''), 'error 5:14 routes[0].connect', /list/],
  [way('{ agent: a }'), 'error 5:14 routes[0].connect', /list/],
  [way('[]'), 'error 5:14 routes[0].connect', /Leave out `connect`/],
  [way(`[${'{ agent: a }, '.repeat(17)}]`), 'error 5:239 routes[0].connect[16]', /at most 16/],
  [way('[{ agent: a, ring: 0s }]'), `error 5:33 ${FIRST}.ring`, /from 1s to 3m/],
  [way('[{ agent: a, ring: 20 }]'), `error 5:33 ${FIRST}.ring`, /Write 20s/],
  [way('[{ agent: a, ring: 20sec }]'), `error 5:33 ${FIRST}.ring`, /not a duration/],
  [way('[{ agent: a, ring: 181s }]'), `error 5:33 ${FIRST}.ring`, /from 1s to 3m/],
  [way('[{ phone: "+4915111111111", ring: 601s }]'), `error 5:48 ${FIRST}.ring`, /from 1s to 10m/],
  [way('[{ agent: a, metadata: [1] }]'), `error 5:37 ${FIRST}.metadata`, /text or a mapping/],
  [way('[{ say: "" }]'), `error 5:22 ${FIRST}.say`, /empty/],
  [way('[{ say: }]'), `error 5:22 ${FIRST}.say`, /not nothing/],
  [way('[{ phone: call me }]'), `error 5:24 ${FIRST}.phone`, /not a number/],
  [way('[{ phone: +491234567 }]'), `error 5:24 ${FIRST}.phone`, /in quotes: "\+491234567"/],
  [way('[{ phone: "+4915111111111", from: "+492" }]'), `error 5:48 ${FIRST}.from`, /not one of your `numbers`/],
  [way('[{ carrier: a }]'), `error 5:26 ${FIRST}.carrier`, /number to dial is missing/],
  [way('[{ decline: 399 }]'), `error 5:26 ${FIRST}.decline`, /from 400 to 699/],
  [way('[{ decline: 700 }]'), `error 5:26 ${FIRST}.decline`, /from 400 to 699/],
  [way('[{ decline: busy }]'), `error 5:26 ${FIRST}.decline`, /from 400 to 699/],
  [way('[{ play: closed.mp3 }]'), `error 5:23 ${FIRST}.play`, /URL/],
  [way('[{ sip: "a@b" }]'), `error 5:22 ${FIRST}.sip`, /SIP address/],
  [way('[{ agents: [] }]'), `error 5:25 ${FIRST}.agents`, /empty/],
  [way('[{ agents: [{ agent: a, weight: 0 }] }]'), `error 5:25 ${FIRST}.agents`, /add up to 0/],
  [way('[{ agents: [{ agent: a, weight: -1 }] }]'), `error 5:46 ${FIRST}.agents[0].weight`, /from 0 to/],
  [way('[{ sip: "sip:x@5t4n6j0wnrl.sip.LIVEKIT.cloud" }]'), `error 5:22 ${FIRST}.sip`, /2026-09-30.*sip\.retellai\.com/]
])

const WARM = 'routes[0].connect[0].warm'

await check('rooms that are kept ready', [
  [way('[{ agent: a, warm: 0 }]'), `error 5:33 ${WARM}`, /^Leave `warm` out.*from 1 to 1000, such as warm: 5/],
  [way('[{ agent: a, warm: -1 }]'), `error 5:33 ${WARM}`, /^A whole number belongs here, from 1 to 1000/],
  [way('[{ agent: a, warm: 1001 }]'), `error 5:33 ${WARM}`, /from 1 to 1000/],
  [way('[{ agent: a, warm: 1.5 }]'), `error 5:33 ${WARM}`, /whole number/],
  [way('[{ agent: a, warm: "5" }]'), `error 5:33 ${WARM}`, /whole number.*warm: 5, or warm: { min: 2, max: 10 }/],
  [way('[{ agent: a, warm: true }]'), `error 5:33 ${WARM}`, /whole number/],
  [way('[{ agent: a, warm: }]'), `error 5:33 ${WARM}`, /whole number/],
  [way('[{ agent: a, warm: [2, 10] }]'), `error 5:33 ${WARM}`, /min: 2, max: 10/],
  [way('[{ agent: a, warm: { min: 3, max: 2 } }]'), `error 5:48 ${WARM}.max`, /smaller than min. Write 3 or more/],
  [way('[{ agent: a, warm: { min: 0, max: 2 } }]'), `error 5:40 ${WARM}.min`, /Leave `warm` out/],
  [way('[{ agent: a, warm: { min: 2, max: 1001 } }]'), `error 5:48 ${WARM}.max`, /from 1 to 1000/],
  [way('[{ agent: a, warm: { max: 2 } }]'), `error 5:33 ${WARM}`, /min is missing.*warm: { min: 2, max: 10 }/],
  [way('[{ agent: a, warm: { min: 2, mxa: 3 } }]'), `error 5:43 ${WARM}.mxa`, /mean "max"/],
  [way('[{ agent: a, warm: { min: 2, life: 60s } }]'), `error 5:43 ${WARM}`, /Known: min, max/],
  [way('[{ agent: a, warn: 2 }]'), 'error 5:27 routes[0].connect[0].warn', /mean "warm"/],
  [
    way('[{ agents: [{ agent: a, weight: 1 }], warm: 2 }]'),
    'error 5:52 routes[0].connect[0].warm',
    /beside each agent.*weight: 95, warm: 5/
  ],
  [way('[{ agents: [{ agent: a, weight: 1, warm: 0 }] }]'), 'error 5:55 routes[0].connect[0].agents[0].warm', /out/],
  [
    way('[{ agents: [{ agent: a, weight: 1 }, { agent: b, weight: 0, warm: 2 }] }]'),
    'warning 5:80 routes[0].connect[0].agents[1].warm',
    /gets no calls/
  ],
  [way('[{ phone: "+4915111111111", warm: 2 }]'), 'error 5:42 routes[0].connect[0].warm', /`agent`, not to `phone`/]
])

await check('passwords in addresses', [
  [way('[{ sip: "sip:bob:s3cret@example.com" }]'), `error 5:22 ${FIRST}.sip`, /password.*auth:/],
  [way('[{ sip: "sips:bob:s3c@ret@example.com" }]'), `error 5:22 ${FIRST}.sip`, /password.*auth:/],
  [way('[{ play: "https://u:s3cret@example.com/a.mp3" }]'), `error 5:23 ${FIRST}.play`, /Leave user name and password/],
  [way('[{ play: "ftp://u:s3cret@example.com/a.mp3" }]'), `error 5:23 ${FIRST}.play`, /Leave user name and password/]
])

await t.test('no message repeats a password', async t => {
  const ways = ['sip: "sip:bob:s3cret@example.com"', 'sip: "sip:bob:s3cret@"', 'play: "https://u:s3cret@example.com"',
    'play: "u:s3cret@example.com"', 'play: "//u:s3cret@example.com"', 'sip: "bob:s3cret@example.com"']
  for (const entry of ways) {
    const { problems } = readRoutes(way(`[{ ${entry} }]`))
    t.match(problems, [{ severity: 'error' }], entry)
    t.notMatch(JSON.stringify(problems), 's3cret', entry)
  }
})

const long = (length: number): string => 'x'.repeat(length)

await check('what is too long, or too much', [
  [way(`[{ say: ${long(2001)} }]`), `error 5:22 ${FIRST}.say`, /at most 2000 characters/],
  [way(`[{ play: "https://a/${long(2000)}" }]`), `error 5:23 ${FIRST}.play`, /at most 2000/],
  [way(`[{ sip: "sip:a@${long(256)}" }]`), `error 5:22 ${FIRST}.sip`, /at most 256/],
  [way(`[{ agent: ${long(101)} }]`), `error 5:24 ${FIRST}.agent`, /at most 100/],
  [way(`[{ agents: [{ agent: ${long(101)}, weight: 1 }] }]`), `error 5:35 ${FIRST}.agents[0].agent`, /at most 100/],
  [way(`[{ agent: a, metadata: { a: ${long(16_384)} } }]`), `error 5:37 ${FIRST}.metadata`, /at most 16384/],
  [way(`[{ decline: 486, reason: ${long(101)} }]`), `error 5:39 ${FIRST}.reason`, /at most 100/]
])

await t.test('the variables and the metadata of Retell are limited', async t => {
  const retell = (more: string) => found(way(`[{ retell: { agent: a, key: A_KEY, ${more} } }]`)).filter(text =>
    text.startsWith('error'))
  t.match(retell(`metadata: { a: ${long(16_384)} }`), [/metadata$/])
  t.match(retell(`variables: { a: ${long(1001)} }`), [/variables\.a$/])
  t.match(retell(`variables: { ${Array.from({ length: 65 }, (_, i) => `v${i}: a`).join(', ')} }`), [/variables$/])
})

await check('what cannot be dialled', [
  [way('[{ phone: "0" }]'), `error 5:24 ${FIRST}.phone`, /not a number/],
  [way('[{ sip: "sip:example.com" }]'), `error 5:22 ${FIRST}.sip`, /user and host/]
])

await check('names of routes', [
  ['version: 1\nroutes:\n  - connect: [{ agent: a }]\n', 'error 3:5 routes[0]', /no name/],
  ['version: 1\nroutes:\n  - name: a\n  - name: a\n', 'error 4:11 routes[1].name', /"a" in line 3/],
  [`version: 1\nroutes:\n  - name: ${'a'.repeat(101)}\n`, 'error 3:11 routes[0].name', /at most 100/]
])

await check('what works, but hardly as it was meant', [
  [way('[{ decline: 486 }, { agent: a }]'), 'warning 5:33 routes[0].connect[1]', /never tried/],
  [
    'version: 1\nroutes:\n  - name: a\n    when: { to: "+491" }\n',
    'warning 3:5 routes[0]',
    /no route matches.*default agent/
  ],
  [
    'version: 1\nroutes:\n  - name: a\n  - name: b\n    when: { to: "+491" }\n',
    'warning 4:5 routes[1]',
    /No call gets here: route "a" in line 3/
  ],
  [way('[{ retell: { agent: a, key: A_KEY } }]'), `warning 5:42 ${FIRST}.retell.key`, /A_KEY is not set/],
  [
    'version: 1\nnumbers: ["+4953118054630"]\nroutes: [{ name: a, connect: [{ phone: "0049 531 18054630" }] }]\n',
    'warning 3:40 routes[0].connect[0].phone',
    /come back/
  ],
  [
    'version: 1\npolicy: { allow: [DE] }\nroutes: [{ name: a, connect: [{ phone: "+43664123456" }] }]\n',
    'warning 3:40 routes[0].connect[0].phone',
    /AT/
  ],
  [way('[{ phone: "+499001234567" }]'), 'warning 5:24 routes[0].connect[0].phone', /premium rate/],
  [way('[{ carrier: a, number: "+499001234567" }]'), `warning 5:37 ${FIRST}.number`, /premium rate/],
  [way('[{ sip: "sip:+499001234567@example.com" }]'), `warning 5:22 ${FIRST}.sip`, /premium rate/],
  [way('[{ sip: "sip:+499001234567@example.com;user=phone" }]'), `warning 5:22 ${FIRST}.sip`, /premium rate/]
])

await t.test('secrets: names only, never the own ones, and never repeated in a message', async t => {
  const refused: [string, string][] = [
    ['[{ retell: { agent: a, key: key_0123456789abcdef } }]', 'error 5:42 routes[0].connect[0].retell.key'],
    ['[{ retell: { agent: a, key: KEY0123456789ABCDEF012345 } }]', 'error 5:42 routes[0].connect[0].retell.key'],
    ['[{ retell: { agent: a, key: 123456 } }]', 'error 5:42 routes[0].connect[0].retell.key'],
    [
      '[{ sip: "sip:a@b", auth: { username: A_B, password: hunter2 } }]',
      'error 5:66 routes[0].connect[0].auth.password'
    ]
  ]
  for (const [connect, problem] of refused) {
    const { problems } = readRoutes(way(connect))
    t.same(problems.map(({ severity, line, column, path }) => `${severity} ${line}:${column} ${path}`), [problem])
    t.notMatch(JSON.stringify(problems), /0123456|123456|hunter2/i)
  }
  const misplaced = readRoutes(way('[{ retell: { agent: a, key: A_B, key_0123456789abcdef: } }]')).problems
  t.equal(misplaced.length, 1)
  t.notMatch(JSON.stringify(misplaced), /0123456/)

  const own = [...Object.keys(SettingsSchema.properties), ...Object.keys(ALIASES)].filter(name => name.includes('_'))
  for (const name of own) {
    const retell = `[{ retell: { agent: a, key: ${name} } }]`
    t.match(readRoutes(way(retell)).problems, [{ severity: 'error', column: 42 }], name)
    const auth = `[{ sip: "sip:a@b", auth: { username: A_B, password: ${name} } }]`
    t.match(readRoutes(way(auth)).problems, [{ severity: 'error', column: 66 }], name)
  }
})

await t.test('all problems at once, in the order of the file', async t => {
  const text = `version: 2
rouets: 1
defaults: { agnt: 1 }
routes:
  - name: a
    when: { to: "*", hours: { zone: Mars, in: never } }
    connect:
      - { decline: 200 }
      - { retell: { agnt: a } }
  - name: a
`
  t.same(found(text), [
    'error 1:10 version',
    'error 2:1 rouets',
    'error 3:13 defaults.agnt',
    'error 3:19 defaults.agnt',
    'error 6:17 routes[0].when.to',
    'error 6:37 routes[0].when.hours.zone',
    'error 6:47 routes[0].when.hours.in',
    'error 8:20 routes[0].connect[0].decline',
    'error 9:19 routes[0].connect[1].retell',
    'error 9:21 routes[0].connect[1].retell.agnt',
    'error 10:11 routes[1].name'
  ])
  t.equal(readRoutes(text).table, undefined)
})

await t.test('places are right behind a byte order mark and Windows line ends', async t => {
  t.same(found('\uFEFFversion: 1\r\nrouets: []\r\n'), ['error 2:1 rouets'])
})

await t.test('expressions that a call would all have to be tried on are limited', async t => {
  const routes = (count: number, expression: (n: number) => string, when = (text: string): object => ({ to: text })) =>
    'version: 1\nroutes:\n' + Array.from({ length: count }, (_, n) =>
      `  - { name: r${n}, when: ${JSON.stringify(when(expression(n)))}, connect: [{ agent: a }] }\n`).join('')
  const errors = (text: string) => readRoutes(text).problems.filter(({ severity }) => severity === 'error')
  const anywhere = (n: number) => `/${1000 + n}$/`
  const tenant = (text: string) => ({ header: { X: text } })

  t.same(errors(routes(200, anywhere)), [])
  t.same(errors(routes(2000, n => `/^\\+49${1000 + n}.*11$/`)), [], 'the digits tell which ones to try')
  t.match(errors(routes(2000, anywhere)), [{ path: /^routes\[\d+\]\.when\.to$/, message: /too many.*begin/ }])
  t.match(errors(routes(2000, anywhere, tenant)), [{ path: /^routes\[\d+\]\.when\.header\.X$/ }])
  t.match(errors(routes(2000, n => `/^\\+49.*${1000 + n}$/`)), [{ message: /too many/ }], 'all begin alike')
})
