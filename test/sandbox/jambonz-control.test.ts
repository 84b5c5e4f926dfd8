import t from 'tap'
import type { IncomingCall } from '../../src/sip/user-agent.ts'
import { dialVerbs, lines, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received, Stage } from '../fixtures/jambonz/stand-in.ts'

const answers = (call: IncomingCall) => {
  call.respond(180)
  call.respond(200, 'OK', { body: 'v=0\r\n' })
}
const rings = (call: IncomingCall) => call.respond(180)
const status = (leg: 'A' | 'B', callStatus: string) => ({ path, body }: Received) =>
  path === '/status' && ('parent_call_sid' in body ? 'B' : 'A') === leg && body['call_status'] === callStatus

async function rest (stage: Stage, method: string, path: string, body?: object, key = stage.jambonz.apiKey) {
  return await fetch(`${stage.jambonz.restUrl}/Accounts/${stage.jambonz.accountSid}/Calls${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...body && { body: JSON.stringify(body) }
  })
}

await t.test('REST call_status completed hangs up a connected call', async t => {
  const stage = await setStage(t, {
    farEnd: answers,
    reply: ({ path }, at) => ({ body: path === '/livekit-api' ? dialVerbs(at) : [] })
  })
  const call = stage.call()
  const hungUp = new Promise(resolve => call.onBye(resolve))
  const { body } = await stage.standIn.received(status('A', 'in-progress'))
  t.equal((await rest(stage, 'GET', `/${body['call_sid']}`)).status, 200)
  t.equal((await rest(stage, 'PUT', `/${body['call_sid']}`, { call_status: 'completed' })).status, 202)
  await hungUp
  await stage.over()
  t.same(lines(stage.standIn.requests).statuses.slice(-2), ['/status A completed/200', '/status B completed/200'])
  t.equal(lines(stage.standIn.requests).hooks.at(-1), '/action A completed/200 dial completed/200')
  t.equal(stage.standIn.requests.find(status('A', 'completed'))?.body['call_termination_by'], 'jambonz')
  const late = await rest(stage, 'POST', `/${body['call_sid']}`, { call_status: 'completed' })
  t.equal(late.status, 422, 'over')
  t.equal(await late.text(), `call session is gone for call_sid ${body['call_sid']}`)
})

await t.test(
  'REST call_status no-answer ends a ringing call with 503 and without a status event of the caller leg',
  async t => {
    const stage = await setStage(t, {
      farEnd: rings,
      reply: ({ path }, at) => ({ body: path === '/livekit-api' ? dialVerbs(at) : [] })
    })
    const call = stage.call()
    const { body } = await stage.standIn.received(status('B', 'ringing'))
    t.equal((await rest(stage, 'POST', `/${body['parent_call_sid']}`, { call_status: 'completed' })).status, 422)
    t.equal((await rest(stage, 'POST', `/${body['parent_call_sid']}`, { call_status: 'no-answer' })).status, 202)
    t.equal((await call.final).status, 503)
    await stage.over()
    t.same(lines(stage.standIn.requests).statuses, [
      '/status A trying/100',
      '/status B trying/100',
      '/status B ringing/180',
      '/status B no-answer/487'
    ])
  }
)

await t.test('REST call_hook moves the call to another application, and the action reply is ignored', async t => {
  const stage = await setStage(t, {
    farEnd: rings,
    reply ({ path }, at) {
      if (path === '/livekit-api') return { body: dialVerbs(at) }
      return { body: [{ verb: 'sip:decline', status: path === '/redirect' ? 480 : 486 }] }
    }
  })
  const call = stage.call()
  const { body } = await stage.standIn.received(status('B', 'ringing'))
  t.equal(
    (await rest(stage, 'POST', `/${body['parent_call_sid']}`, { call_hook: `${stage.standIn.url}/redirect` })).status,
    202
  )
  t.equal((await call.final).status, 480)
  await stage.over()
  t.same(lines(stage.standIn.requests), {
    hooks: ['/livekit-api A trying/100', '/redirect A trying/100', '/action A trying/100 dial no-answer/487'],
    statuses: [
      '/status A trying/100',
      '/status B trying/100',
      '/status B ringing/180',
      '/status B no-answer/487',
      '/status A failed/480'
    ]
  })
  const redirected = stage.standIn.requests.find(({ path }) => path === '/redirect')?.body ?? {}
  for (const field of ['sip', 'defaults', 'caller_name', 'env_vars']) t.notOk(field in redirected, `no ${field}`)
  t.ok('fs_sip_address' in redirected)
})

await t.test('when the carrier refuses a transfer, the refer result precedes the remaining verbs', async t => {
  const stage = await setStage(t, {
    farEnd: answers,
    reply ({ path }, at) {
      if (path === '/livekit-api') return { body: dialVerbs(at) }
      if (path === '/refer') {
        return {
          body: [{ verb: 'sip:refer', referTo: '+15559998888', actionHook: `${at.url}/refer-complete` }, {
            verb: 'hangup'
          }]
        }
      }
      return { body: [] }
    }
  })
  const call = stage.call()
  call.onRefer(() => ({ status: 603 }))
  await stage.standIn.received(status('A', 'in-progress'))
  const hungUp = new Promise<void>(resolve => stage.farCalls[0]?.onBye(() => resolve()))
  t.equal((await stage.farCalls[0]?.refer('tel:+15559998888'))?.status, 202)
  await hungUp
  await stage.over()
  t.same(lines(stage.standIn.requests).hooks.slice(1), [
    '/refer B in-progress/200',
    '/action A in-progress/200 dial completed/200',
    '/refer-complete A in-progress/200 refer 603/undefined'
  ])
  const { refer_details: details } = stage.standIn.requests.find(({ path }) => path === '/refer')?.body ?? {}
  t.match(details, {
    sip_refer_to: '<tel:+15559998888>',
    refer_to_user: '+15559998888',
    sip_referred_by: '<undefined>'
  })
  t.same(lines(stage.standIn.requests).statuses.slice(-2), ['/status B completed/200', '/status A completed/200'])
})

await t.test('an accepted transfer without a final NOTIFY ends at the timeout', async t => {
  const stage = await setStage(t, {
    farEnd: answers,
    double: { notifyTimeoutMs: 30 },
    reply ({ path }, at) {
      if (path === '/livekit-api') return { body: dialVerbs(at) }
      if (path === '/refer') {
        return { body: [{ verb: 'sip:refer', referTo: '+1', actionHook: `${at.url}/refer-complete` }] }
      }
      return { body: [] }
    }
  })
  const call = stage.call()
  call.onRefer(() => ({ status: 202 }))
  await stage.standIn.received(status('A', 'in-progress'))
  await stage.farCalls[0]?.refer('tel:+1')
  await stage.over()
  t.equal(lines(stage.standIn.requests).hooks.at(-1), '/refer-complete A in-progress/200 refer 202/undefined')
})

await t.test('a REFER that the hook refuses, and a REFER from the caller', async t => {
  const stage = await setStage(t, {
    farEnd: answers,
    reply ({ path }, at) {
      if (path === '/livekit-api') return { body: dialVerbs(at) }
      return path === '/refer' ? { status: 403 } : { body: [] }
    }
  })
  const call = stage.call()
  await stage.standIn.received(status('A', 'in-progress'))
  t.equal((await stage.farCalls[0]?.refer('tel:+1'))?.status, 403)
  const refer = async (headers: object) =>
    (await call.send('REFER', { headers: { 'Refer-To': '<sip:+1900@evil.example>', ...headers } })).status
  t.equal(await refer({ 'Referred-By': '<sip:+15550001111@phone.example>' }), 403)
  t.equal(await refer({}), 501, 'without Referred-By the hook is not even asked')
  const asked = stage.standIn.requests.filter(({ path }) => path === '/refer').map(({ body }) => body['direction'])
  t.same(asked, ['outbound', 'inbound'])
  await call.bye()
  await stage.over()
  t.equal(
    lines(stage.standIn.requests).hooks.at(-1),
    '/action A completed/200 dial completed/200',
    'the call went on meanwhile'
  )
})

await t.test('timeLimit ends the agent leg and then the caller leg', async t => {
  const stage = await setStage(t, {
    farEnd: answers,
    reply: ({ path }, at) => ({ body: path === '/livekit-api' ? dialVerbs(at, { timeLimit: 0.05 }) : [] })
  })
  stage.call()
  await stage.over()
  t.same(lines(stage.standIn.requests).statuses.slice(-2), ['/status B completed/200', '/status A completed/200'])
})

await t.test('an action reply with another dial starts another agent leg', async t => {
  let dials = 0
  const stage = await setStage(t, {
    farEnd: call => {
      if (++dials === 1) call.respond(486)
      else answers(call)
    },
    reply ({ url }, at) {
      if (url === '/livekit-api') return { body: dialVerbs(at) }
      return {
        body: url === '/action' ? dialVerbs(at, { id: 'second', actionHook: `${at.url}/action?attempt=2` }) : []
      }
    }
  })
  const call = stage.call()
  await stage.standIn.received(status('A', 'in-progress'))
  await call.bye()
  await stage.over()
  const actions = stage.standIn.requests.filter(({ path }) => path === '/action')
  t.same(actions.map(({ url, body }) => [url, body['verb_id'], body['dial_call_status']]), [
    ['/action', 'livekit-dial', 'busy'],
    ['/action?attempt=2', 'second', 'completed']
  ])
  t.not(actions[0]?.body['dial_call_sid'], actions[1]?.body['dial_call_sid'])
})
