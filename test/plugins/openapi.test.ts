import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openapiDocument, openapiOf, readOpenapi, staleness } from '../../scripts/openapi.ts'
import { buildTestBridge } from '../fixtures/build.ts'
import { assertRunnable } from '../replay/check.ts'
import { schemasOf } from '../routes/support.ts'

type Operation = {
  operationId: string
  summary: string
  tags: string[]
  security: Array<Record<string, string[]>>
  parameters?: any[]
  requestBody?: { content: Record<string, any> }
  responses: Record<string, { description: string, content?: Record<string, any> }>
}

const text = await openapiDocument()
const document = JSON.parse(text) as {
  openapi: string
  info: any
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, any>, securitySchemes: Record<string, any> }
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
)

await t.test('openapi.json is up to date', async t => {
  t.equal(staleness(readOpenapi(), text), undefined)
})

await t.test('the document does not depend on settings, time or order of building', async t => {
  t.equal(await openapiDocument(), text)
  const { app } = await buildTestBridge(t)
  t.equal(openapiOf(app), text, 'another bridge, with other settings, has the same')
  t.same((await app.inject('/docs/json')).json(), document, 'and serves it')
})

await t.test('a stale or missing file is told from a good one', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'openapi-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'openapi.json')
  t.match(staleness(readOpenapi(file), text), /missing.*npm run openapi/)
  writeFileSync(file, text.replace('"title"', '"titel"'))
  t.match(staleness(readOpenapi(file), text), /stale.*from line \d+ on.*npm run openapi/)
  writeFileSync(file, text)
  t.equal(staleness(readOpenapi(file), text), undefined)
})

await t.test('every route is in it, but for pages', async t => {
  const { app } = await buildTestBridge(t)
  const routes = routesOf(app.printRoutes({ commonPrefix: false }))
  t.ok(routes.length > 10)
  const documented = operations.map(({ method, path }) =>
    `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`
  )
  t.same(routes.sort(), documented.sort())
})

await t.test('every operation is described', async t => {
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, ids.length, 'ids are unique')
  for (const { path, method, operation } of operations) {
    const name = `${method} ${path}`
    t.match(operation, { operationId: /^\w+$/, summary: /./, tags: [/^(jambonz|livekit|operators|service)$/] }, name)
    t.ok(Array.isArray(operation.security), `${name}: says how to authenticate, or that nobody has to`)
    for (const requirement of operation.security) {
      for (const scheme of Object.keys(requirement)) {
        t.ok(scheme in document.components.securitySchemes, `${name}: ${scheme}`)
      }
    }
    for (const [status, { description }] of Object.entries(operation.responses)) {
      t.ok(description && description !== 'Default Response', `${name}: ${status}`)
    }
  }
})

await t.test('who has to authenticate, and how', async t => {
  const by = (tag: string) =>
    operations.filter(({ operation, method }) =>
      operation.tags.includes(tag) && (tag !== 'jambonz' || method === 'post')
    )
  for (const { operation } of by('jambonz')) {
    t.same(operation.security, [{ jambonzSignature: [] }, { hookBasic: [] }], operation.operationId)
  }
  for (const { operation } of by('livekit')) t.same(operation.security, [{ livekitJwt: [] }], operation.operationId)
  const forCallers = ['placeCall', 'listCalls', 'exportCalls', 'getLadder', 'streamCalls', 'getSession']
  const transfers = ['beginTransfer', 'listTransfers', 'getTransfer', 'completeTransfer', 'cancelTransfer']
  const forAgents = ['getCall', 'hangUpCall', 'deleteCall', 'tellVoicemail', 'sendDigits', ...transfers]
  for (const { operation, method } of by('operators')) {
    const isForAgents = forAgents.includes(operation.operationId)
    const callers = isForAgents || forCallers.includes(operation.operationId) ? [{ callerKey: [] }] : []
    const agents = isForAgents ? [{ callToken: [] }] : []
    t.same(operation.security, [{ operatorToken: [] }, ...callers, ...agents], operation.operationId)
    // A viewer may not use what changes something.
    const mayBeRefused = !isForAgents || method !== 'get'
    t.equal('403' in operation.responses, mayBeRefused, 'some token may not use it')
  }
  for (const { operation } of by('service')) t.same(operation.security, [], operation.operationId)
  for (const { operation } of operations) {
    if (operation.security.length > 0) t.ok('401' in operation.responses, `${operation.operationId}: 401`)
  }
})

