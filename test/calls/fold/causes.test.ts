import t from 'tap'
import { currentAttempt, type Call, type End } from '../../../src/calls/fold/call.ts'
import type { Cause } from '../../../src/calls/fold/vocabulary.ts'
import type { CallEvent } from '../../../src/calls/fold/events.ts'
import type { Way } from '../../../src/calls/fold/way.ts'
import { createDriver, tell, type Story, type StoryOptions, type World } from '../../fixtures/events.ts'
import { readRecordings, type Recording } from '../../fixtures/recordings.ts'

const recordings = readRecordings()

/** Causes that one side alone cannot always tell apart. */
const ALIKE: Cause[][] = [
  ['no-agent', 'agent-without-audio', 'livekit-no-route', 'dial-timeout', 'room-closed', 'livekit-failed'],
  ['agent-hung-up', 'media-lost', 'operator-hung-up', 'time-limit'],
  ['caller-hung-up', 'agent-lost', 'redirected']
]
const widened = (
  causes: string[]
): string[] => [...causes, ...ALIKE.filter(alike => alike.some(cause => causes.includes(cause))).flat()]

/** Plays the events in their order and at their times, then lets time pass until the call is over. */
function replay (recording: Recording, wanted: (event: CallEvent) => boolean, reachable: boolean): Call {
  const { callSid, rules, start, events, lookAt } = recording
  const deleted = new Set<string>()
  const world: World = {
    look (room, at) {
      if (!reachable) return 'unreachable'
      if (deleted.has(room)) return { exists: false }
      return room === recording.room ? lookAt(at) : { exists: true }
    },
    perform (_kind, target) {
      if (reachable) deleted.add(target)
      return reachable ? 'done' : 'failed'
    }
  }
  const driver = createDriver({
    callSid,
    rules,
    world,
    start,
    statusesExpected: recording.name !== 'jambonz/no-status-hook'
  })
  for (const { at, ...event } of events.filter(wanted)) {
    driver.pass(Math.max(0, at - driver.now))
    driver.feed(event)
  }
  for (let hours = 0; driver.call?.phase !== 'ended' && hours < 30; hours++) driver.pass(600_000)
  return driver.call!
}

const fromJambonz = ({ kind }: CallEvent) => kind !== 'livekit'
const allowed = (causes: string[], cause: string | undefined) =>
  cause !== undefined && (causes.includes('*') || causes.includes(cause))

await t.test('every recorded call ends for the reason that was recorded', async t => {
  t.equal(recordings.length, 60, 'none is missing')
  for (const recording of recordings) {
    const { end } = replay(recording, () => true, true)
    t.ok(allowed(recording.causes, end?.cause), `${recording.name}: ${end?.cause}`, { wanted: recording.causes, end })
  }
})

await t.test("without LiveKit's events a look says as much, give or take", async t => {
  for (const recording of recordings) {
    const { end } = replay(recording, fromJambonz, true)
    t.ok(allowed(widened(recording.causes), end?.cause), `${recording.name}: ${end?.cause}`, {
      wanted: recording.causes,
      end
    })
  }
})

await t.test('with nothing of LiveKit at all the call still ends for a like reason', async t => {
  for (const recording of recordings) {
    const { end } = replay(recording, fromJambonz, false)
    t.ok(allowed(widened(recording.causes), end?.cause), `${recording.name}: ${end?.cause}`, {
      wanted: recording.causes,
      end
    })
  }
})

await t.test('who ended a recorded call', async t => {
  const by = (name: string) => replay(recordings.find(recording => recording.name === name)!, () => true, true).end
  t.match(by('chain/normal-caller-hangs-up'), { cause: 'caller-hung-up', by: 'caller', waitingOn: 'none' })
  t.match(by('chain/normal-agent-hangs-up'), { cause: 'agent-hung-up', by: 'agent', waitingOn: 'none' })
  t.match(by('chain/rest-call-status-completed'), { cause: 'operator-hung-up', by: 'operator' })
  t.match(by('chain/transfer-by-livekit'), { cause: 'transferred', by: 'agent' })
  t.match(by('chain/caller-gives-up-ringing'), {
    cause: 'caller-gave-up',
    by: 'caller',
    waitingOn: 'agent-audio',
    sipStatus: 487
  })
  t.match(by('chain/caller-gives-up-during-hook'), {
    cause: 'caller-gave-up',
    by: 'caller',
    waitingOn: 'hook',
    sipStatus: 487
  })
  t.match(by('jambonz/caller-cancels-while-call-hook-pending'), { cause: 'caller-gave-up', waitingOn: 'hook' })
  t.match(by('chain/wrong-trunk-password'), { cause: 'livekit-refused-credentials', sipStatus: 401 })
  t.match(by('chain/sip-host-unknown'), { cause: 'sip-unreachable', sipStatus: 503 })
  t.match(by('chain/sdp-without-pcm'), { cause: 'media-mismatch', by: 'caller', sipStatus: 488 })
})

