import t from 'tap'
import type { Route, Way } from '../../src/calls/fold/way.ts'
import { diagnose, isFailure, logFields, type Diagnosis } from '../../src/diagnosis/diagnose.ts'
import { tell, type Story } from '../fixtures/events.ts'

const AGENT: Way = { strategy: 'room', agent: 'first-agent', ringS: 20 }
const NIGHT: Way = { strategy: 'room', agent: 'night-desk' }
const PHONE: Way = { strategy: 'phone', number: '+4915111111111', carrier: 'Schmidtkom', ringS: 30 }
const CARRIER: Way = { strategy: 'carrier', carrier: 'Retell', number: '+4953118054632' }
const RETELL: Way = { strategy: 'retell', agent: 'agent_0123', key: 'RETELL_API_KEY' }
const SIP: Way = {
  strategy: 'sip',
  uri: 'sip:4711@pbx.example.com',
  auth: { username: 'PBX_USER', password: 'PBX_PW' }
}
const SAY: Way = { strategy: 'say', text: 'Nobody is here.' }
const PLAY: Way = { strategy: 'play', url: 'https://example.com/closed.wav' }
const DECLINE: Way = { strategy: 'decline', status: 603, reason: 'Decline' }

const routeOf = (...ways: Way[]): Route => ({ name: 'sales at night', ways })

/** A call that takes this route; a first way that needs a room has got it. */
function routed (...ways: Way[]): Story {
  const story = tell()
  if (ways[0]!.strategy === 'room') story.connect({ route: routeOf(...ways) })
  else story.hook({ route: routeOf(...ways) })
  return story
}

/** The agent does not come: LiveKit rings until the way's time is over. */
function noAgent (story: Story, leg = 'b1', rings = 20): void {
  story.agent('trying', 100, { leg })
  story.livekit('participant_joined', 'sip', { sid: `PA_${leg}` })
  for (let i = 0; i < rings; i++) {
    story.agent('ringing', 180, { leg })
    story.pass(1000)
  }
  story.agent('no-answer', 487, { leg })
  story.action('no-answer', 487)
}

function fails (story: Story, status: 'failed' | 'busy' | 'no-answer', sipStatus: number, leg = 'b1'): void {
  story.agent('trying', 100, { leg })
  story.agent(status, sipStatus, { leg })
  story.action(status, sipStatus)
}

function registration (story: Story, outcome: 'created' | 'failed', detail?: string): void {
  const attempt = story.it.attempts.at(-1)!.n
  const sipUser = outcome === 'created' ? 'call_abc' : undefined
  story.feed({ kind: 'registration', attempt, outcome, ...(sipUser && { sipUser }), ...(detail && { detail }) })
}

/** The caller hangs up a call that was answered. */
function hangUp (story: Story): void {
  story.caller('completed', 200, 'caller')
  story.pass(5000)
}

const signals = ({ evidence }: Diagnosis): string[] => evidence.map(({ signal }) => signal)
const shows = ({ evidence }: Diagnosis, signal: string): string | undefined =>
  evidence.find(item => item.signal === signal)?.shows
const answer = ({ answers }: Diagnosis, id: string) => answers.find(answer => answer.id === id)
const todos = ({ nextSteps }: Diagnosis): string => nextSteps.map(({ todo }) => todo).join('\n')

await t.test('the summary names the attempts in order, and the log names nobody', async t => {
  const story = routed(AGENT, NIGHT)
  noAgent(story)
  story.made('created')
  story.answered('b2')
  story.pass(12_000)
  hangUp(story)
  const diagnosis = diagnose(story.it)
  t.match(
    diagnosis.summary,
    /^Agent first-agent did not come \(no-agent\) after 20 s, then agent night-desk answered\. The caller hung up/
  )
  t.equal(diagnosis.severity, 'warning')
  t.equal(diagnosis.route, 'sales at night')
  t.match(
    logFields(story.it)['summary'],
    /^The agent of attempt 1 did not come \(no-agent\) after 20 s, then the agent of attempt 2 answered\. The caller/
  )
})

await t.test('no log of any failed way has a number, name, address or route', async t => {
  const ways = [AGENT, PHONE, CARRIER, RETELL, SIP]
  const story = routed(...ways, SAY)
  noAgent(story)
  fails(story, 'busy', 486, 'b2')
  fails(story, 'failed', 404, 'b3')
  registration(story, 'failed', 'key-refused')
  fails(story, 'failed', 401, 'b5')
  t.strictSame(story.it.attempts.map(({ strategy }) => strategy), [...ways.map(({ strategy }) => strategy), 'say'])
  story.caller('in-progress', 200)
  story.pass(4000)
  story.caller('completed', 200, 'jambonz')
  story.pass(5000)
  const logged = JSON.stringify(logFields(story.it))
  t.match(logged, /no-agent.*busy.*declined.*retell-failed.*declined.*the announcement of attempt 6/)
  t.notMatch(
    logged,
    /first-agent|agent_0123|Schmidtkom|carrier Retell|4915|4953|1555|pbx|4711|RETELL_API_KEY|PBX_|Nobody is here|sales/
  )
  t.notMatch(diagnose(story.it).summary, /4915|4953|1555|pbx|4711/, 'nor has the summary a number or an address')
})

