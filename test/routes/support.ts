import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AppOptions } from '../../src/app.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import { buildTestBridge, sign, SECRET, type HookReply, type TestBridge } from '../fixtures/build.ts'
import { assertRunnable } from '../replay/check.ts'
import { settle } from '../fixtures/test-clock.ts'
import { project } from '../fixtures/paths.ts'

/** Where an operation is in the document. */
const PATHS: Record<string, Array<[method: string, path: string]>> = {
  'call-hook': [['post', '/livekit-api']],
  'diagnose-call': [['get', '/calls/{callSid}/diagnosis']],
  doctor: [['get', '/doctor']],
  'call-hook-get': [['get', '/livekit-api']],
  'env-vars': [['options', '/livekit-api']],
  action: [['post', '/action']],
  status: [['post', '/status'], ['post', '/call-status']],
  refer: [['post', '/refer']],
  'refer-complete': [['post', '/refer-complete']],
  redirect: [['post', '/redirect']],
  screen: [['post', '/screen']],
  'screen-digit': [['post', '/screen-digit']],
  amd: [['post', '/amd']],
  voicemail: [['post', '/calls/{callSid}/voicemail']],
  'send-digits': [['post', '/calls/{callSid}/dtmf']],
  'livekit-events': [['post', '/livekit-events']],
  'list-calls': [['get', '/calls']],
  'export-calls': [['get', '/calls/export']],
  'count-failures': [['get', '/calls/failures']],
  'get-ladder': [['get', '/calls/{callSid}/ladder']],
  'get-call': [['get', '/calls/{callSid}']],
  'hang-up': [['post', '/calls/{callSid}/hangup']],
  'delete-call': [['delete', '/calls/{callSid}']],
  'place-call': [['post', '/calls']],
  'begin-transfer': [['post', '/calls/{callSid}/transfers']],
  'check-transfer': [['post', '/calls/{callSid}/transfers/check']],
  'list-transfers': [['get', '/calls/{callSid}/transfers']],
  'get-transfer': [['get', '/calls/{callSid}/transfers/{id}']],
  'complete-transfer': [['post', '/calls/{callSid}/transfers/{id}/complete']],
  'cancel-transfer': [['post', '/calls/{callSid}/transfers/{id}/cancel']],
  'get-routes': [['get', '/routes']],
  'test-routes': [['post', '/routes/test']],
  'pending-events': [['get', '/events/pending']],
  health: [['get', '/health/live'], ['get', '/health/ready'], ['get', '/health']],
  metrics: [['get', '/metrics']]
}

const document = JSON.parse(readFileSync(project('openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, { responses: object }>>
}

const addFormats = createRequire(import.meta.url)('ajv-formats') as (ajv: Ajv2020) => void

/** Compiles schemas of an OpenAPI 3.1 document, whose own keywords are no concern of a validator. */
export function schemasOf (openapi: object): (pointer: string) => (value: unknown) => string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false })
  addFormats(ajv)
  ajv.addSchema(openapi, 'openapi')
  return pointer => {
    const validate = ajv.compile({ $ref: `openapi${pointer}` })
    return value =>
      validate(value) ? [] : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
}

/** What of a value does not fit a component of openapi.json. */
export const misfits = (component: string, value: unknown): string[] =>
  schemasOf(document)(`#/components/schemas/${component}`)(value)

/** Statuses that were answered and that openapi.json does not know of, as `operation status`. */
export function undocumented (logged: string): string[] {
  const answers = lines(logged).filter(line => line.msg === 'request' && line.operation !== 'other').map((
    { operation, status }
  ) => `${operation} ${status}`)
  return [...new Set(answers)].filter(answer => {
    const [operation, status] = answer.split(' ') as [string, string]
    return !PATHS[operation]?.some(([method, path]) => status in (document.paths[path]?.[method]?.responses ?? {}))
  })
}

/** Log text as objects. */
export const lines = (logged: string): Array<Record<string, any>> =>
  logged.split('\n').filter(text => text !== '').map(text => JSON.parse(text))

/** A test with a bridge of its own; in the end every status that it answered must be documented. */
export function bridgeTest (
  name: string,
  fn: (t: Test, bridge: TestBridge) => Promise<unknown>,
  env: Record<string, string> = {},
  options: Partial<AppOptions> = {}
) {
  return t.test(name, async t => {
    const bridge = await buildTestBridge(t, env, options)
    await fn(t, bridge)
    await settle()
    t.same(undocumented(bridge.logged()), [], 'every status answered is in openapi.json')
  })
}

/** The value of one series of /metrics; 0 when there is none yet. */
export async function counted (bridge: TestBridge, series: string): Promise<number> {
  const text = (await bridge.app.inject('/metrics')).body
  const line = text.split('\n').find(line => line.startsWith(`${series} `))
  return line === undefined ? 0 : Number(line.slice(series.length + 1))
}

/** How many calls are kept, of whatever phase. */
export async function kept (bridge: TestBridge): Promise<number> {
  const { phases } = await bridge.app.registry.stats()
  return Object.values(phases).reduce((sum, calls) => sum + calls, 0)
}

/** Verbs for the call hook that Jambonz can run: checked with its own validator. */
export function assertVerbs (t: Test, reply: HookReply, message = 'verbs that Jambonz runs'): void {
  t.equal(reply.status, 200, message)
  t.match(reply.type, /^application\/json/, message)
  t.doesNotThrow(() => assertRunnable('/livekit-api', reply.json), message)
}

/** What a declined caller hears, as `status reason`; undefined when the verbs are no plain decline. */
export const declined = ({ json }: HookReply): string | undefined =>
  Array.isArray(json) && json.length === 1 && json[0].verb === 'sip:decline'
    ? `${json[0].status} ${json[0].reason}`
    : undefined

/** A registry of which one method behaves otherwise. */
export const registryWith = (changes: Partial<Registry>): Registry => ({ ...createMemoryRegistry(), ...changes })

/** Listens on loopback and gives the port. */
export async function listen (bridge: TestBridge): Promise<number> {
  await bridge.app.listen({ port: 0, host: '127.0.0.1' })
  return (bridge.app.server.address() as AddressInfo).port
}

/** A POST as bytes, signed; the target goes on the wire as it is. */
export function rawPost (target: string, body: string, now: number, headers: Record<string, string> = {}): string {
  const all = {
    host: 'bridge',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'jambonz-signature': sign(body, SECRET, now),
    ...headers
  }
  return `POST ${target} HTTP/1.1\r\n${
    Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  }\r\n${body}`
}

/** Everything that comes back until the other side closes. */
export async function everything (socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

export async function rawSocket (port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** Sends bytes over a connection of their own; the reply as text. */
export async function exchange (port: number, text: string, encoding: BufferEncoding = 'utf8'): Promise<string> {
  const socket = await rawSocket(port)
  const reply = everything(socket)
  socket.write(text, encoding)
  return reply
}