interface Case {
  says: string
  wanted: Partial<End>
  options?: StoryOptions
  tell(story: Story): void
}

const FALLBACK = { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } }

/** Ringing until Jambonz cancels the dial. */
function ringUntilTimeout (story: Story, seconds = 40) {
  story.agent('trying', 100)
  for (let second = 0; second < seconds; second++) {
    story.agent('ringing', 180)
    story.pass(990)
  }
  story.agent('no-answer', 487)
  story.action('no-answer', 487)
  story.caller('failed', 480)
}

/** The room attempt is rejected and the phone rings. */
function fallBack (story: Story) {
  story.connect()
  story.agent('trying', 100)
  story.agent('busy', 486)
  story.action('busy', 486)
  story.agent('trying', 100, { leg: 'b2' })
  story.agent('ringing', 180, { leg: 'b2' })
}

const cases: Case[] = [
  {
    says: 'the agent leg is ended at the time limit',
    wanted: { cause: 'time-limit', by: 'jambonz' },
    options: { rules: { timeLimitS: 600 } },
    tell (story) {
      story.connect()
      story.see = {
        exists: true,
        sip: { sid: 'PA_sip1', callStatus: 'active' },
        agent: { identity: 'agent-1', audio: true }
      }
      story.answered()
      story.pass(600_000 - 20)
      story.agent('completed', 200)
      story.action('completed', 200, { callerStatus: 'in-progress' })
      story.caller('completed', 200, 'jambonz')
    }
  },
  {
    says: 'an agent that hangs up well before the time limit',
    wanted: { cause: 'agent-hung-up' },
    options: { rules: { timeLimitS: 600 } },
    tell (story) {
      story.connect()
      story.see = {
        exists: true,
        sip: { sid: 'PA_sip1', callStatus: 'active' },
        agent: { identity: 'agent-1', audio: true }
      }
      story.answered()
      story.pass(590_000)
      story.agent('completed', 200)
      story.action('completed', 200, { callerStatus: 'in-progress' })
      story.caller('completed', 200, 'jambonz')
    }
  },
  {
    says: 'the fallback number is busy',
    wanted: { cause: 'busy', by: 'carrier', sipStatus: 486 },
    options: { rules: FALLBACK },
    tell (story) {
      fallBack(story)
      story.agent('busy', 486, { leg: 'b2' })
      story.action('busy', 486)
      story.caller('failed', 486)
    }
  },
  {
    says: 'the fallback number is busy everywhere',
    wanted: { cause: 'busy', sipStatus: 600 },
    options: { rules: FALLBACK },
    tell (story) {
      fallBack(story)
      story.agent('busy', 600, { leg: 'b2' })
      story.action('busy', 600)
      story.caller('failed', 600)
    }
  },
  {
    says: 'the fallback number declines',
    wanted: { cause: 'declined', by: 'carrier', sipStatus: 603 },
    options: { rules: FALLBACK },
    tell (story) {
      fallBack(story)
      story.agent('failed', 603, { leg: 'b2' })
      story.action('failed', 603)
      story.caller('failed', 603)
    }
  },
  {
    says: 'the fallback number is never answered',
    wanted: { cause: 'dial-timeout', by: 'jambonz' },
    options: { rules: FALLBACK },
    tell (story) {
      fallBack(story)
      story.pass(40_000)
      story.agent('no-answer', 487, { leg: 'b2' })
      story.action('no-answer', 487)
      story.caller('failed', 480)
    }
  },
  {
    says: 'too many calls',
    wanted: { cause: 'capacity', by: 'bridge', sipStatus: 486 },
    tell: story => {
      story.hook({ refuse: { cause: 'capacity', status: 486, reason: 'Busy Here' } })
    }
  },
  {
    says: 'the process is about to end',
    wanted: { cause: 'draining', by: 'bridge', sipStatus: 480 },
    tell: story => {
      story.hook({ refuse: { cause: 'draining', status: 480, reason: 'Agent Unavailable' } })
    }
  },
  {
    says: 'the call hook was not answered in time',
    wanted: { cause: 'bridge-error', by: 'bridge', waitingOn: 'hook', sipStatus: 480 },
    tell (story) {
      story.hook({ hash: 'h' })
      story.feed({ kind: 'declined', hash: 'h', cause: 'bridge-error', status: 480, reason: 'Agent Unavailable' })
    }
  },
  {
    says: 'the media server failed',
    wanted: { cause: 'media-server-failed', by: 'jambonz', sipStatus: 480 },
    tell (story) {
      story.connect()
      story.caller('trying', 100)
      story.caller('failed', 480)
      story.pass(2000)
    }
  },
  {
    says: 'an operator hangs up',
    wanted: { cause: 'operator-hung-up', by: 'operator' },
    tell (story) {
      story.connect()
      story.answered()
      story.feed({ kind: 'hangup' })
      story.agent('completed', 200)
      story.action('completed', 200, { callerStatus: 'in-progress' })
      story.caller('completed', 200, 'jambonz')
    }
  },
  {
    says: 'an operator hangs up and nobody says that it worked',
    wanted: { cause: 'operator-hung-up', by: 'operator' },
    tell (story) {
      story.connect()
      story.answered()
      story.feed({ kind: 'hangup' })
      story.pass(7000)
    }
  },
  {
    says: "the room of an agent that is not the rule's default could not be made",
    wanted: { cause: 'livekit-failed', waitingOn: 'hook', detail: 'failed' },
    tell (story) {
      story.hook({ app: { agent: 'other-agent' } })
      story.made('failed')
    }
  },
  {
    says: 'making it took too long',
    wanted: { cause: 'livekit-failed', waitingOn: 'hook', detail: 'timeout' },
    tell (story) {
      story.hook({ app: { agent: 'other-agent' } })
      story.made('timeout')
    }
  },
  {
    says: 'LiveKit answers 503 with its own phrase',
    wanted: { cause: 'livekit-overloaded', sipStatus: 503, detail: 'Service temporarily unavailable' },
    tell (story) {
      story.connect()
      story.agent('trying', 100)
      story.agent('failed', 503, { reason: 'Service temporarily unavailable' })
      story.action('failed', 503)
      story.caller('failed', 480)
    }
  },
  {
    says: 'the SIP host never answers',
    wanted: { cause: 'sip-unreachable', waitingOn: 'sip' },
    tell (story) {
      story.connect()
      story.agent('trying', 100)
      story.pass(40_000)
      story.agent('no-answer', 487)
      story.action('no-answer', 487)
      story.caller('failed', 480)
    }
  },
  {
    says: 'SIP participant and agent audio are there, and still nobody answers',
    wanted: { cause: 'dial-timeout' },
    tell (story) {
      story.connect()
      story.livekit('participant_joined', 'sip')
      story.livekit('participant_joined', 'agent')
      story.livekit('track_published', 'agent', { track: 'AUDIO' })
      ringUntilTimeout(story)
    }
  },
  {
    says: 'it rings every second, the SIP participant is there, an agent never comes',
    wanted: { cause: 'no-agent', waitingOn: 'agent' },
    tell (story) {
      story.connect()
      story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'ringing' } }
      ringUntilTimeout(story)
    }
  },
  {
    says: 'the agent is there without audio',
    wanted: { cause: 'agent-without-audio', waitingOn: 'agent-audio' },
    tell (story) {
      story.connect()
      story.see = {
        exists: true,
        sip: { sid: 'PA_sip1', callStatus: 'ringing' },
        agent: { identity: 'agent-1', audio: false }
      }
      ringUntilTimeout(story)
    }
  },
  {
    says: 'it rang once and nobody joined the room',
    wanted: { cause: 'livekit-no-route', waitingOn: 'route' },
    tell (story) {
      story.connect()
      story.agent('trying', 100)
      story.agent('ringing', 180)
      story.pass(40_000)
      story.agent('no-answer', 487)
      story.action('no-answer', 487)
      story.caller('failed', 480)
    }
  },
  {
    says: 'the room is deleted while it rings',
    wanted: { cause: 'room-closed', sipStatus: 486 },
    tell (story) {
      story.connect()
      story.livekit('participant_joined', 'sip')
      story.agent('trying', 100)
      story.agent('ringing', 180)
      story.livekit('participant_left', 'sip', { reason: 'ROOM_DELETED', sipCallStatus: 'ringing' })
      story.agent('busy', 486)
      story.action('busy', 486)
      story.caller('failed', 486)
    }
  },
  {
    says: '486 at once, and the room is still there',
    wanted: { cause: 'livekit-failed', sipStatus: 486 },
    tell (story) {
      story.connect()
      story.agent('trying', 100)
      story.agent('busy', 486)
      story.action('busy', 486)
      story.caller('failed', 486)
      story.pass(2000)
    }
  },
  {
    says: 'the agent left, then the caller hung up',
    wanted: { cause: 'agent-lost', by: 'caller' },
    tell (story) {
      story.connect()
      story.livekit('participant_joined', 'sip')
      story.livekit('participant_joined', 'agent')
      story.answered()
      story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
      story.pass(5000)
      story.caller('completed', 200, 'caller')
      story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
      story.agent('completed', 200)
    }
  },
  {
    says: 'no event at all after our reply, though others of the application have some',
    wanted: { cause: 'reply-refused', by: 'jambonz' },
    options: { statusesExpected: true },
    tell (story) {
      story.connect()
      story.pass(20_000)
    }
  },
  {
    says: 'no event at all after our reply, and there never are any',
    wanted: { cause: 'lost', by: 'unknown' },
    options: { statusesExpected: false },
    tell (story) {
      story.connect()
      story.pass(20_000)
    }
  },
  {
    says: 'a redirect that comes to us ends as the new attempt does',
    wanted: { cause: 'caller-hung-up' },
    tell (story) {
      story.connect()
      story.answered()
      story.connect({ answered: true })
      story.answered('b2')
      story.caller('completed', 200, 'caller')
      story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
      story.agent('completed', 200, { leg: 'b2' })
    }
  },
  {
    says: 'an unanswered REST-originated call',
    wanted: { cause: 'busy', sipStatus: 486 },
    options: { facts: { direction: 'outbound' } },
    tell (story) {
      story.caller('trying', 100)
      story.caller('ringing', 180)
      story.caller('busy', 486)
    }
  }
]

