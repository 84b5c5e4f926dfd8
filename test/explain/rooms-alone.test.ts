import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { reportText } from '../../src/explain/report.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { agentIn, calleeIn, callerIn, roomEvents, type RoomEventLine } from '../fixtures/exports.ts'
import { fixture } from '../fixtures/paths.ts'
import { readRecordings, type RecordedWebhook } from '../fixtures/recordings.ts'

const LADDER = { width: 120, rewrite: false, colour: false, ascii: true }

const lines = (webhooks: readonly RecordedWebhook[], start: number): string =>
  webhooks.map(({ at_ms: at, body }) => `${JSON.stringify({ time: start + at, payload: body })}\n`).join('')

await t.test("LiveKit's webhooks alone say nothing that the whole recording denies", async t => {
  let named = 0
  for (const { name, causes, webhooks, start } of readRecordings()) {
    if (webhooks.length === 0) continue
    const { calls } = await explainedAll([lines(webhooks, start)])
    for (const { end, findings } of calls) {
      if (end) named++
      t.ok(!end || causes.includes('*') || causes.includes(end.cause), `${name}: ${end?.cause}`)
      const isWithout = findings.some(({ code }) => code === 'no-agent' || code === 'agent-not-seen')
      t.ok(!isWithout || !causes.some(cause => /agent-hung-up|agent-lost|caller-hung-up|transfer/.test(cause)), name)
      const isUnheard = findings.some(({ code }) => code === 'agent-not-heard')
      t.ok(!isUnheard || causes.includes('agent-without-audio'), `${name}: audio`)
    }
  }
  t.ok(named >= 3, 'and some of them name the cause')
})

await t.test('a participant that livekit-sip gave up on did not hang up', async t => {
  const folder = fixture('livekit/')
  const read = (file: string): { webhooks?: RecordedWebhook[], finalStatus?: number } =>
    JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { webhooks?: RecordedWebhook[], finalStatus?: number }
  const timedOut = readdirSync(folder).filter(file => file.endsWith('.json') && read(file).finalStatus === 486)
  t.ok(timedOut.length >= 2)
  for (const file of timedOut) {
    const text = findingsOf(await explainedAll([lines(read(file).webhooks ?? [], 1_772_614_800_000)]))
      .map(({ seen }) => seen).join('\n')
    t.match(text, /its ringing timeout was over/, file)
    t.notMatch(text, /hung up/, file)
  }
})

await t.test('nobody joined: that depends on where the events begin and on how long the caller stayed', async t => {
  const joined = [0, 'participant_joined', callerIn('ringing')] as const
  const left = (second: number) =>
    [second, 'participant_left', callerIn('hangup', { disconnectReason: 'CLIENT_INITIATED' })] as const
  const started = [0, 'room_started'] as const
  for (
    const [events, cause, code] of [
      [[started, joined, left(30)], 'no-agent', 'no-agent'],
      [[started, joined, left(2)], 'caller-gave-up', 'agent-not-seen'],
      [[started, joined, [9, 'room_finished'] as const], undefined, 'agent-not-seen'],
      [[joined, left(30)], undefined, 'agent-not-seen'],
      [[started, left(30)], undefined, 'agent-not-seen']
    ] as const
  ) {
    const explanation = await explainedAll([roomEvents(...events.map(event => [...event] as RoomEventLine))])
    const [call] = explanation.calls
    t.equal(call?.end?.cause, cause)
    t.ok(codesOf(explanation).includes(code), code)
    t.match(call, { from: '+15550101111', to: '+15550102222' })
  }
})

await t.test('somebody else in the room is company', async t => {
  const explanation = await explainedAll([roomEvents(
    [0, 'room_started'],
    [0, 'participant_joined', { sid: 'PA_web', identity: 'web', kind: 'STANDARD' }],
    [1, 'participant_joined', callerIn('active')],
    [40, 'participant_left', callerIn('hangup', { disconnectReason: 'CLIENT_INITIATED' })]
  )])
  t.notOk(codesOf(explanation).some(code => /no-agent|agent-not-seen/.test(code)))
})

await t.test('calls that LiveKit placed', async t => {
  for (
    const [reason, status, says] of [
      ['SIP_TRUNK_FAILURE', 'dialing', /5xx/],
      ['USER_REJECTED', 'ringing', /busy \(486\)/],
      ['USER_UNAVAILABLE', 'ringing', /nobody answered in time/],
      ['PARTICIPANT_REMOVED', 'ringing', /removed it over the API/]
    ] as const
  ) {
    const explanation = await explainedAll([roomEvents(
      [0, 'room_started'],
      [0, 'participant_joined', calleeIn('dialing')],
      [7, 'participant_left', calleeIn(status, { disconnectReason: reason })]
    )])
    const [finding] = findingsOf(explanation)
    t.match(finding, { code: 'room-call-failed', severity: 'failed' })
    t.match(finding?.seen, says)
    t.match(explanation.calls[0], { from: '+15550102222', to: '+15550103333' })
  }
  const answered = await explainedAll([roomEvents(
    [0, 'participant_joined', calleeIn('dialing')],
    [1, 'participant_joined', agentIn()],
    [30, 'participant_left', calleeIn('hangup', { disconnectReason: 'CLIENT_INITIATED' })]
  )])
  t.strictSame(codesOf(answered), ['room-left'])
})

