import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { buildApp, type AppOptions } from '../../src/app.ts'
import type { Settings } from '../../src/config.ts'
import { createLivekitEventsCheck, livekitEventsCheck } from '../../src/doctor/webhooks.ts'
import { createDoctorEcho, doctorRoom, readDoctorNote } from '../../src/livekit/doctor-echo.ts'
import { packageVersion } from '../../src/version.ts'
import { codes, contextWith, projectWith, run } from '../fixtures/doctor-check.ts'

/** A bridge that listens. */
async function bridge (t: Test, settings: Settings, options: Partial<AppOptions> = {}) {
  const app = await buildApp({ settings, ...options })
  t.after(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, events: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/livekit-events` }
}

const IN_VAIN = { waitMs: 400 }

await t.test('a bridge hears of the room and answers in it', async t => {
  const { livekit, context } = await projectWith(t)
  const { app, events } = await bridge(t, context.settings)
  livekit.webhookUrls.push(events)
  const [finding, ...more] = await run(livekitEventsCheck, context)
  t.match(finding, {
    code: 'livekit-events-arrive',
    severity: 'ok',
    seen: new RegExp(`version ${packageVersion()}.*\\d+ ms`)
  })
  t.same(more, [])
  t.same(livekit.rooms(), [], 'the room is gone')
  await livekit.webhooksSent()
  const { phases } = await app.registry.stats()
  t.equal(Object.values(phases).reduce((sum, n) => sum + n), 0, 'it made no call')
  t.match((await app.inject('/metrics')).body, /^bridge_livekit_events_unmatched_total 0$/m, 'and is no stray')
  t.equal(app.calls.waiting, 0)
})

await t.test('any of several bridges', async t => {
  const { livekit, context } = await projectWith(t)
  livekit.webhookUrls.push(
    'http://127.0.0.1:1/livekit-events',
    (await bridge(t, { ...context.settings, LIVEKIT_ROOM_PREFIX: 'other' })).events,
    (await bridge(t, context.settings)).events
  )
  t.same(codes(await run(livekitEventsCheck, context)), ['livekit-events-arrive'])
})

await t.test('nobody hears of it', async t => {
  const { livekit, context } = await projectWith(t)
  const missing = async (why: string) => {
    const findings = await run(createLivekitEventsCheck(IN_VAIN), context)
    t.match(findings, [{
      code: 'livekit-events-missing',
      severity: 'warning',
      todo: /Settings, Webhooks.*https:\/\/bridge\.example\.com\/livekit-events.*livekit\.yaml/
    }], why)
    t.notMatch(JSON.stringify(findings), /devkey|devsecret/)
    t.same(livekit.rooms(), [], 'the room is gone')
  }
  await missing('no webhook is configured')
  livekit.webhookUrls.push((await bridge(t, { ...context.settings, LIVEKIT_ROOM_PREFIX: 'other' })).events)
  await missing('the bridge has another prefix')
  livekit.webhookUrls.push(
    (await bridge(t, { ...context.settings, LIVEKIT_API_SECRET: 'another-secret-another-secret-another' })).events
  )
  await missing('the bridge has another key')
  livekit.webhookUrls.push((await bridge(t, context.settings)).events)
  livekit.faults.webhooks = 'off'
  await missing('LiveKit sends none')
})

await t.test('a LiveKit that cannot be asked', async t => {
  const { livekit, context } = await projectWith(t)
  livekit.faults.apiMethods['ListRooms'] = 'fail'
  t.same(codes(await run(createLivekitEventsCheck(IN_VAIN), context)), ['livekit-failed'])
  t.same(livekit.rooms(), [])
  t.same(codes(await run(livekitEventsCheck, contextWith({ LIVEKIT_URL: 'http://127.0.0.1:1' }))), [
    'livekit-unreachable'
  ])
})

await t.test('interrupted: the room is deleted at once', async t => {
  const stop = new AbortController()
  const { livekit, context } = await projectWith(t, {
    onEvent (event) {
      if (event === 'room_started') stop.abort()
    }
  })
  t.same(await run(livekitEventsCheck, context, stop.signal), [])
  t.same(livekit.rooms(), [])
})

await t.test('no unnamed agent is called into the room', async t => {
  const joined: string[] = []
  const { context } = await projectWith(t, {
    agents: [{ name: '', joinAfterMs: 0 }],
    onEvent (event) {
      joined.push(event)
    }
  })
  await run(createLivekitEventsCheck(IN_VAIN), context)
  t.same(joined, ['room_started', 'room_finished'])
})

await t.test('the webhook is answered whatever LiveKit does with the answer in the room', async t => {
  const { livekit, context } = await projectWith(t)
  livekit.faults.apiMethods['UpdateRoomMetadata'] = 'hang'
  livekit.webhookUrls.push((await bridge(t, context.settings)).events)
  t.same(codes(await run(createLivekitEventsCheck(IN_VAIN), context)), ['livekit-events-missing'])
  await livekit.webhooksSent()
  livekit.faults.apiMethods['UpdateRoomMetadata'] = 'fail'
  t.same(codes(await run(createLivekitEventsCheck(IN_VAIN), context)), ['livekit-events-missing'])
  await livekit.webhooksSent()
})

await t.test('what is answered, and what is left alone', async t => {
  const set: string[] = []
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const echo = createDoctorEcho({
    roomPrefix: 'jb',
    version: '1.2.3',
    rooms: {
      async setMetadata (room, metadata) {
        set.push(`${room} ${metadata}`)
        await held
        throw new Error('gone')
      }
    }
  })
  const event = (name: string, metadata: string, what = 'room_started') =>
    ({ event: what, room: { name, metadata } }) as Parameters<typeof echo>[0]
  const note = (doctor: string, more = {}) => JSON.stringify({ doctor, ...more })
  t.equal(echo(event(doctorRoom('jb', 'a'), note('a'))), true)
  t.same(set.splice(0), ['jb_doctor-a {"doctor":"a","heard":"1.2.3"}'])
  for (
    const other of [
      event('jb_ctoken', note('a')),
      event('other_doctor-a', note('a')),
      event('', ''),
      { event: 'room_started' } as Parameters<typeof echo>[0]
    ]
  ) t.equal(echo(other), false)
  for (
    const silent of [
      event('jb_doctor-a', note('a'), 'room_finished'),
      event('jb_doctor-a', note('b')),
      event('jb_doctor-a', ''),
      event('jb_doctor-a', 'null'),
      event('jb_doctor-a', note('a', { heard: '1' }))
    ]
  ) t.equal(echo(silent), true)
  t.same(set, [])
  for (let i = 0; i < 20; i++) echo(event(`jb_doctor-${i}`, note(String(i))))
  t.equal(set.length, 3, 'not more than a few at once')
  release()
  await new Promise(resolve => setImmediate(resolve))
  echo(event('jb_doctor-z', note('z')))
  t.equal(set.length, 4)
  for (const text of ['', '{}', '[]', '{"doctor":1}', 'null', '"x"']) t.equal(readDoctorNote(text), undefined, text)
})
