import t from 'tap'
import { transfer } from '../../src/cli/transfer.ts'

const ENV = { PUBLIC_URL: 'http://127.0.0.1:3000', OPERATOR_TOKEN: 'operator-token-operator-token' }

/** Runs the command against replies that come one after another. */
async function run (args: string[], ...replies: Array<[status: number, body: object]>) {
  const asked: Array<{ method: string, path: string, body: any }> = []
  const said: string[] = []
  const failed: string[] = []
  const code = await transfer(args, {
    env: ENV,
    out: line => said.push(line),
    err: line => failed.push(line),
    fetch: async (url, options = {}) => {
      const { pathname, search } = new URL(String(url))
      const body = typeof options.body === 'string' ? JSON.parse(options.body) : undefined
      asked.push({ method: options.method ?? 'GET', path: pathname + search, body })
      const [status, reply] = replies.shift() ?? [500, {}]
      return Response.json(reply, { status })
    }
  })
  return { code, asked, said, failed }
}

const BEGUN = { id: 'tr-1', mode: 'consult', state: 'requested' }

await t.test('a transfer begins', async t => {
  const { code, asked, said } = await run(
    ['call-1', '+1', '555', '000', '3333', '--mode', 'consult', '--brief', 'about 4711', '--ring', '20'],
    [202, BEGUN]
  )
  t.equal(code, 0)
  const body = { to: '+15550003333', mode: 'consult', brief: 'about 4711', ring: 20 }
  t.same(asked, [{ method: 'POST', path: '/calls/call-1/transfers', body }])
  t.same(said, ['Begun: tr-1. Watch it: bridge calls call-1 --follow'])
})

await t.test('--wait follows it to its end', async t => {
  const states = ['ringing', 'consulting'].map(state => [200, { ...BEGUN, state }] as [number, object])
  const end = { ...BEGUN, state: 'finished', result: 'returned', reason: 'declined' }
  const args = ['call-1', '+15550003333', '--mode', 'consult', '--wait']
  const { code, asked, said } = await run(args, [202, BEGUN], ...states, [200, end])
  t.equal(code, 1, 'caller and person do not talk')
  t.same(said, ['requested', 'ringing', 'consulting', 'returned: declined'])
  t.same(asked.slice(1).map(({ path }) => path), ['requested', 'ringing', 'consulting'].map(state =>
    `/calls/call-1/transfers/tr-1?wait=8&state=${state}`))

  const bridged = { ...end, result: 'bridged', reason: 'completed' }
  const json = await run([...args, '--json'], [202, BEGUN], [200, bridged])
  t.equal(json.code, 0)
  t.same(json.said, [JSON.stringify(bridged)])
})

await t.test('a refusal says why, and wrong arguments show the usage', async t => {
  const refusal = { code: 'BRIDGE_NUMBER_REFUSED', message: '`to` is not dialled (denied).' }
  const refused = await run(['call-1', '+15550003333', '--mode', 'blind'], [403, refusal])
  t.same([refused.code, refused.failed], [1, ['`to` is not dialled (denied). (BRIDGE_NUMBER_REFUSED)']])
  for (const args of [[], ['call-1'], ['call-1', '+1555'], ['call-1', '+1555', '--mode', 'warm']]) {
    const wrong = await run(args)
    t.equal(wrong.code, 2)
    t.match(wrong.failed.join('\n'), /Usage: bridge transfer/)
    t.same(wrong.asked, [])
  }
  t.equal((await run(['--help'])).code, 0)
})
