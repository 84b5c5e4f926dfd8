import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { CallApi } from '../../deploy/agent/src/call-api.ts'
import { newsOf, refusalOf } from '../../deploy/agent/src/news.ts'
import { People } from '../../deploy/agent/src/people.ts'
import { Transfers } from '../../deploy/agent/src/transfers.ts'
import type { AgentControl } from '../../src/agent-control.ts'
import {
  TRANSFER_MODES,
  TRANSFER_REASONS,
  TRANSFER_RESULTS,
  TRANSFER_STATES
} from '../../src/calls/fold/vocabulary.ts'
import { controlOfCall } from '../fixtures/agent-control.ts'
import { agentStatus, callerStatus } from '../fixtures/build.ts'
import { project } from '../fixtures/paths.ts'
import { buildTransferBridge, type TransferBridge } from '../fixtures/transfer-bridge.ts'

/*
 * What the example agents do of a call, against the real service over HTTP: everything but the audio.
 */

const PEOPLE = 'sales=+15550003333,abroad=+447700900123'
const PERSON_SID = 'call-1'
const python = spawnSync('python3', ['--version']).status === 0

/** What an agent is asked for, with its arguments. `decide` is what the agent does that consults the person. */
type Asked = ['begin', string, string, string?] | ['complete'] | ['cancel'] | ['heard', string] | ['decide', string]

interface Line {
  /** State, result and reason of a transfer. */
  news?: string
  /** What a model is to do about it. */
  words?: string
  /** What a model hears when something is refused. */
  refused?: string
}

interface Agent {
  ask(...asked: Asked): void
  /** The next line that the agent says. */
  says(): Promise<Line>
}

type StartAgent = (t: Test, control: AgentControl) => Promise<Agent>

/** A queue whose reader waits for what comes. */
function lines () {
  const arrived: Line[] = []
  const waiting: Array<(line: Line) => void> = []
  return {
    push: (line: Line) => {
      const reader = waiting.shift()
      if (reader) reader(line)
      else arrived.push(line)
    },
    next: async () => arrived.shift() ?? new Promise<Line>(resolve => waiting.push(resolve))
  }
}

const inTypeScript: StartAgent = async (t, control) => {
  const said = lines()
  const over = new AbortController()
  t.teardown(() => over.abort())
  const api = new CallApi(control)
  const transfers = new Transfers({
    api,
    people: People.read(PEOPLE),
    over: over.signal,
    onNews (transfer) {
      const { state, result, reason } = transfer
      said.push({ news: [state, result, reason].filter(Boolean).join(' '), words: newsOf(transfer) })
    }
  })
  const run = ([what, ...rest]: Asked): unknown => {
    if (what === 'decide') return api.complete(rest[0]!)
    if (what === 'heard') return transfers.heard(new TextEncoder().encode(rest[0]!), undefined, 'bridge')
    return (transfers[what] as (...rest: unknown[]) => unknown).apply(transfers, rest)
  }
  return {
    ask (...asked) {
      Promise.resolve(run(asked)).catch(error => said.push({ refused: refusalOf(error) }))
    },
    says: said.next
  }
}

