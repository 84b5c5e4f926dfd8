import t, { type Test } from 'tap'
import { createJambonzCallCheck, jambonzCallCheck } from '../../src/doctor/jambonz-call.ts'
import { createJambonzDouble } from '../../src/sandbox/jambonz.ts'
import { SECRET } from '../fixtures/build.ts'
import { codes, contextWith, projectWith, run } from '../fixtures/doctor-check.ts'

const TRUNK = { password: 'trunk-password', roomPrefix: 'jb' }

/** A LiveKit project that is set up, and a Jambonz that reaches it over SIP. */
async function stage (t: Test, env: Record<string, string> = {}, trunk: typeof TRUNK | undefined = TRUNK) {
  const { livekit } = await projectWith(t, {
    ...(trunk && { trunk }),
    ringIntervalMs: 50,
    sipTransport: 'udp',
    agents: [{ name: 'demo-agent', joinAfterMs: 1, publishAfterMs: 1 }]
  })
  const jambonz = await createJambonzDouble({ callHook: 'http://127.0.0.1:1/livekit-api', webhookSecret: SECRET })
  t.after(() => jambonz.close())
  const context = contextWith({
    LIVEKIT_URL: livekit.apiUrl,
    LIVEKIT_SIP_HOST: `127.0.0.1:${livekit.sipPort}`,
    LIVEKIT_SIP_TRANSPORT: 'udp',
    JAMBONZ_REST_API_BASE_URL: jambonz.restUrl,
    JAMBONZ_ACCOUNT_SID: jambonz.accountSid,
    JAMBONZ_API_KEY: jambonz.apiKey,
    ...env
  })
  /** Everything is over: no room, no call. */
  async function over (t: Test) {
    t.same(livekit.rooms(), [], 'no room is left')
    await Promise.all(jambonz.calls().map(({ leg }) => jambonz.ended(leg.callSid)))
  }
  return { livekit, jambonz, context, over }
}

await t.test('a call that Jambonz dials reaches its room; nobody answers it, and no hook is invoked', async t => {
  const { jambonz, context, over } = await stage(t)
  t.match(await run(jambonzCallCheck, context), [{
    code: 'jambonz-call-arrives',
    severity: 'ok',
    seen: /in its room after \d+ ms/
  }])
  await over(t)
  t.match(jambonz.calls(), [{ leg: { callStatus: 'no-answer' } }])
  t.same(jambonz.alerts, [])
})

await t.test('what LiveKit refuses it with', async t => {
  const wrong = await stage(t, { LIVEKIT_SIP_PASSWORD: 'another-password' })
  t.match(await run(jambonzCallCheck, wrong.context), [{
    code: 'livekit-refused-credentials',
    severity: 'failed',
    seen: /^Jambonz dialled LiveKit and got 401 /
  }])
  await wrong.over(t)
})

await t.test('a call that rings and arrives nowhere', async t => {
  const { context, livekit } = await stage(t)
  livekit.provision('DeleteSIPDispatchRule', {
    sip_dispatch_rule_id:
      (livekit.provision('ListSIPDispatchRule', {}).items as Array<{ sip_dispatch_rule_id: string }>)[0]!
        .sip_dispatch_rule_id
  })
  t.match(await run(createJambonzCallCheck({ waitMs: 600 }), context), [{
    code: 'jambonz-call-lost',
    severity: 'failed',
    command: 'bridge probe'
  }])
  t.same(livekit.rooms(), [], 'no room is left')
})

await t.test('Jambonz does not place it', async t => {
  const refused = await stage(t, { JAMBONZ_API_KEY: 'another' })
  t.same(codes(await run(jambonzCallCheck, refused.context)), ['jambonz-key-refused'])
  await refused.over(t)
  const gone = await stage(t, { JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:1' })
  t.same(codes(await run(jambonzCallCheck, gone.context)), ['jambonz-unreachable'])
  await gone.over(t)
  const { context } = await stage(t, { JAMBONZ_REST_API_BASE_URL: '', JAMBONZ_ACCOUNT_SID: '', JAMBONZ_API_KEY: '' })
  t.match(await run(jambonzCallCheck, context), [{ code: 'jambonz-not-asked', severity: 'skipped' }])
})

await t.test('interrupted: call and room are over at once', async t => {
  const { context, jambonz, over } = await stage(t)
  const stop = new AbortController()
  jambonz.onCall(() => {
    stop.abort()
  })
  t.same(codes(await run(jambonzCallCheck, context, stop.signal)), [], 'a call that was not waited for is not lost')
  await over(t)
})
