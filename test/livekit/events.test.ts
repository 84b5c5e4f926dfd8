import { readFileSync, readdirSync } from 'node:fs'
import t from 'tap'
import { WebhookEvent } from 'livekit-server-sdk'
import type { LiveKitEvent } from '../../src/calls/fold/events.ts'
import { createLiveKitEventReceiver, fromWebhook } from '../../src/livekit/events.ts'
import { API_KEY, API_SECRET, livekitJwt } from '../fixtures/build.ts'
import { fixture } from '../fixtures/paths.ts'

interface Webhook {
  headers: Record<string, string>
  body: string
}

const webhooks = ['livekit', 'chain', 'long'].flatMap(folder => {
  const url = fixture(`${folder}/`)
  return readdirSync(url).filter(file => file.endsWith('.json')).flatMap(file => {
    const { webhooks, livekit } = JSON.parse(readFileSync(new URL(file, url), 'utf8')) as {
      webhooks?: Webhook[]
      livekit?: Webhook[]
    }
    return (webhooks ?? livekit ?? []).map(webhook => ({ ...webhook, from: `${folder}/${file}` }))
  })
})

const read = (body: string): LiveKitEvent | undefined =>
  fromWebhook(WebhookEvent.fromJson(JSON.parse(body), { ignoreUnknownFields: true }) as WebhookEvent)

interface Raw {
  event: string
  room?: { name?: string }
  participant?: {
    sid?: string
    identity: string
    kind?: string
    disconnectReason?: string
    attributes?: Record<string, string>
  }
  track?: { type?: string }
}

await t.test('every recorded webhook means what it says', async t => {
  t.ok(webhooks.length > 300, `${webhooks.length} of them`)
  for (const { body, from } of webhooks) {
    const raw = JSON.parse(body) as Raw
    const event = read(body)
    if (!raw.room?.name) {
      t.equal(event, undefined, `${from}: ${raw.event} is about no room`)
      continue
    }
    const { participant } = raw
    const kind = raw.event.startsWith('track_')
      ? undefined
      : participant?.kind === 'SIP'
        ? 'SIP'
        : participant?.kind === 'AGENT'
          ? 'AGENT'
          : participant && 'OTHER'
    const right = event?.room === raw.room.name && event.what === raw.event &&
      event.participant?.identity === participant?.identity && event.participant?.kind === kind &&
      event.participant?.sid === participant?.sid &&
      event.participant?.reason === participant?.disconnectReason &&
      event.participant?.sip?.callStatus === participant?.attributes?.['sip.callStatus'] &&
      event.track === (raw.track && (raw.track.type === undefined || raw.track.type === 'AUDIO' ? 'AUDIO' : 'OTHER'))
    if (!right) t.match(event, raw, `${from}: ${raw.event}`)
  }
})

await t.test('who left, and why', async t => {
  const left = webhooks.filter(({ body }) => body.includes('"participant_left"')).map(({ body }) =>
    read(body)!.participant!
  )
  const reasons = new Set(
    left.filter(({ kind }) => kind === 'SIP').map(({ reason, sip }) => `${reason} ${sip?.callStatus}`)
  )
  for (
    const reason of [
      'CLIENT_INITIATED hangup',
      'ROOM_DELETED active',
      'ROOM_DELETED ringing',
      'CLIENT_INITIATED ringing'
    ]
  ) t.ok(reasons.has(reason), reason)
  const agents = new Set(left.filter(({ kind }) => kind === 'AGENT').map(({ reason }) => reason))
  for (const reason of ['ROOM_CLOSED', 'CONNECTION_TIMEOUT', 'CLIENT_INITIATED']) t.ok(agents.has(reason), reason)
})

await t.test('events that are new to us, or about nothing of ours', async t => {
  t.match(read('{"event":"brand_new","room":{"name":"r"}}'), { kind: 'livekit', room: 'r', what: 'other' })
  t.equal(read('{"event":"egress_started"}'), undefined)
  t.equal(read('{"event":"room_started","room":{}}'), undefined)
})

await t.test("a webhook is taken with LiveKit's signature over its very bytes", async t => {
  const receive = createLiveKitEventReceiver(API_KEY, API_SECRET)
  const body = '{"event":"room_started","room":{"name":"r"}}'
  const jwt = await livekitJwt(body)
  t.equal((await receive(body, jwt)).room?.name, 'r')
  t.equal((await receive(body, `Bearer ${jwt}`)).event, 'room_started')
  const refused = async (raw: string, authorization: string | undefined, says: string) =>
    t.rejects(receive(raw, authorization), {
      code: 'BRIDGE_LIVEKIT_SIGNATURE',
      statusCode: 401,
      message: 'Unauthorized'
    }, says)
  await refused(`${body} `, jwt, 'another body')
  await refused(body, undefined, 'no signature')
  await refused(body, '', 'an empty one')
  await refused(body, 'garbage', 'garbage')
  await refused(body, await livekitJwt(body, 'otherkey'), 'another key')
  await refused(body, await livekitJwt(body, API_KEY, 'another-secret-another-secret-another'), 'another secret')
  await refused('no json', await livekitJwt('no json'), 'no JSON')
  await refused(webhooks[0]!.body, webhooks[0]!.headers['authorization'], 'one that has expired')
})
