import t, { type Test } from 'tap'
import { NoAnswerError, type RestAnswer, type RestRequest } from '../../src/jambonz/rest-request.ts'
import { RestQueue, RestQueueError, type QueuedRequest, type RestKind } from '../../src/jambonz/rest-queue.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

interface Sent {
  path: string
  answer(status: number, headers?: Record<string, string>): void
  fail(error: Error): void
}

/** A queue on a standing clock, whose requests are answered by hand. */
function queueOf (t: Test, perMinute = 120) {
  const clock = createTestClock()
  const sent: Sent[] = []
  const waiting: Partial<Record<RestKind, number>> = {}
  const asked: string[] = []
  const queue = new RestQueue({
    clock,
    perMinute,
    sender: {
      send: ({ path }: RestRequest) => new Promise<RestAnswer>((resolve, reject) => {
        sent.push({
          path,
          answer: (status, headers = {}) => resolve({ status, headers, text: '' }),
          fail: reject
        })
      }),
      close: async () => {}
    },
    observer: {
      asked: (kind, outcome, waitedS) => asked.push(`${kind} ${outcome} after ${waitedS} s`),
      waiting (kind, requests) {
        waiting[kind] = requests
      }
    }
  })
  t.after(() => queue.close())
  const ask = (kind: RestKind, path: string, more: Partial<QueuedRequest> = {}) => {
    const asking = queue.ask({ kind, path, method: 'POST', timeoutMs: 1000, ...more })
    // Some are looked at only later.
    asking.catch(() => {})
    return asking
  }
  /** Asks, and does not wait for what becomes of it. */
  function begin (kind: RestKind, path: string): void {
    ask(kind, path).catch(() => {})
  }
  return { queue, clock, sent, ask, begin, waiting, asked, paths: () => sent.map(({ path }) => path) }
}

/** Why the queue refused a request. */
async function refusal (asking: Promise<unknown>): Promise<RestQueueError> {
  const error = await asking.then(() => 'it was sent', (error: unknown) => error)
  if (error instanceof RestQueueError) return error
  throw new Error(`not refused: ${error}`)
}

await t.test('hang-ups go before digits, digits before orders, and orders before lists', async t => {
  const { begin, sent, paths } = queueOf(t)
  for (let n = 0; n < 40; n++) begin('hang-up', `busy ${n}`)
  begin('list', 'a list')
  begin('order', 'an order')
  begin('digit', 'a digit')
  begin('hang-up', 'a hang-up')
  await settle()
  t.equal(sent.length, 40, 'a bounded number at the same time')
  for (const request of sent.slice(0, 40)) {
    request.answer(202)
    await settle()
  }
  t.strictSame(paths().slice(40), ['a hang-up', 'a digit', 'an order', 'a list'])
})

await t.test('however many orders are under way, a hang-up goes at once', async t => {
  const { begin, sent, paths, waiting } = queueOf(t)
  for (let n = 0; n < 300; n++) begin('order', `order ${n}`)
  await settle()
  t.equal(sent.length, 32)
  t.equal(waiting.order, 268)
  begin('hang-up', 'a hang-up')
  await settle()
  t.equal(paths().at(-1), 'a hang-up')
})

await t.test('orders leave a part of the rate to hang-ups, and are refused when they would wait too long', async t => {
  const { ask, begin, clock, sent, paths } = queueOf(t, 4)
  for (let n = 0; n < 18; n++) begin('order', `order ${n}`)
  await settle()
  const refused = await refusal(ask('order', 'one too many'))
  t.equal(refused.reason, 'queue-full')
  t.ok(refused.retryInMs! > 299_000 && refused.retryInMs! <= 301_000, `${refused.retryInMs}`)
  begin('hang-up', 'first')
  begin('hang-up', 'second')
  await settle()
  t.strictSame(paths().slice(18), ['first', 'second'])
  t.equal((await refusal(ask('hang-up', 'third'))).reason, 'queue-full', 'a hang-up is tried again later')

  for (const { answer } of sent) answer(201)
  await clock.pass(refused.retryInMs!)
  begin('order', 'now')
  await settle()
  t.equal(paths().at(-1), 'now')
})

await t.test('an order waits a short time for the rate', async t => {
  const { begin, clock, paths } = queueOf(t, 4)
  for (let n = 0; n < 18; n++) begin('order', `order ${n}`)
  await clock.pass(285_000)
  begin('order', 'the next')
  await settle()
  t.equal(paths().length, 18)
  await clock.pass(16_000)
  t.equal(paths().at(-1), 'the next')
})

await t.test('turned away by the limit: it waits, and is sent again', async t => {
  for (const kind of ['order', 'hang-up'] as const) {
    const { ask, clock, sent, asked } = queueOf(t)
    let commits = 0
    const answer = ask(kind, 'x', { commit: async () => ++commits > 0 })
    await settle()
    sent[0]!.answer(429, { 'retry-after': '3' })
    await clock.pass(2900)
    t.equal(sent.length, 1)
    await clock.pass(200)
    t.equal(sent.length, 2)
    sent[1]!.answer(201)
    t.equal((await answer).status, 201)
    t.equal(commits, 2, 'it is asked each time whether the request is still wanted')
    t.strictSame(asked, [`${kind} 429 after 0 s`, `${kind} 201 after 3 s`])
  }
})

await t.test('turned away by the limit, and not wanted any more: it is not sent again', async t => {
  const { ask, clock, sent } = queueOf(t)
  let isWanted = true
  const answer = ask('order', 'x', { commit: async () => isWanted })
  await settle()
  sent[0]!.answer(429, { 'retry-after': '3' })
  await settle()
  isWanted = false
  const reason = answer.then(() => undefined, (error: RestQueueError) => error.reason)
  await clock.pass(3100)
  t.equal(await reason, 'not-wanted')
  t.equal(sent.length, 1)
})

