import t from 'tap'
import type { Call } from '../../src/calls/fold/call.ts'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { tell } from '../fixtures/events.ts'

/*
 * What happened during a call that its cause does not say: an agent that was replaced, and times when no bridge was
 * running.
 */

function talk () {
  const story = tell()
  story.connect()
  story.see = { exists: true, sip: { sid: 'PA_sip1' }, agent: { identity: 'agent-1', audio: true } }
  return story
}

await t.test('an agent that left and was replaced is named, with how long the caller was alone', async t => {
  const call = answeredCall()
  const at = call.at.answered!
  const agent = (what: string, when: number, reason?: string) =>
    ({ from: 'livekit' as const, what, attempt: 1, status: 'AGENT', reason, first: when, last: when, count: 1 })
  call.events.push(
    agent('participant_left', at + 20_000, 'CONNECTION_TIMEOUT'),
    agent('participant_joined', at + 49_000)
  )
  const { summary, evidence, cause } = diagnose(ended(call, at + 75_000))
  t.equal(cause, 'caller-hung-up')
  t.match(summary, /another one joined 29 s later/)
  t.match(evidence.find(({ signal }) => signal === 'agent-replaced'), {
    at: at + 20_000,
    last: at + 49_000,
    seen: /CONNECTION_TIMEOUT/
  })
})

await t.test('one of two agents that leaves, and one that leaves with the room, leave nobody alone', async t => {
  const call = answeredCall()
  const at = call.at.answered!
  const agent = (what: string, when: number, reason?: string) =>
    ({ from: 'livekit' as const, what, attempt: 1, status: 'AGENT', reason, first: when, last: when, count: 1 })
  call.events.push(
    agent('participant_joined', at - 1000),
    agent('participant_joined', at + 1000),
    agent('participant_left', at + 2000, 'CLIENT_INITIATED'),
    agent('participant_joined', at + 3000),
    agent('participant_left', at + 4000, 'ROOM_DELETED'),
    agent('participant_left', at + 4000, 'ROOM_DELETED'),
    agent('participant_joined', at + 5000)
  )
  t.notMatch(diagnose(ended(call, at + 75_000)).summary, /another one joined/)
})

await t.test('a time when no bridge was running is named where nobody reported the end', async t => {
  const call = answeredCall()
  const at = call.at.answered!
  const away = [{ from: at + 5000, to: at + 13_000 }]
  const heard = diagnose(ended(call, at + 20_000, away))
  t.notMatch(heard.summary, /was not running/, 'the end was reported, so the time does not matter')
  t.ok(heard.evidence.some(({ signal }) => signal === 'away'), 'it is still evidence')

  const lost = ended(call, at + 20_000, away)
  lost.end = { cause: 'lost', by: 'unknown', waitingOn: 'none' }
  lost.caller = { ...lost.caller, final: undefined }
  lost.attempts.forEach(attempt => Object.assign(attempt, { final: undefined, action: undefined }))
  lost.events = lost.events.filter(({ what, status }) => what !== 'action' && status !== 'completed')
  const unheard = diagnose(lost)
  t.match(unheard.summary, /The bridge was not running from .* to .* after the call hook/)
  t.match(unheard.notToldApart.join('\n'), /look alike: caller-hung-up, agent-hung-up/)

  lost.attempts[0]!.view.sip = {
    joinedAt: at,
    left: { at: at + 9000, reason: 'CLIENT_INITIATED', callStatus: 'hangup' }
  }
  const narrowed = diagnose(lost).notToldApart.join('\n')
  t.match(narrowed, /look alike: caller-hung-up, operator-hung-up, media-lost/)
  t.notMatch(narrowed, /agent-hung-up/, 'what LiveKit saw rules it out')
})

function answeredCall (): Call {
  const story = talk()
  story.answered()
  return structuredClone(story.it)
}

/** The same call, hung up by its caller. */
function ended (call: Call, at: number, away?: Array<{ from: number, to: number }>): Call {
  const final = { at, callStatus: 'completed' as const, sipStatus: 200, by: 'caller' as const }
  const [attempt] = call.attempts
  return structuredClone({
    ...call,
    ...(away && { away }),
    phase: 'ended' as const,
    at: { ...call.at, ended: at },
    caller: { ...call.caller, final },
    attempts: [{ ...attempt!, final, at: { ...attempt!.at, ended: at } }],
    end: { cause: 'caller-hung-up' as const, by: 'caller' as const, waitingOn: 'none' as const }
  })
}
