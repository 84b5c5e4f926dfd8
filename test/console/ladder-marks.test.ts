import t from 'tap'
import { present } from '../../src/calls/view.ts'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { presentDiagnosis } from '../../src/diagnosis/diagnosis-view.ts'
import { presentLadder } from '../../src/ladder/ladder-view.ts'
import { tell } from '../fixtures/events.ts'
import { folded } from '../fixtures/folded.ts'
import { project } from '../fixtures/paths.ts'
import { readOrderRecordings, readRecordings } from '../fixtures/recordings.ts'

const { attemptTitles, eventOf, lastHeard, outcomeOf, stepsOf, wayOf } =
  await import(project('console/ladder-marks.js').href)

const pictureOf = (folded: Parameters<typeof present>[0]) => {
  const call = present(folded)
  return { call, ladder: presentLadder(call), diagnosis: presentDiagnosis(diagnose(folded)) }
}
const PICTURES = [...readRecordings(), ...readOrderRecordings()]
  .map(recording => ({ name: recording.name, ...pictureOf(folded(recording)) }))
const picture = (name: string) => PICTURES.find(picture => picture.name === name)!

/** What the steps of a piece of evidence are, by the name of its signal. */
const shownBy = (name: string, signal: string): string[] => {
  const { call, ladder, diagnosis } = picture(name)
  const evidence = diagnosis.evidence.find(evidence => evidence.signal === signal)
  return stepsOf(evidence, ladder, call).map((seq: number) => ladder.rows[seq]!.what)
}

await t.test('whatever was seen in a recorded call is a step of its ladder, and what did not come is none', async t => {
  let seen = 0
  for (const { name, call, ladder, diagnosis } of PICTURES) {
    for (const evidence of diagnosis.evidence) {
      const steps = stepsOf(evidence, ladder, call)
      const isAbsence = evidence.seen.startsWith('no ')
      t.equal(steps.length > 0, !isAbsence, `${name} ${evidence.signal}: ${evidence.seen}`)
      for (const seq of steps) {
        const row = ladder.rows[seq]!
        const event = eventOf(row, call)
        const at = Date.parse(event?.first ?? row.at)
        t.ok(at >= Date.parse(evidence.at) && at <= Date.parse(evidence.last ?? evidence.at), 'at its time')
      }
      seen += steps.length
    }
  }
  t.ok(seen > 300)
})

await t.test('evidence is about the right one of the steps of its millisecond', async t => {
  t.same(shownBy('chain/no-agent-worker', 'agent-leg-final'), ['agent leg no-answer 487 Request Terminated'])
  t.same(shownBy('chain/no-agent-worker', 'action'), ['/action no-answer 487 (caller leg trying)'])
  t.same(shownBy('chain/no-agent-worker', 'sip-left'), ['participant_left SIP CLIENT_INITIATED (hangup)'])
  t.same(shownBy('chain/no-agent-worker', 'no-agent'), [])
  t.same(shownBy('chain/transfer-by-dial', 'answered'), ['agent leg in-progress 200 OK'])
  t.same(shownBy('chain/transfer-by-dial', 'caller-leg-final'), ['caller leg completed 200 OK by caller'])
})

await t.test('that an agent had waited is the claim, and has no other step', async t => {
  const story = tell()
  story.hook({ route: { ways: [{ strategy: 'room', agent: 'a' }] } })
  const room = { room: 'jb_cwarm', token: 'cwarm', agentName: 'a', departureS: 10, events: true }
  const agent = { identity: 'agent-AJ_1', joinedAt: 1000, audioAt: 1100 }
  story.feed({ kind: 'room', attempt: 1, outcome: 'created', warm: { ...room, madeAt: 500, agent } })
  story.caller('trying', 100)
  const { call, ladder, diagnosis } = pictureOf(story.it)
  const shown = (signal: string): string[] => {
    const evidence = diagnosis.evidence.find(evidence => evidence.signal === signal)
    return stepsOf(evidence, ladder, call).map((seq: number) => ladder.rows[seq]!.what)
  }
  t.same(shown('warm-room'), ['warm room claimed'])
  t.same(shown('agent-joined'), [], 'it came before the call')
  t.same(shown('agent-audio'), [])
})

