import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { readJob } from '../../deploy/agent/src/call.ts'
import { fixture, project } from '../fixtures/paths.ts'

/*
 * Why a call is answered to Jambonz only when its room is there (docs/warm-agents.md): what real servers did.
 */

interface Recorded {
  jambonz?: Array<{ at_ms: number, url: string, replied?: { at_ms: number, body?: any } }>
  livekit?: Array<{ at_ms: number, body: string }>
  webhooks?: Array<{ body: string }>
  twirp?: Array<{ path: string, took_ms: number, status: number, reply: any }>
  api?: Array<{ at_ms: number, op: string, answered?: { at_ms: number, body: any } }>
  agent?: Array<{ ev: string, metadata?: string, at_ms: number }>
  numbers?: Record<string, { p50: number, min: number, max: number }>
  looks?: Array<{ dispatch?: Array<{ metadata: string, agentName: string }> }>
}

const read = (path: string): Recorded => JSON.parse(readFileSync(fixture(path), 'utf8'))
const recordingsOf = (folder: string): string[] =>
  readdirSync(fixture(folder)).filter(name => name.endsWith('.json')).map(name => `${folder}/${name}`)

/** LiveKit's events, with the milliseconds at which they arrived. */
const eventsOf = ({ livekit = [] }: Recorded): Array<{ at: number } & Record<string, any>> =>
  livekit.map(({ at_ms: at, body }) => ({ ...JSON.parse(body), at }))

/** The replies that make Jambonz dial LiveKit, and the token that each one dials. */
function dialsOf ({ jambonz = [] }: Recorded): Array<{ at: number, token: string }> {
  return jambonz.flatMap(({ url, replied }) => {
    if (!/^\/(livekit-api|call-hook)/.test(url) || !Array.isArray(replied?.body)) return []
    const sipUri = replied.body.find(({ verb }) => verb === 'dial')?.target?.[0].sipUri
    const [, token] = /^sip:(\w+)@/.exec(sipUri ?? '') ?? []
    return token === undefined ? [] : [{ at: replied.at_ms, token }]
  })
}

/** From the reply to the caller in LiveKit's room, for each call, milliseconds. */
const legsOf = (recorded: Recorded): number[] => dialsOf(recorded).flatMap(({ at, token }) => {
  const joined = eventsOf(recorded).find(({ event, participant, room, at: joinedAt }) =>
    event === 'participant_joined' && participant.kind === 'SIP' && room.name.endsWith(token) && joinedAt >= at)
  return joined ? [joined.at - at] : []
})

/** How long each createRoom took that LiveKit answered, milliseconds. */
const creationsOf = ({ api = [], twirp = [] }: Recorded): number[] => [
  ...api.filter(({ op, answered }) => op === 'CreateRoom' && answered?.body?.sid)
    .map(({ at_ms: at, answered }) => answered!.at_ms - at),
  ...twirp.filter(({ path, status }) => path.endsWith('/CreateRoom') && status === 200).map(({ took_ms: took }) => took)
]

const FOLDERS = ['chain', 'livekit', 'livekit-out', 'long', 'outbound', 'transfer', 'warm']
const all = FOLDERS.flatMap(recordingsOf).map(read)

await t.test('a leg that is faster than createRoom makes the room, and nothing of the call is left', async t => {
  const chain = read('chain/room-missing-rule-dispatches.json')
  const [reply] = dialsOf(chain)
  const [started, ...later] = eventsOf(chain)
  t.match(started, { event: 'room_started', room: { name: `jb_${reply!.token}` } })
  t.ok(started!.at > reply!.at, 'the leg made it')
  t.notOk(started!['room'].metadata)
  t.ok(later.some(({ event, participant }) => event === 'participant_joined' && participant.kind === 'AGENT'))
  const [job] = chain.agent!
  t.match(job, { ev: 'job', metadata: '{"from":"rule"}' }, "the rule's own")
  t.same(readJob(job!.metadata!), {}, 'the agent does not know who calls')

  const alone = read('livekit/room-not-created-rule-dispatches.json')
  const { room } = JSON.parse(alone.webhooks![0]!.body)
  t.match(room, { emptyTimeout: 300, departureTimeout: 20 }, "LiveKit's times, not ours")
  t.match(alone.looks![0]!.dispatch, [{ metadata: '{"from":"rule"}' }])
  t.equal(alone.looks![0]!.dispatch!.length, 1)
})

const readPage = () => readFileSync(project('docs/warm-agents.md'), 'utf8')

await t.test('either may be faster', async t => {
  const legs = all.flatMap(legsOf)
  const creations = all.flatMap(creationsOf)
  t.ok(legs.length > 70)
  t.ok(creations.length > 100)
  t.ok(Math.min(...creations) < Math.min(...legs), 'createRoom, mostly')
  t.ok(Math.min(...legs) < Math.max(...creations), 'or the leg')

  const one = read('transfer/merge-after-caller-left.json')
  t.ok(Math.max(...creationsOf(one)) > 3 * Math.max(...legsOf(one)), 'also with the same servers in the same minute')

  const page = readPage()
  t.match(page, `| ${Math.min(...legs)} ms | ${Math.max(...legs)} ms |`, 'the page says how long a leg takes')
  t.match(page, `| ${Math.min(...creations)} ms | ${Math.max(...creations)} ms |`, 'and createRoom')
})

await t.test('the page says what was measured', async t => {
  const page = readPage()
  for (const name of ['cold', 'warm-silent-track', 'warm-stock']) {
    const { invite_to_200: answered, invite_to_audio: heard } = read(`warm/${name}.json`).numbers!
    t.match(page, `| ${answered!.p50} ms (${answered!.min}–${answered!.max}) | ${heard!.p50} ms |`, name)
  }
})
