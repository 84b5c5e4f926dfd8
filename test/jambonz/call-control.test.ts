import t from 'tap'
import { systemClock as clock } from '../../src/clock.ts'
import { startJambonzApi, type ApiReply } from '../fixtures/jambonz-api.ts'
import { placing } from '../fixtures/placing.ts'

/** Answers of a feature server, which the API server passes on, and of the API server itself. */
const answers: Array<[name: string, reply: ApiReply, expected: boolean | RegExp]> = [
  ['taken', { status: 202, body: 'Accepted' }, true],
  ['the record is gone', { status: 404, body: 'Not Found' }, false],
  ['the session is gone', { status: 422, body: { msg: 'call session is gone for call_sid a' } }, false],
  ['not answered yet, or answered meanwhile',
    { status: 422, body: { msg: 'current call state is incompatible with requested action for call_sid a' } },
    /answered 422/],
  ['the feature server is gone', { status: 500, body: { msg: 'fetch failed' } }, /answered 500/],
  ['another key', { status: 401, body: 'Unauthorized' }, /answered 401/]
]
for (const [name, reply, expected] of answers) {
  await t.test(`a hang-up: ${name}`, async t => {
    const api = await startJambonzApi(t, { clock, reply: () => reply })
    const { control } = placing(t, api.access)
    const asked = control.hangUp('a/b', 'no-answer')
    if (expected instanceof RegExp) await t.rejects(asked, { name: 'JambonzRestError', message: expected })
    else t.equal(await asked, expected)
    t.match(api.requests, [{ method: 'PUT', path: '/Calls/a%2Fb', body: { call_status: 'no-answer' } }])
  })
}

await t.test('who asks again while it is under way shares the request', async t => {
  const api = await startJambonzApi(t, { clock })
  const { control } = placing(t, api.access)
  await Promise.all(['a', 'a', 'b'].map(callSid => control.hangUp(callSid, 'completed')))
  t.equal(api.requests.length, 2)
  await control.hangUp('a', 'completed')
  t.equal(api.requests.length, 3)
})