await t.test('what came again and again is all of its steps', async t => {
  const ringing = shownBy('chain/no-agent-worker', 'ringing')
  t.equal(ringing.length, 3)
  t.same(new Set(ringing), new Set(['agent leg ringing 180 Ringing']))
})

await t.test('the step with the most words of the evidence, at its time', t => {
  const at = (s: number) => `2026-11-29T10:00:0${s}.000Z`
  const event = (s: number, leg: string, status: string) =>
    ({ from: 'jambonz', what: 'status', leg, status, first: at(s), last: at(s), count: 1 })
  const events = [
    event(1, 'agent', 'ringing'),
    event(2, 'caller', 'completed'),
    event(2, 'agent', 'completed'),
    event(3, 'agent', 'ringing'),
    event(4, 'agent', 'ringing')
  ]
  const rows = events.map((event, seq) => ({ seq, at: event.first, event: seq }))
  const steps = (evidence: object) => stepsOf(evidence, { rows }, { events })
  t.same(steps({ signal: 'agent-leg-final', at: at(2), seen: 'agent leg completed 200 OK' }), [2])
  t.same(steps({ signal: 'ringing', at: at(1), last: at(3), seen: 'agent leg ringing 180, 2 times' }), [0, 3])
  t.same(steps({ signal: 'ringing', at: at(5), seen: 'agent leg ringing 180' }), [], 'not at another time')
  t.end()
})

const outcomes = (name: string): Record<string, string> => {
  const { call, ladder, diagnosis } = picture(name)
  return Object.fromEntries(ladder.rows.map(row => [row.what, outcomeOf(row, eventOf(row, call), diagnosis)]))
}

await t.test('what a step means', async t => {
  t.match(outcomes('chain/wrong-trunk-password'), {
    'agent leg trying 100 Trying': 'plain',
    'agent leg failed 401 Unauthorized': 'bad',
    '/action failed 401 (caller leg trying)': 'bad',
    'call ended livekit-refused-credentials by unknown': 'bad'
  })
  t.match(outcomes('chain/normal-agent-hangs-up'), {
    'participant_joined AGENT': 'good',
    'caller leg in-progress 200 OK': 'good',
    '/action completed 200 (caller leg in-progress)': 'plain',
    'call ended agent-hung-up by agent': 'plain'
  })
  t.match(outcomes('chain/no-agent-worker'), {
    'agent leg no-answer 487 Request Terminated': 'late',
    'agent dispatched again done': 'late',
    'call ended no-agent by jambonz': 'bad'
  })
})

await t.test('a failed call ends in a failure, one that went well has none at its end', async t => {
  for (const { name, call, ladder, diagnosis } of PICTURES) {
    const end = ladder.rows.find(({ what }) => what.startsWith('call ended'))
    if (!end) continue
    const expected = { failed: 'bad', warning: 'late', ok: 'plain' }[diagnosis.severity]
    t.equal(outcomeOf(end, eventOf(end, call), diagnosis), expected, name)
  }
})

await t.test('attempts have headings where there are several', async t => {
  const story = tell()
  story.hook({ route: { ways: [{ strategy: 'room', agent: 'day' }, { strategy: 'phone', number: '+4915111111111' }] } })
  story.made('created')
  story.agent('busy', 486)
  story.action('busy', 486)
  story.agent('ringing', 180, { leg: 'b2' })
  const { call, ladder, diagnosis } = pictureOf(story.it)
  const titles = attemptTitles(ladder, call)
  t.same([...titles.values()], ['Attempt 1: agent day', 'Attempt 2: phone +4915111111111'])
  const ended = ladder.rows.find(({ what }) => what.startsWith('attempt ended'))!
  t.equal(outcomeOf(ended, eventOf(ended, call), diagnosis), 'bad', 'the first attempt failed')
  t.equal(attemptTitles(picture('chain/no-agent-worker').ladder, picture('chain/no-agent-worker').call).size, 0)
  t.equal(wayOf({ strategy: 'phone', number: '+15550003333', transfer: 'tr-1' }), 'person +15550003333')
})

await t.test('when something was heard last', async t => {
  const { call, ladder } = picture('chain/no-agent-worker')
  t.equal(lastHeard(ladder, call), ladder.rows.at(-1)!.at)
  t.equal(lastHeard({ ...ladder, rows: [] }, { ...call, events: [] }), ladder.start)
})
