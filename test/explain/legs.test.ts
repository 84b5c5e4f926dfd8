import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { createKeep } from '../../src/explain/keep.ts'
import { legsOf } from '../../src/explain/legs.ts'
import { readInput } from '../../src/explain/read.ts'
import type { Role } from '../../src/explain/roles.ts'
import { portions } from '../fixtures/captures.ts'
import { fixture } from '../fixtures/paths.ts'
import {
  FALLBACK,
  FROM_CALLER,
  INVITE,
  JAMBONZ,
  LIVEKIT,
  RINGING,
  sngrep,
  TO_LIVEKIT,
  TRYING,
  withFallback,
  type OutgoingLeg,
  type Said
} from './outgoing-cases.ts'

/** The roles of the legs in a text, in the order of their first messages, as if all of them were one call. */
async function rolesIn (...texts: string[]): Promise<Array<Role | 'unsure'>> {
  const keep = createKeep()
  for (const [i, text] of texts.entries()) await readInput({ name: `${i}`, chunks: portions(text) }, keep)
  return legsOf(keep.seen).map(({ role, unsure }) => unsure ? 'unsure' : role)
}

const FORBIDDEN: Said = [300, 'SIP/2.0 403 Forbidden']
const TOKEN = 'c4k2m9x7q1w8e5r3t6y0'
const named = (headers: string): OutgoingLeg => ({ headers })
const silent = (leg: OutgoingLeg): string => sngrep(leg, INVITE)
const refused = (leg: OutgoingLeg): string => sngrep(leg, INVITE, FORBIDDEN)
const by = (status: string, headers = '', leg: OutgoingLeg = {}): string =>
  sngrep({ ...JAMBONZ, ...leg }, INVITE, [50, `SIP/2.0 ${status}`, headers])

const TABLE: Array<[says: string, role: Role | 'unsure', text: string]> = [
  ["Jambonz's headers, a number, and a tag that is none of LiveKit's", 'carrier-out', refused(JAMBONZ)],
  ['X-Call-Sid alone', 'carrier-out', refused(named('X-Call-Sid: 1'))],
  ["X-CID, which names the caller's leg, alone", 'carrier-out', refused(named('X-CID: 1'))],
  ['the same to a number that nothing answered: nobody knows', 'unsure', silent(JAMBONZ)],
  ['a carrier known by its domain', 'carrier-out', silent({ ...JAMBONZ, host: 'acme.pstn.twilio.com' })],
  ['the User-Agent of Jambonz, without its headers', 'carrier-out', refused(named('User-Agent: jambonz'))],
  ['X-LK-Call in a dial to a number: the fallback', 'carrier-out', refused(named('X-LK-Call: 1\nX-Call-Sid: 2'))],
  ["a leg to a carrier's domain, with no header at all", 'carrier-out', silent({ host: 'sip.telnyx.com' })],
  ['a user name that a stranger answers', 'carrier-out', refused({ ...JAMBONZ, to: 'reception' })],

  ["LiveKit's host", 'agent', silent({ ...JAMBONZ, host: 'abcdefghijk.sip.livekit.cloud' })],
  ["a number at LiveKit's host", 'agent', refused({ host: 'abcdefghijk.sip.livekit.cloud' })],
  ['a token', 'agent', silent({ ...JAMBONZ, to: TOKEN })],
  ['SCL_… as user', 'agent', silent({ to: 'SCL_a1b2c3' })],
  ['X-LK-Call and no number', 'agent', silent({ ...named('X-LK-Call: 1'), to: 'front-desk' })],
  ["LiveKit's tag", 'agent', sngrep(JAMBONZ, INVITE, [9, 'SIP/2.0 404 Not Found', '', { tag: 'SCL_x' }])],
  ["LiveKit's Server header", 'agent', by('486 Rejected', 'Server: LiveKit')],
  ["LiveKit's realm", 'agent', by('407 Unauthorized', 'Proxy-Authenticate: Digest realm="LiveKit", nonce="1"')],
  ["LiveKit's 407", 'agent', by('407 Unauthorized', 'Proxy-Authenticate: Digest realm="acme", nonce="1"')],
  ["anybody's 407", 'carrier-out', by('407 Proxy Authentication Required', 'Proxy-Authenticate: Digest realm="a"')],
  ["LiveKit's 404", 'agent', by('404 No trunk found')],
  ["anybody's 404", 'carrier-out', by('404 Not Found')],
  ["LiveKit's 100", 'agent', by('100 Processing')],
  ["LiveKit's 503, to a token", 'agent', by('503 Try again later', '', { to: TOKEN })],
  ['the same phrase of whoever a number leads to', 'carrier-out', by('503 Try again later')],

  ["LiveKit's tag in From", 'livekit-out', silent(LIVEKIT)],
  ["LiveKit's User-Agent", 'livekit-out', silent(named('User-Agent: LiveKit'))],
  ['a BYE of LiveKit in a call that it had dialled', 'livekit-out', sngrep(LIVEKIT, [0, 'ACK'], [50, 'BYE'])],
  ['LiveKit dials itself', 'livekit-out', sngrep(LIVEKIT, INVITE, [9, 'SIP/2.0 404 No', '', { tag: 'SCL_x' }])],

  ['sbc-inbound to feature-server', 'inside', silent(named('X-CID: a\nX-Account-Sid: b\nX-Forwarded-For: 192.0.2.1'))],
  ['feature-server to sbc-outbound, for a number', 'carrier-out', silent(named('X-Jambonz-Routing: phone'))],
  ['a caller, whom Jambonz gives a reason', 'caller', sngrep({}, INVITE, [9, 'SIP/2.0 480 No', 'X-Reason: why'])],
  ['a carrier that calls somebody', 'caller', refused(named('User-Agent: Twilio Gateway'))],
  ['a call in which nothing names anybody', 'other', refused({})],
  ['the same with credentials', 'other', sngrep({}, INVITE, [5, 'SIP/2.0 401 Unauthorized'])]
]

