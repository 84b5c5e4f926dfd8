import t from 'tap'
import type { Test } from 'tap'
import type { IncomingCall } from '../../src/sip/user-agent.ts'
import { createFarEnd } from '../../src/sandbox/far-end.ts'
import type { Faults, JambonzDoubleOptions } from '../../src/sandbox/jambonz.ts'
import { lines, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received, Reply, Stage } from '../fixtures/jambonz/stand-in.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const APPLICATION = '11111111-2222-4333-8444-555555555555'

const answers = (call: IncomingCall) => {
  call.respond(180)
  call.respond(200, 'OK', { body: 'v=0\r\n' })
}
const status = (callStatus: string) => ({ path, body }: Received) =>
  path === '/status' && body['call_status'] === callStatus

/** A stage whose caller's phone is the called party. */
async function setCarrier (
  t: Test,
  options: { phone?: (call: IncomingCall) => void, double?: Partial<JambonzDoubleOptions>, reply?: () => Reply } = {}
) {
  const gateways: Record<string, string> = {}
  const stage = await setStage(t, {
    double: { gateways, applicationSid: APPLICATION, ...options.double },
    reply: ({ path }) => path === '/status' ? {} : options.reply?.() ?? { body: [{ verb: 'hangup' }] }
  })
  gateways['Carrier'] = `${stage.caller.host}:${stage.caller.port}`
  const calls: IncomingCall[] = []
  stage.caller.onInvite(call => {
    calls.push(call);
    (options.phone ?? answers)(call)
  })
  return { ...stage, calls }
}

const order = { from: '+15551230000', to: { type: 'phone', number: '+15550002222', trunk: 'Carrier' } }
const ordered = { ...order, application_sid: APPLICATION }

