import t from 'tap'
import type { Test } from 'tap'
import type { IncomingCall, OutgoingCall } from '../../src/sip/user-agent.ts'
import { line, recording, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received, Stage } from '../fixtures/jambonz/stand-in.ts'

interface Scene {
  name: string
  says: string
  farEnd?: (call: IncomingCall) => void
  /** What the caller does. */
  caller?: (call: OutgoingCall, stage: Stage, t: Test) => Promise<void> | void
  /** Whether the call hook replies only after that. */
  pending?: boolean
  offer?: string
  callerGets: number
}

const rings = (call: IncomingCall) => call.respond(180)
const answers = (call: IncomingCall) => {
  call.respond(180)
  call.respond(200, 'OK', { body: 'v=0\r\n' })
}
const inProgress = (received: Received) =>
  received.path === '/status' && !('parent_call_sid' in received.body) && received.body['call_status'] === 'in-progress'
const ringing = (received: Received) => received.body['call_status'] === 'ringing'

const scenes: Scene[] = [
  {
    name: 'jambonz/answered-callee-hangs-up',
    says: 'the agent answers and hangs up',
    farEnd: answers,
    caller: async (_call, stage) => {
      await stage.standIn.received(inProgress)
      await stage.farCalls[0]?.bye({ 'X-Hangup-Cause': 'agent' })
    },
    callerGets: 200
  },
  {
    name: 'jambonz/answered-caller-hangs-up',
    says: 'the agent answers, and the caller hangs up',
    farEnd: answers,
    caller: async (call, stage) => {
      await stage.standIn.received(inProgress)
      await call.bye({ 'X-My-Bye': 'caller' })
    },
    callerGets: 200
  },
  {
    name: 'jambonz/caller-cancels-while-ringing',
    says: 'the caller gives up while it rings',
    farEnd: rings,
    caller: async (call, stage) => {
      await stage.standIn.received(ringing)
      call.cancel()
    },
    callerGets: 487
  },
  {
    name: 'jambonz/caller-cancels-while-call-hook-pending',
    says: 'the caller gives up before the call hook has replied',
    pending: true,
    caller: async (call, stage) => {
      await stage.standIn.received(({ path }) => path === '/livekit-api')
      call.cancel()
      await call.final
    },
    callerGets: 487
  },
  { name: 'jambonz/dial-timeout', says: 'nobody answers before the dial timeout', farEnd: rings, callerGets: 480 },
  {
    name: 'jambonz/livekit-busy-486',
    says: 'the far end is busy',
    farEnd: call => {
      call.respond(180)
      call.respond(486, 'Rejected')
    },
    callerGets: 480
  },
  {
    name: 'jambonz/livekit-not-found-404',
    says: 'the far end has no trunk for the call',
    farEnd: call => call.respond(404, 'No trunk found'),
    callerGets: 480
  },
  {
    name: 'jambonz/action-declines',
    says: 'the action hook declines with a status and a reason',
    farEnd: call => {
      call.respond(180)
      call.respond(486, 'Rejected')
    },
    callerGets: 486
  },
  { name: 'jambonz/call-hook-500', says: 'the call hook fails', callerGets: 480 },
  { name: 'jambonz/call-hook-201', says: 'the call hook replies 201', callerGets: 480 },
  { name: 'jambonz/call-hook-empty-array', says: 'the call hook replies without verbs', callerGets: 480 },
  { name: 'jambonz/call-hook-declines', says: 'the call hook declines', callerGets: 503 },
  { name: 'jambonz/sip-uri-without-user', says: 'the dial target has no user', callerGets: 480 },
  {
    name: 'chain/transfer-by-livekit',
    says: 'the agent transfers the caller',
    farEnd: answers,
    caller: async (call, stage, t) => {
      call.onRefer(() => {
        // The recorded carrier accepts and sends two NOTIFYs.
        setImmediate(() => {
          const notify = (status: string) =>
            call.send('NOTIFY', {
              headers: { Event: 'refer', 'Content-Type': 'message/sipfrag;version=2.0' },
              body: `SIP/2.0 ${status}\r\n`
            })
          notify('100 Trying').then(() => notify('200 OK')).catch(() => {})
        })
        return { status: 202, reason: 'Accepted' }
      })
      await stage.standIn.received(inProgress)
      const answer = await stage.farCalls[0]?.refer('tel:+15559998888', { 'Referred-By': '<sip:agent@bridge>' })
      stage.farCalls[0]?.onNotify(() => t.fail('Jambonz sends no NOTIFY'))
      t.equal(answer?.status, 202)
    },
    callerGets: 200
  },
  {
    name: 'chain/transfer-refused-by-carrier',
    says: 'the agent transfers the caller, and the carrier refuses',
    farEnd: answers,
    caller: async (call, stage, t) => {
      call.onRefer(() => ({ status: 603 }))
      await stage.standIn.received(inProgress)
      t.equal(
        (await stage.farCalls[0]?.refer('tel:+15559998888', { 'Referred-By': '<sip:agent@bridge>' }))?.status,
        202
      )
    },
    callerGets: 200
  },
  {
    name: 'chain/wrong-trunk-password',
    says: 'the far end refuses the credentials',
    farEnd: call =>
      call.respond(401, 'Unauthorized', { headers: { 'WWW-Authenticate': 'Digest realm="LiveKit", nonce="abc"' } }),
    callerGets: 480
  },
  {
    name: 'chain/sdp-without-pcm',
    says: 'the caller offers no telephone codec',
    offer: 'v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n',
    callerGets: 488
  },
  {
    name: 'jambonz/action-dials-fallback',
    says: 'the action hook replies with another dial',
    farEnd: call => {
      if (call.request.uri.startsWith('sip:fallback@')) answers(call)
      else {
        call.respond(180)
        call.respond(486, 'Rejected')
      }
    },
    caller: async (_call, stage) => {
      await stage.standIn.received(inProgress)
      await stage.farCalls[1]?.bye({ 'X-Hangup-Cause': 'agent' })
    },
    callerGets: 200
  },
  {
    name: 'jambonz/rest-redirect-mid-dial',
    says: 'REST moves the ringing call to another application',
    farEnd: rings,
    caller: async (_call, stage) => {
      await stage.standIn.received(ringing)
      stage.jambonz.update(stage.jambonz.calls()[0]?.leg.callSid ?? '', { call_hook: `${stage.standIn.url}/redirect` })
    },
    callerGets: 480
  },
  {
    name: 'chain/rest-redirect-to-bridge',
    says: 'REST moves an answered call to the bridge',
    farEnd: answers,
    caller: async (call, stage) => {
      await stage.standIn.received(inProgress)
      stage.jambonz.update(stage.jambonz.calls()[0]?.leg.callSid ?? '', {
        call_hook: `${stage.standIn.url}/livekit-api?redirected=1`
      })
      await stage.standIn.received(({ body }) => 'parent_call_sid' in body && body['call_status'] === 'in-progress')
      await call.bye()
    },
    callerGets: 200
  },
  {
    name: 'chain/rest-call-status-completed',
    says: 'REST ends the connected call',
    farEnd: answers,
    caller: async (_call, stage) => {
      await stage.standIn.received(inProgress)
      stage.jambonz.update(stage.jambonz.calls()[0]?.leg.callSid ?? '', { call_status: 'completed' })
    },
    callerGets: 200
  },
  {
    name: 'chain/caller-leg-refers',
    says: 'the caller sends a REFER, which the hook refuses',
    farEnd: answers,
    caller: async (call, stage, t) => {
      await stage.standIn.received(inProgress)
      const answer = await call.send('REFER', {
        headers: {
          'Refer-To': '<sip:+1900@evil.example>',
          'Referred-By': '<sip:+15550001111@127.0.0.1>',
          'User-Agent': 'caller-phone/1.0'
        }
      })
      t.equal(answer.status, 403)
      await call.bye()
    },
    callerGets: 200
  }
]

