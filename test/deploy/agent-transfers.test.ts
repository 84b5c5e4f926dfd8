import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { CallApi, CallApiError, type Transfer } from '../../deploy/agent/src/call-api.ts'
import { tonesOf } from '../../deploy/agent/src/earcons.ts'
import { newsOf, refusalOf } from '../../deploy/agent/src/news.ts'
import { People } from '../../deploy/agent/src/people.ts'
import { Transfers } from '../../deploy/agent/src/transfers.ts'
import { TRANSFER_REASONS } from '../../src/calls/fold/vocabulary.ts'

/*
 * The parts of the example agent that need no LiveKit: what it asks of the bridge, and what it makes of the answers.
 */

interface Reply {
  status?: number
  body: object
}

/** A bridge that answers as it is told, and the agent's transfers. */
async function stage (t: Test, answer: (request: string, body: any) => Reply | Promise<Reply>) {
  const server = createServer(async (request, reply) => {
    const { status = 200, body } = await answer(`${request.method} ${request.url}`, await bodyOf(request))
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const over = new AbortController()
  t.teardown(() => {
    over.abort()
    server.closeAllConnections()
    server.close()
  })
  const heard: string[] = []
  const waiting = new Set<() => void>()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls/c`
  const transfers = new Transfers({
    api: new CallApi({ url, token: 'jlb_call_x' }),
    people: People.read('sales=+15550003333, support = +15550004444'),
    over: over.signal,
    onNews ({ state, reason }) {
      heard.push(reason ? `${state} ${reason}` : state)
      for (const look of waiting) look()
    }
  })
  return {
    transfers,
    heard,
    /** Resolves when the agent has heard of a state. */
    until: (state: string) =>
      new Promise<void>(resolve => {
        const look = () => heard.includes(state) && resolve()
        waiting.add(look)
        look()
      })
  }
}

async function bodyOf (request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString())
}

const transfer = (state: string, extra: Partial<Transfer> = {}): Transfer => ({
  id: 'tr-1',
  mode: 'consult',
  state,
  ...extra
})
const RETURNED = transfer('finished', { result: 'returned', reason: 'busy' })
const message = (transfer: unknown, type = 'transfer') =>
  new TextEncoder().encode(JSON.stringify({ v: 1, type, callSid: 'c', transfer }))

await t.test('names are called, and numbers are not', async t => {
  const asked: unknown[] = []
  const { transfers, until } = await stage(t, (request, body) => {
    if (body) asked.push([request, body])
    return { body: request.startsWith('POST') ? transfer('calling') : RETURNED }
  })
  await transfers.begin('consult', 'support', 'Ada asks for a refund.')
  await until('finished busy')
  t.same(asked, [['POST /calls/c/transfers', { mode: 'consult', to: '+15550004444', brief: 'Ada asks for a refund.' }]])
  for (const name of ['+15550003333', 'SALES', '__proto__', '']) {
    await t.rejects(transfers.begin('blind', name), /Choose: sales, support/)
  }
  t.equal(asked.length, 1)
})

await t.test('only what can reach the person is sent along', async t => {
  const asked: any[] = []
  const { transfers } = await stage(t, (_request, body) => {
    if (body) asked.push(body)
    return { body: RETURNED }
  })
  for (const mode of ['consult', 'screen', 'blind', 'add'] as const) await transfers.begin(mode, 'sales', 'Ada calls.')
  t.same(asked.map(({ brief, say }) => brief ?? say), [
    'Ada calls.',
    'Ada calls. Press 1 to take the call.',
    undefined,
    undefined
  ])
})

await t.test('a setting with a wrong number stops the agent, and is not shown', async t => {
  t.same(People.read().names, [])
  t.same(People.read(' the boss=+15550003333,').names, ['the boss'])
  const message = 'PEOPLE: entry 2 is not like sales=+15550003333'
  for (const wrong of ['sales', 'sales=15550003333', '=+15550003333', 'a=+15550003333;b=+1555', 'sales=+1555x']) {
    t.throws(() => People.read(`ok=+15550001111,${wrong}`), { message })
  }
})

await t.test('replies and data messages tell each step once, whichever comes first', async t => {
  let answer: (reply: Reply) => void = () => {}
  const { transfers, heard, until } = await stage(t, request => {
    if (request.startsWith('POST')) return { body: transfer('calling') }
    return new Promise(resolve => {
      answer = resolve
    })
  })
  await transfers.begin('consult', 'sales')
  t.equal(transfers.open?.state, 'calling')
  transfers.heard(message(transfer('ringing')), undefined, 'bridge')
  transfers.heard(message(transfer('ringing')), undefined, 'bridge')
  transfers.heard(message(transfer('consulting')), undefined, 'bridge')
  transfers.heard(message(RETURNED), undefined, 'bridge')
  t.equal(transfers.open, undefined)
  answer({ body: RETURNED })
  transfers.heard(message(transfer('ringing')), undefined, 'bridge')
  await until('finished busy')
  t.same(heard, ['calling', 'ringing', 'consulting', 'finished busy'])
})

await t.test('what somebody in the room says is not believed', async t => {
  const { transfers, heard } = await stage(t, () => ({ body: transfer('calling') }))
  transfers.heard(message(RETURNED), { identity: 'sip_+15550001111' }, 'bridge')
  transfers.heard(message(RETURNED), undefined, 'chat')
  transfers.heard(message(RETURNED, 'other'), undefined, 'bridge')
  transfers.heard(message({}), undefined, 'bridge')
  transfers.heard(new TextEncoder().encode('{'), undefined, 'bridge')
  transfers.heard(new TextEncoder().encode('null'), undefined, 'bridge')
  t.same(heard, [])
})

await t.test('late news of an earlier transfer do not end the one that is under way', async t => {
  const { transfers } = await stage(t, () => ({ body: transfer('calling', { id: 'tr-2' }) }))
  await transfers.begin('add', 'sales')
  transfers.heard(message(RETURNED), undefined, 'bridge')
  t.equal(transfers.open?.id, 'tr-2')
})

await t.test('an agent that takes over hears how the transfer of the one before ends', async t => {
  let reads = 0
  const { transfers, until, heard } = await stage(t, () => ({ body: reads++ === 0 ? transfer('ringing') : RETURNED }))
  await transfers.resume('tr-1')
  await until('finished busy')
  t.same(heard, ['ringing', 'finished busy'])
})

await t.test('a bridge that is away for a moment is asked again', async t => {
  let reads = 0
  const { transfers, until } = await stage(t, request => {
    if (request.startsWith('POST')) return { body: transfer('calling') }
    return reads++ === 0 ? { status: 503, body: { code: 'BRIDGE_STORE_UNAVAILABLE' } } : { body: RETURNED }
  })
  await transfers.begin('consult', 'sales')
  await until('finished busy')
})

await t.test('complete, cancel, digits and hanging up', async t => {
  const asked: unknown[] = []
  const { transfers } = await stage(t, (request, body) => {
    if (request.startsWith('POST')) asked.push(body ? [request, body] : request)
    return { body: request.endsWith('/cancel') ? RETURNED : transfer('consulting') }
  })
  await t.rejects(transfers.complete(), /No transfer/)
  await transfers.begin('consult', 'sales')
  await transfers.complete()
  await transfers.cancel()
  await t.rejects(transfers.cancel(), /No transfer/)
  await transfers.sendDigits('12w#')
  await transfers.hangUp()
  t.same(asked.slice(1), [
    'POST /calls/c/transfers/tr-1/complete',
    'POST /calls/c/transfers/tr-1/cancel',
    ['POST /calls/c/dtmf', { digits: '12w#' }],
    'POST /calls/c/hangup'
  ])
})

await t.test('in a degraded call nobody can be called, and the agent can say so', async t => {
  const transfers = new Transfers({
    api: undefined,
    people: People.read('sales=+15550003333'),
    over: new AbortController().signal,
    onNews () {}
  })
  for (const act of [transfers.begin('add', 'sales'), transfers.sendDigits('1'), transfers.hangUp()]) {
    const error = await act.then(() => undefined, error => error)
    t.match(refusalOf(error), /go on without it/)
  }
})

await t.test('every result has words and tones for the caller', async t => {
  for (const reason of TRANSFER_REASONS.filter(reason => !['completed', 'caller-gone'].includes(reason))) {
    const returned = transfer('finished', { result: 'returned', reason })
    t.match(newsOf(returned), /Tell the caller/, reason)
    t.ok(tonesOf(returned).length > 0, reason)
    if (reason !== 'error') t.notMatch(newsOf(returned), /did not work/, `${reason} has words of its own`)
  }
  t.match(newsOf(transfer('finished', { result: 'returned', reason: 'a-new-one' })), /did not work/)
  const bridged = (mode: Transfer['mode']) => transfer('finished', { mode, result: 'bridged', reason: 'completed' })
  t.match(newsOf(bridged('add')), /Greet/)
  for (const quiet of [bridged('consult'), transfer('ringing'), transfer('finished', { result: 'failed' })]) {
    t.equal(newsOf(quiet), undefined)
    t.same(tonesOf(quiet), [])
  }
})

await t.test('every refusal has words', async t => {
  const words = (status: number, code?: string) => refusalOf(new CallApiError(status, { code }))
  t.match(words(403, 'BRIDGE_NUMBER_REFUSED'), /not allowed/)
  t.match(words(409, 'BRIDGE_CALL_ENDED'), /over/)
  t.match(words(409, 'BRIDGE_TRANSFER_OPEN'), /another transfer/i)
  t.match(words(409), /not possible now/)
  t.match(words(429), /message/)
  t.match(words(500), /did not do it/)
  t.match(refusalOf(new TypeError('fetch failed')), /cannot be reached/)
})