for (const [says, role, text] of TABLE) {
  await t.test(`${role}: ${says}`, async t => t.same(await rolesIn(text), [role]))
}

await t.test('legs of one call', async t => {
  t.same(await rolesIn(withFallback(TRYING, FORBIDDEN)), ['caller', 'agent', 'carrier-out'])
  t.same(
    await rolesIn(
      sngrep({ ...JAMBONZ, headers: `${JAMBONZ.headers}\nX-Jambonz-Routing: phone`, callId: 'inner' }, INVITE),
      sngrep(JAMBONZ, INVITE, RINGING)
    ),
    ['inside', 'carrier-out'],
    "feature-server's own leg, where the one behind the SBC is there, too"
  )
  t.same(
    await rolesIn(sngrep({ ...LIVEKIT, callId: 'from-caller' }, INVITE), sngrep(FALLBACK, INVITE, RINGING)),
    ['livekit-out', 'carrier-out'],
    'LiveKit calls out through Jambonz'
  )
  t.same(await rolesIn(sngrep(FROM_CALLER, INVITE), sngrep(TO_LIVEKIT, INVITE)), ['caller', 'agent'])
})

await t.test('hooks and events name what was dialled', async t => {
  const status = (to: string): string =>
    `${JSON.stringify({
      call_sid: 'b',
      parent_call_sid: 'a',
      direction: 'outbound',
      from: '+15550100001',
      to,
      call_id: 'fs-2',
      sbc_callid: 'outgoing-1',
      sip_status: 180,
      sip_reason: 'Ringing',
      call_status: 'ringing'
    })}\n`
  const leg = silent({ headers: 'X-CID: x', to: 'room-7' })
  t.same(await rolesIn(status('+15550100002'), leg), ['carrier-out'])
  t.same(await rolesIn(status('sip:room-7@198.51.100.9'), leg), ['agent'])
})

interface Recorded {
  sip?: Array<{ dir: string, start: string, headers: Record<string, string>, body?: string }>
  phones?: Array<{ sip?: Array<{ start: string, cseq: string, headers: Record<string, string> }> }>
  invitesAtFarEnd?: Array<{ raw: string }>
  requests?: Array<{ body: string }>
  jambonz?: Array<{ body: string }>
}

const textOf = (start: string, headers: Record<string, string>, body = ''): string =>
  `${start}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`

/** SIP of a recording by whose it is. */
function sipOf ({ sip = [], phones = [], invitesAtFarEnd = [], ...hooks }: Recorded): Array<[Role[], string]> {
  const invites = (hooks.requests ?? hooks.jambonz ?? []).flatMap(({ body }) => {
    const raw: unknown = /"raw":/.test(body) ? (JSON.parse(body) as { sip?: { raw?: string } }).sip?.raw : undefined
    return typeof raw === 'string' ? [raw] : []
  })
  return [
    [['agent', 'livekit-out'], sip.map(({ start, headers, body }) => textOf(start, headers, body)).join('\n')],
    ...phones.map(({ sip: said = [] }): [Role[], string] => [
      ['carrier-out'],
      said.map(({ start, cseq, headers }) => textOf(start, { ...headers, CSeq: cseq })).join('\n')
    ]),
    ...invitesAtFarEnd.map(({ raw }): [Role[], string] => [['agent', 'carrier-out'], raw]),
    ...invites.map((raw): [Role[], string] => [['inside', 'livekit-out'], raw])
  ]
}

await t.test('recordings: whatever Jambonz sends to a number is for a carrier, and to a name for LiveKit', async t => {
  const counts = new Map<string, number>()
  for (const folder of ['chain', 'jambonz', 'livekit', 'livekit-out', 'outbound', 'auth-trunk']) {
    for (const file of readdirSync(fixture(`${folder}/`)).filter(name => name.endsWith('.json'))) {
      const recorded = JSON.parse(readFileSync(fixture(`${folder}/${file}`), 'utf8')) as Recorded
      for (const [possible, text] of sipOf(recorded)) {
        for (const role of text === '' ? [] : await rolesIn(text)) {
          const said = role === 'unsure' ? 'carrier-out' : role
          t.ok(possible.includes(said), `${folder}/${file}: ${said}`)
          counts.set(said, (counts.get(said) ?? 0) + 1)
          const user = /^(?:INVITE|To: <?)\s?sip:([^@]+)@/m.exec(text)?.[1] ?? ''
          if (said === 'agent') t.notMatch(user, /^\+?\d+$/, `${folder}/${file}`)
          // Jambonz dials a call without a number like this.
          if (said === 'carrier-out') t.match(user, /^(?:\+?\d+|undefined)$/, `${folder}/${file}`)
        }
      }
    }
  }
  for (const role of ['agent', 'carrier-out', 'livekit-out', 'inside']) {
    t.ok((counts.get(role) ?? 0) > 5, `${role}: ${counts.get(role)}`)
  }
})
