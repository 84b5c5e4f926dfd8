import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import type { watch } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { RoutesFileError } from '../../src/routing/file/problems.ts'
import { LARGEST_FILE } from '../../src/routing/file/read-routes.ts'
import { openRoutesFile } from '../../src/routing/file/source.ts'
import { POLL_MS } from '../../src/routing/file/watch-file.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'
import { followFile, readNames } from '../fixtures/routes-file.ts'

const fileIn = (t: Test, text = 'first'): string => join(t.testdir({ 'routes.yaml': text }), 'routes.yaml')

await t.test('the file is read when it is opened', async t => {
  const file = fileIn(t, 'one two odd')
  const { source, clock, outcomes, watching } = await followFile(t, file)
  t.same(source.table.names, ['one', 'two', 'odd'])
  t.match(source, { file, readAt: clock.now(), problems: [{ severity: 'warning', message: 'odd' }] })
  t.same(outcomes, ['ok'])
  t.same(watching, [], 'events are no news')
})

await t.test('a file that cannot be used when it is opened: every error with its place, and no table', async t => {
  const folder = t.testdir({ 'wrong.yaml': 'wrong', 'latin.yaml': Buffer.from([0x72, 0xfc]), folder: {} })
  const cases: Array<[name: string, says: RegExp]> = [
    ['wrong.yaml', /^The routes file cannot be used:\n {2}- \S+wrong\.yaml:14:7 wrong$/],
    ['missing.yaml', /missing\.yaml There is no such file\.$/],
    ['folder', /folder This is a folder\./],
    ['latin.yaml', /not UTF-8/]
  ]
  for (const [name, says] of cases) {
    const opened = openRoutesFile({
      file: join(folder, name),
      read: readNames,
      clock: createTestClock(),
      onRead: () => t.fail('nothing was read'),
      onWatching: () => {}
    })
    const error = await opened.then(() => undefined, (error: unknown) => error)
    t.type(error, RoutesFileError, name)
    t.match(error, { message: says, problems: [{ severity: 'error' }] }, name)
  }
})

await t.test('the ways in which a file is changed', async t => {
  await t.test('written', async t => {
    const file = fileIn(t)
    const { source, clock, nextReading } = await followFile(t, file)
    const before = source.readAt
    await clock.pass(1000)
    writeFileSync(file, 'second')
    t.equal(await nextReading(), 'ok')
    t.same(source.table.names, ['second'])
    t.ok(source.readAt > before)
  })

  await t.test('another file renamed over it', async t => {
    const file = fileIn(t)
    const { source, nextReading } = await followFile(t, file)
    for (const name of ['second', 'third']) {
      writeFileSync(`${file}~`, name)
      renameSync(`${file}~`, file)
      t.equal(await nextReading(), 'ok')
      t.same(source.table.names, [name])
    }
  })

  await t.test('a link swapped, as Kubernetes does with the files of a ConfigMap', async t => {
    const folder = t.testdir()
    const file = join(folder, 'routes.yaml')
    publish('1', 'first')
    symlinkSync('..data/routes.yaml', file)
    const { source, nextReading } = await followFile(t, file)
    for (const [n, name] of ['second', 'third'].entries()) {
      publish(String(n + 2), name)
      rmSync(join(folder, `..${n + 1}`), { recursive: true })
      t.equal(await nextReading(), 'ok')
      t.same(source.table.names, [name])
    }

    /** Writes a new version of the ConfigMap, then makes it the one in force with one rename. */
    function publish (version: string, text: string): void {
      mkdirSync(join(folder, `..${version}`))
      writeFileSync(join(folder, `..${version}`, 'routes.yaml'), text)
      symlinkSync(`..${version}`, join(folder, '..data_tmp'))
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    }
  })
})

await t.test('ten writes in a row are read once', async t => {
  const file = fileIn(t)
  const { source, outcomes, noticed, nextReading, clock } = await followFile(t, file)
  for (let n = 0; n < 10; n++) writeFileSync(file, `version ${n}`)
  await noticed()
  await settle()
  t.equal(await nextReading(), 'ok')
  await clock.pass(1000)
  await settle()
  t.same(outcomes, ['ok', 'ok'])
  t.same(source.table.names, ['version', '9'])
})

await t.test('a file that is written slowly is read when it is whole, and after two seconds at most', async t => {
  const file = fileIn(t)
  let change = (_event: string, _name: string | null) => {}
  const fake = ((_folder: string, _options: object, listener: typeof change) => {
    change = listener
    return { on () {}, close () {} }
  }) as unknown as typeof watch
  const { clock, source, nextReading, outcomes } = await followFile(t, file, { watch: fake })
  change('change', 'routes.yaml~')
  await clock.pass(1000)
  await settle()
  t.same(outcomes, ['ok'], 'another file of the folder')

  writeFileSync(file, 'half')
  change('change', 'routes.yaml')
  await clock.pass(200)
  writeFileSync(file, 'whole')
  change('change', null)
  await clock.pass(200)
  t.same(outcomes, ['ok'], 'it changed 200 ms ago')
  t.equal(await nextReading(), 'ok')
  t.same(source.table.names, ['whole'])

  writeFileSync(file, 'busy')
  for (let passed = 0; passed <= 1800; passed += 200) {
    change('rename', '..data')
    await clock.pass(200)
  }
  while (outcomes.length < 3) await settle()
  t.same(outcomes.slice(0, 3), ['ok', 'ok', 'ok'], 'read although it goes on changing')
})

