import { readFileSync } from 'node:fs'
import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Clock } from '../../src/clock.ts'
import { completeForFeatureServer } from '../../src/sandbox/jambonz/create-call.ts'
import { loadVerbParser } from '../../src/sandbox/jambonz/verbs.ts'
import type { IncomingCall } from '../../src/sip/user-agent.ts'
import { line, recording, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received, Stage } from '../fixtures/jambonz/stand-in.ts'
import { fixture } from '../fixtures/paths.ts'

interface RestRequest {
  what: 'createCall' | 'updateCall'
  path: string
  body: Record<string, unknown>
  replied: { status: number, body: unknown }
}

/** A placed call: the stage, the called party's phone, and the requests of the recording that come after createCall. */
interface Drive {
  stage: Stage
  phone: IncomingCall
  sid: string
  /** Sends the next updateCall of the recording and checks its answer. */
  update(): Promise<void>
}

interface Scene {
  name: string
  says: string
  /** What the called party's phone does. By default it rings and answers. */
  phone?: (call: IncomingCall) => void
  /** What LiveKit does. By default it rings and answers. */
  liveKit?: (call: IncomingCall, nth: number) => void
  drive?: (drive: Drive) => Promise<void>
  /** Timeouts of seconds pass in a fraction of their time. */
  isHurried?: true
  /** Nobody listens at LiveKit's address. */
  noLiveKit?: true
  /** Holds back the reply of the call hook. */
  hookAfter?: Promise<void>
}

const answers = (call: IncomingCall) => {
  call.respond(180)
  call.respond(200, 'OK', { body: 'v=0\r\n' })
}
const rings = (call: IncomingCall) => call.respond(180)
const refuses = (status: number, reason: string) => (call: IncomingCall) => {
  call.respond(180)
  call.respond(status, reason)
}
const wantsPassword = (call: IncomingCall) =>
  call.respond(401, 'Unauthorized', { headers: { 'WWW-Authenticate': 'Digest realm="LiveKit", nonce="abc"' } })

const status = (leg: 'O' | 'B', callStatus: string) => ({ path, body }: Received) =>
  path === '/status' && ('parent_call_sid' in body ? 'B' : 'O') === leg && body['call_status'] === callStatus
const connected = status('B', 'in-progress')

const hangsUp = async ({ stage, phone }: Drive) => {
  await stage.standIn.received(connected)
  await phone.bye()
}
const refers = (accepts: boolean) => async ({ stage, phone }: Drive) => {
  phone.onRefer(() => {
    if (!accepts) return { status: 603 }
    setImmediate(() => {
      const notify = (text: string) =>
        phone.send('NOTIFY', {
          headers: { Event: 'refer', 'Content-Type': 'message/sipfrag;version=2.0' },
          body: `SIP/2.0 ${text}\r\n`
        })
      notify('100 Trying').then(() => notify('200 OK')).catch(() => {})
    })
    return { status: 202 }
  })
  await stage.standIn.received(connected)
  await stage.farCalls[0]?.refer('tel:+15550009999', { 'Referred-By': '<sip:agent@bridge>' })
}

let releaseHook = (): void => {}
const hookReleased = new Promise<void>(resolve => {
  releaseHook = resolve
})

const scenes: Scene[] = [
  { name: 'answered-room-at-ringing', says: 'the callee answers and hangs up', drive: hangsUp },
  {
    name: 'agent-ends-by-deleting-the-room',
    says: 'the agent hangs up',
    drive: async ({ stage }) => {
      await stage.standIn.received(connected)
      await stage.farCalls[0]?.bye()
    }
  },
  { name: 'call-hook-500', says: 'the call hook fails' },
  { name: 'call-hook-decline', says: 'the call hook declines' },
  { name: 'call-hook-invalid-verb', says: 'the call hook replies with an invalid verb' },
  { name: 'callee-404', says: 'the number does not exist', phone: refuses(404, 'Not Found') },
  { name: 'callee-486', says: 'the callee is busy', phone: refuses(486, 'Busy Here') },
  { name: 'callee-503', says: 'the carrier fails', phone: refuses(503, 'Service Unavailable') },
  { name: 'no-answer-carrier-487', says: 'the carrier gives up', phone: refuses(487, 'Request Terminated') },
  {
    name: 'callee-hangs-up-before-agent',
    says: 'the callee hangs up while LiveKit rings',
    liveKit: call => {
      rings(call)
      rings(call)
      rings(call)
    },
    drive: async ({ stage, phone }) => {
      const ringing = () => stage.standIn.requests.filter(status('B', 'ringing')).length
      while (ringing() < 3) await new Promise(resolve => setImmediate(resolve))
      await phone.bye()
    }
  },
  {
    name: 'callee-hangs-up-during-hook',
    says: 'the callee hangs up before the call hook has replied',
    hookAfter: hookReleased,
    drive: async ({ stage, phone }) => {
      await stage.standIn.received(({ path }) => path === '/call-hook')
      await phone.bye()
      await stage.standIn.received(status('O', 'completed'))
      releaseHook()
    }
  },
  {
    name: 'cancelled-while-ringing',
    says: 'live call control cancels a ringing call',
    phone: rings,
    drive: async ({ stage, update }) => {
      await stage.standIn.received(status('O', 'ringing'))
      await update()
      await stage.standIn.received(status('O', 'no-answer'))
      await update()
    }
  },
  {
    name: 'ended-by-rest-after-answer',
    says: 'live call control ends an answered call',
    drive: async ({ stage, update }) => {
      await stage.standIn.received(connected)
      await update()
      await update()
      await stage.standIn.received(status('O', 'completed'))
      await update()
    }
  },
  {
    name: 'dial-fails-action-replies',
    says: 'LiveKit refuses, and the action hook dials again',
    // The first dial sends a wrong password.
    liveKit: (call, nth) => nth <= 2 ? wantsPassword(call) : answers(call),
    drive: hangsUp
  },
  { name: 'dial-fails-then-decline', says: 'LiveKit refuses, and a decline follows', liveKit: wantsPassword },
  { name: 'dial-fails-then-hangup', says: 'LiveKit refuses, and a hangup follows', liveKit: wantsPassword },
  { name: 'no-route-at-livekit', says: 'nobody listens at LiveKit', noLiveKit: true },
  { name: 'from-clash-default-callerid', says: 'the dial has no caller ID', drive: hangsUp },
  { name: 'hangup-plain', says: 'the call hook hangs up' },
  { name: 'hangup-with-header', says: 'the call hook hangs up with a header' },
  {
    name: 'no-agent',
    says: 'LiveKit rings until the timeout',
    isHurried: true,
    liveKit: call => {
      for (let times = 0; times < 5; times++) rings(call)
    }
  },
  {
    name: 'no-provisional',
    says: 'the callee answers without ringing',
    phone: call => call.respond(200, 'OK', { body: 'v=0\r\n' }),
    drive: hangsUp
  },
  { name: 'status-hook-fails', says: 'the status hook fails, and the call goes on', drive: hangsUp },
  { name: 'time-limit', says: 'the call reaches its time limit', isHurried: true },
  { name: 'transfer-refer', says: 'the agent transfers the callee', drive: refers(true) },
  {
    name: 'transfer-refer-refused',
    says: 'the carrier refuses a transfer',
    drive: async drive => {
      await refers(false)(drive)
      const again = () => drive.stage.standIn.requests.filter(connected).length === 2
      while (!again()) await new Promise(resolve => setImmediate(resolve))
      await drive.phone.bye()
    }
  }
]

