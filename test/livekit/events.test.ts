import { readFileSync, readdirSync } from 'node:fs'
import t from 'tap'
import type { LiveKitEvent } from '../../src/calls/fold/events.ts'
import { createLiveKitEventReceiver, fromWebhook, readWebhook } from '../../src/livekit/events.ts'
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

function read (body: string): LiveKitEvent | undefined {
  const event = readWebhook(body)
  return event && fromWebhook(event)
}

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

function kindOf ({ event, participant }: Raw): string | undefined {
  if (!participant || event.startsWith('track_')) return undefined
  return ['SIP', 'AGENT'].includes(participant.kind ?? '') ? participant.kind : 'OTHER'
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
    const kind = kindOf(raw)
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

await t.test('an avatar, which joins as an agent on behalf of one, is none', async t => {
  const joined = (attributes: Record<string, string>) => read(JSON.stringify({
    event: 'participant_joined',
    room: { name: 'r' },
    participant: { sid: 'PA_1', identity: 'someone', kind: 'AGENT', attributes }
  }))
  t.equal(joined({})?.participant?.kind, 'AGENT')
  t.equal(joined({ 'lk.publish_on_behalf': 'agent-AJ_1' })?.participant?.kind, 'OTHER')
})

await t.test('a value that cannot be read counts as absent, at any depth; the rest is taken', async t => {
  const event = {
    event: 'participant_left',
    id: 'EV_1',
    createdAt: '1795200312',
    room: { sid: 'RM_1', name: 'r', metadata: '{}' },
    participant: {
      sid: 'PA_1',
      identity: 'sip_1',
      kind: 'SIP',
      disconnectReason: 'CLIENT_INITIATED',
      attributes: { 'sip.callStatus': 'hangup', 'sip.ruleID': 'SDR_1' }
    },
    track: { sid: 'TR_1', type: 'VIDEO' }
  }
  const whole = read(JSON.stringify(event))
  const odd = [5, -1, 1e300, 'NEW_VALUE', true, [], ['x'], {}, { a: { b: 1 } }, null]
  const paths = [
    ['createdAt'],
    ['room', 'sid'],
    ['room', 'metadata'],
    ['room', 'numParticipants'],
    ['room', 'enabledCodecs'],
    ['participant'],
    ['participant', 'sid'],
    ['participant', 'kind'],
    ['participant', 'disconnectReason'],
    ['participant', 'permission'],
    ['participant', 'attributes'],
    ['participant', 'attributes', 'sip.callStatus'],
    ['track'],
    ['track', 'type'],
    ['egressInfo'],
    ['numDropped'],
    ['brandNew']
  ]
  for (const path of paths) {
    for (const value of odd) {
      const changed = structuredClone(event) as Record<string, any>
      let parent = changed
      for (const name of path.slice(0, -1)) parent = parent[name]
      parent[path.at(-1)!] = value
      const says = `${path.join('.')} ${JSON.stringify(value)}`
      const got = read(JSON.stringify(changed))
      if (got?.room !== 'r' || got.what !== 'participant_left' || got.id !== 'EV_1') t.fail(says)
      if (path[0] !== 'participant') t.same(got?.participant, whole!.participant, says)
      else if (path.length > 1) t.equal(got?.participant?.identity, 'sip_1', says)
      const { callStatus } = got?.participant?.sip ?? {}
      if (callStatus !== undefined && typeof callStatus !== 'string') t.fail(says)
    }
  }
  t.match(read('{"event":"participant_left","room":{"name":"r"},"participant":{"kind":99,"disconnectReason":99}}'), {
    participant: { kind: 'OTHER', reason: undefined }
  })
  t.match(read('{"event":7,"room":{"name":"r"}}'), { what: 'other' })
  for (const body of ['', 'no json', '[]', 'null', '5', '"x"']) t.equal(readWebhook(body), undefined, body)
})

await t.test("a webhook is taken with LiveKit's signature over its very bytes", async t => {
  const receive = createLiveKitEventReceiver(API_KEY, API_SECRET)
  const body = '{"event":"room_started","room":{"name":"r"}}'
  const jwt = await livekitJwt(body)
  t.equal((await receive(body, jwt))?.room?.name, 'r')
  t.equal((await receive(body, `Bearer ${jwt}`))?.event, 'room_started')
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
  await refused(webhooks[0]!.body, webhooks[0]!.headers['authorization'], 'one that has expired')
})

await t.test('an agent says who answered, by an attribute', async t => {
  const event = (kind: string, attributes: object) =>
    read(JSON.stringify({
      event: 'participant_left',
      room: { name: 'r' },
      participant: { sid: 'PA_1', identity: 'one', kind, attributes }
    }))
  t.equal(event('AGENT', { 'bridge.voicemail': 'machine' })?.participant?.voicemail, 'machine')
  t.equal(event('AGENT', { 'bridge.voicemail': 'human' })?.participant?.voicemail, 'human')
  t.equal(event('AGENT', { 'bridge.voicemail': 'a robot' })?.participant?.voicemail, undefined)
  t.equal(event('SIP', { 'bridge.voicemail': 'machine' })?.participant?.voicemail, undefined, 'nobody else does')
})
