import t from 'tap'
import { processesOf } from './processes.ts'

const ALONE = ['replay/replay.test.js', 'chaos/chaos.test.js', 'cli.test.js', 'probe/probe.test.js']

await t.test('every file runs once, and those of a process are of one folder', async t => {
  const app = Array.from({ length: 30 }, (_, i) => `app/${i}.test.js`)
  const files = ['config.test.js', ...ALONE, ...app, 'calls/fold/dial.test.js']
  const processes = processesOf(files)

  t.same(processes.flatMap(({ files }) => files).sort(), [...files].sort())
  t.equal(new Set(processes.map(({ name }) => name)).size, processes.length, 'each has a name of its own')
  for (const { name, files } of processes) {
    const folders = new Set(files.map(file => file.slice(0, Math.max(0, file.lastIndexOf('/')))))
    t.equal(folders.size, 1, name)
    t.ok(files.length <= 12, name)
  }
})

await t.test('the longest start first, each alone', async t => {
  const processes = processesOf(['app/a.test.js', ...ALONE])
  t.same(processes.map(({ files }) => files), [...ALONE.map(file => [file]), ['app/a.test.js']])
})

await t.test('a few files are a process of their own', async t => {
  t.same(processesOf(['app/a.test.js']), [{ name: 'app-1', files: ['app/a.test.js'] }])
  t.same(processesOf([]), [])
})
