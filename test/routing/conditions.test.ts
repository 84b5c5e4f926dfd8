import fc from 'fast-check'
import t from 'tap'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { pickAgent } from '../../src/routing/match/weights.ts'
import type { RouteQuery } from '../../src/routing/routes.ts'

const APP = { agent: 'app-agent', metadata: '' }
const AT = Date.parse('2026-11-28T22:10:00Z')

/** The first route has the condition, the second none. */
function outcome (when: object, query: Partial<RouteQuery>, country?: string): { matches: boolean, reason?: string } {
  const routes = [{ name: 'it', when }, { name: 'rest' }]
  const defaults = country ? { country } : {}
  const { table, problems } = readRoutes(JSON.stringify({ version: 1, defaults, routes }))
  if (!table) throw new Error(JSON.stringify(problems))
  const whole: RouteQuery = {
    callSid: 'CS', at: AT, to: '+491', from: '+492', direction: 'inbound', headers: new Map(), ...query
  }
  const { route, before } = table.explain(whole, APP)
  t.equal(table.choose(whole, APP).name, route.name)
  return { matches: route.name === 'it', reason: before[0]?.reason }
}

type Case = [pattern: string, number: string, matches: boolean, country?: string]

await t.test('numbers', async t => {
  const full = '+4953118054630'
  const digits = full.slice(1)
  const spellings = [full, digits, `00${digits}`, `tel:${full}`, '+49 531 18054-630', `sip:${full}@a.example`]
  for (const written of spellings) {
    for (const called of spellings) {
      t.ok(outcome({ to: written }, { to: called }).matches, `${written} is ${called}`)
      t.ok(outcome({ to: '+49531180*' }, { to: called }).matches, `+49531180* begins ${called}`)
      t.notOk(outcome({ to: '+49531181*' }, { to: called }).matches, `+49531181* does not begin ${called}`)
    }
  }

  const cases: Case[] = [
    ['+4953118054630', '+49531180546300', false],
    ['+4953118054630', '053118054630', false],
    ['+4953118054630', '053118054630', true, 'DE'],
    ['+4953118054630', '053118054630', false, 'AT'],
    ['053118054630', '+4953118054630', false],
    ['053118054630', '+4953118054630', true, 'DE'],
    ['053118054630', '053118054630', true],
    ['0531180*', '+4953118054630', true, 'DE'],
    ['+49531180*', '053118054630', true, 'DE'],
    ['+1555*', '5551234567', true, 'US'],
    ['555*', '+15551234567', true, 'US'],
    ['06301*', '+36301234567', true, 'HU'],
    ['0531180*', '+4953118054630', false],
    ['1555*', '+15551234567', true, 'US'],
    ['+390612*', '0612345678', true, 'IT'],
    ['+4953118054630', '01149 531 18054630', true, 'US'],
    ['100', '100', true, 'DE'],
    ['10*', '1000', true],
    ['/^\\+49531.*30$/', '004953118054630', true],
    ['/^\\+49531.*30$/', '+4953118054631', false],
    ['/^0531/', '053118054630', true],
    ['/^\\+49531/', '053118054630', true, 'DE'],
    ['/30$|31$/', '+4953118054631', true],
    ['/SALES/i', 'sip:sales@a.example', true],
    ['/SALES/', 'sip:sales@a.example', false],
    ['sip:Sales@b.example', 'sip:sales@a.example', true],
    ['sip:sales', 'support', false],
    ['+491', '', false]
  ]
  for (const [to, called, matches, country] of cases) {
    t.equal(outcome({ to }, { to: called }, country).matches, matches, `${to} and ${called} in ${country ?? 'none'}`)
  }
  t.ok(outcome({ to: ['+499*', '+491'] }, { to: '+491' }).matches, 'one of several is enough')
})

await t.test('callers that withhold their number', async t => {
  t.ok(outcome({ from: 'anonymous' }, { from: 'anonymous' }).matches)
  t.ok(outcome({ from: ['+49*', 'anonymous'] }, { from: 'sip:Anonymous@anonymous.invalid' }).matches)
  t.notOk(outcome({ from: 'anonymous' }, { from: '+491' }).matches)
  t.notOk(outcome({ from: '+49*' }, { from: 'anonymous' }).matches)
})

