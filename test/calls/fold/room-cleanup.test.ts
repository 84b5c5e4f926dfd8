import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import type { Call } from '../../../src/calls/fold/call.ts'
import type { LiveKitEvent } from '../../../src/calls/fold/events.ts'
import { factsWith, rulesWith, tell, type Story } from '../../fixtures/events.ts'

/** A caller who gives up while the agent's job is still on its way. */
function gaveUp (): Story {
  const story = tell()
  story.connect()
  story.caller('trying', 100)
  story.agent('trying', 100)
  story.caller('no-answer', 487, 'caller')
  story.agent('no-answer', 487)
  story.action('no-answer', 487, { callerStatus: 'no-answer', callerEndedBy: 'caller' })
  return story
}

const deletions = (story: Story) => story.performed.filter(({ kind }) => kind === 'delete-room').map(({ at }) => at)

await t.test('a deletion is repeated until the room has stayed gone', async t => {
  const story = gaveUp()
  const began = story.now
  story.pass(61_000)
  const times = deletions(story).map(at => at - began)
  t.equal(times.length, 4)
  t.ok(times[2]! >= 15_000, 'an agent whose join was aborted tries again some 15 s later')
  t.ok(times[3]! >= 30_000, 'a slow worker starts its job after half a minute')
  t.same(story.it.duties, [])
  t.equal(story.it.events.at(-1)?.what, 'room gone')
})

await t.test('an agent that had joined and talked cannot make the room again: two deletions are enough', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.pass(70_000)
  t.equal(deletions(story).length, 2)
  t.same(story.it.duties, [])
})

await t.test('any sign of life in a room that should be gone owes its deletion again', async t => {
  const participant = { sid: 'PA_9', identity: 'agent-9', kind: 'AGENT' as const }
  const signs: Array<[Pick<LiveKitEvent, 'what' | 'participant' | 'track'>, 'at once' | 'later']> = [
    [{ what: 'room_started' }, 'later'],
    [{ what: 'participant_joined', participant }, 'at once'],
    [{ what: 'participant_joined', participant: { ...participant, identity: 'sip_+1', kind: 'SIP' } }, 'later'],
    [{ what: 'participant_connection_aborted', participant }, 'later'],
    [{ what: 'track_published', participant, track: 'AUDIO' }, 'at once'],
    [{ what: 'participant_left', participant: { ...participant, reason: 'CLIENT_INITIATED' } }, 'later']
  ]
  for (const [sign, when] of signs) {
    const story = gaveUp()
    story.pass(70_000)
    const before = deletions(story).length
    story.feed({ kind: 'livekit', room: story.room(), ...sign })
    t.equal(deletions(story).length - before, when === 'at once' ? 1 : 0, `${sign.what}: ${when}`)
    story.pass(when === 'at once' ? 0 : 2000)
    t.equal(deletions(story).length, before + 1, `${sign.what}: when the agent has joined`)
    story.pass(70_000)
    t.same(story.it.duties, [])
  }
})

await t.test("the caller's own events that come late do not delete the room while an agent is joining it", async t => {
  const story = gaveUp()
  const [first] = deletions(story)
  const caller = { sid: 'PA_1', identity: 'sip_+15550001111', kind: 'SIP' as const }
  story.livekit('participant_joined', 'sip')
  story.feed({ kind: 'livekit', room: story.room(), what: 'track_published', participant: caller, track: 'AUDIO' })
  story.pass(200)
  t.same(deletions(story), [first], 'an agent that is aborted now comes back 15 s later')
  story.livekit('room_started')
  story.pass(50)
  story.livekit('participant_joined', 'agent')
  t.equal(deletions(story).length, 2, 'it is ended as soon as it is there')
})

await t.test('a first deletion that is still to come waits for no agent', async t => {
  const story = tell()
  story.connect()
  const at = story.now + 10
  const apply = (call: Call, event: Parameters<typeof advance>[1]) => advance(call, event, rulesWith())!
  const gone = { leg: 'caller', legSid: 'call-1', callStatus: 'no-answer', sipStatus: 487, by: 'caller' } as const
  const ended = apply(story.it, { kind: 'status', callSid: 'call-1', facts: factsWith(), ...gone, at })
  const late = apply(ended, { kind: 'livekit', what: 'room_started', room: story.room(), at: at + 5 })
  t.match(late.duties.filter(({ kind }) => kind === 'delete-room'), [{ due: at }])
})

await t.test('what a deletion itself causes is no sign of life', async t => {
  const story = gaveUp()
  story.livekit('participant_joined', 'agent')
  story.pass(70_000)
  const before = deletions(story).length
  story.livekit('participant_left', 'agent', { reason: 'ROOM_DELETED' })
  story.livekit('room_finished')
  t.equal(deletions(story).length, before)
})

await t.test('the outcome of an older deletion says nothing about one that was owed since', async t => {
  const story = gaveUp()
  const at = story.now + 2000
  const apply = (call: Call, event: Parameters<typeof advance>[1]) => advance(call, event, rulesWith())!
  const wake = (call: Call, claim: string, when: number) =>
    apply(call, { kind: 'wake', at: when, claim, statusesExpected: true })
  const id = story.it.duties.find(({ kind }) => kind === 'delete-room')!.id
  const first = wake(story.it, 'one', at)
  const alive = apply(first, { kind: 'livekit', what: 'room_started', room: story.room(), at: at + 10 })
  const late = apply(alive, { kind: 'duty', id, claim: 'one', outcome: 'done', detail: 'absent', at: at + 20 })
  t.match(late.duties, [{ id, due: at + 2010 }], 'it is still due')
})