const recorder = 'http://127.0.0.1:18290'
/** Timeouts of the verbs are long, and SIP's retransmissions are not. */
const hurried: Clock = {
  now: systemClock.now,
  schedule: (ms, fn) => systemClock.schedule(ms >= 4000 ? ms / 50 : ms, fn)
}

for (const scene of scenes) {
  await t.test(`outbound/${scene.name}: ${scene.says}`, async t => {
    const recorded = recording(`outbound/${scene.name}`)
    const { rest } = JSON.parse(readFileSync(fixture(`outbound/${scene.name}.json`), 'utf8')) as { rest: RestRequest[] }
    const seen = new Map<string, number>()
    const gateways: Record<string, string> = {}
    const stage = await setStage(t, {
      double: {
        gateways,
        accountSid: '11111111-1111-4111-8111-111111111111',
        ...scene.isHurried && { clock: hurried }
      },
      farEnd: call => (scene.liveKit ?? answers)(call, stage.farCalls.length),
      reply ({ path }, { url, farHost }) {
        const nth = seen.get(path) ?? 0
        seen.set(path, nth + 1)
        const { status = 200, body } = recorded.requests.filter(request => request.path === path)[nth]?.replied ?? {}
        const host = scene.noLiveKit ? '127.0.0.1:1;transport=tcp' : farHost
        const text = JSON.stringify(body)
          ?.replaceAll(recorder, url)
          .replace(/(sip:\w+)@127\.0\.0\.1:\d+;transport=\w+/g, `$1@${host}`)
        return {
          status,
          ...text !== undefined && { body: JSON.parse(text) },
          ...path === '/call-hook' && scene.hookAfter && { after: scene.hookAfter }
        }
      }
    })
    gateways['MyCarrier'] = `${stage.caller.host}:${stage.caller.port}`
    const phone = new Promise<IncomingCall>(resolve => {
      stage.caller.onInvite(call => {
        (scene.phone ?? answers)(call)
        resolve(call)
      })
    })

    const [create, ...updates] = rest
    const request = JSON.parse(JSON.stringify(create?.body).replaceAll(recorder, stage.standIn.url))
    const { sid } = await stage.jambonz.createCall(request)
    const update = async () => {
      const { body, replied } = updates.shift()!
      const { restUrl, accountSid, apiKey } = stage.jambonz
      const answer = await fetch(`${restUrl}/Accounts/${accountSid}/Calls/${sid}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body)
      })
      t.equal(answer.status, replied.status)
      t.equal((await answer.text()).replace(sid, ''), String(replied.body).replace(/\S{36}/, ''))
    }
    await scene.drive?.({ stage, phone: await phone, sid, update })
    await stage.over()

    const describe = ({ body, ...received }: Received) => ({
      line: line({ body, ...received }),
      reason: body['sip_reason'],
      by: body['call_termination_by'],
      from: body['from'],
      customerData: body['customerData'],
      keys: Object.keys(body)
    })
    const statuses = (all: readonly Received[]) => all.filter(({ path }) => path === '/status').map(describe)
    const hooks = (all: readonly Received[]) => all.filter(({ path }) => path !== '/status').map(describe)
    t.strictSame(statuses(stage.standIn.requests), statuses(recorded.requests), 'status events')
    t.strictSame(hooks(stage.standIn.requests), hooks(recorded.requests), 'other hooks')
  })
}

await t.test('outbound/bad-payloads: the feature server refuses what it refused', async t => {
  const { rest } = JSON.parse(readFileSync(fixture('outbound/bad-payloads.json'), 'utf8')) as { rest: RestRequest[] }
  const parse = loadVerbParser()
  for (const { body, replied } of rest.filter(({ what }) => what === 'createCall')) {
    const checked = completeForFeatureServer(body, parse)
    if (replied.status === 201) t.ok('request' in checked, JSON.stringify(body))
    else t.strictSame(checked, { status: replied.status, body: replied.body })
  }
})