await t.test('what each operation can answer', async t => {
  const expected: Record<string, string[]> = {
    callHook: ['200', '401', '413'],
    callHookByGet: ['405'],
    applicationEnvVars: ['200'],
    dialAction: ['200', '401', '413'],
    status: ['200', '401', '413'],
    callStatus: ['200', '401', '413'],
    refer: ['200', '401', '403', '413', '503'],
    referComplete: ['200', '401', '413'],
    answeringMachineDetection: ['200', '401', '413'],
    redirect: ['200', '401', '413', '503'],
    screen: ['200', '401', '413', '503'],
    screenDigit: ['200', '401', '413'],
    livekitEvent: ['200', '401', '413', '500'],
    listCalls: ['200', '400', '401', '403', '404', '429', '500', '503'],
    exportCalls: ['200', '400', '401', '403', '404', '429', '500', '503'],
    countFailures: ['200', '401', '403', '404', '429', '500', '503'],
    getCall: ['200', '400', '401', '404', '429', '500', '503'],
    placeCall: [
      ...['201', '400', '401', '403', '404', '409', '413', '415', '422', '429', '500', '501', '502', '503', '504']
    ],
    deleteCall: ['202', '401', '403', '404', '409', '429', '500', '501', '503'],
    getLadder: ['200', '401', '403', '404', '429', '500', '503'],
    streamCalls: ['200', '400', '401', '403', '404', '429', '500', '503'],
    getSession: ['200', '401', '403', '404', '429', '500'],
    diagnoseCall: ['200', '401', '403', '404', '429', '500', '503'],
    doctor: ['200', '401', '403', '404', '429', '500'],
    streamDoctor: ['200', '401', '403', '404', '429', '500'],
    probe: ['200', '400', '401', '403', '404', '409', '413', '415', '429', '500', '503'],
    getRoutes: ['200', '401', '403', '404', '429', '500'],
    testRoutes: ['200', '400', '401', '403', '404', '413', '415', '429', '500'],
    hangUpCall: ['202', '401', '403', '404', '409', '429', '500', '501', '503'],
    sendDigits: [
      ...['200', '400', '401', '403', '404', '409', '413', '415', '429', '500', '501', '502', '503', '504']
    ],
    beginTransfer: [
      ...['202', '400', '401', '403', '404', '409', '413', '415', '422', '429'],
      ...['500', '501', '502', '503', '504']
    ],
    checkTransfer: [
      ...['200', '400', '401', '403', '404', '413', '415', '429', '500', '502', '503', '504']
    ],
    listTransfers: ['200', '400', '401', '404', '429', '500', '503'],
    getTransfer: ['200', '400', '401', '404', '429', '500', '503'],
    completeTransfer: ['202', '400', '401', '403', '404', '409', '429', '500', '503'],
    cancelTransfer: ['202', '400', '401', '403', '404', '409', '429', '500', '503'],
    tellVoicemail: ['200', '400', '401', '403', '404', '409', '413', '415', '422', '429', '500', '503'],
    listPendingEvents: ['200', '400', '401', '403', '404', '429', '500', '501', '503'],
    replayEvent: ['202', '400', '401', '403', '404', '409', '429', '500', '501', '503'],
    live: ['200'],
    ready: ['200', '503'],
    health: ['200', '503'],
    metrics: ['200']
  }
  for (const { operation } of operations) {
    t.same(Object.keys(operation.responses).sort(), expected[operation.operationId], operation.operationId)
  }
})

await t.test('components have the names of their schemas', async t => {
  t.same(Object.keys(document.components.schemas).sort(), [
    'Action',
    'Amd',
    'Attempt',
    'Call',
    'CallAnsweredEvent',
    'CallDialFinishedEvent',
    'CallEndedEvent',
    'CallEventData',
    'CallHook',
    'CallRow',
    'CallStartedEvent',
    'CallSummary',
    'CallTransferFinishedEvent',
    'Config',
    'Decline',
    'Diagnosis',
    'Dial',
    'DigitsRequest',
    'DoctorReport',
    'Duty',
    'End',
    'Event',
    'Gather',
    'Hangup',
    'HttpError',
    'Ladder',
    'Live',
    'OrderRequest',
    'Pause',
    'PendingEvent',
    'PlacedCall',
    'Play',
    'ProbeRequest',
    'Redirect',
    'RedirectHook',
    'Refer',
    'ReferComplete',
    'Routes',
    'RoutesProblem',
    'RoutesTrial',
    'RoutesTrialRequest',
    'Say',
    'Screen',
    'ScreenDigit',
    'SipRefer',
    'Status',
    'Transfer',
    'TransferRequest',
    'UnplacedCall',
    'UnsentDigits',
    'Verbs',
    'VoicemailVerdict'
  ])
  t.notMatch(text, /"def-\d+"/)
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    t.ok(name! in document.components.schemas, String(name))
  }
  t.match(document.components.schemas['HttpError'].properties, {
    statusCode: { type: 'number' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' }
  })
})

