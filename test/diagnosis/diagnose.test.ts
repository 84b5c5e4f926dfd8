import t from 'tap'
import { CAUSES, WAITING_ON } from '../../src/calls/fold/vocabulary.ts'
import { endOf } from '../../src/calls/fold/end.ts'
import { CATALOGUE } from '../../src/diagnosis/causes-catalogue.ts'
import { diagnose, isFailure, logFields } from '../../src/diagnosis/diagnose.ts'
import { presentDiagnosis } from '../../src/diagnosis/diagnosis-view.ts'
import { tell, type Story } from '../fixtures/events.ts'

/** Stories of causes that no recording has; each tells one to its end. */
const STORIES: Record<string, [story: Story, run: (story: Story) => void, signals: RegExp]> = {
  capacity: [tell(), s => s.hook({ refuse: { cause: 'capacity', status: 486, reason: 'Busy Here' } }), /decline/],
  draining: [
    tell(),
    s => s.hook({ refuse: { cause: 'draining', status: 480, reason: 'Agent Unavailable' } }),
    /decline/
  ],
  lost: [tell({ statusesExpected: false }), s => {
    s.see = { exists: false }
    s.connect()
    s.passUntilForgotten(200_000)
  }, /deadline/],
  'media-server-failed': [tell(), s => {
    s.connect()
    s.caller('trying', 100)
    s.caller('failed', 480)
    s.pass(5000)
  }, /caller-leg-final/],
  'time-limit': [tell({ rules: { timeLimitS: 60 } }), s => {
    s.connect()
    s.see = { exists: true, sip: { sid: 'PA_sip1' }, agent: { identity: 'agent-1', audio: true } }
    s.answered()
    s.pass(60_000)
    s.agent('completed', 200)
    s.action('completed', 200, { callerStatus: 'in-progress' })
    s.caller('completed', 200, 'jambonz')
    s.pass(5000)
  }, /action/],
  busy: [tell({ rules: { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } } }), s => {
    s.connect()
    s.agent('failed', 401)
    s.action('failed', 401)
    s.agent('busy', 486, { leg: 'b2' })
    s.action('busy', 486)
    s.pass(5000)
  }, /agent-leg-final/],
  declined: [tell({ rules: { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } } }), s => {
    s.connect()
    s.agent('failed', 401)
    s.action('failed', 401)
    s.agent('failed', 403, { leg: 'b2' })
    s.action('failed', 403)
    s.pass(5000)
  }, /agent-leg-final/]
}

for (const [cause, [story, run, signals]] of Object.entries(STORIES)) {
  await t.test(cause, async t => {
    run(story)
    const diagnosis = diagnose(story.it)
    t.equal(diagnosis.cause, cause)
    t.match(diagnosis.evidence.map(({ signal }) => signal).join(), signals)
    t.ok(isFailure(story.it) === (cause !== 'time-limit'))
  })
}

await t.test('every cause says what it means and what to do', async t => {
  t.strictSame(Object.keys(CATALOGUE).sort(), [...CAUSES].sort())
  for (const [cause, { severity, fix, meaning, signals }] of Object.entries(CATALOGUE)) {
    if (severity !== 'ok' && cause !== 'caller-gave-up') t.ok(fix.length > 0, cause)
    t.match(meaning, /\.$/, cause)
    t.match(signals, /\.\)?$/, cause)
  }
})

await t.test('any end of any call can be explained, and the log has nothing of the caller', async t => {
  const story = tell()
  story.connect()
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  for (const cause of CAUSES) {
    for (const waitingOn of WAITING_ON) {
      const { it } = story
      const call = {
        ...it,
        phase: 'ended' as const,
        at: { ...it.at, ended: story.now },
        end: { ...endOf(cause), waitingOn, sipStatus: 486 }
      }
      const diagnosis = diagnose(call)
      const logged = JSON.stringify(logFields(call))
      t.notMatch(logged, /\+?1555|demo-agent|jb_|Alice|MyCarrier/, cause)
      if (cause === 'caller-gave-up' && waitingOn !== 'none') t.ok(diagnosis.nextSteps.length > 0, waitingOn)
    }
  }
  t.pass('no number, name, room')
})

await t.test('LiveKit rang and nobody saw its side: who was missing is not claimed', async t => {
  const story = tell()
  story.connect()
  story.see = { exists: true }
  story.agent('trying', 100)
  for (let i = 0; i < 5; i++) {
    story.agent('ringing', 180)
    story.pass(1000)
  }
  story.agent('no-answer', 487)
  story.action('no-answer', 487)
  story.pass(5000)
  const { it } = story
  const blind = {
    ...it,
    events: it.events.filter(({ what }) => what !== 'look'),
    end: { ...endOf('no-agent'), waitingOn: 'agent' as const, sipStatus: 487 }
  }
  const { summary, notToldApart, nextSteps } = diagnose({
    ...blind,
    attempts: it.attempts.map(attempt => ({ ...attempt, degraded: true }))
  })
  t.match(summary, /nobody answered \(487\): no agent joined the room, or the one that did published no audio/)
  t.match(notToldApart[0], /agent-without-audio/)
  t.match(
    nextSteps[0],
    { todo: /could not create the room/, command: 'bridge doctor --only livekit-api' },
    'a degraded call says what to mend first'
  )
})

await t.test('without a status hook LiveKit that rang is not said to be silent', async t => {
  const story = tell({ statusesExpected: false })
  story.connect()
  story.livekit('participant_joined', 'sip')
  story.pass(10_000)
  story.action('no-answer', 487)
  story.pass(5000)
  t.match(diagnose(story.it).answers.find(({ id }) => id === 'livekit-answer'), { answer: 'yes', says: /It rang/ })
})

await t.test('a call under way', async t => {
  const story = tell()
  story.connect()
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  const waiting = diagnose(story.it)
  t.equal(waiting.cause, undefined)
  t.equal(waiting.waitingOn, 'agent')
  t.equal(waiting.summary, 'The call is ringing, waiting for an agent to join.')
  t.match(waiting.answers.find(({ id }) => id === 'agent-joined'), { answer: 'unknown', says: 'Not yet' })
  t.match(waiting.nextSteps[0]?.todo, /worker/)
  story.livekit('participant_joined', 'agent')
  t.equal(diagnose(story.it).waitingOn, 'agent-audio')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  story.agent('in-progress', 200)
  story.caller('in-progress', 200)
  const connected = diagnose(story.it)
  t.equal(connected.summary, 'The caller is connected.')
  t.strictSame(connected.nextSteps, [])
})

await t.test('headers: what the event line says', async t => {
  const story = tell()
  story.connect()
  story.livekit('participant_joined', 'sip')
  const headers = (detail: string | undefined) =>
    diagnose({
      ...story.it,
      events: story.it.events.map(line =>
        line.what === 'participant_joined' ? { ...line, ...(detail === undefined ? {} : { detail }) } : line
      )
    }).answers.find(({ id }) => id === 'headers')?.answer
  t.equal(headers('headers'), 'yes')
  t.equal(headers('no headers'), 'no')
})

await t.test('times are written out', async t => {
  const story = tell()
  story.connect()
  story.agent('failed', 401)
  story.action('failed', 401)
  story.pass(5000)
  const shown = presentDiagnosis(diagnose(story.it))
  t.match(shown.evidence.find(({ signal }) => signal === 'agent-leg-final')?.at, /^2026-11-21T10:00:00\.\d{3}Z$/)
})
