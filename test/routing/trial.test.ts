import t from 'tap'
import { loadSettings } from '../../src/config.ts'
import type { RoutesTrialRequest } from '../../src/routes-schemas.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { readTime, showTime } from '../../src/routing/point-in-time.ts'
import type { RoutesTable } from '../../src/routing/routes.ts'
import { settingsTable } from '../../src/routing/settings-table.ts'
import { TrialError, tryRoutes } from '../../src/routing/trial.ts'
import { ENV } from '../fixtures/build.ts'
import { assertRunnable } from '../replay/check.ts'

const NOW = Date.UTC(2026, 10, 28, 12)
const SECRETS: Record<string, string> = { RETELL_API_KEY: 'key_secret', PBX_PASSWORD: 'pbx-secret' }

const FILE = `
version: 1
defaults: { ring: 25s, country: DE }
numbers: ["+493023125010"]
routes:
  - name: night
    when: { to: "+493023125010", hours: { zone: Europe/Berlin, not: ["Mon-Fri 08:00-18:00"] } }
    connect:
      - agent: night-desk
        metadata: { tenant: acme }
        ring: 20s
      - phone: "+4917139200011"
        carrier: MyCarrier
        ring: 30s
      - retell: { agent: agent_0123, key: RETELL_API_KEY }
      - sip: "sip:desk@pbx.example.com"
        auth: { username: PBX_USER, password: PBX_PASSWORD }
      - say: Nobody is here.
      - decline: 603
  - name: tenant
    when: { to: "+493023125011", header: { X-Tenant: acme }, carrier: MyCarrier }
    connect: [{ agents: [{ agent: a, weight: 50 }, { agent: b, weight: 50 }] }]
  - name: withheld
    when: { from: anonymous }
    connect: [{ decline: 603 }]
`

function tableOf (text: string): RoutesTable {
  const { table, problems } = readRoutes(text)
  if (!table) throw new Error(JSON.stringify(problems))
  return table
}

const ask = (request: RoutesTrialRequest, table = tableOf(FILE), env: Record<string, string> = {}) =>
  tryRoutes(request, {
    table,
    settings: loadSettings({ ...ENV, ...env }),
    secretOf: name => SECRETS[name],
    now: NOW
  })

await t.test('the route, its ways in order, and the longest wait', async t => {
  const trial = ask({ to: '+493023125010', from: '+4930111222', at: '23:10', zone: 'Europe/Berlin', callSid: 'c1' })
  t.match(trial, {
    call: { callSid: 'c1', at: '2026-11-28T22:10:00.000Z', zone: 'Europe/Berlin', direction: 'inbound' },
    route: { name: 'night', line: 6 },
    before: [],
    ways: [
      { attempt: 1, way: { strategy: 'room', agent: 'night-desk' }, ringS: 20 },
      { attempt: 2, way: { strategy: 'phone', number: '+4917139200011', carrier: 'MyCarrier' }, ringS: 30 },
      { attempt: 3, way: { strategy: 'retell', key: 'RETELL_API_KEY' }, ringS: 25 },
      { attempt: 4, way: { strategy: 'sip' }, ringS: 25, missing: ['PBX_USER'] },
      { attempt: 5, way: { strategy: 'say' } },
      { attempt: 6, way: { strategy: 'decline', status: 603 } }
    ],
    longestWaitS: 100,
    notes: []
  })
  t.same(trial.ways.flatMap(({ missing = [] }) => missing), ['PBX_USER'])
  t.same(trial.ways.slice(4).map(({ ringS }) => ringS), [undefined, undefined])
})

