import t from 'tap'
import type { Explanation } from '../../src/explain/explanation.ts'
import { codesOf, explainedAll } from '../fixtures/explained.ts'
import { readRecordings } from '../fixtures/recordings.ts'

/*
 * Webhooks as people have them: written by a proxy, a logger or a collector, or pasted by hand.
 */

const { requests, start } = readRecordings().find(({ name }) => name === 'chain/wrong-trunk-password')!
const hooks = requests.map(({ at_ms: at, url, body, replied }) => ({
  at: start + at,
  url,
  body: JSON.parse(body) as Record<string, unknown>,
  status: replied?.status ?? 200,
  verbs: (replied as { body?: unknown } | undefined)?.body,
  repliedAt: start + (replied?.at_ms ?? at + 5)
}))
const lines = (records: unknown[]): string =>
  `${records.map(record => typeof record === 'string' ? record : JSON.stringify(record)).join('\n')}\n`

const SHAPES: Record<string, string> = {
  'bare bodies, in order and without any time': lines(hooks.map(({ body }) => body)),
  'bodies with a time in them': lines(
    hooks.map(({ at, body }) => ({ ...body, timestamp: new Date(at).toISOString() }))
  ),
  '{ body }': lines(hooks.map(({ at, body }) => ({ ts: at / 1000, body }))),
  '{ body } as text': lines(
    hooks.map(({ at, url, body }) => ({ received_at: at, date: at, url, body: JSON.stringify(body) }))
  ),
  "a collector's export": JSON.stringify(
    {
      data: hooks.map(({ at, url, body }) => ({
        created_at: new Date(at).toISOString(),
        url: `https://collector.example.com${url}`,
        method: 'POST',
        content: JSON.stringify(body)
      }))
    },
    null,
    2
  ),
  'pino: one line with the request and its reply': lines(
    hooks.map(({ repliedAt, at, url, body, status }, i) => ({
      level: 30,
      time: repliedAt,
      pid: 1,
      req: { id: i, method: 'POST', url, headers: { host: 'x' }, body },
      res: { statusCode: status },
      responseTime: repliedAt - at,
      msg: 'request completed'
    }))
  ),
  'pino: two lines': lines(hooks.flatMap(({ at, repliedAt, url, body, status }, i) => [
    { level: 30, time: at, reqId: `req-${i}`, req: { method: 'POST', url, body }, msg: 'incoming request' },
    {
      level: 30,
      time: repliedAt,
      reqId: `req-${i}`,
      res: { statusCode: status },
      responseTime: repliedAt - at,
      msg: 'request completed'
    }
  ])),
  winston: lines(
    hooks.map(({ at, url, body }) => ({
      level: 'info',
      message: `HTTP POST ${url}`,
      timestamp: new Date(at).toISOString(),
      meta: { req: { url, method: 'POST', body }, res: { statusCode: 200 } }
    }))
  ),
  'docker in front': lines(
    hooks.map(({ at, body }) => `bridge-1  | ${new Date(at).toISOString()} ${JSON.stringify(body)}`)
  ),
  'numbers as text, empty fields': lines(
    hooks.map(({ at, url, body }) => ({
      time: at,
      url,
      body: Object.fromEntries(
        Object.entries(body).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value])
      ),
      parent: null
    }))
  ),
  'with words in between': `Here is what we got:\n\n${
    lines(hooks.map(({ at, body }) => ({ time: at, body })))
  }\nPlease help.\n`
}

await t.test('webhooks in every usual shape are explained alike', async t => {
  for (const [shape, text] of Object.entries(SHAPES)) {
    const explanation = await explainedAll([text])
    const [call] = explanation.calls
    t.equal(explanation.calls.length, 1, shape)
    t.equal(call?.sources.hooks, hooks.length, `${shape}: every hook`)
    t.equal(call?.end?.cause, 'livekit-refused-credentials', `${shape}: ${call?.summary}`)
  }
})

const evidence = ({ calls }: Explanation): string[] => calls.flatMap(call => call.evidence.map(({ seen }) => seen))

