import t, { type Test } from 'tap'
import { loadSettings } from '../../src/config.ts'
import { doctorContext } from '../../src/doctor/context.ts'
import { outboundPairCheck } from '../../src/doctor/outbound-pair.ts'
import { runChecks } from '../../src/doctor/run.ts'
import { readOnce } from '../../src/routing/file/read-once.ts'
import { setAgentStage, type AgentStage } from '../fixtures/agent-stage.ts'

/** What the check finds, as `severity code`. */
async function found (t: Test, { env }: AgentStage, extra: Record<string, string> = {}): Promise<string[]> {
  const settings = loadSettings({ ...env, ...extra })
  const routes = await readOnce(settings.ROUTES_FILE, () => undefined)
  const [result] = await runChecks([outboundPairCheck], doctorContext(settings, { routes }))
  for (const { severity, todo } of result!.findings) t.ok(severity === 'ok' || todo, 'says what to do')
  return result!.findings.map(({ severity, code }) => `${severity} ${code}`)
}

const changeTrunk = ({ livekit }: AgentStage, sipTrunkId: string, update: object) => {
  livekit.provision('UpdateSIPOutboundTrunk', { sip_trunk_id: sipTrunkId, update } as never)
}

async function changeCarrier (t: Test, { jambonz }: AgentStage, change: object): Promise<void> {
  const ask = async (method: string, path: string, body?: object) =>
    await fetch(`${jambonz.restUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${jambonz.apiKey}` },
      ...(body && { body: JSON.stringify(body) })
    })
  const carriers = await (await ask('GET', '/VoipCarriers')).json() as Array<Record<string, string>>
  const ours = carriers.find(({ name }) => name === 'livekit-out')!
  t.equal((await ask('PUT', `/VoipCarriers/${ours['voip_carrier_sid']}`, change)).status, 204)
}

await t.test('the doctor checks what agents call out with', async t => {
  const stage = await setAgentStage(t)
  t.same(await found(t, stage), ['skipped agents-call-out'], 'nobody asked for it yet')
  const trunk = await stage.trunk()
  t.same(await found(t, stage), ['ok agents-call-out'])

  changeTrunk(stage, trunk, { address: '203.0.113.7', auth_password: 'other' })
  t.same(await found(t, stage), ['failed outbound-trunk-address', 'failed outbound-credentials'])
  await stage.provision('--yes')
  t.same(await found(t, stage), ['ok agents-call-out'])

  await changeCarrier(t, stage, { is_active: 0, application_sid: 'another' })
  t.same(await found(t, stage), ['failed outbound-carrier-inactive', 'failed outbound-carrier-application'])
  await changeCarrier(t, stage, { trunk_type: 'static_ip' })
  t.ok((await found(t, stage)).includes('failed outbound-carrier-type'))
})

await t.test('what the calls need beside is checked too', async t => {
  const stage = await setAgentStage(t, { policy: '{ allow: [] }' })
  await stage.trunk()
  t.same(await found(t, stage), ['failed policy-none'])
  t.same(await found(t, stage, { ROUTES_FILE: '' }), [
    'failed outbound-no-numbers',
    'warning outbound-trunk-numbers',
    'failed policy-none'
  ])
  await changeCarrier(t, stage, { trunk_type: 'static_ip', name: 'Second' })
  t.ok((await found(t, stage)).includes('failed outbound-no-carrier'), 'several carriers, and none is named')
  t.notOk((await found(t, stage, { OUTBOUND_CARRIER: 'MyCarrier' })).includes('failed outbound-no-carrier'))
})

await t.test('without the REST settings nothing is checked, and a key that is refused is said', async t => {
  const stage = await setAgentStage(t)
  const none = { JAMBONZ_REST_API_BASE_URL: '', JAMBONZ_ACCOUNT_SID: '', JAMBONZ_API_KEY: '' }
  t.same(await found(t, stage, none), ['skipped agents-call-out'])
  t.same(await found(t, stage, { JAMBONZ_API_KEY: 'wrong' }), ['failed jambonz-key-refused'])
})