await t.test('the rooms that are kept ready for a way, and only for calls with the same metadata', async t => {
  const table = tableOf(`
version: 1
routes:
  - name: all
    connect:
      - { agent: desk, warm: { min: 2, max: 10 } }
      - { agent: desk, metadata: { tenant: acme } }
      - { agent: demo-agent }
      - { phone: "+4917139200011" }
`)
  const warm = (env: Record<string, string>) => ask({ to: '+1555' }, table, env).ways.map(({ warm }) => warm)
  t.same(warm({}), [{ min: 2, max: 10 }, undefined, undefined, undefined])
  t.same(warm({ AGENT_METADATA: 'ours' }), [{ min: 2, max: 10 }, undefined, undefined, undefined])
  t.same(warm({ WARM_AGENTS: '3' }), [{ min: 2, max: 10 }, undefined, { min: 3, max: 3 }, undefined])
})

await t.test('the verbs are those that a call of the service gets', async t => {
  const { ways } = ask({ to: '+493023125010', from: '+15550001111', at: '23:10', callSid: 'c1' })
  for (const { verbs } of ways) t.doesNotThrow(() => assertRunnable('/livekit-api', verbs))
  t.match(ways.map(({ verbs }) => verbs), [
    [
      {
        verb: 'dial',
        id: 'attempt-1',
        timeout: 20,
        callerId: '+15550001111',
        actionHook: 'https://bridge.example.com/action?call=c1&attempt=1#rc=2&rp=all',
        target: [{ type: 'sip', sipUri: /^sip:c[a-z2-7]{26}@sip\.example\.com;/, auth: { username: 'jambonz' } }]
      },
      { verb: 'sip:decline', status: 480 }
    ],
    [{ verb: 'dial', target: [{ type: 'phone', number: '+4917139200011', trunk: 'MyCarrier' }] }, {}],
    [{ verb: 'dial', target: [{ sipUri: 'sip:<call_id>@sip.retellai.com;transport=tcp' }] }, {}],
    [{ verb: 'dial', target: [{ sipUri: 'sip:desk@pbx.example.com' }] }, {}],
    [{ verb: 'say' }, { verb: 'redirect', id: 'attempt-5' }, { verb: 'hangup' }],
    [{ verb: 'hangup' }]
  ], 'what comes behind an announcement has a caller who was answered')
  const declined = ask({ to: '+493023125099', from: 'Anonymous', at: '12:00' })
  t.same(declined.ways.map(({ verbs }) => verbs), [[{ verb: 'sip:decline', status: 603, reason: 'Decline' }]])
})

await t.test('secrets are never shown', async t => {
  const text = JSON.stringify(ask({ to: '+493023125010', at: '23:10' }))
  t.notMatch(text, /key_secret|pbx-secret|trunk-password/)
  t.match(text, /"password":"…"/)
})

await t.test('why the routes before did not match', async t => {
  const { before, route } = ask({ to: '+493023125011', from: 'anonymous', at: '2026-11-30T09:00+01:00' })
  t.match(before, [
    { route: 'night', line: 6, reason: /^to: \+493023125011 is not "\+493023125010"$/ },
    { route: 'tenant', line: 20, reason: /^header X-Tenant: the call has none$/ }
  ])
  t.same(route, { name: 'withheld', line: 23 })
})

await t.test('conditions see what was asked, whatever the case of a header', async t => {
  const request = { to: '+493023125011', carrier: 'MyCarrier', headers: { 'x-TENANT': 'acme' } }
  t.equal(ask(request).route?.name, 'tenant')
  t.equal(ask({ ...request, carrier: 'Other' }).route, undefined)
  t.equal(ask({ to: '03023125010', at: '23:10' }).route?.name, 'night', 'a national number of defaults.country')
})

await t.test('weighted agents are chosen by the call_sid', async t => {
  const agentOf = (callSid: string | undefined) =>
    ask({ to: '+493023125011', carrier: 'MyCarrier', headers: { 'X-Tenant': 'acme' }, callSid }).ways[0]!.way
  const agents = Array.from({ length: 40 }, (_, n) => JSON.stringify(agentOf(`call-${n}`)))
  t.equal(new Set(agents).size, 2)
  t.same(agents, Array.from({ length: 40 }, (_, n) => JSON.stringify(agentOf(`call-${n}`))), 'always alike')
  t.not(ask({ to: '1' }).call.callSid, ask({ to: '1' }).call.callSid, 'and any, if none is given')
})