for (const scene of scenes) {
  await t.test(`${scene.name}: ${scene.says}`, async t => {
    const recorded = recording(scene.name)
    const host = 'http://127.0.0.1:18090'
    let release = () => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    const stage = await setStage(t, {
      farEnd: scene.farEnd,
      reply (received, { url, farHost }) {
        const { status, body } = (recorded.requests.find(({ url }) => url === received.url) ??
          recorded.requests.find(({ path }) => path === received.path))?.replied ?? { status: 200 }
        const text = body === undefined || body === ''
          ? undefined
          : JSON.stringify(body)
            .replaceAll(host, url)
            .replace(/(sip:\w+)@127\.0\.0\.1:\d+;transport=\w+/, `$1@${farHost}`)
        return {
          status,
          ...text !== undefined && { body: JSON.parse(text) },
          ...scene.pending && received.path === '/livekit-api' && { after: released }
        }
      }
    })
    const call = stage.call({ body: scene.offer ?? 'v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n' })
    await scene.caller?.(call, stage, t)
    release()
    const final = await call.final
    t.equal(final.status, scene.callerGets)
    await stage.over()

    const describe = (received: Received) => ({
      line: line(received),
      reason: received.body['sip_reason'],
      by: received.body['call_termination_by'],
      keys: Object.keys(received.body)
    })
    const statuses = (all: readonly Received[]) => all.filter(({ path }) => path === '/status').map(describe)
    const hooks = (all: readonly Received[]) => all.filter(({ path }) => path !== '/status').map(describe)
    t.strictSame(
      statuses(stage.standIn.requests),
      statuses(recorded.requests),
      'status events: order, fields and the order of fields'
    )
    t.strictSame(
      hooks(stage.standIn.requests),
      hooks(recorded.requests),
      'other hooks: order, fields and the order of fields'
    )
  })
}