await t.test('an announcement behind failed attempts is not why the call failed', async t => {
  const story = routed(AGENT, SAY)
  noAgent(story)
  story.caller('in-progress', 200)
  story.pass(4000)
  story.caller('completed', 200, 'jambonz')
  story.pass(5000)
  const diagnosis = diagnose(story.it)
  t.equal(diagnosis.cause, 'no-agent')
  t.match(diagnosis.summary, /then the announcement was sent to the caller\. LiveKit rang for 20 s .* no agent ever/)
  t.match(shows(diagnosis, 'no-agent'), /no agent took the job/)
  t.ok(signals(diagnosis).includes('announcement'), 'and what the caller heard is there')
  t.match(answer(diagnosis, 'agent-joined'), { answer: 'no' }, 'the questions are about the attempt that failed')
  t.match(todos(diagnosis), /worker/)
  t.strictSame(diagnosis.earlierAttempts, [])
})

await t.test('say: heard, hardly heard, and hung up', async t => {
  const told = (ms: number, way: Way = SAY) => {
    const story = routed(way)
    story.caller('trying', 100)
    story.caller('in-progress', 200)
    story.pass(ms)
    story.caller('completed', 200, 'jambonz')
    story.pass(5000)
    return story
  }
  const heard = told(4000)
  const long = diagnose(heard.it)
  t.match(long, { cause: 'announced', severity: 'ok' })
  t.notOk(isFailure(heard.it))
  t.match(long.summary, /ended with an announcement, which took 4\.0 s/)
  t.strictSame(long.answers.map(({ id }) => id), ['announcement-heard', 'why-no-action'])
  t.equal(answer(long, 'announcement-heard')?.answer, 'unknown')

  const short = diagnose(told(300).it)
  t.equal(short.severity, 'warning')
  t.match(answer(short, 'announcement-heard'), { answer: 'no', says: /no speech credentials/ })
  t.match(short.notToldApart.join(), /without speech credentials/)
  t.match(todos(short), /speech credentials/)
  t.match(diagnose(told(300, PLAY).it).notToldApart.join(), /could not fetch/)

  const left = routed(SAY)
  left.caller('in-progress', 200)
  left.pass(2000)
  hangUp(left)
  t.match(diagnose(left.it).summary, /The caller hung up during the announcement, after 2\.0 s of it\./)
})

await t.test('a caller who hears an announcement now', async t => {
  const story = routed(SAY)
  story.caller('in-progress', 200)
  t.equal(diagnose(story.it).summary, 'The caller is connected and hears an announcement.')
})

await t.test('a route that declines is no failure, and is named', async t => {
  const story = routed(DECLINE)
  story.caller('failed', 603)
  story.pass(5000)
  const diagnosis = diagnose(story.it)
  t.match(diagnosis, { cause: 'declined', by: 'bridge', severity: 'ok', nextSteps: [], notToldApart: [] })
  t.equal(diagnosis.summary, 'The route "sales at night" declines such calls (603).')
  t.ok(signals(diagnosis).includes('route-declined'))
  t.match(answer(diagnosis, 'why-no-action')?.says, /the route declines/)
  t.notOk(isFailure(story.it))
  t.equal(logFields(story.it)['summary'], 'The route declines such calls (603).')
})

await t.test('retell: not registered, with the reason', async t => {
  const story = routed(RETELL)
  registration(story, 'failed', 'key-refused')
  story.caller('failed', 480)
  story.pass(5000)
  const diagnosis = diagnose(story.it)
  t.equal(diagnosis.cause, 'retell-failed')
  t.match(diagnosis.summary, /Retell did not register the call: it refused the API key\./)
  t.match(diagnosis.evidence, [{ signal: 'registration', seen: 'registration with Retell: failed (key-refused)' }])
  t.match(answer(diagnosis, 'registered'), { answer: 'no', says: /refused the API key/ })
  t.match(answer(diagnosis, 'why-no-action')?.says, /Retell did not register/)
  t.match(todos(diagnosis), /environment variable that `key` names/)
  t.equal(answer(diagnosis, 'agent-joined'), undefined, 'nothing about a LiveKit room of ours')
})

