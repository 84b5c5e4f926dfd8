import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { loadSettings } from '../../src/config.ts'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import { createLogger, startBridge } from '../../src/server.ts'
import { API_KEY, API_SECRET, ENV } from '../fixtures/build.ts'

async function until (isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) await sleep(20)
}

await t.test('over HTTP: agents wait, one that leaves is replaced, and none is left at the end', async t => {
  const livekit = await createLiveKitDouble({
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    agents: [{ name: 'demo-agent', joinAfterMs: 30 }]
  })
  t.teardown(() => livekit.close())
  const settings = loadSettings({
    ...ENV,
    LIVEKIT_URL: livekit.apiUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DRAIN_DELAY_S: '0',
    SHUTDOWN_TIMEOUT_S: '10',
    WARM_AGENTS: '3',
    WARM_AGENTS_PER_S: '50'
  })
  const bridge = await startBridge(settings, createLogger('silent'))
  t.teardown(() => bridge.close())
  livekit.webhookUrls.push(`${bridge.url}/livekit-events`)
  const ready = async () => {
    const metrics = await (await fetch(`${bridge.url}/metrics`)).text()
    return Number(/^bridge_warm_rooms\{agent="demo-agent",state="ready"\} (\d+)$/m.exec(metrics)?.[1])
  }
  await until(async () => await ready() === 3)
  const names = livekit.rooms().map(({ room }) => String(room['name']))
  t.ok(names.length >= 3 && names.every(name => /^jb_c[a-z2-7]{26}$/.test(name)), names.join())

  livekit.agentsLeave(names[0]!)
  await until(async () => livekit.room(names[0]!) === undefined && await ready() === 3)
  await bridge.close()
  t.same(livekit.rooms(), [])
})
