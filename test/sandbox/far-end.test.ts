import t from 'tap'
import type { Test } from 'tap'
import { createFarEnd } from '../../src/sandbox/far-end.ts'
import { header } from '../../src/sip/message.ts'
import { dialVerbs, lines, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received } from '../fixtures/jambonz/stand-in.ts'

async function farEnd (t: Test, options: Parameters<typeof createFarEnd>[0]) {
  const far = await createFarEnd(options)
  t.teardown(() => far.close())
  return far
}
const toCarrier = (trunk: string) => ({ target: [{ type: 'phone', number: '+15551230009', trunk }] })
const callHookOf = (more: object) => ({ path }: Received, at: { url: string, farHost: string }) =>
  ({ body: path === '/livekit-api' ? dialVerbs(at, more) : [] })

await t.test('each carrier is a far end of its own', async t => {
  const gateways: Record<string, string> = {}
  const carriers: [string, object, object, string][] = [
    ['Busy', { status: 486, ringMs: 1 }, {}, 'busy/486'],
    ['Unknown', { status: 404 }, {}, 'failed/404'],
    ['Silent', {}, { timeout: 0.1 }, 'no-answer/487'],
    ['Announces', { status: 404, ringMs: 1, earlyMedia: true }, {}, 'failed/404'],
    ['Answers', { status: 200, ringMs: 1, hangUpAfterMs: 1 }, {}, 'completed/200']
  ]
  for (const [name, behaviour] of carriers) gateways[name] = (await farEnd(t, { behaviour })).host
  for (const [name, , more, outcome] of carriers) {
    const stage = await setStage(t, {
      double: { gateways },
      reply: callHookOf({ ...toCarrier(name), callerId: '+15550002222', ...more })
    })
    await stage.call().final
    await stage.over()
    const action = lines(stage.standIn.requests).hooks.at(-1)
    t.ok(action?.endsWith(`dial ${outcome}`), `${name}: ${action}`)
    t.equal(lines(stage.standIn.requests).statuses.includes('/status B early-media/183'), name === 'Announces')
  }
})

await t.test('a carrier that the account does not have is ignored: the call goes by another', async t => {
  const other = await farEnd(t, { behaviour: { status: 404 } })
  const stage = await setStage(t, { double: { gateways: { Other: other.host } }, reply: callHookOf(toCarrier('Typo')) })
  await stage.call().final
  await stage.over()
  t.equal(other.calls.length, 1)
})

await t.test('without any carrier the dial fails with 603', async t => {
  const stage = await setStage(t, { reply: callHookOf(toCarrier('Typo')) })
  await stage.call().final
  await stage.over()
  t.equal(lines(stage.standIn.requests).hooks.at(-1), '/action A trying/100 dial failed/603')
})

await t.test('a SIP address is dialled with credentials, on the transport that it names', async t => {
  const far = await farEnd(t, {
    behaviour: { status: 486 },
    auth: { username: 'bob', password: 'secret' },
    transport: 'tcp'
  })
  const dialled = async (auth?: object) => {
    const sipUri = `sip:desk@${far.host};transport=tcp`
    const stage = await setStage(t, {
      reply: callHookOf({ callerId: '+15550002222', target: [{ type: 'sip', sipUri, ...auth && { auth } }] })
    })
    await stage.call().final
    await stage.over()
    return lines(stage.standIn.requests).hooks.at(-1)
  }
  t.equal(await dialled({ username: 'bob', password: 'secret' }), '/action A trying/100 dial busy/486')
  t.match(header(far.calls[0]!.request, 'From'), /sip:\+15550002222@/)
  t.equal(await dialled({ username: 'bob', password: 'wrong' }), '/action A trying/100 dial failed/403')
  t.equal(await dialled(), '/action A trying/100 dial failed/401')
  t.equal(far.calls.length, 1, 'only the admitted call arrived')
})
