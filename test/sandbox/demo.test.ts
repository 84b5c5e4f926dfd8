import { Writable } from 'node:stream'
import t from 'tap'
import { loadSettings } from '../../src/config.ts'
import { runDemo } from '../../src/sandbox/demo.ts'
import { createLogger, startBridge } from '../../src/server.ts'

await t.test("the demo's calls, over real sockets, end as announced", async t => {
  let shown = ''
  const out = Object.assign(
    new Writable({
      write (chunk, _encoding, done) {
        shown += String(chunk)
        done()
      }
    }),
    { isTTY: false, columns: 120 }
  )
  const code = await runDemo({
    out: out as never,
    once: true,
    env: { NO_COLOR: '1' },
    startBridge: env => startBridge(loadSettings(env), createLogger('silent'))
  })
  t.equal(code, 0)
  for (const cause of ['agent-hung-up', 'caller-gave-up', 'no-agent']) {
    t.match(shown, new RegExp(`✓ announced ${cause}, the bridge says ${cause}`))
  }
  t.match(shown, /POST \/livekit-api/)
  t.match(shown, /CreateRoom/)
  t.match(shown, /180 Ringing/)
  t.match(shown, /\/docs/, 'says where the OpenAPI page is')
  t.notMatch(shown, /sip:c[a-z2-7]{26}@/, 'no whole token is shown')
})
