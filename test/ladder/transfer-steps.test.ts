import t from 'tap'
import type { Call } from '../../src/calls/fold/call.ts'
import { present } from '../../src/calls/view.ts'
import { callPage, callTable } from '../../src/cli/calls-print.ts'
import { followCalls } from '../../src/cli/calls-follow.ts'
import { stepsOf } from '../../src/ladder/steps.ts'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { presentDiagnosis } from '../../src/diagnosis/diagnosis-view.ts'
import { buildTransferStage, CALLER, PERSON, requestWith } from '../fixtures/transfer-stage.ts'
import { STORIES, transferred, type StoryName, type Transferred } from '../fixtures/transferred.ts'

const played = new Map<StoryName, Promise<Transferred>>()

/** Plays every story once for all tests. */
function play (name: StoryName): Promise<Transferred> {
  const calls = played.get(name) ?? transferred(t, name)
  played.set(name, calls)
  return calls
}

/** The steps from the transfer on, without what the bridge does for its rooms. */
function arrows (call: Call): string[] {
  const all = stepsOf(present(call)).map(({ from, to, what }) =>
    from === to ? `${from}: ${what}` : `${from} > ${to}: ${what}`)
  const from = all.findIndex(line => line.includes('transfer'))
  return all.slice(from).filter(line => !/look|-room|room gone|Room|-agent done|attempt|agent leg/.test(line))
}

const page = (call: Call, width: number): string[] =>
  callPage(
    present(call),
    presentDiagnosis(diagnose(call)),
    undefined,
    { width, colour: false, ascii: false, rewrite: false },
    width
  )

const BEGUN = ['agent > bridge: transfer consult', 'bridge > jambonz: call the person', 'person > jambonz: ringing']
const END = [
  'jambonz > bridge: caller leg completed 200 by caller',
  'bridge: call ended caller-hung-up by caller'
]
const THROUGH = (mode: string) => [
  `agent > bridge: transfer ${mode}`,
  'bridge > jambonz: redirect the caller',
  'jambonz > bridge: /redirect',
  'bridge > jambonz: reply: dial the person',
  'jambonz > bridge: /action completed 200 (caller leg in-progress)',
  'jambonz > bridge: person leg trying 100',
  'person > jambonz: person leg ringing 180'
]

await t.test('what somebody asks for is drawn from who asked: the agent from its lane, a key by its name', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult', { requestedBy: 'alice' }))
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  await stage.complete('bob')
  const asked = (call: Call) => arrows(call).filter(line => /(?:complete|cancel|transfer|hang-up|refused|digits)/.test(line))
  t.same(asked((await stage.get(CALLER))!), ['bridge: transfer consult by alice', 'bridge: complete transfer by bob'])
  const at = stage.clock.now()
  const refused = { kind: 'refused' as const, operation: 'hang-up', code: 'BRIDGE_VIEWERS_LOOK_ONLY', at }
  await stage.calls.apply(CALLER, { ...refused, by: 'wall' })
  await stage.calls.apply(CALLER, { kind: 'digits', by: 'agent', at })
  await stage.calls.hangUp(CALLER, 'alice')
  const call = (await stage.get(CALLER))!
  t.same(asked(call).slice(2, 5), [
    'bridge: refused hang-up by wall (BRIDGE_VIEWERS_LOOK_ONLY)',
    'agent > bridge: digits',
    'bridge: hang-up by alice'
  ])
  t.ok(page(call, 120).some(line => line.includes('hang-up by alice')), 'and bridge calls shows it')

  const other = buildTransferStage(t)
  await other.connect()
  await other.ask(requestWith('consult'))
  await other.cancel()
  await other.calls.hangUp(CALLER, 'agent')
  t.match(asked((await other.get(CALLER))!), [
    'agent > bridge: transfer consult',
    'agent > bridge: cancel transfer',
    /transfer/,
    'agent > bridge: hang-up'
  ])
})

