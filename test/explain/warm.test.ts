import { readFileSync } from 'node:fs'
import t from 'tap'
import type { CallEvent } from '../../src/calls/fold/events.ts'
import { withWaitingAgent } from '../../src/explain/follow/warm-room.ts'
import { reportText } from '../../src/explain/report.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { fixture } from '../fixtures/paths.ts'
import type { RecordedRequest, RecordedWebhook } from '../fixtures/recordings.ts'

/*
 * What real servers sent of rooms that were made before their calls.
 */

interface Recording {
  tokens: Record<string, string>
  jambonz: RecordedRequest[]
  livekit: RecordedWebhook[]
}

const START = Date.parse('2026-11-28T16:40:00Z')
const LADDER = { width: 120, rewrite: false, colour: false, ascii: true }

const read = (name: string): Recording =>
  JSON.parse(readFileSync(fixture(`warm/${name}.json`), 'utf8')) as Recording

/** The first call of a recording, as an application logs its webhooks. */
function logged ({ tokens, jambonz, livekit }: Recording): string {
  const [token] = Object.values(tokens)
  const callSid = jambonz[0] && (JSON.parse(jambonz[0].body) as { call_sid: string }).call_sid
  const line = (at: number, entry: object) => `${JSON.stringify({ time: START + at, ...entry })}\n`
  return [
    ...livekit.filter(({ body }) => body.includes(token!)).map(({ at_ms: at, body }) =>
      line(at, { payload: JSON.parse(body) as object })
    ),
    ...jambonz.filter(({ body }) => body.includes(callSid!)).map(({ at_ms: at, method, url, body }) =>
      line(at, { method, url, body: JSON.parse(body) as object })
    )
  ].join('')
}

await t.test('a room that LiveKit closed because no call came is no failed call', async t => {
  const explanation = await explainedAll([logged(read('pool-room-expires'))])
  t.strictSame(codesOf(explanation), ['room-without-caller'])
  t.match(findingsOf(explanation)[0], {
    severity: 'ok',
    seen: /^Nobody called into this room\. Its agent was alone in it for 7\.0 s, until LiveKit closed the room/
  })
  t.match(reportText(explanation, LADDER), /^Room jb_/)
})

await t.test('an agent that had waited, and left before its caller came', async t => {
  const explanation = await explainedAll([logged(read('pool-agent-left'))])
  const [call] = explanation.calls
  t.equal(call?.end?.cause, 'no-agent')
  t.equal(
    call?.summary,
    'LiveKit rang for 4.0 s (487). The agent that had waited in the room left 1.2 s before the call hook, and none ' +
      'came in its place.'
  )
  const text = reportText(explanation, LADDER)
  t.match(text, /AGENT participant in the room before the call hook: an agent waited for the call\n.*CLIENT_INITIATED/)
  t.match(text, /Look in the worker's log for why the waiting agent was gone/)
  t.notMatch(text, /ever joined|registered under|createRoom|took a room/)
})

await t.test('calls that were answered by an agent that had waited, or that was called for them', async t => {
  for (const name of ['warm-silent-track', 'warm-stock', 'cold']) {
    const explanation = await explainedAll([logged(read(name))])
    t.equal(explanation.calls[0]?.end?.cause, 'caller-hung-up', name)
    t.notOk(findingsOf(explanation).some(({ severity }) => severity === 'failed' || severity === 'warning'), name)
  }
})

await t.test('times in whole seconds do not tell whether an agent of the same second came before the call', async t => {
  const own = { room: 'jb_cone', token: 'cone' }
  const joinedAt = (at: number): CallEvent[] => [
    { kind: 'livekit', room: own.room, what: 'room_started', at },
    {
      kind: 'livekit',
      room: own.room,
      what: 'participant_joined',
      participant: { sid: 'PA_1', identity: 'agent-1', kind: 'AGENT' },
      at
    },
    { kind: 'room', attempt: 1, outcome: 'created', at: START + 900 }
  ]
  t.strictSame(withWaitingAgent(joinedAt(START), own), joinedAt(START))
  t.match(withWaitingAgent(joinedAt(START - 1000), own), [{
    kind: 'room',
    warm: { room: 'jb_cone', madeAt: START - 1000, agent: { identity: 'agent-1', joinedAt: START - 1000 } }
  }])
})
