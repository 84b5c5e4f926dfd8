import t from 'tap'
import { buildTestBridge, ENV } from '../fixtures/build.ts'

await t.test('ways read variables of the environment, and never the settings of the bridge', async t => {
  const env = { ...ENV, WEBHOOK_SECRET: 'x', PBX_PASSWORD: 'hunter2', PBX_EMPTY: '' }
  const { app } = await buildTestBridge(t, {}, { env })
  t.equal(app.secretOf('PBX_PASSWORD'), 'hunter2')
  for (const name of ['LIVEKIT_API_SECRET', 'LIVEKIT_SIP_PASSWORD', 'OPERATOR_TOKEN', 'WEBHOOK_SECRET', 'PBX_EMPTY']) {
    t.equal(app.secretOf(name), undefined, name)
  }
})