for (const { says, wanted, options, tell: happens } of cases) {
  await t.test(`${wanted.cause}: ${says}`, async t => {
    const story = tell(options)
    happens(story)
    story.pass(3000)
    t.equal(story.it.phase, 'ended')
    t.match(story.it.end, wanted)
  })
}

await t.test('what a caller who gives up was waiting for', async t => {
  const gaveUp = (happens: (story: Story) => void): End => {
    const story = tell()
    happens(story)
    story.caller('no-answer', 487, 'caller')
    story.action(story.it.legs.length > 0 ? 'no-answer' : undefined, 487, {
      callerStatus: 'no-answer',
      callerEndedBy: 'caller'
    })
    story.pass(2000)
    t.equal(story.cause, 'caller-gave-up')
    return story.it.end!
  }
  t.equal(
    gaveUp(story => {
      story.hook()
    }).waitingOn,
    'hook',
    'our reply'
  )
  t.equal(
    gaveUp(story => {
      story.connect()
      story.caller('trying', 100)
      story.agent('trying', 100)
    }).waitingOn,
    'sip',
    'any word of the SIP host'
  )
  t.equal(
    gaveUp(story => {
      story.connect()
      story.caller('trying', 100)
      story.agent('trying', 100)
      story.agent('ringing', 180)
      story.pass(5000)
    }).waitingOn,
    'route',
    'a trunk and rule that take the call'
  )
  t.equal(
    gaveUp(story => {
      story.connect()
      story.caller('trying', 100)
      story.agent('trying', 100)
      story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'ringing' } }
      for (let second = 0; second < 25; second++) {
        story.agent('ringing', 180)
        story.pass(990)
      }
    }).waitingOn,
    'agent',
    'an agent'
  )
  t.equal(
    gaveUp(story => {
      story.connect()
      story.caller('trying', 100)
      story.agent('trying', 100)
      story.agent('ringing', 180)
      story.livekit('participant_joined', 'sip')
      story.livekit('participant_joined', 'agent')
    }).waitingOn,
    'agent-audio',
    'its audio'
  )
  t.equal(
    gaveUp(story => {
      story.connect()
      story.caller('trying', 100)
      story.agent('trying', 100)
      story.agent('ringing', 180)
      story.livekit('participant_joined', 'sip')
      story.livekit('participant_joined', 'agent')
      story.livekit('track_published', 'agent', { track: 'AUDIO' })
    }).waitingOn,
    'none',
    'nothing any more'
  )
})

