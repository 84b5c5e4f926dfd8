import t from 'tap'
import { RECORD_VERSION } from '../../../src/calls/fold/call.ts'
import { advance } from '../../../src/calls/fold/advance.ts'
import { migrate } from '../../../src/calls/fold/migrate.ts'
import { factsWith, legSidsOf, rulesWith, tell } from '../../fixtures/events.ts'

/** A call as version 1 stored it: the legs as lists of call_sids, in three places. */
function recordOfVersion1 () {
  const story = tell()
  story.connect()
  story.caller('trying', 100)
  story.agent('trying', 100)
  story.agent('ringing', 180)
  const { legs: _, attempts, ...rest } = story.it
  const [attempt] = attempts

  return {
    ...rest,
    v: 1,
    attempts: [{ ...attempt, legs: ['b0', 'b1'], pastLegs: ['b0'] }],
    transfer: { at: rest.at.received, attempt: 1, legs: ['x1'], returned: true },
    earlier: [{
      at: { received: rest.at.received },
      end: { cause: 'redirected', by: 'jambonz', waitingOn: 'none' },
      attempts: [{ n: 0, strategy: 'room', room: 'jb_old', legs: ['a1'] }]
    }]
  }
}

const read = (record: unknown) => migrate(JSON.parse(JSON.stringify(record)) as Parameters<typeof migrate>[0])

await t.test('a record of version 1 is read', async t => {
  const call = read(recordOfVersion1())
  t.equal(call.v, RECORD_VERSION)
  t.match(call.legs, [
    { sid: 'b0', role: 'agent', attempt: 1, replaced: true },
    { sid: 'b1', role: 'agent', attempt: 1 },
    { sid: 'x1', role: 'foreign', attempt: 1 }
  ])
  t.same(legSidsOf(call), ['b0', 'b1'])
  t.same(call.earlier[0]?.legs, ['a1'])
  t.notMatch(JSON.stringify(call), /pastLegs/)
})

await t.test('the call goes on where version 1 left it', async t => {
  const call = read(recordOfVersion1())
  const status = (legSid: string, at: number) =>
    advance(call, {
      kind: 'status',
      callSid: call.callSid,
      facts: factsWith(),
      leg: 'agent',
      legSid,
      callStatus: 'in-progress',
      sipStatus: 200,
      at
    }, rulesWith())
  const at = call.at.received + 1000
  t.equal(status('b0', at)?.phase, 'ringing', 'a leg that was replaced decides nothing')
  t.equal(status('x1', at)?.phase, 'ringing', "a leg of somebody else's verbs decides nothing")
  t.equal(status('a1', at)?.phase, 'ringing', 'a leg of an earlier record decides nothing')
  t.equal(status('b1', at)?.phase, 'connected')
})

await t.test('a record of this version, or of a later one, is left alone', async t => {
  const story = tell()
  story.connect()
  const { it } = story
  t.same(read(it), JSON.parse(JSON.stringify(it)))
  t.equal(read({ ...it, v: 99 }).v, 99)
})

await t.test('attempts of a record before there were routes get the way that they were tried in', async t => {
  const story = tell({ rules: { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } } })
  story.connect()
  story.agent('trying', 100)
  story.action('busy', 486)
  const { route: _, ...before } = story.it
  const call = read({ ...before, attempts: before.attempts.map(({ way: _, ...attempt }) => attempt) })
  t.same(call.attempts.map(({ way }) => way), [
    { strategy: 'room', agent: 'demo-agent' },
    { strategy: 'phone', number: '+15551230009' }
  ])
})

await t.test('an attempt that has its way keeps it', async t => {
  const story = tell()
  story.hook({
    route: {
      ways: [{ strategy: 'phone', number: '+15551230009' }, { strategy: 'sip', uri: 'sip:desk@pbx.example.com' }]
    }
  })
  story.agent('trying', 100)
  story.action('busy', 486)
  const [first, second] = story.it.attempts
  const { way: _, ...before } = first!
  t.same(read({ ...story.it, attempts: [before, second] }).attempts.map(({ way }) => way), [
    { strategy: 'phone', number: '+15551230009' },
    { strategy: 'sip', uri: 'sip:desk@pbx.example.com' }
  ])
})
