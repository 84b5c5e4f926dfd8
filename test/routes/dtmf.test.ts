import t, { type Test } from 'tap'
import { NoAnswerError, type RestAnswer, type RestRequest } from '../../src/jambonz/rest-request.ts'
import { ask, controlOfCall } from '../fixtures/agent-control.ts'
import {
  agentStatus,
  buildTestBridge,
  callHook,
  callerStatus,
  dialAction,
  OPERATOR_TOKEN,
  type TestBridge
} from '../fixtures/build.ts'
import { orderedCall } from '../fixtures/ordered-call.ts'
import { settle } from '../fixtures/test-clock.ts'
import { counted, misfits, undocumented } from './support.ts'

const ACCOUNT = '11111111-1111-4111-8111-111111111111'
const REST = {
  JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/api',
  JAMBONZ_ACCOUNT_SID: ACCOUNT,
  JAMBONZ_API_KEY: 'api-key'
}
const TAKEN: RestAnswer = { status: 202, headers: {}, text: 'Accepted' }
const GONE: RestAnswer = { status: 422, headers: {}, text: '{"msg":"call session is gone for call_sid x"}' }

interface Stage {
  bridge: TestBridge
  callSid: string
  /** Every digit that Jambonz was asked to send, with the time since the first one, milliseconds. */
  sent: Array<{ digit: string, atMs: number }>
  requests: RestRequest[]
  /** Answers the nth request, from 0. */
  answer: (n: number) => RestAnswer | Error
  /** Sends digits as the agent, and lets the time pass that they take. */
  send(body: unknown, token?: string): ReturnType<typeof ask>
}

/** A call that is answered, with its agent. */
function dtmfTest (
  name: string,
  fn: (t: Test, stage: Stage) => Promise<void>,
  { env = {}, answered = true }: { env?: Record<string, string>, answered?: boolean } = {}
) {
  return t.test(name, async t => {
    const requests: RestRequest[] = []
    const times: number[] = []
    const bridge = await buildTestBridge(t, { ...REST, ...env }, {
      restSender: {
        async send (request) {
          // The calls hang up over the same API.
          if (!('dtmf' in request.body!)) return TAKEN
          requests.push(request)
          times.push(bridge.clock.now())
          const answer = stage.answer(requests.length - 1)
          if (answer instanceof Error) throw answer
          return answer
        },
        close: async () => {}
      }
    })
    const hook = callHook()
    const callSid: string = hook['call_sid']
    await bridge.hook('/livekit-api', hook)
    const { url, token } = controlOfCall(bridge, callSid)
    bridge.rooms.present = () => ({ sip: { sid: 'PA_1' }, agent: { identity: 'agent', audio: true } })
    if (answered) {
      await bridge.hook('/status', agentStatus(callSid, 'in-progress', 200))
      await bridge.hook('/status', callerStatus(callSid, 'in-progress', 200))
    }
    const stage: Stage = {
      bridge,
      callSid,
      requests,
      get sent () {
        return requests.map(({ body }, n) => ({ digit: (body as any).dtmf.digit, atMs: times[n]! - times[0]! }))
      },
      answer: () => TAKEN,
      async send (body, given = token) {
        const replies: unknown[] = []
        const asking = ask(bridge, 'POST', `${url}/dtmf`, given, body)
        asking.then(reply => replies.push(reply), error => replies.push(error))
        for (let ms = 0; replies.length === 0 && ms < 60_000; ms += 50) await bridge.clock.pass(50)
        return asking
      }
    }
    await fn(t, stage)
    await settle()
    t.same(undocumented(bridge.logged()), [], 'every status answered is in openapi.json')
  })
}

