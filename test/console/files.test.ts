import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { createConsoleFiles } from '../../src/console/files.ts'

await t.test('a file that has changed is read again, and only then', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'app.js')
  writeFileSync(file, 'one()\n')
  utimesSync(file, 1000, 1000)
  const files = createConsoleFiles(pathToFileURL(`${folder}/`))

  const first = await files.page('app.js')
  t.equal(String(first?.plain), 'one()\n')
  t.equal(await files.page('app.js'), first, 'it is compressed once')

  writeFileSync(file, 'two()\n')
  utimesSync(file, 2000, 2000)
  const second = await files.page('app.js')
  t.equal(String(second?.plain), 'two()\n')
  t.not(second?.etag, first?.etag)

  t.equal(await files.page('gone.js'), undefined)
  rmSync(file)
  t.equal(await files.page('app.js'), undefined)
})

await t.test('modules of other packages find each other', async t => {
  const files = createConsoleFiles()
  const hooks = await files.vendor('hooks.js')
  t.match(String(hooks?.plain), /from"\.\/preact\.js"/)
  for (const name of ['preact.js', 'hooks.js', 'htm.js']) {
    t.notMatch(String((await files.vendor(name))?.plain), /from\s*"[^.]|sourceMappingURL/, name)
  }
})