async function rest (stage: Pick<Stage, 'jambonz'>, method: string, path: string, body?: object, key?: string) {
  const { restUrl, accountSid, apiKey } = stage.jambonz
  const response = await fetch(`${restUrl}/Accounts/${accountSid}${path}`, {
    method,
    headers: { authorization: `Bearer ${key ?? apiKey}`, 'content-type': 'application/json' },
    ...body && { body: JSON.stringify(body) }
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
}

await t.test('a call placed over REST sends its status events before the call hook', async t => {
  const stage = await setCarrier(t, { double: { basic: { username: 'u', password: 'p' }, envVars: { AGENT: 'a' } } })
  const created = await rest(stage, 'POST', '/Calls', { ...ordered, tag: { order: ' 7 ' }, headers: { 'X-Our': '1' } })
  t.equal(created.status, 201)
  const { sid, callId } = created.json()
  await stage.jambonz.ended(sid)
  t.same(lines(stage.standIn.requests).statuses, [
    '/status A trying/100',
    '/status A ringing/180',
    '/status A in-progress/200',
    '/status A completed/200'
  ])
  const hook = stage.standIn.requests.find(({ path }) => path === '/livekit-api')
  t.match(hook?.body, {
    call_sid: sid,
    call_id: callId,
    application_sid: APPLICATION,
    customerData: { order: '7' },
    env_vars: { AGENT: 'a' }
  })
  t.equal(hook?.headers['authorization'], `Basic ${Buffer.from('u:p').toString('base64')}`)
  const [call] = stage.calls
  t.not(call?.callId, callId, 'the carrier sees another Call-ID')
  t.equal(call?.callId, hook?.body['sbc_callid'])
  const header = (name: string) => call?.request.headers.find(header => header.name === name)?.value
  t.equal(header('X-Our'), '1')
  t.equal(header('X-Call-Sid'), sid)
})

await t.test('without an application, createCall names its hooks, which carry their own credentials', async t => {
  const stage = await setCarrier(t, { double: { basic: { username: 'u', password: 'p' }, envVars: { AGENT: 'a' } } })
  const created = await rest(stage, 'POST', '/Calls', {
    ...order,
    call_hook: `${stage.standIn.url}/other`,
    speech_synthesis_vendor: 'google',
    speech_synthesis_language: 'de-DE',
    speech_synthesis_voice: 'x',
    speech_recognizer_vendor: 'google',
    speech_recognizer_language: 'de-DE'
  })
  await stage.jambonz.ended(created.json().sid)
  t.same(lines(stage.standIn.requests), { hooks: ['/other A in-progress/200'], statuses: [] })
  const [hook] = stage.standIn.requests
  t.equal(hook?.headers['authorization'], undefined)
  t.notOk('env_vars' in hook!.body)
  t.equal(hook?.body['defaults'].synthesizer.language, 'de-DE')
})

await t.test('createCall is refused as the API server refuses it', async t => {
  const stage = await setCarrier(t)
  const refused = async (body: object, status: number, text: string) => {
    const answer = await rest(stage, 'POST', '/Calls', body)
    t.same([answer.status, answer.text], [status, text])
  }
  const msg = (text: string) => JSON.stringify({ msg: text })
  const { from: _, ...withoutFrom } = ordered
  await refused(withoutFrom, 400, msg('missing from parameter'))
  await refused({ ...ordered, to: { type: 'phone' } }, 400, msg('missing or invalid to property: {"type":"phone"}'))
  await refused({ ...ordered, application_sid: UNKNOWN }, 400, msg(`application_sid not found ${UNKNOWN}`))
  await refused(
    order,
    400,
    msg(
      'either application_sid or set of speech_synthesis_vendor, speech_synthesis_language, ' +
        'speech_synthesis_voice, speech_recognizer_vendor, speech_recognizer_language required'
    )
  )
  await refused({ ...ordered, foo: 1 }, 500, 'Internal Server Error')
  await refused({ ...ordered, timeout: 'x' }, 500, 'Internal Server Error')

  stage.jambonz.faults.noFeatureServer = true
  await refused(ordered, 480, msg('no available feature servers at this time'))
  t.equal(stage.jambonz.calls().length, 0)
})

await t.test('requests without the key, for another account, and for unknown calls are refused', async t => {
  const stage = await setCarrier(t)
  const update = { call_status: 'completed' }
  t.equal((await rest(stage, 'PUT', `/Calls/${UNKNOWN}`, update)).status, 404)
  t.equal((await rest(stage, 'GET', `/Calls/${UNKNOWN}`)).status, 404)
  t.equal((await rest(stage, 'DELETE', `/Calls/${UNKNOWN}`)).status, 404)
  t.equal((await rest(stage, 'PUT', '/Calls/nobody', update)).status, 400)
  t.equal((await rest(stage, 'PUT', `/Calls/${UNKNOWN}`, update, 'wrong')).status, 401)
  t.equal((await rest(stage, 'PUT', `/../${UNKNOWN}/Calls/${UNKNOWN}`, update)).status, 403)
  t.equal((await rest(stage, 'PUT', `/Calls/${UNKNOWN}`, { ...update, call_hook: 'x' })).status, 400)
  t.equal((await rest(stage, 'PUT', `/Calls/${UNKNOWN}`, { call_status: 'busy' })).status, 400)
})

await t.test('the list has both legs of a call, also after its end, and no customerData', async t => {
  const stage = await setCarrier(t, {
    reply: () => ({
      body: [{ verb: 'dial', callerId: '+15550002222', target: [{ type: 'sip', sipUri: 'sip:token@127.0.0.1:1' }] }]
    })
  })
  const { sid } = (await rest(stage, 'POST', '/Calls', { ...ordered, tag: { order: 'o-1' } })).json()
  await stage.jambonz.ended(sid)
  const all = (await rest(stage, 'GET', '/Calls')).json()
  t.match(all, [
    { call_sid: sid, call_status: 'completed', sip_status: 200, service_url: /^http:/ },
    { parent_call_sid: sid, direction: 'outbound', from: '+15550002222' }
  ])
  t.notOk('customerData' in all[0])
  t.same((await rest(stage, 'GET', `/Calls?to=${encodeURIComponent('+15550002222')}`)).json(), [all[0]])
  t.same((await rest(stage, 'GET', '/Calls?callStatus=ringing')).json(), [])
  t.same((await rest(stage, 'GET', `/Calls/${sid}`)).json(), all[0])
  t.equal((await rest(stage, 'DELETE', `/Calls/${sid}`)).status, 204)
  t.equal((await rest(stage, 'GET', `/Calls/${sid}`)).status, 404)
})

await t.test('the carriers are those of the gateways, and those that were added', async t => {
  const stage = await setCarrier(t, { double: { sipRealm: 'pbx.example' } })
  t.match((await rest(stage, 'GET', '')).json(), { sip_realm: 'pbx.example' })
  const [known] = (await rest(stage, 'GET', '/VoipCarriers')).json()
  t.match(known, { name: 'Carrier', trunk_type: 'static_ip' })

  t.equal((await rest(stage, 'POST', '/VoipCarriers', { trunk_type: 'auth' })).status, 400, 'no name')
  t.match((await rest(stage, 'POST', '/VoipCarriers', { name: 'x', foo: 1 })).text, /Unknown column 'foo'/)
  const { sid } = (await rest(stage, 'POST', '/VoipCarriers', { name: 'livekit', trunk_type: 'auth' })).json()
  t.equal((await rest(stage, 'PUT', `/VoipCarriers/${sid}`, { inbound_auth_username: 'lk' })).status, 204)
  t.match((await rest(stage, 'GET', '/VoipCarriers')).json(), [known, { name: 'livekit', inbound_auth_username: 'lk' }])
  t.equal((await rest(stage, 'DELETE', `/VoipCarriers/${sid}`)).status, 204)
  t.equal((await rest(stage, 'GET', `/VoipCarriers/${sid}`)).status, 404)
})

await t.test('without a carrier the call is placed, and ends as busy', async t => {
  const stage = await setCarrier(t)
  const gateways = { ...ordered, to: { type: 'sip', sipUri: 'sip:127.0.0.1' } }
  const { sid } = (await rest(stage, 'POST', '/Calls', gateways)).json()
  await stage.jambonz.ended(sid)
  t.same(lines(stage.standIn.requests).statuses, ['/status A trying/100', '/status A failed/400'])
})

await t.test('createCall rings for its timeout, and the called party gets a CANCEL', async t => {
  let cancelled = (): void => {}
  const cancel = new Promise<void>(resolve => {
    cancelled = resolve
  })
  const stage = await setCarrier(t, {
    phone: call => {
      call.respond(180)
      call.onCancel(cancelled)
    }
  })
  const { sid } = (await rest(stage, 'POST', '/Calls', { ...ordered, timeout: 1 })).json()
  await cancel
  await stage.jambonz.ended(sid)
  t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A no-answer/487')
})

await t.test('for 5 seconds live call control accepts the cancellation of a call that was refused', async t => {
  const clock = createTestClock()
  const stage = await setCarrier(t, { double: { clock }, phone: call => call.respond(486) })
  const { sid } = (await rest(stage, 'POST', '/Calls', ordered)).json()
  await stage.jambonz.ended(sid)
  const update = async (callStatus: string) =>
    (await rest(stage, 'PUT', `/Calls/${sid}`, { call_status: callStatus })).status
  t.equal(await update('no-answer'), 202)
  t.equal(await update('completed'), 422)
  await clock.pass(5000)
  t.equal(await update('no-answer'), 422)
  t.same(lines(stage.standIn.requests).statuses, ['/status A trying/100', '/status A busy/486'])
})

await t.test('early media is reported with the status before it as its reason', async t => {
  const stage = await setCarrier(t, {
    phone: call => {
      call.respond(183, 'Session Progress', { body: 'v=0\r\n' })
      call.respond(603)
    }
  })
  const { sid } = (await rest(stage, 'POST', '/Calls', ordered)).json()
  await stage.jambonz.ended(sid)
  t.same(lines(stage.standIn.requests).statuses, [
    '/status A trying/100',
    '/status A early-media/183',
    '/status A busy/603'
  ])
  t.equal(stage.standIn.requests[1]?.body['sip_reason'], 'Trying')
})

await t.test('a call hook that replies without a list leaves the called party waiting', async t => {
  const stage = await setCarrier(t, { reply: () => ({ body: {} }) })
  const { sid } = (await rest(stage, 'POST', '/Calls', ordered)).json()
  await stage.standIn.received(({ path }) => path === '/livekit-api')
  t.equal((await rest(stage, 'PUT', `/Calls/${sid}`, { call_status: 'completed' })).status, 202)
  await stage.jambonz.ended(sid)
  t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A completed/200')
})

await t.test('createCall can fail with and without placing the call', async t => {
  const stage = await setCarrier(t)
  const { faults } = stage.jambonz
  faults.createCall = { isPlaced: false, answer: 'break' }
  await t.rejects(rest(stage, 'POST', '/Calls', ordered))
  t.equal(stage.jambonz.calls().length, 0)

  faults.createCall = { isPlaced: true, answer: 'break' }
  await t.rejects(rest(stage, 'POST', '/Calls', ordered))
  t.equal(stage.jambonz.calls().length, 1)

  faults.createCall = ({ tag }) =>
    (tag as { order: string }).order === '3' ? { isPlaced: true, answer: 500 } : undefined
  const failed = await rest(stage, 'POST', '/Calls', { ...ordered, tag: { order: '3' } })
  t.same([failed.status, failed.text], [500, 'Internal Server Error'])
  t.equal(stage.jambonz.calls().length, 2)
  t.equal((await rest(stage, 'POST', '/Calls', { ...ordered, tag: { order: '4' } })).status, 201)

  faults.createCall = { isPlaced: true, answer: 'hang' }
  const aborted = new AbortController()
  const hanging = fetch(`${stage.jambonz.restUrl}/Accounts/${stage.jambonz.accountSid}/Calls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.jambonz.apiKey}` },
    body: JSON.stringify({ ...ordered, tag: { order: '5' } }),
    signal: aborted.signal
  })
  await stage.standIn.received(({ body }) => body['customerData']?.order === '5')
  aborted.abort()
  await t.rejects(hanging)
})