await t.test("LiveKit's own word on why the SIP participant left outweighs that a look missed it", async t => {
  const story = tell()
  story.connect()
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent')
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.answered()
  story.see = { exists: true, agent: { identity: 'agent-1', audio: true } }
  story.pass(60_000)
  story.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.caller('completed', 200, 'jambonz')
  t.equal(story.cause, 'media-lost')
})

await t.test('the end of a failed attempt is its own, however the call ends', async t => {
  const story = tell({ rules: FALLBACK })
  story.connect()
  story.agent('trying', 100)
  story.agent('failed', 503, { reason: 'DNS Error' })
  story.action('failed', 503)
  t.equal(currentAttempt(story.it)?.strategy, 'phone')
  t.equal(story.it.attempts[0]?.end?.cause, 'sip-unreachable')
  story.caller('no-answer', 487, 'caller')
  story.pass(2000)
  t.equal(story.cause, 'caller-gave-up')
  t.equal(story.it.attempts[0]?.end?.cause, 'sip-unreachable')
  t.equal(story.it.attempts[1]?.end?.cause, 'caller-gave-up')
})

await t.test("an attempt whose cause still waits for evidence does not take the call's", async t => {
  const story = tell({ rules: FALLBACK })
  story.connect()
  story.agent('trying', 100)
  story.mode = 'silent'
  story.agent('busy', 486)
  story.action('busy', 486)
  t.notOk(story.it.attempts[0]?.end, 'a look would tell more')
  story.caller('no-answer', 487, 'caller')
  story.pass(2000)
  t.equal(story.cause, 'caller-gave-up')
  t.equal(story.it.attempts[0]?.end?.cause, 'livekit-failed')
})

