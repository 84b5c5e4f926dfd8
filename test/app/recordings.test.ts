import t from 'tap'
import { assertRunnable, recordings, replay } from '../fixtures/replay.ts'

/** Without LiveKit's webhooks some causes look alike. */
const ALIKE = [
  ['no-agent', 'agent-without-audio', 'livekit-no-route', 'dial-timeout', 'room-closed', 'livekit-failed'],
  ['agent-hung-up', 'media-lost', 'operator-hung-up', 'time-limit'],
  ['caller-hung-up', 'agent-lost', 'redirected']
]
const widen = (causes: string[]) => causes.flatMap(cause => ALIKE.find(alike => alike.includes(cause)) ?? [cause])

for (const folder of ['jambonz', 'chain', 'long'] as const) {
  for (const webhooks of folder === 'jambonz' ? [false] : [true, false]) {
    await t.test(`${folder}, ${webhooks ? 'with' : 'without'} LiveKit's webhooks`, async t => {
      for (const recording of recordings(folder)) {
        await t.test(recording.name, async t => {
          const { bridge, replies, call } = await replay(t, recording, { webhooks })
          for (const { path, reply } of replies) {
            if (recording.refused && path === '/refer') {
              t.equal(reply.status, 403)
              continue
            }
            t.ok([200, 202, 204].includes(reply.status), `${path} is taken`)
            if (reply.json !== undefined) {
              t.doesNotThrow(() => assertRunnable(path, reply.json), `${path} is answered with verbs that run`)
            }
          }
          t.equal(call.phase, 'ended')
          t.equal(call.events.filter(({ what }: { what: string }) => what === 'call ended').length, 1, 'ended once')
          const right = folder === 'jambonz' || webhooks ? recording.causes : widen(recording.causes)
          if (!right.includes('*')) {
            t.ok(right.includes(call.end.cause), `${call.end.cause} is one of ${right.join(', ')}`)
          }
          t.same([...bridge.rooms.open.keys()], [], 'no room is left')
          t.same(call.duties, [], 'nothing is owed')
          t.same((await bridge.operator('GET', '/calls?phase=active')).json.calls, [], 'nothing stays active')
        })
      }
    })
  }
}
