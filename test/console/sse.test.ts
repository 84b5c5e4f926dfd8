import t from 'tap'
import { project } from '../fixtures/paths.ts'

const { serverEvents } = await import(project('console/sse.js').href)

async function read (...chunks: Array<string | Uint8Array>): Promise<object[]> {
  const bytes = chunks.map(chunk => typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk)
  const events = []
  for await (const event of serverEvents(ReadableStream.from(bytes))) events.push(event)
  return events
}

await t.test('events are read, however they are cut', async t => {
  const text =
    'event: picture\ndata: {"a":"ä€"}\n\n: alive\n\ndata: one\ndata:two\n\nevent: bye\ndata: {}\n\nevent: lost'
  const expected = [
    { event: 'picture', data: '{"a":"ä€"}' },
    { event: '', data: '' },
    { event: 'message', data: 'one\ntwo' },
    { event: 'bye', data: '{}' }
  ]
  t.same(await read(text), expected, 'an event that is not complete does not count')
  const bytes = new TextEncoder().encode(text)
  for (const size of [1, 2, 3, 7, 50]) {
    const chunks = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
    t.same(await read(...chunks), expected, `${size} bytes at a time`)
  }
  t.same(await read(text.replaceAll('\n', '\r\n')), expected)
})

await t.test('whoever stops reading closes the stream', async t => {
  let closed = false
  const body = new ReadableStream({
    pull: controller => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    cancel: () => {
      closed = true
    }
  })
  const events = serverEvents(body)
  t.match(await events.next(), { value: { data: '1' } })
  await events.return()
  t.ok(closed)
})
