import t from 'tap'
import { combineObservers, type Observer } from '../../src/calls/observer.ts'
import { buildTestBridge, callerStatus, callHook, dialAction } from '../fixtures/build.ts'

class Broken implements Observer {
  changed (): never {
    throw new Error('changed')
  }

  failed (): never {
    throw new Error('failed')
  }

  store (): never {
    throw new Error('store')
  }
}

await t.test('one observer that throws keeps nothing from the others, and is reported once', async t => {
  const seen: string[] = []
  const working: Observer = {
    changed: () => seen.push('changed'),
    failed: (callSid, operation) => seen.push(`failed ${callSid} ${operation}`),
    store: (state, events) => seen.push(`store ${state} ${events}`)
  }
  const reports: string[] = []
  const observer = combineObservers(
    [new Broken(), working],
    (name, method, error) => reports.push(`${name}.${method}: ${(error as Error).message}`)
  )
  for (let i = 0; i < 3; i++) {
    observer.changed(undefined, undefined, { kind: 'hangup', at: 0 })
    observer.failed('call-1', 'look', new Error())
    observer.store('lost', 3)
  }
  t.same(seen.slice(0, 3), ['changed', 'failed call-1 look', 'store lost 3'])
  t.equal(seen.length, 9)
  t.same(reports, ['Broken.changed: changed', 'Broken.failed: failed', 'Broken.store: store'])
})

await t.test('a report that throws as well changes nothing', async t => {
  const observer = combineObservers([new Broken()], () => {
    throw new Error('the log is broken')
  })
  observer.store('gone')
  t.pass('nothing was thrown')
})

await t.test('metrics that throw do not decline the caller, and the log still has the call', async t => {
  const bridge = await buildTestBridge(t)
  const { metrics } = bridge.app
  for (const histogram of Object.values(metrics.setup)) {
    histogram.observe = () => {
      throw new Error('no more series')
    }
  }
  const hook = callHook()
  const sid = hook['call_sid']
  t.match((await bridge.hook('/livekit-api', hook)).json, [{ verb: 'dial' }, { verb: 'sip:decline' }])
  await bridge.hook('/action', dialAction(sid, 'failed', 401))
  t.equal((await bridge.hook('/status', callerStatus(sid, 'failed', 480))).status, 200)
  await bridge.clock.pass(5000)
  t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.end.cause, 'livekit-refused-credentials')
  const lines = bridge.logged().trim().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  t.ok(lines.some(({ msg, callSid }) => msg === 'call ended' && callSid === sid))
  const reports = lines.filter(({ msg }) => msg === 'an observer of calls failed')
  t.equal(reports.length, 1, 'once, not once for every event')
  t.match(reports[0], { observer: 'CallMetrics', method: 'changed', error: { type: 'Error' } })
})