await t.test('an agent who went before the caller came, and one who came instead', async t => {
  const early = [
    [0, 'room_started'],
    [1, 'participant_joined', agentIn()],
    [5, 'participant_left', agentIn({ disconnectReason: 'CLIENT_INITIATED' })],
    [9, 'participant_joined', callerIn('ringing')]
  ] as RoomEventLine[]
  t.match(findingsOf(await explainedAll([roomEvents(...early)]))[0], {
    code: 'agent-left-first',
    seen: /left the room 4.0 s before the caller came/
  })
  const replaced = await explainedAll([roomEvents(...early, [10, 'participant_joined', agentIn({ sid: 'PA_second' })])])
  t.notOk(codesOf(replaced).includes('agent-left-first'))
})

await t.test('a room that is made again is another one', async t => {
  const left = { disconnectReason: 'CLIENT_INITIATED' }
  const explanation = await explainedAll([roomEvents(
    [0, 'room_started'],
    [0, 'participant_joined', callerIn('ringing')],
    [1, 'participant_joined', agentIn()],
    [20, 'participant_left', callerIn('hangup', left)],
    [21, 'participant_left', agentIn(left)],
    [22, 'room_finished'],
    [60, 'room_started'],
    [60, 'participant_joined', callerIn('ringing', { sid: 'PA_second' })],
    [90, 'participant_left', callerIn('hangup', { sid: 'PA_second', ...left })]
  )])
  t.strictSame(codesOf(explanation), ['room-left', 'no-agent'])
  t.equal(explanation.calls[0]?.end, undefined, 'the first call went well')
})

await t.test('nothing is said of audio where no event about tracks is in the file', async t => {
  const explanation = await explainedAll([roomEvents(
    [0, 'room_started'],
    [0, 'participant_joined', callerIn('active')],
    [1, 'participant_joined', agentIn()],
    [40, 'participant_left', callerIn('hangup', { disconnectReason: 'CLIENT_INITIATED' })]
  )])
  t.strictSame(codesOf(explanation), ['room-left'])
})

await t.test('a room with an agent alone is no call', async t => {
  const started = [0, 'room_started'] as RoomEventLine
  const joined = [1, 'participant_joined', agentIn()] as RoomEventLine
  const left = (disconnectReason?: string) =>
    [31, 'participant_left', agentIn({ disconnectReason })] as RoomEventLine
  for (
    const [events, severity, says] of [
      [[started, joined, left('ROOM_CLOSED')], 'ok', /for 30 s, until LiveKit closed the room because nobody came/],
      [[started, joined, left('ROOM_DELETED')], 'ok', /for 30 s, until somebody deleted the room\.$/],
      [[started, joined, left('CLIENT_INITIATED')], 'skipped', /for 30 s, and left by itself\.$/],
      [[started, joined, left('CONNECTION_TIMEOUT')], 'skipped', /for 30 s \(CONNECTION_TIMEOUT\)\.$/],
      [[started, joined, left()], 'skipped', /for 30 s\.$/],
      [[started, joined, [5, 'track_published', agentIn()] as RoomEventLine], 'ok', /for 4\.0 s when the files end\.$/]
    ] as const
  ) {
    const explanation = await explainedAll([roomEvents(...events)])
    t.strictSame(codesOf(explanation), ['room-without-caller'])
    t.match(findingsOf(explanation)[0], { severity, seen: says })
    t.equal(explanation.calls[0]?.end, undefined)
    t.match(reportText(explanation, LADDER), /^Room support-room, /)
  }
})

await t.test('a room whose beginning is missing, or with a visitor, may have had its caller', async t => {
  const visitor = { sid: 'PA_web', identity: 'web', kind: 'STANDARD' }
  for (
    const events of [
      [[1, 'participant_joined', agentIn()]],
      [[0, 'room_started'], [1, 'participant_joined', agentIn()], [2, 'participant_joined', visitor]]
    ] as RoomEventLine[][]
  ) {
    const explanation = await explainedAll([roomEvents(...events)])
    t.strictSame(codesOf(explanation), ['room-only'])
    t.match(reportText(explanation, LADDER), /^Call support-room, /)
  }
})
