import t from 'tap'
import type { Cause } from '../../src/calls/fold/vocabulary.ts'
import type { CallEvent } from '../../src/calls/fold/events.ts'
import { diagnose, type Diagnosis } from '../../src/diagnosis/diagnose.ts'
import type { SignalName } from '../../src/diagnosis/signals/evidence.ts'
import { folded } from '../fixtures/folded.ts'
import { readRecordings, type Recording } from '../fixtures/recordings.ts'

/** What has to be named for a cause to be believed. Of the lists within a list one is enough, whole. */
type Needed = Array<[signal: SignalName, seen: RegExp]>
const DECIDING: Partial<Record<Cause, Needed[]>> = {
  'caller-hung-up': [[['caller-leg-final', /completed .*by caller$/], ['action', /caller leg completed/]]],
  'agent-hung-up': [[['action', /completed 200, caller leg in-progress/], ['caller-leg-final', /by jambonz/]]],
  'operator-hung-up': [[['caller-leg-final', /completed .*by jambonz/]]],
  'agent-lost': [[['agent-left', /CLIENT_INITIATED|CONNECTION_TIMEOUT/]]],
  'media-lost': [[['sip-left', /CLIENT_INITIATED, sip.callStatus hangup/], ['action', /caller leg in-progress/]]],
  redirected: [[['action', /caller leg in-progress/], ['caller-leg-final', /./]]],
  transferred: [[['refer', /REFER/], ['refer-result', /refer_status 20[02]|no \/refer-complete/]]],
  'transfer-failed': [[['refer', /REFER/], ['refer-result', /refer_status 202, final none|refer_status [3-6]/]]],
  'caller-gave-up': [
    [['caller-leg-final', /no-answer 487 .*by caller/], ['late-trying', /trying 100 only after/], [
      'agent-leg-not-dialled',
      /./
    ]],
    [['caller-leg-final', /no-answer 487 .*by caller/], ['ringing', /180/]]
  ],
  'livekit-no-route': [[['agent-leg-final', /404/]], [['ringing', /once/], ['no-sip', /./], [
    'agent-leg-final',
    /487/
  ]]],
  'no-agent': [[['ringing', /\d+ times/], ['sip-joined', /./], ['no-agent', /./]]],
  'agent-without-audio': [[['ringing', /\d+ times/], ['sip-joined', /./], ['agent-joined', /./], [
    'no-agent-audio',
    /./
  ]]],
  'room-closed': [[['sip-left', /ROOM_DELETED, sip.callStatus ringing/], ['agent-leg-final', /486/]]],
  'livekit-refused-credentials': [[['agent-leg-final', /40[17]/]]],
  'livekit-overloaded': [[['agent-leg-final', /503 (Try again later|Service temporarily unavailable)/]]],
  'sip-unreachable': [[['agent-leg-final', /503 DNS Error/]]],
  'media-mismatch': [[['ringing', /./], ['agent-leg-final', /400/]], [['agent-leg-not-dialled', /./], [
    'caller-leg-final',
    /488/
  ]]],
  'dial-timeout': [[['ringing', /./], ['agent-leg-final', /487/]]],
  'livekit-failed': [[['agent-leg-final', /\d\d\d/]], [['action', /\d\d\d/]]],
  'reply-refused': [[['call-hook', /^reply /], ['silence', /./], ['agent-leg-not-dialled', /./]]],
  'bridge-error': [[['decline', /decline: 480/]]]
}

const names = ({ evidence }: Diagnosis, needed: Needed): boolean =>
  needed.every(([signal, seen]) => evidence.some(item => item.signal === signal && seen.test(item.seen)))
const answer = (diagnosis: Diagnosis, id: string): string | undefined =>
  diagnosis.answers.find(answer => answer.id === id)?.answer
const without = (recording: Recording, ...kinds: Array<CallEvent['kind']>) =>
  recording.events.filter(({ kind }) => !kinds.includes(kind))

const recordings = readRecordings()
const called = (name: string): Diagnosis => diagnose(folded(recordings.find(recording => recording.name === name)!))
let explained = 0

for (const recording of recordings) {
  await t.test(recording.name, async t => {
    const call = folded(recording)
    const diagnosis = diagnose(call)
    const { cause, evidence } = diagnosis
    const right = t.ok(
      recording.causes.includes('*') || recording.causes.includes(cause!),
      `${cause} is one of ${recording.causes.join(', ')}`
    )
    const named = t.ok(
      DECIDING[cause!]?.some(needed => names(diagnosis, needed)),
      `names what decides for ${cause}: ${evidence.map(({ signal, seen }) => `${signal}: ${seen}`).join(' | ')}`
    )
    t.strictSame(
      evidence.map(({ at }) => at),
      evidence.map(({ at }) => at).sort((a, b) => a - b),
      'in the order of time'
    )
    t.ok(evidence.every(({ at }) => at >= call.at.received), 'with times')
    t.match(diagnosis.summary, /^[A-Z].*\.$/)
    if (right && named) explained++
  })
}

await t.test('all of them', async t => {
  t.equal(explained, recordings.length)
  t.ok(recordings.length >= 60, `${recordings.length} recordings`)
  const causes = new Set(recordings.map(recording => diagnose(folded(recording)).cause))
  t.ok(causes.size >= 20, `${causes.size} causes`)
})