await t.test('each step of a transfer stands where it was', async t => {
  const expected: Partial<Record<StoryName, string[]>> = {
    'consult-bridged': [
      ...BEGUN,
      'person > jambonz: answered',
      'person > livekit: consulted by an agent',
      'agent > bridge: complete transfer',
      'bridge > jambonz: connect the person',
      'person > livekit: joined the caller',
      'bridge: transfer bridged: completed',
      ...END,
      'jambonz > bridge: call of the person ended: caller-gone'
    ],
    'consult-busy': [
      ...BEGUN,
      'jambonz > bridge: call of the person ended: busy',
      'bridge: transfer returned: busy 486',
      ...END
    ],
    'consult-cancelled': [
      ...BEGUN,
      'agent > bridge: cancel transfer',
      'bridge: transfer returned: cancelled',
      'jambonz > bridge: call of the person ended: transfer-cancelled',
      ...END
    ],
    'add-bridged': [
      'agent > bridge: transfer add',
      ...BEGUN.slice(1),
      'person > jambonz: answered',
      'bridge > jambonz: connect the person',
      'person > livekit: joined the caller',
      'bridge: transfer bridged: completed',
      'jambonz > bridge: call of the person ended: callee-hung-up',
      ...END
    ],
    'blind-busy': [
      ...THROUGH('blind'),
      'jambonz > bridge: person leg busy 486',
      'jambonz > bridge: /action busy 486 (caller leg in-progress)',
      'bridge > jambonz: reply: back to the agent',
      'bridge: transfer returned: busy 486',
      ...END
    ],
    'blind-hook-missing': [
      ...THROUGH('blind').slice(0, 2),
      'bridge: redirect failed (Jambonz did not redirect the caller)',
      'bridge: transfer returned: error (Jambonz did not redirect the caller)',
      ...END
    ],
    'blind-not-redirected': [
      ...THROUGH('blind').slice(0, 2),
      'jambonz > bridge: redirect leg gone',
      "bridge: redirect failed (Jambonz's API did not take the redirect)",
      "bridge: transfer returned: error (Jambonz's API did not take the redirect)",
      ...END
    ],
    'screen-accepted': [
      ...THROUGH('screen'),
      'person > jambonz: person leg in-progress 200',
      'jambonz > bridge: /screen',
      'person > bridge: key pressed: accepted',
      'bridge: transfer bridged: completed',
      ...END
    ],
    'screen-no-key': [
      ...THROUGH('screen'),
      'person > jambonz: person leg in-progress 200',
      'jambonz > bridge: /screen',
      'jambonz > bridge: /screen-digit no key',
      'jambonz > bridge: /action in-progress 200 (caller leg in-progress)',
      'bridge > jambonz: reply: back to the agent',
      'bridge: transfer returned: no-answer',
      ...END
    ],
    'refer-refused': [
      'agent > bridge: transfer refer',
      'bridge > jambonz: redirect the caller',
      'jambonz > bridge: /redirect',
      'bridge > jambonz: reply: refer the caller',
      'jambonz > bridge: /action completed 200 (caller leg in-progress)',
      'jambonz > bridge: refer complete 603 (refer_status 603)',
      'bridge > jambonz: reply: back to the agent',
      'bridge: transfer returned: refused 603',
      ...END
    ]
  }
  for (const [name, steps] of Object.entries(expected)) {
    t.strictSame(arrows((await play(name as StoryName)).caller), steps, name)
  }
})

await t.test('the call of the person is drawn as one, and says what it is for', async t => {
  const { person } = await play('consult-bridged')
  const steps = stepsOf(present(person!)).map(({ from, to, what }) => `${from} > ${to}: ${what}`)
  for (
    const step of [
      'person > jambonz: person leg ringing 180',
      'bridge > jambonz: redirect the person',
      'jambonz > bridge: /redirect',
      'bridge > livekit: is the caller there? yes',
      "bridge > jambonz: reply: dial the caller's room",
      'livekit > jambonz: join leg in-progress 200',
      'bridge > bridge: call ended caller-gone by caller'
    ]
  ) {
    t.ok(steps.includes(step), step)
  }
  const shown = page(person!, 120)
  t.match(shown.join('\n'), /^for {4}the consult transfer of call call-1$/m)
  t.match(shown.find(line => line.startsWith('    ms')), /^ +ms +person +jambonz +bridge +livekit +agent$/)
  t.notMatch(steps.join('\n'), /callee leg/)
})

await t.test('a person has a lifeline, and the picture fits into a terminal', async t => {
  for (const name of Object.keys(STORIES) as StoryName[]) {
    const { caller } = await play(name)
    const isHeardOf = stepsOf(present(caller)).some(({ from }) => from === 'person')
    for (const width of [80, 120]) {
      const lines = page(caller, width)
      const header = lines.find(line => line.startsWith('    ms'))!
      t.equal(/caller +person +jambonz/.test(header), isHeardOf, `${name}, ${width}`)
      t.same(lines.filter(line => [...line].length > width && !line.includes('$ ')), [], `${name}, ${width}`)
    }
  }
})

await t.test('the page of a call lists its transfers, and the table the last one', async t => {
  const { caller, person } = await play('consult-busy')
  const lines = page(caller, 400)
  t.same(lines.slice(lines.indexOf('Transfers:') + 1).slice(0, 1), [
    '  consult to +15550003333, asked for by agent at +20.000 s: returned (busy), 486 at +22.980 s. ' +
    'Call of the person: person-1'
  ])
  const table = callTable([present(caller), present(person!)], 160, 0).join('\n')
  t.match(table, /consult returned \(busy\)/)
  t.match(table, /for call-1/)
})

await t.test('an attempt that is dialled again keeps its number, and a person is no attempt at an agent', async t => {
  const { caller } = await play('blind-busy')
  const lines = page(caller, 120)
  const from = lines.indexOf('Attempts:')
  t.match(lines[from + 1], /^ {2}1\. room demo-agent/)
  t.match(lines[from + 2], /^ {2}2\. phone /)
  t.notMatch(callTable([present(caller)], 160, 0).join('\n'), /attempt 2/)
})

await t.test('--follow prints a call again when its transfer goes on', async t => {
  const call = present((await play('consult-busy')).caller)
  const [transfer] = call.transfers!
  const { result: _result, reason: _reason, ...open } = transfer!
  const states = [[{ ...open, state: 'calling' as const }], [{ ...open, state: 'ringing' as const }], [transfer!]]
  const polls = states.flatMap(transfers => [transfers, transfers])
    .map(transfers => [{ ...call, phase: 'connected' as const, end: undefined, transfers }])
  const out: string[] = []
  const stop = new AbortController()
  await followCalls(async () => {
    const calls = polls.shift()!
    if (polls.length === 0) stop.abort()
    return calls
  }, {
    out: line => out.push(line),
    err: () => {},
    signal: stop.signal,
    columns: 160,
    json: false,
    now: () => 0,
    wait: async () => {}
  })
  t.strictSame(out.flatMap(line => /consult .*$/.exec(line)?.[0].trim() ?? []), [
    'consult calling',
    'consult ringing',
    'consult returned (busy)'
  ])
})