await t.test('carrier, application, direction, headers, and why not', async t => {
  const headers = new Map([['x-tenant', 'acme'], ['x-empty', '']])
  const cases: [object, boolean, (string | undefined)?][] = [
    [{ carrier: ['A', 'B'] }, true],
    [{ carrier: 'b' }, false, 'carrier: "B" is not "b"'],
    [{ application: 'sid' }, false, 'application: not known, must be "sid"'],
    [{ direction: 'inbound' }, true],
    [{ direction: 'outbound' }, false, 'direction: "inbound" is not "outbound"'],
    [{ header: { 'X-Tenant': 'acme' } }, true],
    [{ header: { 'x-TENANT': ['other', 'ac*'] } }, true],
    [{ header: { 'X-Tenant': '/^a.*e$/' } }, true],
    [{ header: { 'X-Tenant': 'present', 'X-Empty': 'present' } }, true],
    [{ header: { 'X-Tenant': 'Acme' } }, false, 'header X-Tenant: "acme" is not "Acme"'],
    [{ header: { 'X-Other': 'present' } }, false, 'header X-Other: the call has none'],
    [{ header: { 'X-Tenant': 'acme', 'X-Other': 'a' } }, false, 'header X-Other: the call has none'],
    [{ hours: { zone: 'Europe/Berlin', in: 'Sat 23:00-24:00' } }, true],
    [{ hours: { zone: 'Europe/Berlin', in: 'Sat', not: '23:00-01:00' } }, false,
      'hours: Sat 23:10 in Europe/Berlin is in "23:00-01:00", which is excluded'],
    [{ hours: { zone: 'Europe/Berlin', in: 'Mon-Fri' } }, false,
      'hours: Sat 23:10 in Europe/Berlin is not in "Mon-Fri"'],
    [{ to: ['+49531*', '+4930*'] }, false, 'to: +491 is none of "+49531*", "+4930*"'],
    [{ to: '+491', carrier: 'A', direction: 'inbound' }, false, 'carrier: "B" is not "A"']
  ]
  for (const [when, matches, reason] of cases) {
    t.same(outcome(when, { carrier: 'B', headers }), { matches, reason }, JSON.stringify(when))
  }
})

await t.test('expressions stay linear', async t => {
  const { table } = readRoutes(JSON.stringify({
    version: 1,
    routes: [
      { name: 'evil', when: { header: { X: '/^(([a-z])+.)+[A-Z]([a-z])+$/' }, to: '/^(1+)+x?$/' } },
      { name: 'rest' }
    ]
  }))
  // A backtracking engine would need longer than the universe has lasted.
  const headers = new Map([['x', 'a'.repeat(100_000)]])
  const query = { callSid: 'a', at: AT, from: '', direction: 'inbound' as const, headers }
  t.equal(table!.choose({ ...query, to: `${'1'.repeat(100_000)}x` }, APP).name, 'rest')
})

await t.test('weights: each call always the same agent, and shares as they are written', async t => {
  const agents = [{ agent: 'a', weight: 95 }, { agent: 'b', weight: 5 }, { agent: 'never', weight: 0 }]
  const counts = { a: 0, b: 0, never: 0 }
  for (let i = 0; i < 20_000; i++) counts[pickAgent(agents, `call ${i}`) as keyof typeof counts]++
  // Five standard deviations.
  t.ok(Math.abs(counts.b - 1000) < 5 * Math.sqrt(20_000 * 0.05 * 0.95), `${counts.b} of 20000`)
  t.equal(counts.never, 0)
  t.equal(pickAgent(agents, 'call 7'), pickAgent(structuredClone(agents), 'call 7'))

  const positive = fc.array(fc.record({ agent: fc.string({ minLength: 1 }), weight: fc.nat(100) }), { minLength: 1 })
    .filter(agents => agents.some(({ weight }) => weight > 0))
  fc.assert(fc.property(positive, fc.string(), (agents, seed) => {
    const picked = pickAgent(agents, seed)
    return agents.some(({ agent, weight }) => agent === picked && weight > 0)
  }))
})

await t.test('the same call gets the same agent from every table that was read from the file', async t => {
  const text = JSON.stringify({
    version: 1,
    routes: [{ name: 'r', connect: [{ agents: [{ agent: 'a', weight: 1 }, { agent: 'b', weight: 1 }] }] }]
  })
  const tables = [readRoutes(text).table!, readRoutes(text).table!]
  const seen = new Set<string>()
  for (let i = 0; i < 50; i++) {
    const query = { callSid: `CS${i}`, at: AT, to: '1', from: '2', direction: 'inbound' as const, headers: new Map() }
    const [one, other] = tables.map(table => table.choose({ ...query, at: AT + i }, APP).ways[0]) as { agent: string }[]
    t.same(one, other)
    seen.add(one!.agent)
  }
  t.equal(seen.size, 2)
})