await t.test('what is not known is not claimed', async t => {
  for (const recording of recordings) {
    const blind = { ...recording, lookAt: () => ({ exists: true }) }
    for (
      const events of [
        without(recording, 'livekit'),
        without(recording, 'status'),
        without(recording, 'action'),
        without(recording, 'livekit', 'status'),
        without(recording, 'status', 'action', 'refer', 'refer-complete')
      ]
    ) {
      const call = folded(blind, events)
      const diagnosis = diagnose(call)
      t.ok(diagnosis.evidence.length > 0, `${recording.name}: ${diagnosis.cause} has evidence`)
      const unseen = !events.some(({ kind }) => kind === 'livekit') &&
        !call.events.some(({ what, status }) => what === 'look' && status === 'seen')
      if (!unseen) continue
      t.notOk(
        diagnosis.evidence.some(({ signal }) => ['no-sip', 'no-agent', 'no-agent-audio'].includes(signal)),
        `${recording.name}: nobody saw who was missing`
      )
      t.not(answer(diagnosis, 'agent-joined'), 'no', recording.name)
    }
  }
})

await t.test('what is lost on the way is a doubt', async t => {
  const lost = (name: string, missing: (event: CallEvent) => boolean): Diagnosis => {
    const recording = recordings.find(recording => recording.name === name)!
    return diagnose(
      folded({ ...recording, lookAt: () => ({ exists: false }) }, recording.events.filter(event => !missing(event)))
    )
  }
  const ofCaller = (event: CallEvent): boolean => event.kind === 'status' && event.leg === 'caller'
  const ofAgent = (event: CallEvent): boolean => event.kind === 'status' && event.leg === 'agent'
  t.match(
    lost('jambonz/answered-callee-hangs-up', event =>
      ofCaller(event) && event.kind === 'status' && event.callStatus === 'completed'),
    { cause: 'redirected', notToldApart: [/agent-hung-up/] }
  )
  t.match(lost('jambonz/livekit-overloaded-503', ofAgent), {
    cause: 'sip-unreachable',
    notToldApart: [/livekit-overloaded/]
  })
  t.match(
    lost('jambonz/caller-cancels-while-call-hook-pending', ofCaller).notToldApart[0],
    /gave up while the call hook was pending/
  )
  t.same(called('chain/rest-redirect-away').notToldApart, [])
})

await t.test('at every moment of every call there is a diagnosis', async t => {
  let moments = 0
  for (const recording of recordings) {
    folded(recording, recording.events, true, (_before, _event, call) => {
      if (!call) return
      const { cause, summary } = diagnose(call)
      if (
        (cause === undefined) !== (call.phase !== 'ended') || !/^[A-Z].*\.$/.test(summary) ||
        /NaN|undefined/.test(summary)
      ) throw new Error(`${recording.name}: ${summary}`)
      moments++
    })
  }
  t.ok(moments > 900, `${moments} moments`)
})

await t.test('answers to what people ask', async t => {
  const during = called('chain/caller-gives-up-during-hook')
  t.equal(during.waitingOn, 'hook')
  t.equal(answer(during, 'invite-sent'), 'no')
  t.equal(answer(during, 'livekit-answer'), 'no')
  t.match(during.answers.find(({ id }) => id === 'why-487')?.says, /caller hung up within 1\.5 s of the call hook/)
  t.match(during.summary, /within 1\.5 s/, 'Jambonz says only after the reply that the caller is gone')
  t.notOk(
    during.evidence.some(({ signal }) => signal === 'no-agent-audio' || signal === 'no-agent'),
    'nobody rang: nobody was missing'
  )
  t.match(during.answers.find(({ id }) => id === 'why-so-soon')?.says, /waited for the bridge's verbs/)
  t.match(during.answers.find(({ id }) => id === 'why-no-action')?.says, /the dial never began/)

  const ringing = called('chain/caller-gives-up-ringing')
  t.equal(answer(ringing, 'invite-sent'), 'yes')
  t.equal(answer(ringing, 'sip-participant'), 'yes')
  t.equal(answer(ringing, 'agent-joined'), 'yes')
  t.match(ringing.answers.find(({ id }) => id === 'agent-published')?.says, /when the call was over/)
  t.equal(answer(ringing, 'why-no-action'), undefined, 'there was one')

  const silent = called('chain/livekit-silent')
  t.equal(answer(silent, 'sip-participant'), 'no')
  t.match(silent.answers.find(({ id }) => id === 'why-487')?.says, /Jambonz itself cancelled the dial/)
  t.match(silent.nextSteps[0]?.command, 'bridge provision --plan')

  const typo = called('chain/agent-name-typo')
  t.equal(answer(typo, 'agent-dispatched'), 'yes')
  t.equal(answer(typo, 'agent-joined'), 'no')
  t.match(typo.notToldApart.join(), /name that no worker has, no worker at all/)

  const refused = called('jambonz/call-hook-500')
  t.equal(answer(refused, 'invite-sent'), 'no')
  t.match(refused.answers.find(({ id }) => id === 'why-480')?.says, /X-Reason/)
  t.match(refused.nextSteps[0]?.command, /^bridge calls [0-9a-f-]{36} --fetch$/)

  const dns = called('chain/sip-host-unknown')
  t.equal(answer(dns, 'invite-sent'), 'no')
  t.equal(answer(dns, 'livekit-answer'), 'no')

  const deleted = called('chain/room-deleted-while-ringing')
  t.match(deleted.answers.find(({ id }) => id === 'livekit-answer')?.says, /180 .* then 486 Rejected/)
})

await t.test('an attempt before the last one is explained, too', async t => {
  const { severity, earlierAttempts, summary } = called('jambonz/action-dials-fallback')
  t.equal(severity, 'warning')
  t.match(earlierAttempts, [{ attempt: 1, strategy: 'room', cause: 'livekit-failed' }])
  t.match(earlierAttempts[0]?.evidence.map(({ seen }) => seen).join(), /486/)
  t.match(summary, /^Agent \S+ could not be reached \(livekit-failed\) after .*, then the number answered\. The number that was dialled hung up/)
})
