import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ENV } from './fixtures/build.ts'
import { project } from './fixtures/paths.ts'

const CLI = fileURLToPath(new URL('../src/cli.js', import.meta.url))
const SERVE = {
  ...ENV,
  HOST: '127.0.0.1',
  PORT: '0',
  LIVEKIT_URL: 'http://127.0.0.1:1',
  DRAIN_DELAY_S: '0.2',
  SHUTDOWN_TIMEOUT_S: '5'
}

interface Process {
  child: ChildProcess
  out(): string
  err(): string
  /** Resolves with the exit code. */
  exited: Promise<number | null>
  /** Resolves when standard output has this text. */
  said(text: string): Promise<void>
}

/** The command line in an empty directory of its own, with nothing but these variables. */
function bridge (t: Test, args: string[], env: Record<string, string> = {}, dotenv?: string): Process {
  const cwd = mkdtempSync(join(tmpdir(), 'bridge-'))
  if (dotenv !== undefined) writeFileSync(join(cwd, '.env'), dotenv)
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    err += chunk
  })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(cwd, { recursive: true })
  })
  return {
    child,
    out: () => out,
    err: () => err,
    exited,
    async said (text) {
      while (!out.includes(text)) {
        if (
          await Promise.race([once(child.stdout, 'data').then(() => false), exited.then(() => true)]) &&
          !out.includes(text)
        ) throw new Error(`It ended without having said ${text}: ${out}${err}`)
      }
    }
  }
}

const portOf = ({ out }: Process): number => Number(/listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(out())?.[1])

