import t from 'tap'
import { reportText } from '../../src/explain/report.ts'
import { withoutDurations } from '../../src/explain/untimed.ts'
import { explainedAll } from '../fixtures/explained.ts'

const CALLER = '66666666-6666-4666-8666-666666666661'
const AGENT = '66666666-6666-4666-8666-666666666662'

const status = (more: Record<string, unknown>): string =>
  JSON.stringify({ from: '+15550100031', to: '+15550100032', direction: 'inbound', call_sid: CALLER, ...more })
const agent = (callStatus: string, sipStatus: number): string =>
  status({
    call_sid: AGENT,
    parent_call_sid: CALLER,
    direction: 'outbound',
    to: 'sip:q8token7token6token5@9z8y7x6w5v4.sip.livekit.cloud',
    call_status: callStatus,
    sip_status: sipStatus
  })
const RINGING = [status({ call_status: 'trying', sip_status: 100 }), agent('trying', 100), agent('ringing', 180)]
const TALK = [...RINGING, agent('in-progress', 200), status({ call_status: 'in-progress', sip_status: 200 })]
const ended = (more: object): string =>
  status({ call_status: 'completed', sip_status: 200, call_termination_by: 'caller', ...more })

async function reportOf (...lines: string[]): Promise<{ summary: string, report: string }> {
  const explanation = await explainedAll([lines.join('\n')])
  const report = reportText(explanation, { width: 120, rewrite: false, colour: false, ascii: true })
  return { summary: explanation.calls[0]?.summary ?? '', report }
}

await t.test('webhooks without times: the duration that Jambonz reports, or none', async t => {
  const told = await reportOf(...TALK, ended({ duration: 41 }))
  t.equal(told.summary, 'The caller hung up after 41 s of talk.')
  const untold = await reportOf(...TALK, ended({}))
  t.equal(untold.summary, 'The caller hung up.')
  const gaveUp = await reportOf(
    ...RINGING,
    status({ call_status: 'no-answer', sip_status: 487, call_termination_by: 'caller' })
  )
  t.equal(gaveUp.summary, 'The caller hung up, waiting for an agent to join.')
  for (const { report } of [told, untold, gaveUp]) t.notMatch(report, /\b0 ms|0\.000 s|^ +ms /m)
})

await t.test('sentences without their durations', t => {
  for (
    const [text, left] of [
      ['LiveKit rang for 12 s with the caller in the room, and no agent ever joined (486).', 'LiveKit rang with'],
      ['The agent left 5 ms after the answer and none came back.', 'The agent left after the answer and'],
      ['LiveKit rang once and dropped the call. Jambonz gave up after 1.5 s.', 'Jambonz gave up.'],
      ['Nothing rang within 0 ms: it was not reached.', 'Nothing rang: it'],
      ['It left 3 ms after the call hook, and another one joined 0 ms later.', 'joined later.'],
      ['Nothing came back to the INVITE, sent 4 times, for 0 ms.', 'sent 4 times.'],
      ['LiveKit has no trunk or rule for this call (404).', 'call (404).']
    ] as const
  ) t.match(withoutDurations(text), left)
  t.equal(withoutDurations('A hung up after 3 ms of talk.', '9.0 s'), 'A hung up after 9.0 s of talk.')
  t.end()
})
