import t from 'tap'
import { codesOf, explainedAll } from '../fixtures/explained.ts'

/*
 * Lines of logs whose fields do not stand behind them as JSON on the same line.
 */

const TIME = '2026-03-04T09:00:00.000Z'
const CLOSING = `${TIME}\tINFO\tsip\tsip/inbound.go:782\tClosing inbound call`
const SID = '0f7a2c5e-0000-4000-8000-000000000077'

const FLOODS: Record<string, string | Buffer> = {
  'on lines of their own': `${CLOSING}\t{\n  "callID": "SCL_q7",\n  "status": 486,\n  "reason": "flood"\n}\n`,
  'partly on the next line': `${CLOSING}\t{"callID": "SCL_q7",\n "status": 486, "reason": "flood"}\n`,
  'below the message': 'Closing inbound call\n{\n  "callID": "SCL_q7",\n  "status": 486,\n  "reason": "flood"\n}\n',
  'as pairs': `time=${TIME} level=INFO msg="Closing inbound call" callID=SCL_q7 status=486 reason=flood\n`,
  'with quotes of a word processor': `${CLOSING}\t{“callID”: “SCL_q7”, “status”: 486, “reason”: “flood”}\n`,
  'in front of what a collector adds':
    `${CLOSING}\t{"callID": "SCL_q7", "status": 486, "reason": "flood"}\tsip/0a\t1\n`,
  'between backticks': `\`${CLOSING}\t{"callID": "SCL_q7", "status": 486, "reason": "flood"}\`\n`,
  'in columns': `Date,Service,@callID,@reason,Message\n${TIME},livekit-sip,SCL_q7,flood,Closing inbound call\n`,
  'behind zeros': Buffer.concat([
    Buffer.alloc(300),
    Buffer.from(`${CLOSING}\t{"callID": "SCL_q7", "status": 486, "reason": "flood"}\n`)
  ])
}

await t.test("fields of livekit-sip's lines", async t => {
  for (const [name, text] of Object.entries(FLOODS)) {
    const explanation = await explainedAll([text])
    t.ok(codesOf(explanation).includes('log-flood'), `${name}: ${codesOf(explanation)}`)
    t.equal(explanation.calls[0]?.end?.cause, 'livekit-no-route', name)
  }
})

const HEADS = [
  '[09:00:00.470] ERROR (17 on fs-1): ',
  '[2026-03-04 09:00:00.470 +0000] ERROR (feature-server/17 on fs-1): ',
  '[09:00:00.470] \x1b[31mERROR\x1b[39m (17): ',
  '[1772614800470] ERROR (17): ',
  'ERROR [09:00:00.470] (17 on fs-1): '
]

await t.test('pino-pretty', async t => {
  const message = 'Error retrieving or parsing application'
  const below = `\n    callSid: "${SID}"\n    err: {\n      "type": "Error",\n      "stack":\n          Error\n` +
    '              at answer (/opt/x.js:1:1)\n      "statusCode": 502\n    }\n'
  for (const head of HEADS) {
    for (const fields of [below, ` {"callSid":"${SID}"}\n`]) {
      const explanation = await explainedAll([head + message + fields])
      t.equal(explanation.calls[0]?.id, SID, head)
      t.ok(codesOf(explanation).includes('log-application-refused'), head)
    }
  }
})