await t.test('retell: an id that Retell does not know any more', async t => {
  const story = routed(RETELL)
  registration(story, 'created')
  fails(story, 'failed', 404)
  story.pass(5000)
  const diagnosis = diagnose(story.it)
  t.match(diagnosis, { cause: 'declined', summary: 'Retell did not know the id that was dialled (404).' })
  t.match(shows(diagnosis, 'agent-leg-final'), /valid for five minutes/)
  t.match(diagnosis.notToldApart, [/expired/])
  t.match(todos(diagnosis), /five minutes/)
})

await t.test('sip: credentials that the host does not accept', async t => {
  const story = routed(SIP)
  fails(story, 'failed', 401)
  story.pass(5000)
  const diagnosis = diagnose(story.it)
  t.match(diagnosis.summary, /did not accept the user name and password of the route \(401\)/)
  t.match(shows(diagnosis, 'agent-leg-final'), /`auth`/)
  t.match(todos(diagnosis), /environment variables that `auth` names/)
  t.notMatch(JSON.stringify(diagnosis.answers), /LiveKit/)
})

await t.test('carrier: refused, with what Jambonz does with a name that it does not know', async t => {
  const story = routed(CARRIER)
  fails(story, 'failed', 603)
  story.pass(5000)
  const diagnosis = diagnose(story.it)
  t.match(diagnosis.summary, /The far end behind the carrier declined the call \(603\)/)
  t.match(shows(diagnosis, 'agent-leg-final'), /no outbound gateway/)
  t.match(diagnosis.notToldApart.join('\n'), /without an outbound gateway[^]*ignores a name/)
  t.match(todos(diagnosis), /letter by letter/)
})

await t.test('486 behind a carrier may be the rejection of a LiveKit', async t => {
  const busy = (way: Way) => {
    const story = routed(way)
    fails(story, 'busy', 486)
    story.pass(5000)
    return diagnose(story.it)
  }
  t.match(busy(CARRIER).notToldApart.join(), /LiveKit's "Rejected"/)
  t.notMatch(busy(PHONE).notToldApart.join(), /LiveKit/)
  t.match(busy(PHONE).summary, 'The number that was dialled was busy (486).')
})

await t.test("nobody answers: whose time was over is the way's own", async t => {
  const silent = (way: Way) => {
    const story = routed(way)
    story.agent('trying', 100)
    story.pass(30_000)
    story.agent('no-answer', 487)
    story.action('no-answer', 487)
    story.pass(5000)
    return diagnose(story.it)
  }
  const phone = silent(PHONE)
  t.equal(phone.cause, 'dial-timeout')
  t.match(phone.summary, /The number that was dialled did not answer within 30 s/)
  t.match(answer(phone, 'why-487')?.says, /the way's `ring` of 30 s was over/)
  t.notMatch(JSON.stringify(phone), /LiveKit|agent that did not come/)
  t.match(phone.notToldApart.join(), /not reached looks like one that did not ring/)
  t.match(silent(CARRIER).notToldApart.join(), /An agent that did not come/)
  t.match(answer(silent(CARRIER), 'why-487')?.says, /DIAL_TIMEOUT_S was over/)
  t.match(todos(silent(SIP)), /host, port and transport/)
})

await t.test('who hung up is named by the way', async t => {
  for (const [way, who] of [[PHONE, /number/], [CARRIER, /behind the carrier/], [SIP, /SIP address/]] as const) {
    const story = routed(way)
    story.answered()
    story.pass(5000)
    story.agent('completed', 200)
    story.action('completed', 200, { callerStatus: 'in-progress' })
    story.caller('completed', 200, 'jambonz')
    story.pass(5000)
    const diagnosis = diagnose(story.it)
    t.equal(diagnosis.cause, 'agent-hung-up')
    t.match(diagnosis.summary, who)
    t.match(diagnosis.summary, /hung up after 5\.\d s of talk/)
    t.match(shows(diagnosis, 'answered'), /far end/)
  }
})

await t.test('an address that is not reached is not LiveKit', async t => {
  for (const way of [SIP, RETELL]) {
    const story = routed(way)
    if (way === RETELL) registration(story, 'created')
    fails(story, 'failed', 503)
    story.pass(5000)
    const { cause, summary, nextSteps, notToldApart } = diagnose(story.it)
    t.equal(cause, 'sip-unreachable')
    t.match(summary, /was not reached: Jambonz got no answer from it \(503\)/)
    t.notMatch(JSON.stringify([summary, nextSteps, notToldApart]), /LIVEKIT|LiveKit/)
  }
})