await t.test('what comes to be wrong leaves the table in force', async t => {
  const file = fileIn(t)
  const wrong: Array<[what: string, make: () => void, says: RegExp]> = [
    ['a mistake', () => writeFileSync(file, 'wrong'), /^wrong$/],
    ['vanished', () => {}, /no such file/],
    ['a folder', () => mkdirSync(file), /is a folder/],
    ['far too large', () => {
      writeFileSync(file, '')
      truncateSync(file, LARGEST_FILE + 1)
    }, /larger than 2 MiB/],
    ['no text', () => writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00])), /not UTF-8/]
  ]
  const { source, nextReading, clock } = await followFile(t, file)
  for (const [n, [what, make, says]] of wrong.entries()) {
    const { table, readAt } = source
    await clock.pass(1000)
    rmSync(file, { recursive: true, force: true })
    make()
    t.equal(await nextReading(), 'failed', what)
    t.equal(source.table, table, what)
    t.equal(source.readAt, readAt, what)
    t.match(source.problems, [{ severity: 'error', message: says }], what)
    rmSync(file, { recursive: true, force: true })
    writeFileSync(file, `good ${n}`)
    t.equal(await nextReading(), 'ok', `${what}, and good again`)
    t.same(source.table.names, ['good', String(n)])
    t.same(source.problems, [])
  }
})

await t.test('a reader that fails is a problem, not the end', async t => {
  const file = fileIn(t)
  const { source, nextReading } = await followFile(t, file, {
    read: text => {
      if (text === 'bug') throw new TypeError('secret')
      return readNames(text)
    }
  })
  writeFileSync(file, 'bug')
  t.equal(await nextReading(), 'failed')
  t.match(source.problems, [{ message: /could not be understood \(TypeError\)/ }])
  t.notMatch(JSON.stringify(source.problems), 'secret')
  t.same(source.table.names, ['first'])
})

await t.test('a change without a difference is none', async t => {
  const file = fileIn(t, 'same odd')
  const understood: string[] = []
  const { source, outcomes, nextReading } = await followFile(t, file, {
    read: text => {
      understood.push(text)
      return readNames(text)
    }
  })
  const { table, problems } = source
  writeFileSync(file, 'same odd')
  t.equal(await nextReading(), 'unchanged')
  t.same(understood, ['same odd'], 'the same text is not parsed again')
  t.equal(source.table, table)
  t.equal(source.problems, problems)
  writeFileSync(file, 'wrong')
  t.equal(await nextReading(), 'failed')
  writeFileSync(file, 'wrong')
  t.equal(await nextReading(), 'unchanged', 'still wrong, and known to be')
  t.same(outcomes, ['ok', 'unchanged', 'failed', 'unchanged'])
})

await t.test('asked to read again: at once, one reading at a time', async t => {
  const file = fileIn(t)
  let readings = 0
  const { source, outcomes } = await followFile(t, file, {
    read: text => {
      readings++
      return readNames(text)
    },
    watch: () => {
      throw Object.assign(new Error(), { code: 'ENOSYS' })
    }
  })
  writeFileSync(file, 'second')
  const first = source.reload()
  writeFileSync(file, 'third')
  await Promise.all([first, source.reload(), source.reload(), source.reload()])
  t.same(source.table.names, ['third'])
  t.ok(readings <= 3, 'those that came during a reading share the next one')
  await source.reload()
  t.equal(outcomes.at(-1), 'unchanged')
})

await t.test('without events the file is looked at from time to time', async t => {
  const file = fileIn(t)
  let broken = true
  const refuse = (() => {
    if (broken) throw Object.assign(new Error('no watches left'), { code: 'ENOSPC' })
    return { on () {}, close () {} }
  }) as unknown as typeof watch
  const { source, watching, noticed, nextReading, clock } = await followFile(t, file, { watch: refuse })
  t.same(watching, ['polling ENOSPC'])
  writeFileSync(file, 'another size')
  const [outcome] = await Promise.all([nextReading(), passUntil(noticed())])
  t.equal(outcome, 'ok')
  t.same(source.table.names, ['another', 'size'])
  t.same(watching, ['polling ENOSPC'], 'said once')
  broken = false
  writeFileSync(file, 'events are back')
  await Promise.all([nextReading(), passUntil(noticed())])
  t.same(watching, ['polling ENOSPC', 'events'])

  /** Lets the polls happen, whose looks at the file take real time. */
  async function passUntil (done: Promise<unknown>): Promise<void> {
    const over = done.then(() => true)
    while (!await Promise.race([over, clock.pass(POLL_MS.polling)])) continue
  }
})

await t.test('a closed file is not read any more', async t => {
  const file = fileIn(t)
  const { source, outcomes, noticed, clock } = await followFile(t, file)
  writeFileSync(file, 'second')
  await noticed()
  await source.close()
  await clock.pass(60_000)
  await source.reload()
  t.same(outcomes, ['ok'])
  t.same(source.table.names, ['first'])
})
