import t from 'tap'
import { createKeep } from '../../src/explain/keep.ts'
import { LOG_RULES } from '../../src/explain/knowledge/log-rules.ts'
import { LogLines } from '../../src/explain/log-lines.ts'
import { ruleFor } from '../../src/explain/logs.ts'
import { readInput } from '../../src/explain/read.ts'
import type { LogSeen } from '../../src/explain/seen.ts'
import { explainedAll, findingsOf } from '../fixtures/explained.ts'
import { LOG_LINE_CASES } from './log-line-cases.ts'

/** The log lines in a text, as they are read. */
async function linesIn (text: string): Promise<LogSeen[]> {
  const keep = createKeep()
  await readInput({ name: 'case.log', chunks: chunksOf(text) }, keep)
  return keep.seen.filter(item => item.kind === 'log')
}

async function * chunksOf (text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

const AT = '2026-01-31T10:00:00.003Z'
const sip = (words: string, fields: object = {}): string =>
  `${AT}\tINFO\tsip\tsip/inbound.go:434\t${words}\t${
    JSON.stringify({ callID: 'SCL_seven', sipCallID: 'seven@sbc', toUser: '+15550100008', ...fields })
  }\n`
const server = (words: string, fields: object): string =>
  `${AT}\tINFO\tlivekit.agents\tservice/agentservice.go:415\t${words}\t${JSON.stringify(fields)}\n`
const pino = (msg: string, fields: object = {}): string =>
  `${JSON.stringify({ level: 30, time: AT, pid: 7, hostname: 'jb-1', callSid: 'sid-7', ...fields, msg })}\n`

await t.test('a line of each kind, as its project writes it', async t => {
  for (const { code, says, text } of LOG_LINE_CASES) {
    const findings = findingsOf(await explainedAll([text]))
    const found = findings.find(finding => finding.code === code)
    t.match(found?.seen, says, `${code}: ${text.slice(0, 160)}`)
  }
})

await t.test('each rule has a line that it is the first to fit', async t => {
  const hit = new Set<unknown>()
  for (const { text } of LOG_LINE_CASES) {
    const lines = await linesIn(text)
    const all = new LogLines(lines)
    for (const line of lines) hit.add(ruleFor(line, all, all)?.rule.pattern)
  }

  for (const [service, rules] of Object.entries(LOG_RULES)) {
    if (service === 'jambonz-alerts' || service === 'twilio') continue
    for (const { pattern, code } of rules) t.ok(hit.has(pattern), `${service} ${code} ${pattern.source.slice(0, 80)}`)
  }
})

await t.test('lines of calls that go well', async t => {
  const harmless = [
    sip('processing invite'),
    sip('SIP invite authentication successful'),
    sip('Waiting for track subscription(s)') + sip('Accepting the call') +
      sip('Closing inbound call', { reason: 'hangup' }),
    sip('Closing inbound call', { status: 486, reason: 'removed' }),
    sip('Closing outbound call', { reason: 'bye' }),
    sip('inbound call transferred', { transferTo: 'tel:+15550100009' }),
    server('not dispatching agent job since no worker is available', { jobType: 'JT_PARTICIPANT', room: 'room-7' }),
    server('not dispatching agent job since no worker is available', { agentName: '', room: 'room-7' }) +
      server('assigned job to worker', { agentName: 'desk', jobID: 'AJ_7', room: 'room-7' }),
    server('failed to send job request', { jobID: 'AJ_7', error: 'no response from servers' }),
    server('job ended', { jobID: 'AJ_7', status: 'JS_SUCCESS' }),
    server('No SIP trunk matched', { toUser: '7' }) + server('SIP dispatch rule matched', { sipRule: 'SDR_7' }),
    pino('TaskSipRefer:exec - received 202 to REFER'),
    pino('SingleDialer:exec - dialog refreshed by uas'),
    pino('call connected successfully to feature server'),
    '2026-01-31 10:00:00,003 - INFO livekit.agents - registered worker {"id": "AW_7", "agent_name": "desk"}\n',
    "[2026-01-31 10:00:00] NOTICE[1234]: chan_sip.c:1: Peer 'desk' is now Reachable. (12ms / 2000ms)\n"
  ]
  for (const text of harmless) {
    const codes = findingsOf(await explainedAll([text])).map(({ code }) => code)
    t.same(codes, ['no-failure-named'], text.slice(0, 160))
  }
})

await t.test('a job for a worker without a name, while only one with a name is there', async t => {
  const [finding] = findingsOf(await explainedAll([
    server('worker registered', { agentName: 'desk', jobType: 'JT_ROOM', workerID: 'AW_7' }) +
    server('failed to send job request', { agentName: '', jobType: 'JT_ROOM', error: 'no response from servers' })
  ]))
  t.match(finding, { code: 'log-no-worker', seen: /a worker without a name\. Registered was agent "desk"/ })
  t.match(finding?.todo, /name "desk" in the dispatch rule/)
})

await t.test('a line without its ids belongs to the only call of its file', async t => {
  const invite = sip('processing invite')
  const closing = `${AT}\tINFO\tsip\tsip/inbound.go:1383\tClosing inbound call\t{"reason": "flood"}\n`
  const { calls } = await explainedAll([invite + closing])
  t.match(calls, [{ id: 'seven@sbc', to: '+15550100008', sources: { logs: 2 } }])
  t.match(findingsOf({ calls, findings: [] }).find(({ code }) => code === 'log-flood')?.seen, /to \+15550100008/)

  const two = await explainedAll([invite + sip('processing invite', { callID: 'SCL_8', sipCallID: '8@sbc' }) + closing])
  t.match(two.findings.map(({ code }) => code), ['log-flood', 'no-failure-named'], 'of two calls it may be either')
})

await t.test('what was read is said beside calls that are told', async t => {
  const { calls, findings } = await explainedAll([
    pino('SingleDialer:exec outdial failure 404') + pino('CallSession:exec starting 1 tasks', { callSid: 'sid-8' })
  ])
  t.match(calls, [{ id: 'sid-7' }])
  t.match(findings, [{ code: 'no-failure-named', seen: /^Also read: 1 log line of feature-server, .*call sid-8\./ }])
})

await t.test('the id of a job behind the last line of a traceback, or in the words of a line', async t => {
  const crash = (last: string): string =>
    '2026-01-31 10:00:01,007 - INFO livekit.agents - job entry {"job_id": "AJ_sevenSeven7"}\n' +
    '2026-01-31 10:00:02,007 - ERROR livekit.agents - unhandled exception while running the job task\n' +
    `Traceback (most recent call last):\n  File "/srv/agent.py", line 7, in entrypoint\n    run()\n${last} ` +
    '{"pid": 7, "job_id": "AJ_sevenSeven7"}\n'
  for (const last of ["KeyError: 'seven'", "svc.APIStatusError: message='no', status_code=401, body=None"]) {
    const { calls, findings } = await explainedAll([crash(last)])
    t.equal(calls.length, 1, last)
    t.equal(calls[0]?.sources.logs, 2, last)
    t.notOk(calls[0]?.findings.some(({ seen }) => seen.includes('"pid"')), 'its fields are no words of the error')
    t.same(findings, [], last)
  }
  const slow = await explainedAll([
    '2026-01-31 10:00:01,007 - INFO livekit.agents - received job request {"job_id": "AJ_sevenSeven7"}\n' +
    '2026-01-31 10:00:09,007 - WARNING livekit.agents - assignment for job AJ_sevenSeven7 timed out\n'
  ])
  t.same(slow.calls.map(({ id }) => id), ['AJ_sevenSeven7'])
  t.same(slow.findings, [])
})

await t.test('the headline of a call that LiveKit dropped names what was missing', async t => {
  const headline = async (text: string): Promise<string | undefined> => (await explainedAll([text])).calls[0]?.summary
  t.match(await headline(sip('Closing inbound call', { reason: 'flood', sipTrunk: 'ST_7' })), /found no dispatch rule for/)
  t.match(await headline(sip('Closing inbound call', { reason: 'flood' })), /found no inbound trunk for/)
  t.match(await headline(sip("Rejecting inbound call, doesn't match any Dispatch Rules")), /found no dispatch rule for/)
  t.match(await headline(sip("Rejecting inbound call, doesn't match any Trunks")), /found no inbound trunk for/)
  t.match(await headline(sip('Does not match Trunks or Dispatch Rules')), /no trunk or no dispatch rule/)
})

await t.test("livekit-sip's log alone says nothing of Jambonz", async t => {
  const lost = sip('Closing inbound call with error', { reason: 'media-timeout' })
  const todos = async (text: string): Promise<string> =>
    JSON.stringify((await explainedAll([text])).calls.flatMap(call => [...call.findings, ...call.nextSteps]))
  t.notMatch(await todos(lost), /Jambonz/)
  t.match(await todos(lost), /between the side that calls and LiveKit/)
})

await t.test('lines of sbc-inbound that report nothing wrong', async t => {
  const line = pino('identifyAccount: incoming call from gateway', { callSid: undefined, callId: 'seven@carrier' })
  t.match((await explainedAll([line])).findings[0]?.seen, /1 log line of sbc-inbound/)

  const last = pino('call ended with normal termination', { callSid: undefined, callId: 'seven@carrier' })
  t.match((await explainedAll([line + last])).findings[0]?.seen, /2 log lines of sbc-inbound/, 'with its other lines')
})

/** A line of one of Jambonz's servers, so many milliseconds after the first one. */
const jambonz = (ms: number, service: string, callId: string, msg: string, fields: object = {}): string =>
  `${service} | ${
    JSON.stringify({ level: 30, time: Date.parse(AT) + ms, pid: 7, hostname: 'jb-1', callId, ...fields, msg })
  }\n`

await t.test("lines of Jambonz's servers about one call, none of which names two of its legs", async t => {
  const fields = { callSid: 'sid-7', callingNumber: '+15550100007', calledNumber: '+15550100008' }
  const caller = jambonz(0, 'sbc-inbound', 'in-7@carrier', 'identifyAccount: incoming call from gateway')
  const inside = jambonz(20, 'feature-server', 'fs-7', 'CallSession:exec starting 1 tasks', fields) +
    jambonz(700, 'feature-server', 'fs-7', 'SingleDialer:exec outdial failure 404', fields)
  const dial = (ms: number, callId: string): string =>
    jambonz(ms, 'sbc-outbound', callId, 'forwarding call to sip endpoint sip:7@abcdefghijk.sip.livekit.cloud') +
    jambonz(ms + 90, 'sbc-outbound', callId, 'final call failure  404')

  const one = await explainedAll([caller + inside + dial(300, 'out-7')])
  t.same(one.calls.map(({ id, from, to, sources }) => [id, from, to, sources.logs]),
    [['sid-7', '+15550100007', '+15550100008', 5]])
  t.same(one.findings, [])
  const seen = one.calls[0]!.findings.map(finding => `${finding.seen} ${finding.todo}`).join('\n')
  t.match(seen, /LiveKit ended the outbound call with 404/)
  t.match(seen, /dialled to LiveKit ended with 404/)
  t.notMatch(seen, /carrier/)

  const others = {
    'two calls at the same time': caller + inside + dial(300, 'out-7') + dial(400, 'out-8'),
    'another time': inside + dial(3_600_000, 'out-7')
  }
  for (const [name, text] of Object.entries(others)) {
    const { calls } = await explainedAll([text])
    t.ok(calls.every(({ sources }) => sources.logs <= 3), name)
    t.ok(calls.length > 1, name)
  }
})

await t.test('secrets in the texts of errors', async t => {
  const [finding] = findingsOf(await explainedAll([
    '2026-01-31 10:00:00,003 - ERROR livekit.agents - unhandled exception while running the job task\n' +
    'Traceback (most recent call last):\n  File "/app/agent.py", line 1, in entrypoint\n' +
    'ValueError: bad token eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBUElrZXkifQ.c2lnbmF0dXJl for +15550100007\n'
  ]))
  t.equal(finding?.code, 'log-agent-crashed')
  t.notMatch(JSON.stringify(finding), /eyJpc3Mi|5550100007/)
})

await t.test('who wrote a line that says nothing special, by the name of its container or process', async t => {
  const services = [
    ['jambonz-feature-server', 'feature-server'],
    ['sbc-inbound', 'sbc-inbound'],
    ['sbc-sip-sidecar', 'sbc-inbound'],
    ['sbc-outbound', 'sbc-outbound'],
    ['livekit-sip', 'livekit-sip'],
    ['my-agent', 'an agent or an SDK of LiveKit'],
    ['datadog-agent', 'an application'],
    ['web', 'an application']
  ] as const
  for (const [name, service] of services) {
    const line = `4|${name}  | ${JSON.stringify({ level: 30, time: AT, pid: 7, hostname: 'h', msg: 'started' })}\n`
    const [finding] = findingsOf(await explainedAll([line]))
    t.match(finding?.seen, new RegExp(`^Read: 1 log line of ${service},`), name)
  }
  const line = `4|sip  | ${JSON.stringify({ level: 30, msg: 'No available rtpengines, rejecting call!' })}\n`
  const [wrong] = findingsOf(await explainedAll([line]))
  t.equal(wrong?.code, 'log-rtpengine', 'what only one service writes is surer than the name')
})
