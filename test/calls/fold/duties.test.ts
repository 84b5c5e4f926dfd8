import fc from 'fast-check'
import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import type { Call, Duty } from '../../../src/calls/fold/call.ts'
import { wakeAt } from '../../../src/calls/fold/wake.ts'
import { addLine, type EventLine, type NewLine } from '../../../src/calls/fold/event-list.ts'
import { factsWith, rulesWith, tell } from '../../fixtures/events.ts'

const MINUTE = 60_000

/** A call that ended while nobody did its duties. */
function owing () {
  const story = tell()
  story.connect()
  story.answered()
  story.mode = 'silent'
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.agent('completed', 200)
  return story
}

const wake = (call: Call, at: number, claim: string): Call =>
  advance(call, { kind: 'wake', at, claim, statusesExpected: true }, rulesWith())!
const duty = (call: Call, kind: Duty['kind']): Duty => call.duties.find(duty => duty.kind === kind)!

await t.test("an ended call owes its room's deletion at once", async t => {
  const story = owing()
  t.equal(story.it.phase, 'ended')
  t.same(story.it.duties.map(({ kind, target }) => ({ kind, target })), [{ kind: 'delete-room', target: story.room() }])
})

await t.test('two runners never do one duty twice', async t => {
  const story = owing()
  const later = story.now + 31_000
  const first = wake(story.it, later, 'one')
  const second = wake(first, later, 'two')
  t.equal(duty(first, 'delete-room').claim, 'one')
  t.equal(duty(second, 'delete-room').claim, 'one', 'whoever comes second gets nothing')
  t.ok(wakeAt(second)! > later + 5000, 'nor for a while after')
  const third = wake(second, wakeAt(second)!, 'two')
  t.equal(duty(third, 'delete-room').claim, 'two', 'unless the first never reports back')
})

await t.test('any number of runners at any times: a duty has one owner until its lease is over', async t => {
  const { it: call, now } = owing()
  fc.assert(fc.property(fc.array(fc.nat(20_000), { minLength: 2, maxLength: 20 }), gaps => {
    let state = call
    let at = now
    let owner: { claim: string, until: number } | undefined
    gaps.forEach((gap, i) => {
      at += gap
      const before = duty(state, 'delete-room')
      state = wake(state, at, `runner-${i}`)
      const { claim, due } = duty(state, 'delete-room')
      if (claim !== `runner-${i}`) return
      if (owner && at < owner.until) throw new Error('done by two at once')
      if (before.due > at) throw new Error('done before it was due')
      owner = { claim, until: due }
    })
  }))
  t.pass('for all of them')
})

await t.test('a failed duty is tried again, ever later, and given up after ten minutes', async t => {
  const story = owing()
  const began = story.now
  story.mode = 'down'
  story.pass(30 * MINUTE)
  const tries = story.performed.filter(({ kind }) => kind === 'delete-room').map(({ at }) => at - began)
  const gaps = tries.slice(1).map((at, i) => at - tries[i]!)
  t.ok(tries.length > 10 && tries.length < 60, `${tries.length} tries`)
  t.ok(gaps.every((gap, i) => i === 0 || gap >= gaps[i - 1]!), 'never sooner than before', { gaps })
  t.ok(gaps.every(gap => gap >= 1000 && gap <= 30_000), 'between one and thirty seconds')
  t.ok(tries.at(-1)! >= 9 * MINUTE && tries.at(-1)! <= 11 * MINUTE, 'for ten minutes')
  t.same(story.call?.duties ?? [], [])
})

await t.test('giving up is written down', async t => {
  const story = owing()
  story.mode = 'down'
  story.pass(12 * MINUTE)
  t.ok(story.it.events.some(({ what, attempt }) => what === 'delete-room given up' && attempt === 1))
})

await t.test('a duty done late counts as done', async t => {
  const story = owing()
  story.mode = 'down'
  story.pass(2 * MINUTE)
  story.mode = 'up'
  story.pass(2 * MINUTE)
  t.same(story.deleted, [story.room()])
  t.same(story.it.duties, [])
  t.ok(story.it.events.some(({ what }) => what === 'delete-room done'))
})

await t.test('a tombstone is kept for the retention after its last duty, then forgotten', async t => {
  const story = owing()
  story.mode = 'down'
  story.pass(5 * MINUTE)
  story.mode = 'up'
  story.pass(2 * MINUTE)
  const done = story.performed.findLast(({ outcome }) => outcome === 'done')!.at
  story.pass(done + 899_000 - story.now)
  t.equal(story.call?.phase, 'ended', 'still there after 899 s')
  story.pass(2000)
  t.equal(story.call, undefined)
})

await t.test('late events do not keep a tombstone alive, nor bring the call back', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.pass(2000)
  const { end } = story.it
  for (let minute = 0; minute < 14; minute++) {
    story.agent('completed', 200)
    story.livekit('room_finished')
    story.caller('trying', 100)
    story.pass(MINUTE)
  }
  t.equal(story.it.phase, 'ended')
  t.same(story.it.end, end)
  story.pass(2 * MINUTE)
  t.equal(story.call, undefined)
})

