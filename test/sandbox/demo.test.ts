import { Writable } from 'node:stream'
import t from 'tap'
import { doctor } from '../../src/cli/doctor.ts'
import { routes } from '../../src/cli/routes.ts'
import { loadSettings, readEnvironment } from '../../src/config.ts'
import { DEMO_CALLS } from '../../src/sandbox/demo-calls.ts'
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
  t.match(shown, /✓ announced no-agent, then agent-hung-up, the bridge says no-agent, then agent-hung-up \(by agent\)/)
  t.match(shown, /attempt 1: day-desk, no-agent\n +attempt 2: night-desk, agent-hung-up/)
  t.match(shown, /\{ agent: day-desk, ring: 3s \}/, 'shows the route that decides')
  t.match(shown, /the bridge says person-hung-up \(by person, transfer bridged \(completed\)\)/)
  t.match(shown, /the bridge says agent-hung-up \(by agent, transfer returned \(busy\)\)/)
  t.equal(shown.match(/─ CreateRoom ─/g)?.length, 10, 'one room for every attempt, and one for every consultation')
  t.match(shown, /8 of 8 calls ended as announced/)
  t.match(shown, /POST \/livekit-api/)
  const warm = shown.slice(shown.indexOf('2. The same call'), shown.indexOf('3. The agent is slow'))
  t.match(warm, /agent: concierge, warm: 1/, 'shows the route that keeps an agent waiting')
  t.match(warm, /INVITE.*POST \/livekit-api.*INVITE.*participant_joined SIP.*200 OK.*UpdateRoomMetadata|UpdateRoomMetadata.*200 OK/s)
  t.notMatch(warm, /CreateRoom|job /, 'no room is made for the call')
  const [coldMs, warmMs] = [...shown.matchAll(/answered (\d+) ms after the INVITE/g)].map(([, ms]) => Number(ms))
  t.ok(coldMs! > 300, 'the first agent comes and publishes within 300 ms')
  t.ok(warmMs! < coldMs!, 'the one that waits is there')
  t.match(warm, new RegExp(`answered ${warmMs} ms after the INVITE, instead of ${coldMs} ms`))
  const consulted = shown.slice(shown.indexOf('7. The agent calls a colleague'))
  t.match(consulted, /caller +person +jambonz/, 'the person has a lifeline')
  t.match(
    consulted,
    /POST transfers.*createCall.*180 Ringing.*200 OK.*POST transfers\/…\/complete.*POST \/redirect.*DeleteRoom/s
  )
  const ordered = shown.slice(shown.indexOf('POST /calls {'))
  t.match(ordered, /createCall.*201 createCall.*180 Ringing.*CreateRoom.*publishes audio.*callee-leg in-progress/s)
  t.match(ordered, /phone +jambonz +bridge/, 'the agent waits when the phone is answered')
  t.match(shown, /CreateRoom/)
  t.match(shown, /180 Ringing/)
  t.match(shown, /\/docs/, 'says where the OpenAPI page is')
  t.notMatch(shown, /sip:c[a-z2-7]{26}@/, 'no whole token is shown')
})

await t.test("the commands find the demo's bridge and routes from its folder, and the missing agent", async t => {
  const stop = new AbortController()
  let shown = ''
  let said: { code: number, text: string } | undefined
  let route = ''
  const out = {
    write (text: string) {
      shown += text
      const folder = /doctor {3}\(cd (\S+) && bridge doctor\)/.exec(text)?.[1]
      if (folder === undefined) return
      const lines: string[] = []
      const env = readEnvironment({}, `${folder}/.env`)
      doctor([], { env, out: line => lines.push(line), err () {} }).then(async code => {
        said = { code, text: lines.join('\n') }
        const io = { env, out: (line: string) => { route += line }, err () {}, stdin: (async function * () {})() }
        await routes(['test', '--to', '+15551230001'], io)
      }).finally(() => stop.abort()).catch(t.threw)
    }
  }
  const code = await runDemo({
    out,
    calls: DEMO_CALLS.slice(4, 5),
    once: false,
    command: 'bridge',
    env: { NO_COLOR: '1' },
    signal: stop.signal,
    startBridge: env => startBridge(loadSettings(env), createLogger('silent'))
  })
  t.equal(code, 0)
  t.equal(said?.code, 1, said?.text ?? '')
  t.match(said?.text, /No worker took the job of agent day-desk/, 'the one that does not come in the last call')
  t.match(said?.text, /\d+ ok, 1 failed, 2 skipped\./, 'without Redis and calls of agents, nothing else is left to say')
  t.match(shown, /407 asks for the password/)
  t.match(shown, /routes {3}\(cd \S+ && bridge routes test --to \+15551230001\)/)
  t.match(route, /day-desk.*night-desk/s, 'and bridge routes test shows the route of the last call')
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
