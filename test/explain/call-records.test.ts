import t from 'tap'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { callerRecord, dialledRecord, page, twilioCall } from '../fixtures/exports.ts'

const text = (explanation: Awaited<ReturnType<typeof explainedAll>>): string =>
  findingsOf(explanation).map(({ seen, todo }) => `${seen} ${todo ?? ''}`).join('\n')

await t.test('the records of one call: which leg failed, and with what', async t => {
  for (
    const [how, caller, dialled] of [
      ['by the times and numbers', callerRecord(), dialledRecord()],
      ["by the caller's Call-ID", callerRecord(), dialledRecord({
        from: '15550109999',
        sip_parent_callid: 'caller-7@carrier.example.com'
      })],
      ['by the call_sid', callerRecord({ call_sid: '0f7a2c5e-0000-4000-8000-000000000077' }), dialledRecord({
        from: 'anonymous'
      })]
    ] as const
  ) {
    const explanation = await explainedAll([page(caller, dialled)])
    t.equal(explanation.calls.length, 1, how)
    const [call] = explanation.calls
    t.match(call, { end: { cause: 'livekit-no-route', sipStatus: 404 }, sources: { records: 2 } })
    t.equal(call?.from, '+15550101111')
    t.match(text(explanation), /leg to LiveKit \(exampleproj[^)]+\) failed with SIP status 404.*caller's leg.* 480.*after the leg that it had dialled/s)
    t.notMatch(text(explanation), /POST|webhooks/, 'no webhook is missing where there are records')
    t.notOk(codesOf(explanation).includes('hooks-missing'))
  }
})

await t.test('records that only may be of one call stay apart', async t => {
  const other = callerRecord({ sip_callid: 'caller-8@carrier.example.com' })
  t.equal((await explainedAll([page(callerRecord(), other, dialledRecord())])).calls.length, 3)
  for (const attempted of ['2026-03-04T09:00:30.000Z', '2026-03-04T08:59:50.000Z']) {
    const apart = dialledRecord({ attempted_at: attempted })
    t.equal((await explainedAll([page(callerRecord(), apart)])).calls.length, 2, attempted)
  }
})

await t.test('a leg that was answered after another one: the call did not end for LiveKit', async t => {
  const carrier = dialledRecord({
    sip_callid: 'second',
    trunk: 'example-carrier',
    remote_host: 'sip.carrier.example.com',
    sip_status: 200,
    answered: true,
    duration: 20,
    attempted_at: '2026-03-04T09:00:01.000Z'
  })
  const caller = callerRecord({ sip_status: 200, answered: true })
  const explanation = await explainedAll([page(caller, dialledRecord(), carrier)])
  t.equal(explanation.calls.length, 1)
  t.equal(explanation.calls[0]?.end, undefined)
  t.match(text(explanation), /leg over the carrier "example-carrier" \(sip.carrier.example.com\) was answered.* 20 s/)
})

await t.test('statuses that LiveKit and Jambonz answer for several reasons name no cause', async t => {
  for (const sipStatus of [486, 500, 503]) {
    const { calls: [call] } = await explainedAll([page(dialledRecord({ sip_status: sipStatus }))])
    t.equal(call?.end, undefined, String(sipStatus))
    t.match(call?.findings[0], { code: 'record-leg-failed', severity: 'failed' })
  }
})

await t.test("a carrier's status is the carrier's", async t => {
  const leg = dialledRecord({ trunk: 'example-carrier', remote_host: 'sip.carrier.example.com', sip_status: 403 })
  const explanation = await explainedAll([page(leg)])
  t.equal(explanation.calls[0]?.end?.cause, 'declined')
  t.notMatch(text(explanation), /LiveKit/)
})

await t.test('one record alone, in a page of one, as a row, in a line of sbc-inbound', async t => {
  const record = dialledRecord()
  const files = [
    page(record),
    JSON.stringify(record),
    JSON.stringify({ level: 30, time: 1772614800000, cdr: record, msg: 'going to write a cdr now..' })
  ]
  for (const file of files) {
    const { calls: [call] } = await explainedAll([file])
    t.equal(call?.end?.cause, 'livekit-no-route', file.slice(0, 40))
  }
})

await t.test('calls of Twilio: in its own direction, with the status of SIP', async t => {
  for (
    const [call, says] of [
      [{ sip_response_code: 503 }, /your SIP server .* failed with SIP status 503/],
      [{ sip_response_code: 404 }, /no inbound trunk takes/],
      [{ sip_response_code: 401 }, /asks for credentials/],
      [{ direction: 'trunking-terminating', sip_response_code: 403 }, /your SIP server sent to Twilio.* 403.*carrier/],
      [{ status: 'completed', duration: '12' }, /was answered and lasted 12 s/],
      [{ status: 'canceled' }, /cancelled before it was answered/],
      [{ status: 'busy', direction: 'outbound-api' }, /Twilio placed failed as "busy"/],
      [{ sip_response_code: undefined, status: 'fail', properties: { last_sip_response_num: '404' } }, /status 404/]
    ] as const
  ) {
    const sdk = Object.fromEntries(
      Object.entries(twilioCall(call)).map(([name, value]) => [
        name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
        value
      ])
    )
    for (const record of [twilioCall(call), sdk, { calls: [twilioCall(call)], page: 0 }]) {
      const explanation = await explainedAll([JSON.stringify(record)])
      t.equal(explanation.calls[0]?.id, 'CA0123456789abcdef0123456789abcdef')
      t.match(text(explanation), says)
    }
  }
})