await t.test('an order that was turned away is the next one', async t => {
  const { begin, clock, sent, paths } = queueOf(t)
  for (let n = 0; n < 34; n++) begin('order', `order ${n}`)
  await settle()
  sent[0]!.answer(429, { 'retry-after': '3' })
  await clock.pass(3000)
  t.equal(paths().at(-1), 'order 0')
})

await t.test('turned away for longer than anybody would wait: what waits is refused at once', async t => {
  const { ask, sent } = queueOf(t)
  const first = ask('order', 'first')
  const others = Array.from({ length: 40 }, (_, n) => ask('order', `order ${n}`))
  await settle()
  sent[0]!.answer(429, { 'retry-after': '200' })
  t.equal((await refusal(first)).reason, 'queue-full')
  const refused = await refusal(others.at(-1)!)
  t.equal(refused.retryInMs, 200_000)
  t.equal(sent.length, 32, 'those under way are still under way')
})

await t.test('Jambonz tells that little is left: orders stop there, and hang-ups go on', async t => {
  const { ask, begin, sent, paths } = queueOf(t)
  begin('order', 'first')
  await settle()
  sent[0]!.answer(201, { 'ratelimit-limit': '600', 'ratelimit-remaining': '62', 'ratelimit-reset': '250' })
  await settle()
  const orders = Array.from({ length: 5 }, (_, n) => ask('order', `order ${n}`))
  await settle()
  t.strictSame(paths(), ['first', 'order 0', 'order 1'])
  for (const order of orders.slice(2)) t.equal((await refusal(order)).reason, 'queue-full')
  begin('hang-up', 'a hang-up')
  await settle()
  t.equal(paths().at(-1), 'a hang-up')
})

await t.test('notAfter: an order that is late is not sent', async t => {
  const { ask, begin, clock, sent } = queueOf(t)
  for (let n = 0; n < 32; n++) begin('order', `order ${n}`)
  const late = ask('order', 'late', { notAfter: clock.now() + 2000 })
  await clock.pass(2000)
  t.equal((await refusal(late)).reason, 'too-late')
  for (const { answer } of sent) answer(201)
  await settle()
  t.equal(sent.length, 32)
  t.equal((await refusal(ask('order', 'late from the beginning', { notAfter: clock.now() - 1 }))).reason, 'too-late')
})

await t.test('notAfter: also where timers are late', async t => {
  const { ask, begin, clock, sent, paths } = queueOf(t)
  for (let n = 0; n < 32; n++) begin('order', `order ${n}`)
  const late = ask('order', 'late', { notAfter: clock.now() + 2000 })
  begin('order', 'not late')
  await settle()
  const now = clock.now() + 2001
  clock.now = () => now
  sent[0]!.answer(201)
  t.equal((await refusal(late)).reason, 'too-late')
  t.equal(paths().at(-1), 'not late')
})

await t.test('a Jambonz that hangs: who waits for 20 s is refused', async t => {
  const { ask, begin, clock } = queueOf(t)
  for (let n = 0; n < 32; n++) begin('order', `order ${n}`)
  const waits = ask('order', 'waits')
  await clock.pass(20_000)
  t.equal((await refusal(waits)).reason, 'queue-full')
})

await t.test('the queue is bounded', async t => {
  const { ask, begin } = queueOf(t, 60_000)
  for (let n = 0; n < 1032; n++) begin('order', `order ${n}`)
  t.equal((await refusal(ask('order', 'one too many'))).reason, 'queue-full')
})

await t.test('what was not sent does not count', async t => {
  const { ask, begin, sent, paths } = queueOf(t, 1)
  for (let n = 0; n < 4; n++) {
    t.equal((await refusal(ask('order', 'unwanted', { commit: async () => false }))).reason, 'not-wanted')
  }
  await t.rejects(ask('order', 'no store', { commit: () => Promise.reject(new Error('gone')) }), { message: 'gone' })
  const refused = ask('order', 'refused')
  await settle()
  sent[0]!.fail(new NoAnswerError(false, 'ECONNREFUSED'))
  await t.rejects(refused, { message: /ECONNREFUSED/ })
  for (let n = 0; n < 5; n++) begin('order', `order ${n}`)
  await settle()
  t.strictSame(paths().slice(1), ['order 0', 'order 1', 'order 2', 'order 3'])
})

await t.test('the process is about to end: orders that wait go elsewhere, and hang-ups go on', async t => {
  const { queue, ask, begin, sent, paths } = queueOf(t)
  for (let n = 0; n < 32; n++) begin('order', `order ${n}`)
  const waits = ask('order', 'waits')
  await settle()
  queue.drain()
  t.match(await refusal(waits), { reason: 'queue-full', retryInMs: 1000 })
  t.match(await refusal(ask('order', 'new')), { reason: 'queue-full', retryInMs: 1000 })
  begin('hang-up', 'a hang-up')
  await settle()
  t.equal(paths().at(-1), 'a hang-up')
  for (const { answer } of sent) answer(201)
  await settle()
  t.equal(sent.length, 33)
})

await t.test('closed: nothing more is sent', async t => {
  const { queue, ask, begin, sent } = queueOf(t)
  for (let n = 0; n < 32; n++) begin('order', `order ${n}`)
  const waits = ask('order', 'waits')
  await settle()
  await queue.close()
  t.equal((await refusal(waits)).reason, 'not-wanted')
  t.equal(sent.length, 32)
})