await t.test('the time of a reply is used where it was logged, and named as missing where it was not', async t => {
  const call = {
    call_sid: 'sid-1',
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    call_status: 'trying',
    sip: { headers: {} }
  }
  const gone = { ...call, sip: undefined, call_status: 'no-answer', sip_status: 487, call_termination_by: 'caller' }
  const verbs = [{ verb: 'dial', target: [] }]
  const late = await explainedAll([lines([
    { level: 30, time: start, reqId: 'a', req: { url: '/livekit-api', body: call } },
    { level: 30, time: start + 1300, reqId: 'b', req: { url: '/status', body: gone } },
    { level: 30, time: start + 1400, reqId: 'a', res: { statusCode: 200 }, msg: 'request completed' }
  ])])
  t.match(late.calls[0]?.end, { cause: 'caller-gave-up', waitingOn: 'hook' })
  t.match(late.calls[0]?.summary, /waiting for the reply to the call hook/)
  t.ok(codesOf(late).includes('slow-call-hook'), String(codesOf(late)))
  t.notOk(codesOf(late).includes('hooks-missing'))

  const without = await explainedAll([
    lines([{ time: start, url: '/livekit-api', body: call }, { time: start + 1300, url: '/status', body: gone }])
  ])
  t.equal(without.calls[0]?.end?.cause, 'caller-gave-up')
  t.match(without.calls[0]?.findings.find(({ code }) => code === 'hooks-missing')?.seen, /the reply to the call hook\./)
  t.same(evidence(without).filter(seen => /reply|createRoom|deadline/.test(seen)), [], 'no evidence that nobody saw')

  const declined = await explainedAll([
    lines([{
      time: start,
      url: '/livekit-api',
      body: call,
      reply: { status: 200, time: start + 20, body: [{ verb: 'sip:decline', status: 480 }] }
    }])
  ])
  t.match(declined.calls[0]?.summary, /answered with a decline \(480\)/)
  const verbless = await explainedAll([
    lines([{
      time: start,
      url: '/livekit-api',
      body: call,
      reply: { status: 200, time: start + 20, body: JSON.stringify(verbs) }
    }])
  ])
  t.ok(evidence(verbless).every(seen => !/createRoom/.test(seen)))
})

await t.test('reports never speak of the bridge: another application may have answered the hooks', async t => {
  for (const { name, requests, start } of readRecordings()) {
    const explanation = await explainedAll([
      lines(
        requests.map(({ at_ms: at, url, body, replied }) => ({
          time: start + at,
          url,
          body,
          ...(replied &&
            {
              replied: {
                status: replied.status,
                body: (replied as { body?: unknown }).body,
                time: start + (replied.at_ms ?? at + 5)
              }
            })
        }))
      )
    ])
    for (const call of explanation.calls) {
      t.notMatch(
        [
          call.summary,
          ...call.findings.map(({ seen }) => seen),
          ...call.evidence.map(({ seen, shows }) => `${seen} ${shows}`)
        ].join('\n'),
        /bridge's (reply|own|verbs)|reply of the bridge|the bridge (declined|never|could|answered|called|gave)/,
        name
      )
    }
  }
})

await t.test('a fragment of a call hook is enough to name what is missing', async t => {
  for (
    const fragment of [{ call_sid: 'sid-1', direction: 'inbound' }, { call_sid: 'sid-1', call_id: 'x', from: 'a' }, {
      call_sid: 'sid-1',
      sip: { headers: { from: 1 } }
    }]
  ) {
    const explanation = await explainedAll([lines([fragment])])
    t.equal(explanation.calls.length, 1, JSON.stringify(fragment))
    t.ok(codesOf(explanation).includes('hooks-missing'))
    t.ok(explanation.calls[0]!.summary.length > 0)
  }
})

await t.test('odd values in hooks are read as the service reads them', async t => {
  const unresolved = hooks.filter(({ url }) => !url.startsWith('/action'))
  const odd = unresolved.map(({ at, url, body }) => ({
    time: at,
    url,
    body: {
      ...body,
      ...(url.startsWith('/status') && { call_status: undefined }),
      ...(typeof body['sip_status'] === 'number' && { sip_status: String(body['sip_status']) }),
      call_termination_by: 'somebody',
      sip_reason: 100,
      originating_sip_trunk_name: 7,
      caller_name: null,
      ...(body['sip'] !== undefined && { sip: { headers: null } })
    }
  }))
  const explanation = await explainedAll([lines(odd)])
  t.equal(explanation.calls[0]?.end?.cause, 'livekit-refused-credentials', explanation.calls[0]?.summary ?? '')
  t.equal(explanation.calls[0]?.sources.hooks, unresolved.length, 'every hook is read')
})

await t.test('a body that does not fit its path is read by its fields', async t => {
  const status = hooks.find(({ body }) => body['parent_call_sid'] !== undefined)!
  const { call_status: _, sip_status: __, ...withoutStatus } = status.body
  const misplaced = hooks.map(({ at, body }) => ({ time: at, url: '/hooks', body }))
  const empty = { time: status.at, url: '/status', body: withoutStatus }
  const explanation = await explainedAll([lines([...misplaced, empty])])
  t.equal(explanation.calls[0]?.end?.cause, 'livekit-refused-credentials', explanation.calls[0]?.summary ?? '')
  t.equal(explanation.calls[0]?.sources.hooks, hooks.length, 'a status without any status means nothing')
})