// Most of the time is spent starting Node.js: a few at once.
t.jobs = 3
await Promise.all([
  t.test('help and version', async t => {
    const [help, version] = [bridge(t, ['serve', '--help']), bridge(t, ['--version'])]
    t.equal(await help.exited, 0)
    t.match(help.out(), /Usage: bridge <command>[^]*serve[^]*demo/)
    t.equal(help.err(), '')
    t.equal(await version.exited, 0)
    t.equal(
      version.out().trim(),
      (JSON.parse(readFileSync(project('package.json'), 'utf8')) as { version: string }).version
    )
  }),
  t.test('what it does not understand: said with the usage, exit code 1', async t => {
    const wrong: Array<[args: string[], says: RegExp]> = [[['fly'], /Unknown command: fly/], [['--loud'], /--loud/]]
    await Promise.all(wrong.map(async ([args, says]) => {
      const run = bridge(t, args, SERVE)
      t.equal(await run.exited, 1, args.join(' '))
      t.match(run.err(), says)
      t.match(run.err(), /Usage: bridge <command>/)
      t.equal(run.out(), '')
      t.notMatch(run.err(), /^\s+at /m, 'no stack')
    }))
  }),
  t.test('settings that do not do: exit code 1 with every problem', async t => {
    const run = bridge(t, [], { PORT: 'abc', OPERATOR_TOKEN: 'hunter2' })
    t.equal(await run.exited, 1)
    for (
      const name of [
        'PORT',
        'OPERATOR_TOKEN',
        'PUBLIC_URL',
        'LIVEKIT_URL',
        'LIVEKIT_API_KEY',
        'LIVEKIT_API_SECRET',
        'LIVEKIT_SIP_HOST',
        'LIVEKIT_AGENT_NAME',
        'JAMBONZ_WEBHOOK_SECRET'
      ]
    ) t.match(run.err(), new RegExp(`^ {2}- ${name} .*Example: `, 'm'), name)
    t.equal(run.out(), '')
    t.notMatch(run.err(), /^\s+at /m, 'no stack')
    t.notMatch(run.err(), 'hunter2')
  }),
  t.test('a port that is taken: said clearly, exit code 1', async t => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const run = bridge(t, ['serve'], { ...SERVE, PORT: String(port) })
    t.equal(await run.exited, 1)
    t.match(run.err(), new RegExp(`Cannot listen: .*EADDRINUSE.*:${port}[^]*Set PORT and HOST`))
    t.notMatch(run.err(), /^\s+at /m, 'no stack')
  }),
  t.test('serves with settings from .env until SIGTERM, then ends with 0', async t => {
    const run = bridge(t, [], {}, Object.entries(SERVE).map(([name, value]) => `${name}=${value}\n`).join(''))
    await run.said('listening at')
    t.equal((await fetch(`http://127.0.0.1:${portOf(run)}/health/ready`)).status, 200)
    run.child.kill('SIGTERM')
    t.equal(await run.exited, 0)
    t.match(run.out(), '"msg":"closing"')
    for (const line of run.out().trim().split('\n')) t.doesNotThrow(() => JSON.parse(line), 'JSON lines')
  }),
  t.test('a routes file that cannot be used: every problem with its place, exit code 1', async t => {
    const wrong = 'version: 1\nroutes:\n  - name: a\n    conect: [{ agent: a }]\n  - name: b\n    when: { too: 1 }\n'
    const file = join(t.testdir({ 'routes.yaml': wrong }), 'routes.yaml')
    const run = bridge(t, ['serve'], { ...SERVE, ROUTES_FILE: file })
    t.equal(await run.exited, 1)
    t.match(run.err(), /^The routes file cannot be used:\n {2}- \S+routes\.yaml:4:5 /)
    t.match(run.err(), /^ {2}- \S+routes\.yaml:6:13 /m)
    t.notMatch(run.err(), /^\s+at /m, 'no stack')
    t.notMatch(run.out(), 'listening')
  }),
  t.test('SIGHUP has the routes file read again, and ends nothing', async t => {
    const routes = (name: string) => `version: 1\nroutes: [{ name: ${name}, connect: [{ agent: a }] }]\n`
    const file = join(t.testdir({ 'routes.yaml': routes('one') }), 'routes.yaml')
    const run = bridge(t, ['serve'], { ...SERVE, ROUTES_FILE: file, LOG_LEVEL: 'debug' })
    await run.said('listening at')
    run.child.kill('SIGHUP')
    await run.said('the routes file says what it said before')
    writeFileSync(file, 'version: 1\nroutes: oops\n')
    run.child.kill('SIGHUP')
    await run.said('the routes that were read before stay in force')
    t.equal((await fetch(`http://127.0.0.1:${portOf(run)}/health/ready`)).status, 200)
    run.child.kill('SIGTERM')
    t.equal(await run.exited, 0)
  }),
  t.test('misspelt names of settings are warned of in the log', async t => {
    const run = bridge(t, [], { ...SERVE, MAX_CALL: '10' })
    await run.said('listening at')
    t.match(run.out(), /"level":40.*MAX_CALL is not a setting.*Did you mean MAX_CALLS/)
  }),
  t.test('an unexpected error ends the process at once, without draining, with exit code 1', async t => {
    const throwing = "process.on('SIGUSR2', () => { throw new Error('unexpected') })"
    const run = bridge(t, [], {
      ...SERVE,
      DRAIN_DELAY_S: '3',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(throwing)}`
    })
    await run.said('listening at')
    run.child.kill('SIGUSR2')
    t.equal(await run.exited, 1)
    t.match(run.out(), /"level":60.*unexpected error/)
    t.match(run.out(), '"msg":"closing"')
    t.notMatch(run.out(), 'calls are still connected')
  }),
  t.test('a connection that never ends does not keep it beyond SHUTDOWN_TIMEOUT_S', async t => {
    const run = bridge(t, [], { ...SERVE, SHUTDOWN_TIMEOUT_S: '1' })
    await run.said('listening at')
    const socket = connect(portOf(run), '127.0.0.1').on('error', () => {})
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    socket.write('POST /livekit-api HTTP/1.1\r\nhost: bridge\r\ncontent-length: 100\r\n\r\n{')
    t.equal((await fetch(`http://127.0.0.1:${portOf(run)}/health/ready`)).status, 200)
    run.child.kill('SIGTERM')
    const code = await run.exited
    t.type(code, 'number', 'it ended by itself')
  })
])