await dtmfTest('digits are sent one by one, in order, each when the tone before is over', async (t, stage) => {
  const { bridge, callSid, sent, requests } = stage
  const reply = await stage.send({ digits: '1w2*ww#' })
  t.match(reply, { status: 200, json: { callSid, sent: 4 } })
  t.same(Object.keys(reply.json), ['callSid', 'sent'], 'digits are not repeated in the reply')
  t.same(sent, [])
  t.same(stage.sent, [
    { digit: '1', atMs: 0 },
    { digit: '2', atMs: 350 + 500 },
    { digit: '*', atMs: 850 + 350 },
    { digit: '#', atMs: 1200 + 350 + 1000 }
  ])
  for (const { method, path, body } of requests) {
    t.equal(`${method} ${path}`, `PUT /Accounts/${ACCOUNT}/Calls/${callSid}`)
    t.equal((body as any).dtmf.duration, 250)
  }
  t.equal(await counted(bridge, 'bridge_jambonz_request_seconds_count{operation="digit",outcome="202"}'), 4)
})

await dtmfTest('the reply comes when the last tone is over', async (t, { bridge, callSid }) => {
  const { url, token } = controlOfCall(bridge, callSid)
  let isAnswered = false
  const asking = ask(bridge, 'POST', `${url}/dtmf`, token, { digits: '12' }).finally(() => {
    isAnswered = true
  })
  await bridge.clock.pass(699)
  t.equal(isAnswered, false)
  t.match(await ask(bridge, 'POST', `${url}/dtmf`, token, { digits: '3' }), {
    status: 409,
    json: { code: 'BRIDGE_DTMF_UNDER_WAY' }
  }, 'meanwhile others would be mixed with them')
  await bridge.clock.pass(1)
  t.equal((await asking).status, 200)
  const next = ask(bridge, 'POST', `${url}/dtmf`, token, { digits: '3' })
  await bridge.clock.pass(350)
  t.equal((await next).status, 200, 'now there is room')
})

await dtmfTest('whose digits they are: agents, the key that ordered the call, operators', async (t, stage) => {
  t.equal((await stage.send({ digits: '1', to: 'caller' }, OPERATOR_TOKEN)).status, 200)
  t.equal((await stage.send({ digits: '1' }, 'shop-token-shop-token')).status, 404)
  t.equal((await stage.send({ digits: '1' }, 'nobody')).status, 401)
  t.equal(stage.requests.length, 1)
}, { env: { CALLERS: 'shop:shop-token-shop-token' } })

await dtmfTest('what cannot be sent is refused as a whole', async (t, stage) => {
  const wrong: unknown[] = [
    ...['', 'w', 'ww', '12A', '12 34', '+1', 'W1', '1'.repeat(33), '１'].map(digits => ({ digits })),
    { digits: 12 },
    { digits: '1', to: 'agent' },
    { digits: '1', too: 'caller' },
    {},
    [],
    null,
    '{"digits":"1"'
  ]
  for (const body of wrong) {
    const reply = await stage.send(body)
    t.match(reply, { status: 400, json: { code: 'BRIDGE_DTMF_BODY', message: /0-9.*no A-D/ } }, JSON.stringify(body))
  }
  t.match(await stage.send({ digits: '1', padding: 'x'.repeat(2000) }), { status: 413 })
  t.equal(stage.requests.length, 0)
  t.match(await stage.send({ digits: '0123456789*#'.padEnd(32, '0') }), { status: 200, json: { sent: 32 } })
})

await dtmfTest('a call that is not answered', async (t, stage) => {
  t.match(await stage.send({ digits: '1' }), { status: 409, json: { code: 'BRIDGE_NOT_ANSWERED' } })
  t.equal(stage.requests.length, 0)
}, { answered: false })

