/** The files that run in one process of their own, one after the other. Paths are below the folder of the tests. */
export interface TestProcess {
  name: string
  files: string[]
}

/**
 * Which test files share a process: those of a folder, at most `AT_MOST`. A file that takes long, or that changes
 * its process, runs alone; the longest go first, so that no processor waits for them at the end.
 */
export function processesOf (files: readonly string[]): TestProcess[] {
  const alone = ALONE.filter(name => files.includes(name))
  const together = files.filter(file => !alone.includes(file))
  const folders = [...new Set(together.map(folderOf))]

  return [
    ...alone.map(file => ({ name: file.replace(/\.test\.js$/, ''), files: [file] })),
    ...folders.flatMap(folder => {
      const parts = chunksOf(together.filter(file => folderOf(file) === folder))
      return parts.map((files, i) => ({ name: `${folder}-${i + 1}`, files }))
    })
  ]
}

const AT_MOST = 12

/** In the order in which they start. */
const ALONE = [
  'replay/replay.test.js',
  'chaos/chaos.test.js',
  'cli.test.js',
  'probe/probe.test.js',
  'console/time.test.js'
]

const folderOf = (file: string): string => file.split('/').slice(0, -1).join('/') || 'bridge'

/** In equal parts. */
function chunksOf (files: readonly string[]): string[][] {
  const parts = Math.ceil(files.length / AT_MOST)
  const size = Math.ceil(files.length / parts)
  return Array.from({ length: parts }, (_, i) => files.slice(i * size, (i + 1) * size))
}
