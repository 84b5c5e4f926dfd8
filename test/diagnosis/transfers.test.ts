import t from 'tap'
import { diagnose, logFields, type Diagnosis } from '../../src/diagnosis/diagnose.ts'
import { present } from '../../src/calls/view.ts'
import { STORIES, transferred, type StoryName, type Transferred } from '../fixtures/transferred.ts'
import { NUMBER } from '../fixtures/transfer-stage.ts'

const played = new Map<StoryName, Promise<Transferred>>()

/** Plays every story once for all tests. */
function play (name: StoryName): Promise<Transferred> {
  const calls = played.get(name) ?? transferred(t, name)
  played.set(name, calls)
  return calls
}

/** Everything that a person reads. */
const textsOf = (diagnosis: Diagnosis): string[] => [
  diagnosis.summary,
  diagnosis.meaning ?? '',
  ...diagnosis.evidence.flatMap(({ seen, shows }) => [seen, shows]),
  ...diagnosis.answers.flatMap(({ question, says }) => [question, says]),
  ...diagnosis.nextSteps.map(({ todo }) => todo),
  ...diagnosis.notToldApart
]

interface Expected {
  /** A part of the summary. */
  says: RegExp
  /** The first step that the transfer adds. */
  todo?: RegExp
  doubt?: RegExp
  severity?: Diagnosis['severity']
}

const WHO = /Whether the person or the carrier answered so/
const STAYED = 'and the caller stayed with the agent\\.$'
const BACK = 'and the caller went back to an agent\\.$'

const EXPECTED: Partial<Record<StoryName, Expected>> = {
  'consult-bridged': { says: /The person was consulted, and joined the caller 305 ms after the transfer was completed\.$/ },
  'consult-busy': {
    says: new RegExp(`^The caller hung up.* A consulted transfer .*: the person was busy \\(486\\), ${STAYED}`),
    todo: /Have the agent say so/,
    doubt: WHO
  },
  'consult-declined': { says: new RegExp(`the person declined \\(603\\), ${STAYED}`), doubt: /603 itself/ },
  'consult-no-answer': { says: new RegExp(`did not answer in time \\(487\\), ${STAYED}`), todo: /Raise `ring`/, doubt: WHO },
  'consult-unobtainable': { says: /does not exist.*\(404\)/, todo: /Check the number/, severity: 'warning' },
  'consult-not-placed': { says: /Jambonz refused to place the call/, todo: /REST settings/, severity: 'warning' },
  'consult-declined-in-talk': { says: /the person hung up before the transfer was completed/, doubt: /a machine that did/ },
  'consult-person-gone-while-joining': { says: /the person hung up before being connected/, todo: /the caller follows/ },
  'consult-cancelled': { says: new RegExp(`it was cancelled, ${STAYED}`) },
  'consult-caller-gone': { says: /the caller hung up before the person was reached\.$/, todo: /play music/ },
  'consult-person-leaves-later': { says: /^The person to whom the caller was handed hung up after 30 s with the caller\./ },
  'consult-not-joined': { says: /^The caller is connected\. A consulted transfer is under way: the person talks with/ },
  'add-bridged': { says: /A person was added to the call after 6\.3 s\.$/, doubt: /A machine that answered/ },
  'add-busy': { says: /The addition of a person came to nothing: the person was busy/, doubt: WHO },
  'blind-bridged': {
    says: /^The person to whom .* after 30 s with the caller\. A blind transfer connected .* after 3\.9 s\.$/,
    doubt: /A machine that answered/
  },
  'blind-busy': { says: new RegExp(`A blind transfer .*: the person was busy \\(486\\), ${BACK}`), doubt: WHO },
  'blind-room-closed': {
    says: /^Agent demo-agent had the call until a transfer, then agent demo-agent answered\..* back to an agent\.$/,
    doubt: WHO,
    severity: 'warning'
  },
  'blind-caller-gone': { says: /the caller hung up before the person was reached\.$/ },
  'blind-not-redirected': {
    says: new RegExp(`Jambonz's API did not take the request to redirect the caller, ${STAYED}`),
    todo: /REST settings/,
    severity: 'warning'
  },
  'blind-hook-missing': {
    says: /no \/redirect came/,
    todo: /PUBLIC_URL/,
    doubt: /a \/redirect that did not reach the bridge, look alike/,
    severity: 'warning'
  },
  'screen-accepted': { says: /A screened transfer connected .* by the key 1\.$/ },
  'screen-declined': { says: new RegExp(`the person pressed another key than 1, ${BACK}`), todo: /say so/ },
  'screen-no-key': { says: /pressed no key in time/, todo: /`ring`/, doubt: /pressed no key and a machine/ },
  'refer-moved': { says: /^The agent transferred the caller/ },
  'refer-caller-leaves': { says: /^The agent transferred/, doubt: /a caller who hung up during the transfer/ },
  'refer-refused': { says: new RegExp(`the carrier refused it \\(603\\), ${BACK}`), todo: /supports REFER/, severity: 'warning' },
  'refer-unanswered': { says: /did not report what became of it/, doubt: /may still have connected/, severity: 'warning' }
}

