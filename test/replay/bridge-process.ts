import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fixture, project, projectFolder } from '../fixtures/paths.ts'
import { ENV, OPERATOR_TOKEN, type Bridge, type HttpReply } from './bridge.ts'
import type { LiveKitApi } from './livekit-api.ts'

/** A bridge that listens there. */
export function bridgeAt (url: string): Bridge {
  async function request (path: string, init: RequestInit): Promise<HttpReply> {
    try {
      const reply = await fetch(url + path, init)
      return { status: reply.status, text: await reply.text() }
    } catch (error) {
      return { status: 0, text: (error as Error).message }
    }
  }
  return {
    post: (path, headers, body) =>
      request(path, { method: 'POST', headers: { authorization: BASIC, ...headers }, body }),
    get: path => request(path, { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } }),
    async kill () {},
    async close () {}
  }
}

/** The pair that the recorders' Jambonz had. */
const BASIC = `Basic ${Buffer.from('u:p').toString('base64')}`

/** A routes file below test/fixtures/routes. */
export const routesPath = (file: string): string => fileURLToPath(fixture(`routes/${file}`))

/** Starts the built service as a process of its own. */
export async function startProcess (
  livekit: LiveKitApi,
  more: Record<string, string>
): Promise<{ url: string, stop(): Promise<void> }> {
  const cli = project('dist/src/cli.js')
  if (!existsSync(cli)) throw new Error('There is no dist/src/cli.js: run npm run build first')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let log = ''
  const child = spawn(process.execPath, ['dist/src/cli.js', 'serve'], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      ...ENV,
      PORT: String(port),
      HOST: '127.0.0.1',
      PUBLIC_URL: url,
      LIVEKIT_URL: livekit.url,
      HTTP_USERNAME: 'u',
      HTTP_PASSWORD: 'p',
      LOG_LEVEL: 'warn',
      ROUTES_FILE: routesPath('recorded-targets.yaml'),
      DRAIN_DELAY_S: '0',
      ...more
    }
  })
  const keep = (chunk: Buffer) => { log = (log + chunk.toString()).slice(-4000) }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGTERM')
    await gone
  }
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) break
    if ((await bridgeAt(url).get('/health/live')).status === 200) return { url, stop }
    await setTimeout(100)
  }
  await stop()
  throw new Error(`The bridge did not start:\n${log}`)
}

function freePort (): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