await t.test('a createRoom of unknown outcome: its room is deleted again as soon as it settles', async t => {
  const story = tell()
  story.hook({ app: { agent: 'other-agent' } })
  story.made('timeout')
  t.equal(story.cause, 'livekit-failed')
  const before = story.deleted.length
  story.pass(4000)
  t.equal(story.deleted.length, before, 'not before')
  story.feed({ kind: 'room-settled', attempt: 1 })
  t.same(story.deleted.slice(before), [story.room()])
  story.pass(MINUTE)
  t.same(story.it.duties, [], 'and it stayed gone')
})

await t.test('a createRoom that nobody ever hears of again: its room is deleted when it must have settled', async t => {
  const story = tell()
  story.hook({ app: { agent: 'other-agent' } })
  const sent = story.now
  story.made('timeout')
  story.pass(20_000)
  const first = story.performed.find(({ kind }) => kind === 'delete-room')!
  t.ok(first.at >= sent + 15_000 && first.at <= sent + 15_100)
})

await t.test('the room of a call that is over is deleted once, when its createRoom has settled', async t => {
  const story = tell()
  story.hook()
  story.made('timeout')
  story.caller('no-answer', 487, 'caller')
  story.pass(2000)
  t.same(story.deleted, [], 'a room that is deleted now would be made again')
  story.feed({ kind: 'room-settled', attempt: 1 })
  t.equal(story.deleted.length, 1)
})

await t.test('where nobody says how createRoom settled, its room is deleted all the same', async t => {
  const story = tell()
  story.hook()
  story.made('timeout')
  story.caller('no-answer', 487, 'caller')
  story.pass(16_000)
  t.equal(story.deleted.length, 1)
})

await t.test('a deletion that is to end the call waits for nothing', async t => {
  const story = tell()
  story.hook()
  story.made('timeout')
  story.agent('ringing', 180)
  story.feed({ kind: 'hangup' })
  t.equal(story.deleted.length, 1)
})

await t.test('a room that was certainly not made is no reason to wait', async t => {
  const story = tell()
  story.hook({ app: { agent: 'other-agent' } })
  story.made('failed')
  story.pass(100)
  t.same(story.it.duties, [])
})

await t.test('a look that fails again and again is never given up while the call is connected', async t => {
  const story = tell()
  story.connect()
  story.answered()
  let call = story.it
  for (let minutes = 0; minutes < 40; minutes++) {
    const at = wakeAt(call)
    if (at === undefined) break
    call = wake(call, at, 'runner')
    for (const { id } of call.duties.filter(duty => duty.claim === 'runner')) {
      call = advance(call, { kind: 'duty', id, outcome: 'failed', at }, rulesWith())!
    }
  }
  t.equal(call.phase, 'connected')
  t.ok(wakeAt(call) !== undefined, 'something still wakes it')
})

await t.test("an operator's hang-up is done over Jambonz's API and by deleting the room", async t => {
  // Without a status of the caller leg nobody knows whether it was answered.
  for (const [answered, targets] of [[true, ['completed']], [false, ['completed', 'no-answer']]] as const) {
    const story = tell({ rules: { callControl: true } })
    story.connect()
    if (answered) story.answered()
    story.feed({ kind: 'hangup' })
    t.match(story.performed, [...targets.map(target => ({ kind: 'hang-up', target, outcome: 'done' })), {
      kind: 'delete-room',
      target: story.room(),
      outcome: 'done'
    }])
  }
})

await t.test("without Jambonz's API the room is what is deleted", async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.feed({ kind: 'hangup' })
  t.same(story.performed.map(({ kind }) => kind), ['delete-room'])
})

await t.test(
  "an operator's hang-up that could not be done is still owed when the bridge has ended the " +
    'call',
  async t => {
    const story = tell({
      rules: { callControl: true, app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } }
    })
    story.connect()
    story.agent('trying', 100)
    story.agent('busy', 486)
    story.action('busy', 486)
    story.answered('b2')
    story.mode = 'down'
    story.feed({ kind: 'hangup' })
    story.pass(10_000)
    t.equal(story.cause, 'operator-hung-up')
    story.mode = 'up'
    story.pass(MINUTE)
    t.ok(
      story.performed.some(({ kind, outcome }) => kind === 'hang-up' && outcome === 'done'),
      'the caller is hung up when Jambonz is back'
    )
  }
)

await t.test('a hang-up is not owed to a caller who is gone', async t => {
  const story = tell({ rules: { callControl: true } })
  story.connect()
  story.answered()
  story.mode = 'down'
  story.feed({ kind: 'hangup' })
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.pass(2000)
  t.same(story.it.duties.map(({ kind }) => kind), ['delete-room'])
})

const line = fc.record<NewLine>({
  from: fc.constantFrom('jambonz', 'livekit', 'bridge'),
  what: fc.constantFrom('status', 'look'),
  status: fc.constantFrom('ringing', 'trying', undefined)
})