await dtmfTest('digits for the person whom a transfer has called', async (t, stage) => {
  const { bridge, callSid } = stage
  const toPerson = () => stage.send({ digits: '12', to: 'person' })
  t.match(await toPerson(), { status: 409, json: { code: 'BRIDGE_NO_PERSON' } })

  const person = await orderedCall(bridge, { transfer: { id: 'transfer-1', mode: 'consult', callSid, attempt: 1 } })
  await person.callee('ringing', 180)
  await bridge.clock.pass(100)
  t.match(await toPerson(), { status: 409, json: { code: 'BRIDGE_NOT_ANSWERED' } })
  t.equal(stage.requests.length, 0)

  await person.answers()
  await bridge.clock.pass(100)
  t.match(await toPerson(), { status: 200, json: { callSid, sent: 2 } })
  for (const { path } of stage.requests) t.match(path, new RegExp(`/${person.callSid}$`))
  t.equal((await stage.send({ digits: '3', to: 'caller' })).status, 200)
  t.match(stage.requests.at(-1)!.path, new RegExp(`/${callSid}$`))

  await person.callee('completed', 200, { call_termination_by: 'caller' })
  await bridge.clock.pass(5000)
  t.match(await toPerson(), { status: 409, json: { code: 'BRIDGE_CALL_ENDED' } })
})

await dtmfTest('a call that has ended', async (t, stage) => {
  const { bridge, callSid } = stage
  await bridge.hook('/status', callerStatus(callSid, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.hook('/action', dialAction(callSid, 'completed', 200, { call_status: 'completed', sip_status: 200 }))
  await bridge.clock.pass(3000)
  t.match(await stage.send({ digits: '1' }, OPERATOR_TOKEN), { status: 409, json: { code: 'BRIDGE_CALL_ENDED' } })
  t.equal(stage.requests.length, 0)
})

await dtmfTest('without the REST settings', async (t, stage) => {
  t.match(await stage.send({ digits: '1' }), { status: 501, json: { code: 'BRIDGE_NO_DTMF' } })
}, { env: { JAMBONZ_REST_API_BASE_URL: '', JAMBONZ_ACCOUNT_SID: '', JAMBONZ_API_KEY: '' } })

const failures: Array<[name: string, answer: RestAnswer | Error, status: number, code: string]> = [
  ['Jambonz does not know the call any more', { status: 404, headers: {}, text: 'Not Found' }, 409, 'CALL_ENDED'],
  ['its session is gone', GONE, 409, 'CALL_ENDED'],
  ['the feature server is gone', { status: 500, headers: {}, text: '{"msg":"fetch failed"}' }, 502, 'DTMF_REFUSED'],
  ['another key', { status: 401, headers: {}, text: 'Unauthorized' }, 502, 'DTMF_REFUSED'],
  ['nobody listens', new NoAnswerError(false, 'ECONNREFUSED'), 504, 'DTMF_UNREACHABLE'],
  ['no answer', new NoAnswerError(true, 'timeout'), 504, 'DTMF_UNKNOWN']
]
for (const [name, answer, status, code] of failures) {
  await dtmfTest(`after two digits: ${name}`, async (t, stage) => {
    stage.answer = n => n === 2 ? answer : TAKEN
    const reply = await stage.send({ digits: '12345' })
    t.match(reply, { status, json: { statusCode: status, code: `BRIDGE_${code}`, sent: 2 } })
    t.same(misfits('UnsentDigits', reply.json), [])
    t.same(stage.sent.map(({ digit }) => digit), ['1', '2', '3'], 'none is sent twice, and none follows')
    t.equal((await stage.send({ digits: '9' })).status, 200, 'the next request is another matter')
  })
}

await dtmfTest("digits that Jambonz' limit turns away are sent when it lets them", async (t, stage) => {
  const limited = (retryAfter: string): RestAnswer => ({
    status: 429,
    headers: { 'ratelimit-reset': retryAfter, 'retry-after': retryAfter },
    text: 'Too many requests, please try again later.'
  })
  stage.answer = n => n === 1 ? limited('1') : TAKEN
  t.match(await stage.send({ digits: '12' }), { status: 200, json: { sent: 2 } })
  t.same(stage.sent.map(({ digit }) => digit), ['1', '2', '2'], 'what was turned away was not carried out')

  stage.answer = n => n === 4 ? limited('60') : TAKEN
  const reply = await stage.send({ digits: '34' })
  t.match(reply, { status: 429, json: { code: 'BRIDGE_DTMF_QUEUE_FULL', sent: 1 } })
  t.match(reply.headers, { 'retry-after': /^\d+$/ }, 'and not when nobody waits for them any more')
})