const inPython: StartAgent = async (t, control) => {
  const files = ['test/fixtures/agent-driver.py', 'deploy/agent-python'].map(path => fileURLToPath(project(path)))
  const child = spawn('python3', [...files, JSON.stringify(control), PEOPLE], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const said = lines()
  createInterface({ input: child.stdout }).on('line', line => said.push(JSON.parse(line)))
  await said.next()
  return {
    ask: (...asked) => child.stdin.write(`${JSON.stringify(asked)}\n`),
    says: said.next
  }
}

/** A caller who talks with the agent. */
async function stage (t: Test, start: StartAgent) {
  const bridge = await buildTransferBridge(t)
  const address = await bridge.app.listen({ port: 0, host: '127.0.0.1' })
  const startWith = ({ url, token }: AgentControl) =>
    start(t, { url: url.replace(bridge.settings.PUBLIC_URL, address), token })
  const callSid = await bridge.connected()
  const agent = await startWith(controlOfCall(bridge, callSid))
  /** The next news, in which steps of no interest are left out. */
  const until = async (news: string): Promise<Line> => {
    for (;;) {
      const line = await agent.says()
      if (line.refused) throw new Error(line.refused)
      if (line.news === news) return line
    }
  }
  return { bridge, callSid, agent, until, startWith }
}

async function consulted (t: Test, start: StartAgent) {
  const staged = await stage(t, start)
  const { bridge, agent, until } = staged
  agent.ask('begin', 'consult', 'sales', 'Ada asks for a refund.')
  await bridge.personOrder()
  await bridge.consulting(PERSON_SID)
  await until('consulting')
  return staged
}

/** What the agent knows that talks with the person. */
const jobOf = (bridge: TransferBridge): any =>
  [...bridge.rooms.open.values()].map(({ agent }) => JSON.parse(agent.metadata)).find(({ transfer }) => transfer)

/** Jambonz brings the person to the caller. */
async function joins (bridge: TransferBridge): Promise<void> {
  const asked = await bridge.redirected(PERSON_SID)
  await bridge.redirect(asked, callerStatus(PERSON_SID, 'in-progress', 200, { direction: 'outbound' }))
  await bridge.hook('/status', agentStatus(PERSON_SID, 'in-progress', 200, { call_sid: 'join-leg' }))
  await bridge.clock.pass(0)
}

async function behaves (t: Test, start: StartAgent): Promise<void> {
  await t.test('a person is consulted, and joins the caller', async t => {
    const { bridge, agent, until } = await consulted(t, start)
    const order = await bridge.personOrder()
    t.equal(order['to'].number, '+15550003333')
    t.match(jobOf(bridge).transfer, { mode: 'consult', brief: 'Ada asks for a refund.' })
    agent.ask('complete')
    await joins(bridge)
    t.equal((await until('finished bridged completed')).words ?? undefined, undefined, 'nothing is left to say')
  })

  await t.test('the agent that talks with the person decides by its own control', async t => {
    const { bridge, until, startWith } = await consulted(t, start)
    const job = jobOf(bridge)
    const consultant = await startWith(job.control)
    consultant.ask('decide', job.transfer.id)
    await joins(bridge)
    await until('finished bridged completed')
  })

  await t.test('the line is busy, and the agent says so', async t => {
    const { bridge, agent, until } = await stage(t, start)
    agent.ask('begin', 'consult', 'sales', 'Ada asks for a refund.')
    await bridge.personOrder()
    await bridge.person(PERSON_SID, 'busy', 486)
    t.match((await until('finished returned busy')).words, /line is busy/)
  })

  await t.test('a number that the policy forbids is not called, and the agent says so', async t => {
    const { bridge, agent } = await stage(t, start)
    agent.ask('begin', 'consult', 'abroad', 'Ada asks for a refund.')
    t.match(await agent.says(), { refused: /not allowed/ })
    agent.ask('begin', 'blind', '+15550003333')
    t.match(await agent.says(), { refused: /Choose: sales, abroad/ }, 'a number is no name')
    t.same(bridge.placed(), [])
  })

  await t.test('a second transfer has to wait, and the first one can be cancelled', async t => {
    const { bridge, agent, until } = await stage(t, start)
    agent.ask('begin', 'consult', 'sales', 'Ada asks for a refund.')
    await bridge.personOrder()
    await bridge.person(PERSON_SID, 'ringing', 180)
    await until('ringing')
    agent.ask('begin', 'add', 'sales')
    t.match(await agent.says(), { refused: /under way/ })
    agent.ask('cancel')
    await until('finished returned cancelled')
  })

  await t.test('the data messages of the bridge tell the same', async t => {
    const { bridge, agent, until } = await stage(t, start)
    agent.ask('begin', 'add', 'sales')
    await bridge.personOrder()
    await bridge.person(PERSON_SID, 'no-answer', 480)
    await until('finished returned no-answer')
    const [last] = bridge.rooms.sent.slice(-1)
    t.match(last, { topic: 'bridge', payload: /"reason":"no-answer"/ })

    const other = await stage(t, start)
    other.agent.ask('heard', last!.payload)
    t.match(await other.agent.says(), { news: 'finished returned no-answer', words: /Nobody answers/ })
  })

  await t.test('after the call its token is worth nothing', async t => {
    const { bridge, agent, callSid } = await stage(t, start)
    await bridge.hook('/status', callerStatus(callSid, 'completed', 200, { call_termination_by: 'caller' }))
    await bridge.clock.pass(10_000)
    agent.ask('begin', 'add', 'sales')
    t.match(await agent.says(), { refused: /did not do it/ })
  })
}

await t.test('the page for authors names every mode, state, result, reason and tool', async t => {
  const read = (path: string) => readFileSync(project(path), 'utf8')
  const page = read('docs/agents.md')
  for (const mode of TRANSFER_MODES) t.match(page, `| \`${mode}\` |`, mode)
  for (const state of TRANSFER_STATES) t.match(page, `\`${state}\``, state)
  for (const result of TRANSFER_RESULTS) t.match(page, `| \`${result}\` | \``, result)
  for (const reason of TRANSFER_REASONS) t.match(page, `\` | \`${reason}\` |`, reason)

  const inTypeScript = read('deploy/agent/src/tools.ts').matchAll(/^ +(\w+): llm\.tool/gm)
  const inPython = read('deploy/agent-python/tools.py').matchAll(/async def (\w+)\(raw_arguments/g)
  const namesOf = (found: Iterable<RegExpMatchArray>) => [...found].map(([, name = '']) => name).sort()
  const names = namesOf(inTypeScript)
  t.ok(names.length > 8)
  t.same(namesOf(inPython), names)
  for (const name of names) t.match(page, `\`${name}\``, name)
})

await t.test('in TypeScript', t => behaves(t, inTypeScript))
await t.test('in Python', { skip: !python && 'python3 is not installed' }, t => behaves(t, inPython))

await t.test('every file of the Python agent compiles', { skip: !python && 'python3 is not installed' }, async t => {
  const program = 'import ast, pathlib, sys; [ast.parse(p.read_text()) for p in pathlib.Path(sys.argv[1]).glob("*.py")]'
  const { status, stderr } = spawnSync('python3', ['-c', program, fileURLToPath(project('deploy/agent-python'))])
  t.equal(status, 0, String(stderr))
})
