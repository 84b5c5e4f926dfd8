import t from 'tap'
import {
  ActionSchema,
  CallHookSchema,
  readAction,
  readCallHook,
  readRefer,
  readReferComplete,
  readStatus,
  ReferCompleteSchema,
  ReferSchema,
  StatusSchema
} from '../../src/jambonz/payloads.ts'
import { readRecordings } from '../fixtures/recordings.ts'

const HOOKS: Record<string, { read: (body: unknown) => object, schema: { properties: object } }> = {
  '/livekit-api': { read: readCallHook, schema: CallHookSchema },
  '/status': { read: readStatus, schema: StatusSchema },
  '/action': { read: readAction, schema: ActionSchema },
  '/refer': { read: readRefer, schema: ReferSchema },
  '/refer-complete': { read: readReferComplete, schema: ReferCompleteSchema },
  '/refer-result': { read: readReferComplete, schema: ReferCompleteSchema }
}

await t.test('every property that a real Jambonz sent is read as it is', async t => {
  let bodies = 0
  for (const { name, requests } of readRecordings()) {
    for (const { url, body } of requests) {
      const hook = HOOKS[url.replace(/\?.*/, '')]
      if (!hook) continue
      bodies++
      const sent = JSON.parse(body) as Record<string, any>
      const known = Object.fromEntries(
        Object.keys(hook.schema.properties).filter(property => property in sent).map(property => [
          property,
          sent[property]
        ])
      )
      const read = hook.read(sent) as Record<string, any>
      // Of nested objects only what the schema names is read.
      if (known['sip']) {
        t.same(read['sip'].headers, known['sip'].headers, `${name} ${url}`)
        known['sip'] = read['sip']
      }
      if (known['refer_details']) {
        t.match(known['refer_details'], read['refer_details'], `${name} ${url}`)
        known['refer_details'] = read['refer_details']
      }
      t.same(read, known, `${name} ${url}`)
    }
  }
  t.ok(bodies > 300, `${bodies} bodies`)
})

await t.test('a body is not changed, and properties that it inherits are none of it', async t => {
  const body = Object.freeze(Object.assign(Object.create({ from: '+15550001111' }), { call_sid: 'call-1' }))
  t.same(readCallHook(body), { call_sid: 'call-1', direction: 'inbound' })
  t.same(readCallHook(JSON.parse('{"call_sid":"call-1","__proto__":{"from":"x"}}')), {
    call_sid: 'call-1',
    direction: 'inbound'
  })
})
