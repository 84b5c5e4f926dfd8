import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { Viewer } from '../../src/live/viewer.ts'

const FRAME = Buffer.alloc(64 * 1024, 'x')

/** Everything that is there to be read, also what comes because it was read. */
async function drain (viewer: Viewer): Promise<string> {
  let text = ''
  viewer.read(0)
  await nextTurn()
  for (let chunk = viewer.read(); chunk !== null; chunk = viewer.read()) text += String(chunk)
  await nextTurn()
  for (let chunk = viewer.read(); chunk !== null; chunk = viewer.read()) text += String(chunk)
  return text
}

await t.test('a viewer that keeps up gets every frame, once', async t => {
  const viewer = new Viewer(viewer => viewer.show(Buffer.from('picture ')))
  t.equal(await drain(viewer), 'picture ')
  for (let i = 0; i < 100; i++) {
    viewer.send(Buffer.from(`${i} `))
    if (i % 10 === 0) t.equal((await drain(viewer)).trim().split(' ').at(-1), String(i))
  }
})

await t.test('one that is too slow misses frames, and gets a picture once it has caught up', async t => {
  const pictures: Viewer[] = []
  const viewer = new Viewer(behind => {
    pictures.push(behind)
    behind.show(Buffer.from('picture'))
  })
  t.equal(await drain(viewer), 'picture')
  for (let i = 0; i < 1000; i++) viewer.send(FRAME)
  t.ok(viewer.readableLength < 10 * FRAME.length, 'what waits for it is bounded')
  t.equal(pictures.length, 1, 'while it is full it gets nothing more')

  const text = await drain(viewer)
  t.equal(pictures.length, 2)
  t.equal(text.replace(/^x+/, ''), 'picture')
  viewer.send(Buffer.from('next'))
  t.equal(await drain(viewer), 'next')
})

await t.test('the last frame comes last', async t => {
  const viewer = new Viewer(viewer => viewer.show(Buffer.from('picture ')))
  t.equal(await drain(viewer), 'picture ')
  const ended = new Promise(resolve => viewer.once('end', resolve))
  viewer.send(Buffer.from('first '))
  viewer.end(Buffer.from('last'))
  viewer.send(Buffer.from('too late'))
  viewer.end(Buffer.from('twice'))
  t.equal(await drain(viewer), 'first last')
  await ended
})

await t.test('pictures do not pile up for a viewer that never reads', async t => {
  const viewer = new Viewer(() => {})
  for (let i = 0; i < 1000; i++) {
    if (viewer.isBehind) viewer.show(FRAME)
    else viewer.send(FRAME)
  }
  t.ok(viewer.readableLength < 10 * FRAME.length)
})
