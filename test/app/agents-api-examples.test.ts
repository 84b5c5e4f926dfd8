import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { controlOfCall } from '../fixtures/agent-control.ts'
import { agentStatus, buildTestBridge, callHook, callerStatus } from '../fixtures/build.ts'
import { project } from '../fixtures/paths.ts'
import { listen } from '../routes/support.ts'

/*
 * The examples of docs/agents.md that control a call are run as they are.
 */

const [, section = ''] = /## Controlling the call\n([\s\S]*?)\n## /.exec(readFileSync(project('docs/agents.md'), 'utf8'))!
const example = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(section)![1]!
const python = spawnSync('python3', ['--version']).status === 0

/** A call that is answered. Resolves with the job metadata, and with what Jambonz was asked. */
async function answeredCall (t: Test) {
  const digits: string[] = []
  const bridge = await buildTestBridge(t, {
    JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/api',
    JAMBONZ_ACCOUNT_SID: '11111111-1111-4111-8111-111111111111',
    JAMBONZ_API_KEY: 'api-key'
  }, {
    restSender: {
      async send ({ body }) {
        const { dtmf } = body as { dtmf?: { digit: string } }
        if (dtmf) digits.push(dtmf.digit)
        return { status: 202, headers: {}, text: 'Accepted' }
      },
      close: async () => {}
    }
  })
  const port = await listen(bridge)
  bridge.rooms.present = () => ({ sip: { sid: 'PA_1' }, agent: { identity: 'agent', audio: true } })
  const hook = callHook()
  const callSid: string = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', agentStatus(callSid, 'in-progress', 200))
  await bridge.hook('/status', callerStatus(callSid, 'in-progress', 200))
  const { url, token } = controlOfCall(bridge, callSid)
  const control = { url: url.replace(/^https:\/\/[^/]+/, `http://127.0.0.1:${port}`), token }

  return {
    digits,
    metadata: JSON.stringify({ v: 1, control }),
    /** Lets the time of the bridge pass while the example runs, faster than that of this machine. */
    async during<T> (work: Promise<T>): Promise<T> {
      const over: unknown[] = []
      work.then(() => over.push(true), error => over.push(error))
      while (over.length === 0) {
        await bridge.clock.pass(50)
        await sleep(5)
      }
      return work
    },
    hungUp: async () => (await bridge.operator('GET', `/calls/${callSid}`)).json.events
      .filter(({ what }: { what: string }) => what === 'hang-up')
  }
}

const SENT = ['1', '2', '3', '4', '#']

await t.test('in TypeScript', async t => {
  const call = await answeredCall(t)
  const code = ts.transpileModule(example('ts'), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext }
  }).outputText
  const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (ctx: object) => Promise<unknown>
  await call.during(new AsyncFunction('ctx', code)({ job: { metadata: call.metadata } }))
  t.same(call.digits, SENT)
  t.match(await call.hungUp(), [{ from: 'agent' }])
})

await t.test('in Python', { skip: python ? false : 'there is no python3' }, async t => {
  const call = await answeredCall(t)
  const job = 'import sys, types\nctx = types.SimpleNamespace(job=types.SimpleNamespace(metadata=sys.argv[1]))\n'
  const args = ['-c', job + example('python'), call.metadata]
  const child = spawn('python3', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [code] = await call.during(once(child, 'exit'))
  t.equal(code, 0)
  t.same(call.digits, SENT)
  t.match(await call.hungUp(), [{ from: 'agent' }])
})