await t.test('the answer of createCall comes before or after the first status event', async t => {
  let seen: string[] = []
  const stage = await setStage(t, {
    double: { applicationSid: APPLICATION },
    reply () {
      seen.push('status')
      return {}
    }
  })
  const place = async () => {
    seen = []
    const { sid } = (await rest(stage, 'POST', '/Calls', ordered)).json()
    seen.push('answer')
    await stage.jambonz.ended(sid)
    return seen.slice(0, 2)
  }
  stage.jambonz.faults.createCallAnswers = 'after-status'
  t.same(await place(), ['status', 'answer'])
  stage.jambonz.faults.createCallAnswers = 'before-status'
  t.same(await place(), ['answer', 'status'])
})

await t.test('a BYE soon after the answer may be lost, and not one after a pause', async t => {
  let reply: object[] = [{ verb: 'hangup' }]
  const clock = createTestClock()
  const stage = await setCarrier(t, { double: { clock }, reply: () => ({ body: reply }) })
  stage.jambonz.faults.earlyByeLost = true
  const first = (await rest(stage, 'POST', '/Calls', ordered)).json()
  await stage.jambonz.ended(first.sid)
  t.equal(stage.calls[0]?.state, 'answered', 'the called party is still connected')
  t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A completed/200')

  reply = [{ verb: 'pause', length: 1 }, { verb: 'hangup' }]
  const { sid } = (await rest(stage, 'POST', '/Calls', ordered)).json()
  await stage.standIn.received(({ path, body }) => path === '/livekit-api' && body['call_sid'] === sid)
  while (stage.calls[1]?.state !== 'ended') await clock.pass(1000)
  await stage.jambonz.ended(sid)
  t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A completed/200')
})

