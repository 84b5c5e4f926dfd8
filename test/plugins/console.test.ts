import { readdirSync, readFileSync } from 'node:fs'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import { buildTestBridge } from '../fixtures/build.ts'
import { project } from '../fixtures/paths.ts'

const MODULES = readdirSync(project('console/')).filter(name => name.endsWith('.js'))
const source = (name: string): string => readFileSync(project(`console/${name}`), 'utf8')
/** What a module loads with itself, and what it loads later. */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export)[^'"();]*from\s*["']([^"']+)["']/gm)].map(([, specifier]) => specifier!)
const laterOf = (text: string): string[] =>
  [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, specifier]) => specifier!)

await t.test('the page is there for everybody, below whatever path an ingress adds', async t => {
  const { app } = await buildTestBridge(t)
  const redirect = await app.inject('/console')
  t.equal(redirect.statusCode, 302)
  t.equal(redirect.headers.location, 'console/', 'relative: the ingress may have taken a prefix away')

  const page = await app.inject('/console/')
  t.match(page, { statusCode: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
  t.same(await app.inject('/console/index.html').then(({ body }) => body), page.body)
  const addresses = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!)
  for (const address of addresses) {
    t.notMatch(address, /^\/|^\w+:/, 'relative')
    t.equal((await app.inject(`/console/${address}`)).statusCode, 200, address)
  }
})

await t.test('every module is served with what it imports, and imports nothing else', async t => {
  const { app } = await buildTestBridge(t)
  const seen = new Set(['app.js'])
  for (const name of seen) {
    const reply = await app.inject(`/console/${name}`)
    t.match(reply, { statusCode: 200, headers: { 'content-type': 'text/javascript; charset=utf-8' } }, name)
    const folder = name.startsWith('vendor/') ? 'vendor/' : ''
    for (const specifier of [...importsOf(reply.body), ...laterOf(reply.body)]) {
      t.match(specifier, /^\.\//, `${name} imports ${specifier} of this server`)
      seen.add(folder + specifier.slice(2))
    }
  }
  const loaded = [...seen].filter(name => !name.startsWith('vendor/'))
  t.same(loaded.sort(), MODULES.filter(name => name !== 'theme.js').sort(), 'no module is left over')
})

await t.test('what the first paint needs is announced, and nothing else', async t => {
  const page = source('index.html')
  const announced = [...page.matchAll(/modulepreload" href="([^"]+)"/g)].map(([, name]) => name!)
  const needed = new Set(['app.js', 'now.js'])
  for (const name of needed) {
    if (name.startsWith('vendor/')) continue
    for (const specifier of importsOf(source(name))) needed.add(specifier.slice(2))
  }
  needed.delete('app.js')
  t.same(announced.sort(), [...needed].sort())
})

await t.test('a browser may run what is served here, and nothing that a caller wrote', async t => {
  const { app } = await buildTestBridge(t)
  for (const path of ['/console/', '/console/app.js', '/console/style.css', '/console/vendor/preact.js']) {
    const { headers } = await app.inject(path)
    const policy = String(headers['content-security-policy'])
    t.match(policy, /default-src 'none'/, path)
    t.match(policy, /script-src 'self'(;|$)/, path)
    t.match(policy, /style-src 'self'(;|$)/, path)
    t.match(policy, /frame-ancestors 'none'/, path)
    t.match(policy, /form-action 'none'/, path)
    t.match(policy, /base-uri 'none'/, path)
    t.notMatch(policy, /unsafe|\*|https?:/, path)
    t.match(headers, { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }, path)
  }
  t.notMatch(source('index.html'), /<script>|<style|\sstyle=|\son\w+=/, 'nothing is inline')
  for (const name of MODULES) {
    t.notMatch(source(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name)
  }
})

await t.test('the token is kept for the tab alone', async t => {
  const stores = MODULES.filter(name => /localStorage|indexedDB|document\.cookie/.test(source(name)))
  t.same(stores, ['theme-choice.js', 'theme.js'], 'others keep nothing')
  for (const name of stores) t.notMatch(source(name), /token/i, name)
})

await t.test('files are compressed as the browser likes', async t => {
  const { app } = await buildTestBridge(t)
  const ask = (accept?: string) =>
    app.inject({ url: '/console/app.js', headers: accept === undefined ? {} : { 'accept-encoding': accept } })
  const plain = await ask()
  t.equal(plain.headers['content-encoding'], undefined)
  t.equal(plain.body, source('app.js'))

  const unpack = { br: brotliDecompressSync, gzip: gunzipSync }
  const cases = [['gzip, deflate, br', 'br'], ['GZIP;q=0.5', 'gzip'], ['br;q=0, gzip', 'gzip']] as const
  for (const [accept, encoding] of cases) {
    const reply = await ask(accept)
    t.equal(reply.headers['content-encoding'], encoding, accept)
    t.equal(reply.headers.vary, 'accept-encoding')
    t.equal(unpack[encoding](reply.rawPayload).toString(), plain.body)
    t.ok(reply.rawPayload.length < plain.rawPayload.length / 2)
  }
  t.equal((await ask('identity, br;q=0')).headers['content-encoding'], undefined)
})

await t.test('a browser asks each time, and loads again only what has changed', async t => {
  const { app } = await buildTestBridge(t)
  const first = await app.inject('/console/style.css')
  t.equal(first.headers['cache-control'], 'no-cache')
  const etag = String(first.headers.etag)
  const again = await app.inject({ url: '/console/style.css', headers: { 'if-none-match': `"other", ${etag}` } })
  t.match(again, { statusCode: 304, body: '' })
  t.equal(again.headers.etag, etag)
  const other = await app.inject({ url: '/console/style.css', headers: { 'if-none-match': 'W/"other"' } })
  t.equal(other.statusCode, 200)
  t.not((await app.inject('/console/app.js')).headers.etag, etag)
})

await t.test('nothing else of the package is served', async t => {
  const { app } = await buildTestBridge(t)
  const others = [
    ...['/console/tsconfig.json', '/console/types.d.ts', '/console/vendor/', '/console/vendor/preact.d.ts'],
    ...['/console/vendor/constructor', '/console/nothing.js', '/console/..%2Fpackage.json'],
    '/console/%2e%2e%2fREADME.md',
    ...['/console/..%5Cpackage.json', '/console/vendor/..%2Fapp.js', '/console/app.js%00', '/console/%2Fetc%2Fpasswd']
  ]
  for (const url of others) t.match(await app.inject(url), { statusCode: 404 }, url)
  t.equal((await app.inject({ method: 'POST', url: '/console/' })).statusCode, 404)
})
