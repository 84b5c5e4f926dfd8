import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { anchorsOf } from './fixtures/markdown.ts'
import { project } from './fixtures/paths.ts'

const inRoot = readdirSync(project('.')).filter(name => name.endsWith('.md'))
const inDocs = readdirSync(project('docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)
const pages = [...inRoot, ...inDocs]

await t.test('every link between the documents leads somewhere', async t => {
  for (const page of pages) {
    const text = readFileSync(project(page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = target.split('#')
      const url = path === '' ? project(page) : new URL(path, project(page))
      t.ok(existsSync(url), `${page}: ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(readFileSync(url, 'utf8')).includes(anchor), `${page}: ${target}`)
    }
  }
})

await t.test('every file that CONTRIBUTING names exists', async t => {
  const text = readFileSync(project('CONTRIBUTING.md'), 'utf8')
  const paths = [...text.matchAll(/`((?:src|test|routes|plugins|docs|\.ci)\/[^`*]*)`/g)].map(([, path = '']) => path)
  t.ok(paths.length > 20)
  for (const path of paths) t.ok(existsSync(project(path)), path)
})

await t.test('every npm script that the documents name exists', async t => {
  const { scripts } = JSON.parse(readFileSync(project('package.json'), 'utf8')) as { scripts: Record<string, string> }
  for (const page of pages) {
    const text = readFileSync(project(page), 'utf8')
    for (const [, name = ''] of text.matchAll(/npm run ([a-z:]+)/g)) t.ok(scripts[name], `${page}: npm run ${name}`)
  }
})
