import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { PUBLICATIONS } from '../../src/calls/fold/publications.ts'
import { systemClock } from '../../src/clock.ts'
import { ENDED } from '../../src/events/examples.ts'
import { createSender } from '../../src/events/sender.ts'
import { project } from '../fixtures/paths.ts'
import { freePort } from '../fixtures/redis-server.ts'

/*
 * The receivers in docs/events are started as they are, and get what the bridge sends.
 */

const [SECRET, NEXT_SECRET] = ['a', 'b'].map(letter => `whsec_${Buffer.from(letter.repeat(32)).toString('base64')}`)
const python = spawnSync('python3', ['--version']).status === 0
const MESSAGE = { id: ENDED.id, body: JSON.stringify(ENDED) }

/** Starts a receiver, and returns the lines that it prints from then on. */
async function run (t: Test, command: string, args: string[]) {
  const port = await freePort()
  const env = { ...process.env, EVENTS_SECRET: SECRET, PORT: String(port) }
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  t.equal((await lines.next()).value, 'listening')
  return { url: `http://127.0.0.1:${port}/`, lines }
}

async function behaves (t: Test, command: string, args: string[]): Promise<void> {
  const { url, lines } = await run(t, command, args)
  let lateMs = 0
  const clock = { ...systemClock, now: () => Date.now() - lateMs }
  const sender = createSender({ timeoutMs: 15_000, connections: 1, allowPrivate: true, version: '1', clock })
  t.teardown(() => sender.close())
  const send = async (secrets: string[], message = MESSAGE) => {
    const sent = await sender.send({ id: 'r', url, origin: url, secrets }, message)
    return sent.ok ? sent.status : sent.detail
  }

  t.equal(await send([NEXT_SECRET!]), 'HTTP 400', 'another secret')
  lateMs = 310_000
  t.equal(await send([SECRET!]), 'HTTP 400', 'an old one')
  lateMs = 0
  t.equal(await send([SECRET!], { id: 'other', body: '{' }), 'HTTP 400', 'no JSON')
  const headers = { 'webhook-id': 'x', 'webhook-timestamp': 'now', 'webhook-signature': '' }
  t.equal((await fetch(url, { method: 'POST', headers, body: MESSAGE.body })).status, 400, 'no signature')
  t.equal(await send([SECRET!]), 204)
  t.equal(await send([SECRET!]), 204, 'a repeat')
  t.equal(await send([NEXT_SECRET!, SECRET!], { ...MESSAGE, id: 'rotated' }), 204, 'one of two signatures')
  const next = { ...ENDED, id: 'next', type: 'call.answered' }
  t.equal(await send([SECRET!], { id: 'next', body: JSON.stringify(next) }), 204)
  const { callSid, end } = ENDED.data
  t.equal((await lines.next()).value, `call.ended ${callSid} ${end!.summary}`)
  t.match((await lines.next()).value, /^call\.answered /, 'each event once')
}

await t.test('in TypeScript', async t => {
  const source = await readFile(project('docs/events/receiver.ts'), 'utf8')
  const folder = await mkdtemp(join(tmpdir(), 'bridge-receiver-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  await writeFile(join(folder, 'receiver.mjs'), ts.transpileModule(source, { compilerOptions }).outputText)
  await symlink(fileURLToPath(project('node_modules')), join(folder, 'node_modules'))
  await behaves(t, process.execPath, [join(folder, 'receiver.mjs')])
})

await t.test('in Python', { skip: !python && 'python3 is not installed' }, async t => {
  await behaves(t, 'python3', [fileURLToPath(project('docs/events/receiver.py'))])
})

await t.test('the page shows the recorded example, every event, and the receivers', async t => {
  const page = await readFile(project('docs/events.md'), 'utf8')
  const [, json = '{}'] = /```json\n(.*?)```/s.exec(page) ?? []
  t.same(JSON.parse(json), ENDED)
  for (const type of PUBLICATIONS) t.ok(page.includes(`| \`${type}\` |`), type)
  for (const name of ['receiver.ts', 'receiver.py']) t.ok(page.includes(`(events/${name})`), name)
})