const livekitCall = {
  callId: 'SCL_exampleexample',
  trunkId: 'ST_exampletrunk',
  region: 'example1a',
  roomName: 'outbound-3',
  participantIdentity: 'phone',
  fromUri: { user: '+15550102222', host: 'exampleproj.sip.livekit.cloud', ip: '192.0.2.9', port: 9000 },
  toUri: { user: '+15550103333', host: 'example.pstn.twilio.com', port: 5061, transport: 'SIP_TRANSPORT_TLS' },
  callDirection: 'SCD_OUTBOUND',
  callStatus: 'SCS_ERROR',
  createdAtNs: '1772614800000000000',
  error: 'INVITE failed: sip status: 403 (FORBIDDEN)',
  callStatusCode: { code: 'SIP_STATUS_FORBIDDEN', status: 'Forbidden' }
}

await t.test('what LiveKit Cloud shows of a call', async t => {
  const snake = JSON.stringify(livekitCall).replace(/"(\w+)":/g, (_, name: string) =>
    `"${name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}":`)
  const { callStatusCode: _, ...withoutCode } = livekitCall
  for (const file of [JSON.stringify(livekitCall), snake, JSON.stringify(withoutCode)]) {
    const explanation = await explainedAll([file])
    const [call] = explanation.calls
    t.match(call, { id: 'SCL_exampleexample', from: '+15550102222', to: '+15550103333' })
    t.match(text(explanation), /LiveKit placed to example.pstn.twilio.com.*SIP status 403.*carrier says/s)
  }
  const incoming = await explainedAll([JSON.stringify({
    ...withoutCode,
    callDirection: 'SCD_INBOUND',
    callStatus: 'SCS_DISCONNECTED',
    startedAtNs: '1772614801000000000',
    error: 'media-timeout'
  })])
  t.match(text(incoming), /came in at LiveKit .* was answered, and then failed with the error "media-timeout"/)
  t.ok(codesOf(incoming).includes('log-media-timeout'), "and LiveKit's word is explained")

  const active = { ...livekitCall, callStatus: 'SCS_DISCONNECTED', error: undefined, callStatusCode: undefined }
  t.same((await explainedAll([JSON.stringify(active)])).calls[0]?.findings[0]?.severity, 'ok')
})

await t.test('what LiveKit Cloud shows, copied from its page: without commas and quotes', async t => {
  const attributes = { participantAttributes: { 'sip.callID': 'SCL_exampleexample' } }
  const copied = JSON.stringify({ ...livekitCall, ...attributes }, null, 1)
    .replace(/^ */gm, '').replace(/,$/gm, '').replace(/^"([\w.]+)":/gm, '$1:')
  t.match(copied, /^sip\.callID: "SCL_exampleexample"$/m)
  const explanation = await explainedAll([copied])
  t.match(explanation.calls[0], { id: 'SCL_exampleexample', sources: { records: 1 } })
  t.match(text(explanation), /SIP status 403/)
})

await t.test('rows of a CSV, and the table of a command line', async t => {
  const csv = (...rows: object[]): string =>
    [Object.keys(rows[0]!), ...rows.map(row => Object.values(row))].map(cells => cells.map(String).join(',')).join('\n')
  const rows = [callerRecord({ call_sid: '' }), dialledRecord({ trace_id: '' })].map(row =>
    Object.fromEntries(Object.entries({ trace_id: '', ...row }).sort(([a], [b]) => a < b ? -1 : 1)))
  const sorted = await explainedAll([csv(...rows)])
  t.match(sorted.calls, [{ end: { cause: 'livekit-no-route' }, sources: { records: 2 } }])

  const sid = 'CA0123456789abcdef0123456789abcdef'
  const table = await explainedAll([
    'SID                                 From          To            Status   Start Time\n' +
    `${sid}  +15550101111  +15550102222  busy     Mar 04 2026 09:00:00 GMT+0000\n`
  ])
  t.match(table.calls, [{ id: sid, from: '+15550101111', began: 1_772_614_800_000 }])
  t.match(text(table), /Whoever was called was busy/)
})

await t.test('a webhook is none, even with times of a record', async t => {
  const { calls: [call] } = await explainedAll([JSON.stringify({ ...dialledRecord(), call_status: 'failed' })])
  t.match(call?.sources, { hooks: 1, records: 0 })
})

await t.test('a line of livekit-server about a SIP participant is no record of a call', async t => {
  const line = { level: 'info', msg: 'API SIP.CreateSIPParticipant', callID: 'SCL_exampleexample', status: '200' }
  t.notOk(codesOf(await explainedAll([JSON.stringify(line)])).some(code => code.startsWith('record')))
})

await t.test('a record of a leg whose SIP is in another file says nothing more', async t => {
  const invite = ['INVITE sip:k3tokenk3tokenk3token@exampleproj.sip.livekit.cloud SIP/2.0',
    'Via: SIP/2.0/UDP 198.51.100.4;branch=z9hG4bK1',
    'From: <sip:+15550101111@198.51.100.4>;tag=a',
    'To: <sip:k3tokenk3tokenk3token@exampleproj.sip.livekit.cloud>',
    'Call-ID: dialled-7@198.51.100.4',
    'CSeq: 1 INVITE',
    'Content-Length: 0',
    '',
    '']
  const answer = invite.with(0, 'SIP/2.0 404 No trunk found').with(3, `${invite[3]};tag=b`)
  const explanation = await explainedAll([page(dialledRecord()), [...invite, ...answer].join('\r\n')])
  t.equal(explanation.calls.length, 1)
  t.equal(explanation.calls[0]?.end?.cause, 'livekit-no-route')
  t.notOk(codesOf(explanation).includes('record-leg-failed'))
})
