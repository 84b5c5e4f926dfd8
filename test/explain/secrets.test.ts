import t from 'tap'
import { quote } from '../../src/explain/quote.ts'
import { reportJson, reportText } from '../../src/explain/report.ts'
import { withoutUser } from '../../src/sip/without-user.ts'
import { carrierLeg, explainedAll, INVITE, TRYING } from '../fixtures/explained.ts'
import { pcapFile } from '../fixtures/captures.ts'

const VALUE = 'hunter3Pass'
/** A secret in the forms in which lines and headers have it. */
const FORMS = [
  `login with password '${VALUE}' failed`,
  `password is "${VALUE}"`,
  `password=${VALUE}`,
  `{"password":"${VALUE}","user":"u"}`,
  `{'api_secret': '${VALUE}'}`,
  `apiSecret=${VALUE}`,
  `api-key: ${VALUE}`,
  `client_secret => '${VALUE}'`,
  `auth_password: "two words ${VALUE}"`,
  `GET https://hooks.example.com/call?key=${VALUE} returned 502`,
  `/call?a=1&token=${VALUE}&b=2 returned 502`,
  `https://user:${VALUE}@hooks.example.com/call`,
  `sip:trunk:${VALUE}@sbc.example.com`,
  `Authorization: Basic ${VALUE}`,
  `sent "Bearer ${VALUE}"`,
  `signature: ${VALUE}`
]

await t.test('a quoted line has no secret of it', async t => {
  for (const line of FORMS) t.notMatch(quote(line), VALUE, line)
})

await t.test('words that only speak of secrets stay', async t => {
  for (const line of ['wrong password for user trunk', 'token expired', 'invalid credentials', 'Bad credentials']) {
    t.equal(quote(line), line)
  }
})

await t.test('no secret reaches a report', async t => {
  const lines = FORMS.map(line => JSON.stringify({ level: 50, time: 1769853600000, pid: 7, msg: `Wombat: ${line}` }))
  for (const line of lines) {
    const explanation = await explainedAll([`${line}\n`])
    const options = { width: 100, colour: false, ascii: true, rewrite: false }
    t.notMatch(reportText(explanation, options), VALUE, line)
    t.notMatch(reportJson(explanation), VALUE, line)
  }
})

await t.test('nor one in the reason of a response', async t => {
  const refused: [number, boolean, string, string] = [
    300, false, `SIP/2.0 403 token=${VALUE}`, `X-Reason: password=${VALUE}\r\n`
  ]
  const explanation = await explainedAll([pcapFile(carrierLeg(INVITE, TRYING, refused))])
  t.match(reportJson(explanation), '403')
  t.notMatch(reportText(explanation, { width: 100, colour: false, ascii: true, rewrite: false }), VALUE)
  t.notMatch(reportJson(explanation), VALUE)
})

await t.test('an address of a trunk is shown without user and password', async t => {
  t.equal(withoutUser(`sip:user:${VALUE}@carrier.example.com`), 'sip:…@carrier.example.com')
  t.equal(withoutUser(`user:${VALUE}@carrier.example.com:5060`), '…@carrier.example.com:5060')
  t.equal(withoutUser('carrier.example.com'), 'carrier.example.com')
})