await t.test('the event list folds equal neighbours and keeps the first and last 32', async t => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 300 }), lines => {
      let events: EventLine[] = []
      let dropped = 0
      lines.forEach((one, at) => {
        const added = addLine(events, one, at)
        events = added.events
        dropped += added.dropped
      })
      const folded = lines.reduce<Array<{ line: NewLine, first: number, last: number, count: number }>>(
        (list, one, at) => {
          const last = list.at(-1)
          if (last && JSON.stringify(last.line) === JSON.stringify(one)) {
            last.last = at
            last.count++
          } else list.push({ line: one, first: at, last: at, count: 1 })
          return list
        },
        []
      )
      const kept = folded.length <= 64 ? folded : [...folded.slice(0, 32), ...folded.slice(-32)]
      const seen = events.map(({ first, last, count, ...one }) => ({ line: one, first, last, count }))
      return JSON.stringify(seen) ===
          JSON.stringify(
            kept.map(({ line, ...rest }) => ({ line: JSON.parse(JSON.stringify(line)) as NewLine, ...rest }))
          ) && dropped === folded.length - kept.length
    }),
    { numRuns: 200 }
  )
  t.pass('for all of them')
})

await t.test('a call that rings for long has one line for it', async t => {
  const story = tell()
  story.connect()
  story.agent('trying', 100)
  const began = story.now
  for (let second = 0; second < 30; second++) {
    story.agent('ringing', 180)
    story.pass(80)
  }
  const ringing = story.it.events.filter(({ status }) => status === 'ringing')
  t.equal(ringing.length, 1)
  t.equal(ringing[0]?.count, 30)
  t.ok(ringing[0]!.first >= began && ringing[0]!.last > ringing[0]!.first)
})

await t.test('an event list has nothing but the fields that it may have', async t => {
  const story = tell({ facts: { from: '+15550001111', headers: { 'X-Secret': 'top-secret' } } })
  story.connect({ app: { agent: 'demo-agent', metadata: 'confidential' } })
  story.livekit('participant_joined', 'sip')
  story.answered()
  story.refer()
  story.referComplete(603)
  story.pass(MINUTE)
  const text = JSON.stringify(story.it.events)
  for (const secret of ['15550001111', '15559998888', 'top-secret', 'confidential', story.it.attempts[0]!.token!]) {
    t.notMatch(text, secret)
  }
  for (const event of story.it.events) {
    t.same(
      Object.keys(event).filter(key =>
        !['from', 'what', 'leg', 'attempt', 'status', 'sipStatus', 'reason', 'by', 'detail', 'first', 'last', 'count']
          .includes(key)
      ),
      []
    )
  }
})

await t.test('a late status of a call that is not known', async t => {
  const event = { kind: 'status', callSid: 'x', facts: factsWith(), leg: 'caller', legSid: 'x' } as const
  await t.test('a terminal one leaves a tombstone', async t => {
    for (const callStatus of ['completed', 'failed', 'busy', 'no-answer'] as const) {
      const call = advance(undefined, { ...event, at: 1, callStatus }, rulesWith())
      t.equal(call?.phase, 'ended', callStatus)
    }
  })
  await t.test('it says who hung up only where that is known', async t => {
    const ended = (by: 'caller' | 'jambonz') =>
      advance(undefined, { ...event, at: 1, callStatus: 'completed', by }, rulesWith())?.end
    t.match(ended('caller'), { cause: 'caller-hung-up', by: 'caller' })
    t.match(ended('jambonz'), { cause: 'lost', by: 'unknown', detail: /Jambonz ended it/ }, 'maybe the agent was first')
  })
  await t.test('and so does the /action of a dial that is over, whose room is deleted', async t => {
    const call = advance(undefined, {
      kind: 'action',
      callSid: 'x',
      hash: 'h',
      at: 1,
      facts: factsWith(),
      attempt: 1,
      dialCallStatus: 'completed',
      dialSipStatus: 200,
      dialCallSid: 'b',
      rang: true,
      callerStatus: 'in-progress'
    }, rulesWith())
    t.equal(call?.phase, 'ended')
    t.equal(call?.duties[0]?.kind, 'delete-room')
  })
  await t.test('any other begins a call', async t => {
    for (const callStatus of ['trying', 'ringing', 'in-progress'] as const) {
      const call = advance(undefined, { ...event, at: 1, callStatus }, rulesWith())
      t.not(call?.phase, 'ended', callStatus)
      t.ok(wakeAt(call!) !== undefined)
    }
  })
  await t.test("an agent leg's brings its attempt back, whose room is known from the call alone", async t => {
    const story = tell({ callSid: 'call-2' })
    story.agent('in-progress', 200)
    t.match(story.it, { phase: 'connected', attempts: [{ n: 1, room: story.room(1) }] })
    story.caller('completed', 200, 'caller')
    story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
    story.pass(2000)
    t.same(story.deleted, [story.room(1)])
  })
  await t.test('other events are of no use then', async t => {
    for (
      const other of [{ kind: 'hangup' }, { kind: 'hook-abandoned' }, {
        kind: 'livekit',
        room: 'r',
        what: 'room_finished'
      }, { kind: 'wake', claim: 'c', statusesExpected: true }] as const
    ) {
      t.equal(advance(undefined, { ...other, at: 1 }, rulesWith()), undefined)
    }
  })
})