await t.test('what Jambonz posts is a component with an example', async t => {
  const bodies: Record<string, string> = {
    '/livekit-api': 'CallHook',
    '/action': 'Action',
    '/status': 'Status',
    '/call-status': 'Status',
    '/refer': 'Refer',
    '/refer-complete': 'ReferComplete',
    '/amd': 'Amd'
  }
  for (const [path, component] of Object.entries(bodies)) {
    t.same(document.paths[path]!['post']!.requestBody!.content['application/json'].schema, {
      $ref: `#/components/schemas/${component}`
    }, path)
    t.ok(document.components.schemas[component].examples.length > 0, `${component}: example`)
  }
  t.ok(document.components.schemas['Verbs'].examples.length > 0, 'the reply has one too')
  for (const verbs of document.components.schemas['Verbs'].examples) {
    t.doesNotThrow(() => assertRunnable('/livekit-api', verbs), 'and Jambonz would run it')
  }
})

await t.test('every example fits its own schema', async t => {
  const check = schemasOf(document)
  let found = 0
  walk(document, '#', (node, pointer) => {
    if (isSchema(node) && Array.isArray(node['examples'])) {
      for (const example of node['examples']) {
        found++
        t.same(check(pointer)(example), [], `${pointer}/examples`)
      }
    }
    if (isSchema(node) && 'example' in node) {
      found++
      t.same(check(pointer)(node['example']), [], `${pointer}/example`)
    }
    if (isSchema(node) && 'default' in node) t.same(check(pointer)(node['default']), [], `${pointer}/default`)
    if ('schema' in node && 'example' in node) {
      found++
      t.same(check(`${pointer}/schema`)(node['example']), [], `${pointer}/example`)
    }
    if ('schema' in node && node['examples']) {
      for (const [name, { value }] of Object.entries(node['examples'] as Record<string, { value: unknown }>)) {
        found++
        t.same(check(`${pointer}/schema`)(value), [], `${pointer}/examples/${name}`)
      }
    }
  })
  t.ok(found > 20, `${found} examples`)
})

await t.test('Swagger UI fills in no parameter that finds nothing', async t => {
  const parameters = operations.flatMap(({ operation }) => operation.parameters ?? [])
  t.ok(parameters.length >= 8)
  for (const { name, schema, ...parameter } of parameters) {
    for (const place of [schema, parameter]) t.notOk('example' in place || 'examples' in place, name)
  }
})

await t.test("the page's own styles are allowed by its policy", async t => {
  const { app } = await buildTestBridge(t)
  const page = await app.inject('/docs/')
  const policy = String(page.headers['content-security-policy'])
  const scripts = [...page.body.matchAll(/<script src="([^"]+)"/g)].map(([, src]) => new URL(src!, 'http://x/docs/'))
  t.ok(scripts.length >= 3)
  t.notMatch(page.body, /<style|style=/)
  let styles = 0
  for (const { pathname } of scripts) {
    for (const [, style] of (await app.inject(pathname)).body.matchAll(/createElement\("style",null,"([^"]+)"\)/g)) {
      styles++
      t.match(policy, `'sha256-${createHash('sha256').update(style!).digest('base64')}'`, style!)
    }
  }
  t.ok(styles > 0, 'the logo has one')
  t.notMatch(policy, /unsafe|upgrade-insecure/)
})

await t.test('nothing in it is a real secret, number or host', async t => {
  for (const [number] of text.matchAll(/\+\d{7,}/g)) t.match(number, /^\+1555\d{7}$/, 'a number for fiction')
  for (const [, host] of text.matchAll(/https?:\/\/([^/"\s]+)/g)) t.match(host, /(^|\.)example\.com$/, String(host))
})

function routesOf (tree: string): string[] {
  const routes: string[] = []
  const path: string[] = []
  for (const line of tree.split('\n')) {
    const match = /^((?:[│ ] {3})*)(?:├── |└── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line)
    if (!match) continue
    const depth = match[1]!.length / 4
    path.splice(depth, path.length, match[2]!)
    const url = path.join('')
    if (!match[3] || /^\/(docs|console)|^\*/.test(url)) continue
    for (const method of match[3].split(', ')) if (method !== 'HEAD') routes.push(`${method} ${url}`)
  }
  return routes
}

type Node = Record<string, unknown>

/** Schemas are told by their keywords; a property that is called `examples` is none. */
function isSchema (node: Node): boolean {
  return (typeof node['type'] === 'string' || '$ref' in node || 'anyOf' in node) && !('in' in node) &&
    !('scheme' in node)
}

function walk (value: unknown, pointer: string, visit: (node: Node, pointer: string) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) visit(value as Node, pointer)
  for (const [key, child] of Object.entries(value)) {
    if (key !== 'examples' && key !== 'example') {
      walk(child, `${pointer}/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`, visit)
    }
  }
}
