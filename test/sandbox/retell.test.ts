import t, { type Test } from 'tap'
import { openRtp } from '../../src/sip/rtp.ts'
import { buildSdp, parseSdp } from '../../src/sip/sdp.ts'
import { createUserAgent } from '../../src/sip/user-agent.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { AGENT, KEY, retellWith } from '../retell/support.ts'

type Options = Parameters<typeof retellWith>[1]

/** A Retell double, and a phone that calls its ids. */
async function stageWith (t: Test, options: Options = {}) {
  const { retell } = await retellWith(t, options)
  const phone = await createUserAgent()
  t.teardown(() => phone.close())

  async function register (): Promise<string> {
    const reply = await fetch(`${retell.apiUrl}/v2/register-phone-call`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ agent_id: AGENT })
    })
    t.equal(reply.status, 201)
    return (await reply.json() as { call_id: string }).call_id
  }
  const call = (user: string, body = buildSdp({ ip: '127.0.0.1', port: 9 })) =>
    phone.invite(`sip:${user}@${retell.sipHost};transport=tcp`, { from: '+15550001111', body })
  return { retell, phone, register, call }
}

await t.test('an id leads to an agent once', async t => {
  const { retell, register, call } = await stageWith(t)
  const id = await register()
  const first = call(id)
  t.equal((await first.final).status, 200)
  t.equal((await call(id).final).status, 404, 'not twice')
  t.equal((await call('call_000000000000000000000000000').final).status, 404, 'nor does any other')

  const bye = new Promise(resolve => first.onBye(resolve))
  await retell.hangUp(id)
  await bye
  await t.rejects(retell.hangUp(id))
})

await t.test('an id is valid for five minutes', async t => {
  const clock = createTestClock()
  const { register, call } = await stageWith(t, { clock })
  const [early, late] = [await register(), await register()]
  await clock.pass(5 * 60_000 - 1)
  const answered = call(early)
  // The double answers once its clock goes on.
  while (answered.state !== 'answered') await clock.pass(0)
  await clock.pass(1)
  t.equal((await call(late).final).status, 404)
})

await t.test('a caller who gives up, a refusal, and an offer without a common codec', async t => {
  const { retell, register, call } = await stageWith(t)
  retell.faults.sip = 'silent'
  const given = call(await register())
  await new Promise<void>(resolve => {
    given.onProvisional(({ status }) => {
      if (status === 180) resolve()
    })
  })
  given.cancel()
  t.equal((await given.final).status, 487)

  retell.faults.sip = 486
  t.equal((await call(await register()).final).status, 486)

  retell.faults.sip = 'ok'
  const opus = buildSdp({ ip: '127.0.0.1', port: 9, codecs: [{ payload: 111, name: 'opus', rate: 48_000 }] })
  t.equal((await call(await register(), opus).final).status, 488)
})

await t.test('an answered caller hears a tone', async t => {
  const { register, call } = await stageWith(t, { media: 'tone' })
  const rtp = await openRtp({ host: '127.0.0.1' })
  t.teardown(() => rtp.close())
  const answered = call(await register(), buildSdp({ ip: '127.0.0.1', port: rtp.port }))
  const { status, body } = await answered.final
  t.equal(status, 200)
  const answer = parseSdp(body)!
  rtp.start({ host: answer.ip, port: answer.port }, { name: 'PCMU', payload: 0 })
  while (rtp.stats.audible === 0) await new Promise(resolve => setImmediate(resolve))
  t.equal(rtp.stats.from, `127.0.0.1:${answer.port}`)
  t.equal((await answered.bye()).status, 200)
})
