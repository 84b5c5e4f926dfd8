import { Writable } from 'node:stream'
import t from 'tap'
import { doctor } from '../../src/cli/doctor.ts'
import { loadSettings, readEnvironment } from '../../src/config.ts'
import { runDemo } from '../../src/sandbox/demo.ts'
import { createLogger, startBridge } from '../../src/server.ts'

await t.test("the demo's calls over real sockets end as announced", async t => {
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

await t.test("bridge doctor finds nothing wrong with the settings in the demo's folder", async t => {
  const stop = new AbortController()
  let shown = ''
  let said: { code: number, text: string } | undefined
  const out = {
    write (text: string) {
      shown += text
      const folder = /doctor {3}\(cd (\S+) && bridge doctor\)/.exec(text)?.[1]
      if (folder === undefined) return
      const lines: string[] = []
      const env = readEnvironment({}, `${folder}/.env`)
      doctor([], { env, out: line => lines.push(line), err () {} }).then(code => {
        said = { code, text: lines.join('\n') }
      }).finally(() => stop.abort()).catch(t.threw)
    }
  }
  const code = await runDemo({
    out,
    once: false,
    command: 'bridge',
    env: { NO_COLOR: '1' },
    signal: stop.signal,
    startBridge: env => startBridge(loadSettings(env), createLogger('silent'))
  })
  t.equal(code, 0)
  t.equal(said?.code, 0, said?.text ?? '')
  t.match(said?.text, /\d+ ok, 1 skipped\./, 'Redis is not used, and nothing else is left to say')
  t.match(shown, /407 asks for the password/)
})

await t.test('the demo ends quietly when the reader of its output is gone', async t => {
  let lines = 0
  const listeners: Array<(error: NodeJS.ErrnoException) => void> = []
  const out = {
    write () {
      if (++lines === 10) for (const fn of listeners) fn(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    },
    on: (_event: 'error', listener: (error: NodeJS.ErrnoException) => void) => listeners.push(listener)
  }
  const code = await runDemo({
    out,
    once: true,
    env: {},
    startBridge: env => startBridge(loadSettings(env), createLogger('silent'))
  })
  t.equal(code, 0)
  t.equal(lines, 10, 'and writes nothing more')
})