await t.test('the last status event after a cancelled call may be lost', async t => {
  const stage = await setCarrier(t, { phone: call => call.respond(180) })
  stage.jambonz.faults.noAnswerStatusLost = true
  const { sid } = (await rest(stage, 'POST', '/Calls', ordered)).json()
  await stage.standIn.received(status('ringing'))
  t.equal((await rest(stage, 'PUT', `/Calls/${sid}`, { call_status: 'no-answer' })).status, 202)
  await stage.jambonz.ended(sid)
  t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A ringing/180')
  t.equal((await rest(stage, 'PUT', `/Calls/${sid}`, { call_status: 'no-answer' })).status, 422)
})

await t.test('the rate limit counts every request and begins again after its window', async t => {
  const clock = createTestClock()
  const stage = await setCarrier(t, { double: { clock, restLimit: { max: 2, windowMs: 300_000 } } })
  const first = await rest(stage, 'GET', '/Calls')
  t.match(Object.fromEntries(first.headers), {
    'ratelimit-policy': '2;w=300',
    'ratelimit-limit': '2',
    'ratelimit-remaining': '1',
    'ratelimit-reset': '300'
  })
  t.equal((await rest(stage, 'GET', '/Calls', undefined, 'wrong')).status, 401)
  await clock.pass(10_500)
  const refused = await rest(stage, 'GET', '/Calls')
  t.same([refused.status, refused.text], [429, 'Too many requests, please try again later.'])
  t.equal(refused.headers.get('retry-after'), '290')
  await clock.pass(290_000)
  t.equal((await rest(stage, 'GET', '/Calls')).status, 200)
})

