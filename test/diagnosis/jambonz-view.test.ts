import t from 'tap'
import { askJambonz } from '../../src/diagnosis/jambonz-view.ts'

const ACCESS = { baseUrl: 'https://jambonz.example.com/api/v1/', accountSid: 'acct-1', apiKey: 'secret-key' }
const QUESTION = {
  callSid: 'call-1',
  receivedAt: Date.UTC(2026, 10, 21, 10),
  endedAt: Date.UTC(2026, 10, 21, 10, 1),
  publicUrl: 'https://bridge.example.com'
}

type Answers = Record<string, unknown>

/** A Jambonz REST API that answers what it is told; a number is a status. */
function jambonz (answers: Answers) {
  const asked: Array<{ url: string, authorization: string | null }> = []
  const answer = (async (url: string, init: RequestInit) => {
    asked.push({ url, authorization: new Headers(init.headers).get('authorization') })
    const key = Object.keys(answers).filter(key => url.includes(key)).sort((a, b) => b.length - a.length)[0]
    const body = key === undefined ? 404 : answers[key]
    if (body instanceof Error) throw body
    return typeof body === 'number' ? new Response('no', { status: body }) : new Response(JSON.stringify(body))
  }) as unknown as typeof fetch
  return { answer, asked }
}

const CALLS = {
  total: 2,
  data: [
    {
      call_sid: 'call-1',
      direction: 'inbound',
      answered: false,
      sip_callid: 'a@carrier',
      sip_status: 480,
      termination_reason: 'caller abandoned',
      duration: 0,
      from: '+15550001111'
    },
    {
      call_sid: 'b-1',
      direction: 'outbound',
      answered: false,
      sip_callid: 'b@sbc',
      sip_parent_callid: 'a@carrier',
      sip_status: 404
    },
    { call_sid: 'other', sip_callid: 'c@x' }
  ]
}
const HOMER = {
  data: {
    messages: [
      {
        create_date: Date.UTC(2026, 10, 21, 10),
        raw: 'INVITE sip:+15551230000@sbc SIP/2.0\r\nFrom: <sip:+15550001111@carrier>\r\n\r\n'
      },
      {
        create_date: Date.UTC(2026, 10, 21, 10, 0, 1),
        raw: 'SIP/2.0 480 Temporarily Unavailable\r\nX-Reason: invalid verbs\u001b[31m\r\n\r\n'
      }
    ]
  }
}

await t.test('records, trace and alerts of this call', async t => {
  const { answer, asked } = jambonz({
    'RecentCalls?': CALLS,
    'RecentCalls/a%40carrier': HOMER,
    'Alerts?': {
      data: [
        { alert_type: 'invalid-app-payload', message: 'unknown property', target_sid: 'call-1' },
        { alert_type: 'invalid-app-payload', message: "somebody else's", target_sid: 'call-2' },
        { alert_type: 'WEBHOOK_CONNECTION_FAILURE', message: 'failed to connect to https://bridge.example.com/action' },
        { alert_type: 'webhook-failure', message: 'https://other.example.com returned 500' }
      ]
    }
  })
  const { findings, trace } = await askJambonz(ACCESS, QUESTION, answer)
  const of = (code: string) => findings.filter(finding => finding.code === code)
  t.strictSame(of('jambonz-alert').map(({ seen }) => seen), [
    'Alert of this call: invalid-app-payload: unknown property',
    'Alert of a hook of this bridge, at that time: webhook-connection-failure: failed to connect to https://bridge.example.com/action'
  ])
  t.match(of('jambonz-alert')[0], { severity: 'failed', todo: /rejected the bridge's verbs/ })
  t.strictSame(of('jambonz-leg').map(({ seen }) => seen), [
    'caller leg: not answered, 480, caller abandoned',
    'agent leg: not answered, 404'
  ])
  t.match(of('jambonz-x-reason')[0]?.seen, 'invalid verbs')
  t.equal(of('jambonz-no-trace').length, 1, 'of the agent leg')
  t.match(of('jambonz-trace')[0]?.command, /\$JAMBONZ_API_KEY.*a%40carrier\/invite\/pcap/)
  t.strictSame(trace, ['caller leg:', '  10:00:00.000 INVITE', '  10:00:01.000 480 Temporarily Unavailable'])
  t.notMatch(JSON.stringify({ findings, trace }), /secret-key|15550001111|15551230000|\\u001b/)
  t.ok(asked.every(({ authorization }) => authorization === 'Bearer secret-key'))
  t.match(
    asked[0]?.url,
    /^https:\/\/jambonz\.example\.com\/api\/v1\/Accounts\/acct-1\/RecentCalls\?page=1&count=500&start=2026-11-21T09%3A59%3A00\.000Z&end=2026-11-21T10%3A03/
  )
})

await t.test('what cannot be had is a finding', async t => {
  const codes = async (answers: Answers) =>
    (await askJambonz(ACCESS, QUESTION, jambonz(answers).answer)).findings.map(({ code }) => code)
  t.strictSame(await codes({ 'RecentCalls?': 401, 'Alerts?': 401 }), ['jambonz-key-refused'])
  t.strictSame(await codes({ 'RecentCalls?': new Error('ECONNREFUSED'), 'Alerts?': new Error('ECONNREFUSED') }), [
    'jambonz-unreachable'
  ])
  t.strictSame(await codes({ 'RecentCalls?': { data: [] }, 'Alerts?': { data: [] } }), [
    'jambonz-no-record',
    'jambonz-no-alert'
  ])
  t.strictSame(await codes({ 'RecentCalls?': { data: [] }, 'Alerts?': 500 }), ['jambonz-no-record', 'jambonz-refused'])
  t.strictSame(
    await codes({
      'RecentCalls?': { data: [CALLS.data[0]] },
      'RecentCalls/a%40carrier': { data: { calldata: [{ method_text: 'INVITE' }] } },
      'Alerts?': {}
    }),
    ['jambonz-leg', 'jambonz-trace', 'jambonz-leg', 'jambonz-no-alert']
  )
})

await t.test('what makes no sense does not throw', async t => {
  for (
    const nonsense of [null, [], 'text', { data: null }, { data: 'x' }, { data: [null] }, {
      data: [{ call_sid: 1, sip_callid: 2 }]
    }]
  ) {
    await t.resolves(
      askJambonz(ACCESS, QUESTION, jambonz({ 'RecentCalls?': nonsense, 'Alerts?': nonsense }).answer),
      JSON.stringify(nonsense)
    )
  }
})
