import t from 'tap'
import { codesOf, explainedAll } from '../fixtures/explained.ts'
import { createKeep } from '../../src/explain/keep.ts'
import { stepsOf } from '../../src/explain/ladder-steps.ts'
import { readInput } from '../../src/explain/read.ts'
import { portions } from '../fixtures/captures.ts'

const line = (msg: string, fields: object = {}): string =>
  `${JSON.stringify({ level: 30, time: 1_769_850_000_000, pid: 7, call_sid: 'sid-31', msg, ...fields })}\n`

const zap = (rest: string): string => `2026-01-31T09:00:00.000Z\tWARN\t${rest}\n`

const DIAL = line('dialling the agent', { uri: 'sip:c5k2@willow-7h3k9m2p.sip.livekit.cloud' })

await t.test('a host that looks wrong is told, unless it answered', async t => {
  const codes = async (...more: string[]): Promise<string[]> => codesOf(await explainedAll([[DIAL, ...more].join('')]))
  t.match((await codes()).join(), /sip-host-form/)
  t.match((await codes(line('dial failed', { dial_sip_status: 404 }))).join(), /sip-host-form/)
  t.match((await codes(line('the dial was not answered'))).join(), /sip-host-form/)
  t.notMatch((await codes(line('dial answered'))).join(), /sip-host-form/)
  t.notMatch((await codes(line('dial ended', { dial_sip_status: 200 }))).join(), /sip-host-form/)
})

await t.test('a line of a log stands in the column of its service', async t => {
  const PARTIES: ReadonlyArray<[text: string, party: string | undefined]> = [
    [zap('livekit\tservice/agentservice.go:1\tjob request failed\t{"jobID": "AJ_1"}'), 'livekit'],
    [zap('sip\tsip/inbound.go:1\tRejecting inbound call\t{"callID": "SCL_1"}'), 'livekit'],
    [line('Call failed in the application', { level: 50 }), undefined]
  ]
  for (const [text, party] of PARTIES) {
    const keep = createKeep()
    await readInput({ name: 'x', chunks: portions(text) }, keep)
    const logs = keep.seen.filter(item => item.kind === 'log')
    t.ok(logs.length > 0, text)
    t.equal(stepsOf(logs, []).steps[0]?.from, party, JSON.stringify(logs[0]))
  }
})
