import t from 'tap'
import { MADE_AGAIN, TOLD } from '../../../src/calls/fold/warm.ts'
import { tell, type Story, type StoryOptions } from '../../fixtures/events.ts'

/*
 * Whether the agent that waited for a call is the one who answers it.
 */

const rings = { sid: 'PA_sip1', callStatus: 'ringing' }

/** A caller who rings in a room where an agent waited. */
function ringing (options?: StoryOptions): Story {
  const story = tell(options)
  story.claim()
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.see = { exists: true, sip: rings, agent: { identity: 'agent-1', audio: true } }
  return story
}

/** A duty of the call is done, with what was found. */
function done (story: Story, kind: string, detail: string): void {
  const duty = story.it.duties.find(duty => duty.kind === kind)!
  story.mode = 'up'
  story.see = { exists: true, sip: rings }
  story.feed({ kind: 'duty', id: duty.id, claim: duty.claim!, outcome: 'done', detail })
}

/** The agent is to be told who calls. LiveKit has not answered yet. */
function telling (): Story {
  const story = tell()
  story.mode = 'silent'
  story.claim()
  return story
}

/** The room was closed before the leg came. */
function madeAgain (detail: string): Story {
  const story = tell()
  story.claim()
  story.mode = 'silent'
  story.livekit('room_finished')
  done(story, 'make-room', detail)
  return story
}

/** Whether the agent that waited had to be replaced, as the attempt says it. */
const isReplaced = (story: Story) => story.it.attempts[0]!.warm?.replaced

await t.test('an agent that waited and answers was not replaced, and the record says so for good', async t => {
  const story = ringing()
  t.equal(isReplaced(story), undefined, 'nobody knows before the answer')
  story.answered()
  t.equal(isReplaced(story), false)
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  story.pass(10_000)
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  t.equal(isReplaced(story), false, 'what becomes of it in the call is something else')
})

await t.test('an agent that waited was replaced when another one answers', async t => {
  const left = ringing()
  left.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  const silent = ringing()
  silent.pass(4000)
  const dead = telling()
  done(dead, 'tell-agent', TOLD.dead)
  const cases = {
    'it left': left,
    'it is silent': silent,
    'its room was made again': madeAgain(MADE_AGAIN.made),
    'its room was made by the dispatch rule': madeAgain(MADE_AGAIN.byRule),
    'it is dead': dead
  }
  for (const [says, story] of Object.entries(cases)) {
    t.equal(isReplaced(story), true, says)
    story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
    story.answered()
    t.equal(isReplaced(story), true, `${says}, and another one has answered`)
  }
})

await t.test('an agent that turns out dead after LiveKit has answered was replaced', async t => {
  const story = telling()
  story.answered()
  t.equal(isReplaced(story), false)
  done(story, 'tell-agent', TOLD.dead)
  t.equal(isReplaced(story), true)
})

await t.test('one look that misses the agent proves nothing', async t => {
  const story = ringing()
  story.it.attempts[0]!.view.agent!.left = { at: story.now, reason: 'UNSEEN' }
  story.livekit('track_published', 'sip', { track: 'AUDIO' })
  t.equal(isReplaced(story), undefined)
})

await t.test('an agent that leaves because the caller has gone was not replaced', async t => {
  const gone = ringing()
  gone.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED' })
  gone.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  t.equal(isReplaced(gone), undefined)

  const cancelled = ringing()
  cancelled.caller('no-answer', 487, 'caller')
  cancelled.livekit('participant_left', 'agent', { reason: 'ROOM_DELETED' })
  t.equal(isReplaced(cancelled), undefined)

  const ended = ringing({ rules: { callControl: true } })
  ended.feed({ kind: 'hangup' })
  ended.livekit('participant_left', 'agent', { reason: 'ROOM_DELETED' })
  t.equal(isReplaced(ended), undefined)
})

await t.test('of an attempt that was rebuilt nobody knows which agent had waited', async t => {
  const story = ringing()
  delete story.it.attempts[0]!.warm!.agent
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  story.answered()
  t.equal(isReplaced(story), undefined)
})
