import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Usage } from './probe.ts'

/** The project. This file runs compiled, from bench/dist. */
export const ROOT = new URL('../../', import.meta.url)

export interface Service {
  readonly name: string
  readonly port: number
  readonly url: string
  stop(): Promise<void>
}

/** A Node process that can be asked what it used. */
export interface MeasuredService extends Service {
  usage(after?: 'gc'): Promise<Usage>
}

const running = new Set<ChildProcess>()
let directory: string | undefined

/** A directory for logs, gone at the end. */
export const scratch = (): string => {
  directory ??= mkdtempSync(join(tmpdir(), 'bridge-bench-'))
  return directory
}

/** Ends every process that was started here, at once; none has anything to save. */
export function endAll (): void {
  for (const child of running) child.kill('SIGKILL')
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  directory = undefined
}

/** @throws with the end of its output when it does not come up */
export async function startService (
  name: string,
  command: string,
  args: string[],
  { port, env }: { port: number, env?: Record<string, string> }
): Promise<Service> {
  return (await start(name, command, args, port, env)).service
}

/** Starts a Node process with the probe in it. Output goes to a file, as it does in production. */
export async function startNode (
  name: string,
  args: string[],
  { port, env }: { port: number, env?: Record<string, string> }
): Promise<MeasuredService> {
  const { service, child } = await start(
    name,
    process.execPath,
    ['--import', new URL('probe.js', import.meta.url).href, ...args],
    port,
    env,
    true
  )
  return {
    ...service,
    async usage (after) {
      child.send(after ? `usage after ${after}` : 'usage')
      const [usage] = await once(child, 'message', { signal: AbortSignal.timeout(ANSWER_MS) }) as [Usage]
      return usage
    }
  }
}

const UP_MS = 15_000
const ANSWER_MS = 30_000

async function start (
  name: string,
  command: string,
  args: string[],
  port: number,
  env: Record<string, string> = {},
  ipc = false
): Promise<{ service: Service, child: ChildProcess }> {
  const file = join(scratch(), `${name.replaceAll(/\W+/g, '-')}-${port}.log`)
  const log = openSync(file, 'w')
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log]
  })
  closeSync(log)
  running.add(child)
  let failed: Error | undefined
  child.once('error', error => {
    failed = error
    running.delete(child)
  })
  const gone = new Promise<void>(resolve =>
    child.once('exit', () => {
      running.delete(child)
      resolve()
    })
  )
  for (const until = Date.now() + UP_MS; !await answers(port);) {
    if (failed) throw failed
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`${name} did not come up: ${readFileSync(file, 'utf8').slice(-1000)}`)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return {
    child,
    service: {
      name,
      port,
      url: `http://127.0.0.1:${port}`,
      async stop () {
        child.kill('SIGKILL')
        await gone
      }
    }
  }
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
