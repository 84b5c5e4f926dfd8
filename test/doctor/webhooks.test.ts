import { createHash, createHmac } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { buildApp, type AppOptions } from '../../src/app.ts'
import type { Settings } from '../../src/config.ts'
import { createLivekitEventsCheck, livekitEventsCheck } from '../../src/doctor/webhooks.ts'
import { createDoctorEcho, doctorRoom, readDoctorNote } from '../../src/livekit/doctor-echo.ts'
import { packageVersion } from '../../src/version.ts'
import { API_KEY, API_SECRET } from '../fixtures/build.ts'
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

await t.test('a webhook that arrives and is refused does not read like one that never came', async t => {
  const body = (name: string, nonce: string) =>
    JSON.stringify({ event: 'room_started', room: { name, metadata: JSON.stringify({ doctor: nonce }) } })
  const refusedWith = async (
    options: { key?: string, secret?: string, atMs?: number, altered?: string, unsigned?: boolean }
  ) => {
    const { livekit, context } = await projectWith(t, {
      async onEvent (event, room) {
        if (event !== 'room_started') return
        const text = body(room, room.replace(/^jb_doctor-/, ''))
        await fetch(events, {
          method: 'POST',
          headers: {
            'content-type': 'application/webhook+json',
            ...(!options.unsigned && { authorization: await webhookToken(text, options) })
          },
          body: options.altered ? text + options.altered : text
        })
      }
    })
    const { events } = await bridge(t, context.settings)
    const findings = await run(createLivekitEventsCheck({ ...IN_VAIN, otherBridgeMs: 50, waitMs: 20_000 }), context)
    t.match(findings, [{ code: 'livekit-events-refused', severity: 'warning' }])
    t.same(livekit.rooms(), [], 'the room is gone')
    return findings[0]
  }
  t.match(await refusedWith({ key: 'otherkey' }), { seen: /another API key/, todo: /webhook\.api_key/ })
  t.match(await refusedWith({ secret: 'another-secret-another-secret-another' }), { seen: /another secret/ })
  t.match(await refusedWith({ atMs: 180_000 }), { seen: /not valid at this time/, todo: /NTP/ })
  t.match(await refusedWith({ atMs: -3600_000 }), { seen: /not valid at this time/ })
  t.match(await refusedWith({ altered: ' ' }), { seen: /not the one that LiveKit signed/ })
  t.match(await refusedWith({ unsigned: true }), { seen: /without an Authorization header/ })
})

/** Signed as by livekit/protocol webhook/resource_url_notifier.go. `atMs`: how far LiveKit's clock is ahead. */
async function webhookToken (
  body: string,
  { key = API_KEY, secret = API_SECRET, atMs = 0 }: { key?: string, secret?: string, atMs?: number }
): Promise<string> {
  const at = Math.floor((Date.now() + atMs) / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: key, nbf: at, exp: at + 300, sha256: createHash('sha256').update(body).digest('base64') }
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

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
  let now = 0
  const { heard: echo, refused } = createDoctorEcho({
    roomPrefix: 'jb',
    version: '1.2.3',
    now: () => now,
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
      event('jb_doctor-a', note('a', { heard: '1' })),
      event('jb_doctor-a', note('a', { refused: 'clock' }))
    ]
  ) t.equal(echo(silent), true)
  t.same(set, [])
  for (let i = 0; i < 20; i++) echo(event(`jb_doctor-${i}`, note(String(i))))
  t.equal(set.length, 3, 'not more than a few at once')
  release()
  await new Promise(resolve => setImmediate(resolve))
  echo(event('jb_doctor-z', note('z')))
  t.equal(set.length, 4)

  set.splice(0)
  const reason = async () => 'clock' as const
  refused(JSON.stringify(event('jb_doctor-a', note('a'))), reason)
  await new Promise(resolve => setImmediate(resolve))
  t.same(set, ['jb_doctor-a {"doctor":"a","refused":"clock"}'])
  refused(JSON.stringify(event('jb_doctor-b', note('b'))), reason)
  now += 1000
  for (
    const silent of [
      '',
      'null',
      '{}',
      '{"event":"room_started","room":{"name":1}}',
      JSON.stringify(event('jb_doctor-a', note('a'), 'room_finished')),
      JSON.stringify(event('jb_ctoken', note('a'))),
      JSON.stringify(event('jb_doctor-a', note('b'))),
      JSON.stringify(event('jb_doctor-a', note('a', { refused: 'clock' })))
    ]
  ) refused(silent, reason)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(set.length, 1, 'anybody may send these: one a second, and only about rooms of a doctor')
  t.same(readDoctorNote('{"doctor":"a","refused":"anything"}'), { doctor: 'a' })
  for (const text of ['', '{}', '[]', '{"doctor":1}', 'null', '"x"']) t.equal(readDoctorNote(text), undefined, text)
})