await t.test('answering machine detection reports who answers, and its reply may replace the verbs', async t => {
  const detected = async (answeredBy: 'human' | 'machine' | undefined, faults: Faults = {}) => {
    const clock = createTestClock()
    const farEnd = await createFarEnd({ behaviour: { status: 200, ...answeredBy && { answeredBy } } })
    const stage = await setStage(t, {
      double: { clock, gateways: { Carrier: farEnd.host }, applicationSid: APPLICATION, faults },
      reply: ({ path, body }) => {
        if (path === '/livekit-api') return { body: [{ verb: 'pause', length: 1000 }] }
        const goesOn = body['type'] === 'amd_stopped' || body['type'] === 'amd_machine_detected'
        return path === '/amd' && !goesOn ? { body: [{ verb: 'hangup' }] } : {}
      }
    })
    t.teardown(() => farEnd.close())
    const amd = { actionHook: `${stage.standIn.url}/amd` }
    const { sid } = (await rest(stage, 'POST', '/Calls', { ...ordered, amd, tag: { order: '1' } })).json()
    await stage.standIn.received(({ path }) => path === '/livekit-api')
    await clock.pass(5000)
    if (faults.say === 'no-credentials') stage.jambonz.update(sid, { call_status: 'completed' })
    await stage.jambonz.ended(sid)
    const events = stage.standIn.requests.filter(({ path }) => path === '/amd')
    t.ok(events.every(({ body }) => body['call_sid'] === sid && body['customerData'].order === '1'))
    return events.map(({ body }) => body['type'])
  }
  t.same(await detected('human'), ['amd_human_detected', 'amd_stopped'])
  t.same(await detected('machine'), ['amd_machine_detected', 'amd_machine_stopped_speaking', 'amd_stopped'])
  t.same(await detected(undefined), ['amd_no_speech_detected', 'amd_stopped'])
  t.same(await detected('human', { say: 'no-credentials' }), [])
})