await t.test('no route, and no way', async t => {
  const none = ask({ to: '+493023125099', from: '+4930111222' })
  t.equal(none.route, undefined)
  t.match(none.ways, [{ way: { strategy: 'room', agent: 'demo-agent' }, ringS: 25 }])
  t.match(ask({ to: '+15551230000', from: '1' }, settingsTable, { FALLBACK_NUMBER: '+15551230000' }), {
    ways: [{ way: { strategy: 'room' } }],
    notes: [/dials the called number was left out/]
  })
  const loop = tableOf('version: 1\nroutes: [{ name: loop, connect: [{ phone: "+493023125099" }] }]')
  t.match(ask({ to: '+493023125099' }, loop).notes, [/left out/, /480 Agent Unavailable/])
  t.match(ask({ to: '+493023125099' }).notes, [/^No caller is given/], 'where that made a difference')
})

await t.test('an outbound call was answered before', async t => {
  const { ways } = ask({ to: '+493023125099', from: 'anonymous', direction: 'outbound' })
  t.same(ways[0]!.verbs, [{ verb: 'hangup' }])
})

await t.test('what cannot be read: which part, and what to write', async t => {
  const wrong: Array<[part: Partial<RoutesTrialRequest>, field: string, says: RegExp]> = [
    [{ at: 'tomorrow' }, 'at', /"tomorrow" is not a time\. Write 23:10, /],
    [{ at: '24:10' }, 'at', /2026-11-28 24:10:00 is a time that does not exist/],
    [{ at: '2026-02-30T10:00' }, 'at', /2026-02-30 10:00:00 is a time that does not exist/],
    [{ at: '10:00+99:00' }, 'at', /"\+99:00" is no offset/],
    [{ at: '2026-03-29T02:30', zone: 'Europe/Berlin' }, 'at', /The clocks of Europe\/Berlin skip 02:30/],
    [{ zone: 'Europe/Berlim' }, 'zone', /Did you mean Europe\/Berlin\?/],
    [{ zone: '+01:00' }, 'zone', /not a time zone/]
  ]
  for (const [part, field, says] of wrong) {
    try {
      ask({ to: '1', ...part })
      t.fail(JSON.stringify(part))
    } catch (error) {
      t.type(error, TrialError)
      t.match(error, { field, message: says })
    }
  }
})

await t.test('times as people write them', async t => {
  const iso = (text: string, zone = 'Europe/Berlin', now = NOW) => {
    const at = readTime(text, zone, now)
    return typeof at === 'number' ? new Date(at).toISOString() : at
  }
  t.equal(iso('23:10'), '2026-11-28T22:10:00.000Z')
  t.equal(iso('00:30', 'Asia/Tokyo', Date.UTC(2026, 10, 28, 20)), '2026-11-28T15:30:00.000Z', "today is the zone's")
  t.equal(iso('2026-07-01 08:00'), '2026-07-01T06:00:00.000Z')
  t.equal(iso('2026-07-01T08:00:30.5', 'UTC'), '2026-07-01T08:00:30.500Z')
  t.equal(iso('2026-07-01t08:00z'), '2026-07-01T08:00:00.000Z')
  t.equal(iso('2026-11-28T23:10-05:30'), '2026-11-29T04:40:00.000Z', 'an offset wins over the zone')
  t.equal(iso('2026-10-25T02:30'), '2026-10-25T00:30:00.000Z', 'of two the first')
  for (let hour = 0; hour < 24 * 365; hour += 97) {
    const at = Date.UTC(2026, 0, 1, hour)
    for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe']) {
      const shown = showTime(at, zone)
      const again = readTime(shown.slice(4), zone, NOW)
      t.ok(again === at || showTime(again as number, zone) === shown, `${shown} ${zone}`)
    }
  }
})