await t.test('one sentence says what became of a transfer, with what to do and what stays open', async t => {
  for (const [name, { says, todo, doubt, severity = 'ok' }] of Object.entries(EXPECTED)) {
    const diagnosis = diagnose((await play(name as StoryName)).caller)
    t.match(diagnosis.summary, says, name)
    t.equal(diagnosis.severity, severity, `${name}: ${severity}`)
    if (todo) t.match(diagnosis.nextSteps[0]?.todo, todo, `${name}: what to do`)
    if (doubt) t.match(diagnosis.notToldApart.join('\n'), doubt, `${name}: doubt`)
    else t.notMatch(diagnosis.notToldApart.join('\n'), /machine|person|REFER|redirect/, `${name}: no doubt`)
    t.equal(new Set(diagnosis.notToldApart).size, diagnosis.notToldApart.length, `${name}: each doubt once`)
  }
})

await t.test('the evidence shows each step, in the order of time', async t => {
  const { evidence } = diagnose((await play('consult-bridged')).caller)
  t.strictSame(evidence.filter(({ signal }) => /transfer|person/.test(signal)).map(({ seen }) => seen), [
    'consult transfer asked for by agent',
    'call of the person: calling',
    'call of the person: ringing',
    'call of the person: answered',
    'call of the person: consulting',
    'call of the person: joining',
    'call of the person: joined',
    'transfer bridged, completed',
    'call of the person: ended (caller-gone)'
  ])
  t.ok(evidence.every(({ at }, i) => i === 0 || at >= evidence[i - 1]!.at))
  const missing = diagnose((await play('blind-hook-missing')).caller).evidence
  t.match(missing.find(({ signal }) => signal === 'redirect-failed')?.seen, /Jambonz did not redirect/)
  const screened = diagnose((await play('screen-declined')).caller).evidence
  t.match(screened.find(({ signal }) => signal === 'key')?.seen, /declined/)
})

await t.test('only a REFER is called one', async t => {
  for (const name of Object.keys(STORIES) as StoryName[]) {
    const signals = diagnose((await play(name)).caller).evidence.map(({ signal }) => signal)
    t.equal(signals.includes('refer'), STORIES[name].mode === 'refer', name)
  }
})

await t.test('the call of a person says what it was for, and who is who', async t => {
  const expected: Array<[StoryName, string, RegExp]> = [
    ['consult-bridged', 'caller-gone', /^The person was called for a consulted transfer, talked with the agent for 12 s and joined the caller of the transfer\. The caller of the transfer had left, and the bridge/],
    ['consult-busy', 'busy', /^The person was called for a consulted transfer\. The person was busy \(486\)\.$/],
    ['consult-cancelled', 'transfer-cancelled', /The transfer was cancelled, and the bridge ended the call of the person/],
    ['add-bridged', 'callee-hung-up', /^The person was called to be added to another call and joined the caller of the transfer\./]
  ]
  for (const [name, cause, says] of expected) {
    const diagnosis = diagnose((await play(name)).person!)
    t.equal(diagnosis.cause, cause, name)
    t.match(diagnosis.summary, says, name)
  }
  for (const name of Object.keys(STORIES) as StoryName[]) {
    const { person } = await play(name)
    const texts = person ? textsOf(diagnose(person)) : []
    t.same(texts.filter(text => /callee/i.test(text)), [], `${name}: the person is no callee`)
    t.same(texts.filter(text => /caller(?! id|'s room| of the transfer)/i.test(text)), [], `${name}: nor a caller`)
  }
})

await t.test('a refusal or an error leads to the call of the person', async t => {
  const { nextSteps } = diagnose((await play('consult-unobtainable')).caller)
  t.match(nextSteps.at(-1), { command: 'bridge calls person-1' })
})

await t.test('what a log may hold has no number and no text of somebody else', async t => {
  for (const name of Object.keys(STORIES) as StoryName[]) {
    const { caller, person } = await play(name)
    for (const call of [caller, ...person ? [person] : []]) {
      const fields = JSON.stringify(logFields(call))
      t.notMatch(fields, NUMBER.slice(1), name)
      t.notMatch(fields, /carrier not found/, name)
      t.notMatch(fields, present(call).from.slice(1), name)
    }
  }
})