await t.test('a caller leg that was answered elsewhere and completes says nothing of the agent', async t => {
  const completed = (answered: boolean) => {
    const story = tell()
    story.connect({ answered })
    story.agent('trying', 100)
    story.caller('completed', 200, 'caller')
    return story.it.attempts[0]!.answered
  }
  t.equal(completed(false), true, 'only the agent can have answered')
  t.notOk(completed(true))
})

await t.test('each ringing that Jambonz repeats is remembered: silence counts from the last one', async t => {
  const story = tell()
  story.connect()
  story.agent('trying', 100)
  for (let second = 0; second < 5; second++) {
    story.agent('ringing', 180)
    story.pass(1000)
  }
  const { ringing, lastRinging } = story.it.attempts[0]!.at
  t.ok(lastRinging! - ringing! >= 4000)
})

await t.test('of a SIP address nobody was there, or somebody refused', async t => {
  for (
    const [strategy, ringing, status, cause] of [
      ['sip', false, 503, 'sip-unreachable'],
      ['sip', false, 408, 'sip-unreachable'],
      ['sip', true, 503, 'declined'],
      ['sip', false, 404, 'declined'],
      ['retell', false, 503, 'sip-unreachable'],
      ['retell', false, 404, 'declined'],
      ['phone', false, 503, 'declined']
    ] as const
  ) {
    const ways: Record<typeof strategy, Way> = {
      sip: { strategy: 'sip', uri: 'sip:desk@pbx.example.com' },
      retell: { strategy: 'retell', agent: 'agent_0123', key: 'RETELL_API_KEY' },
      phone: { strategy: 'phone', number: '+15551230009' }
    }
    const story = tell()
    story.hook({ route: { ways: [ways[strategy]] } })
    if (strategy === 'retell') story.feed({ kind: 'registration', attempt: 1, outcome: 'created', sipUser: 'call_1' })
    story.caller('trying', 100)
    story.agent('trying', 100)
    if (ringing) story.agent('ringing', 180)
    story.agent('failed', status)
    story.action('failed', status)
    story.caller('failed', status)
    t.match(story.it.end, { cause, sipStatus: status }, `${strategy} ${status}`)
  }
})

await t.test('a provisional status in /action is not how the leg ended', async t => {
  const story = tell()
  story.hook({ route: { ways: [{ strategy: 'phone', number: '+15551230009' }] } })
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.action('ringing', 180)
  story.pass(3000)
  t.equal(story.cause, 'dial-timeout')
  t.equal(story.it.end?.sipStatus, undefined)
})

await t.test('a phone hangs up, and the caller follows before Jambonz can end the leg', async t => {
  const story = tell()
  story.hook({ route: { ways: [{ strategy: 'phone', number: '+15551230009' }] } })
  story.caller('trying', 100)
  story.answered()
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.pass(200)
  story.caller('completed', 200, 'caller')
  story.pass(3000)
  t.match(story.it.end, { cause: 'agent-hung-up', by: 'carrier' })
})
