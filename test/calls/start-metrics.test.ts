import t from 'tap'
import { CallMetrics } from '../../src/call-metrics.ts'
import type { CallEvent } from '../../src/calls/fold/events.ts'
import type { Call } from '../../src/calls/fold/call.ts'
import { createMetrics } from '../../src/metrics.ts'
import { tell, type Story } from '../fixtures/events.ts'

/*
 * How a call's start is told apart in the times of its reply and its answer.
 */

const EVENT = { kind: 'wake', at: 0, claim: 'claim', statusesExpected: true } satisfies CallEvent
const NAMES = ['reply', 'answered'] as const
const STARTS = ['warm', 'replaced', 'cold', 'none']

/** Which starts are counted of a call that goes as told. */
async function startsOf (happens: (story: Story) => void): Promise<string[]> {
  const metrics = createMetrics({ stats: async () => ({ phases: {}, duties: 0 }) as never, buffered: () => 0 })
  const counted = new CallMetrics(metrics, () => [])
  const check = (before: Call | undefined, _event: CallEvent, after: Call | undefined) =>
    counted.changed(before, after, EVENT)
  happens(tell({ check }))
  const text = await metrics.text()
  const countOf = (name: string, start: string) =>
    new RegExp(`^bridge_hook_${name}_seconds_count\\{start="${start}"\\} (\\d+)$`, 'm').exec(text)?.[1]
  return NAMES.flatMap(name => STARTS.filter(start => countOf(name, start) === '1').map(start => `${name} ${start}`))
}

await t.test('by how the first attempt began, and whether the agent that waited is the one who answers', async t => {
  const room = { strategy: 'room', agent: 'demo-agent' } as const
  const phone = { strategy: 'phone', number: '+15551230009' } as const
  t.same(await startsOf(story => {
    story.claim()
    story.answered()
  }), ['reply warm', 'answered warm'])
  t.same(await startsOf(story => {
    story.claim()
    story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
    story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
    story.answered()
  }), ['reply warm', 'answered replaced'])
  t.same(await startsOf(story => {
    story.hook({ route: { ways: [room, phone] } })
    story.made()
    story.answered()
  }), ['reply cold', 'answered cold'])
  t.same(await startsOf(story => {
    story.hook({ route: { ways: [phone, room] } })
    story.answered()
  }), ['reply none', 'answered none'])
  t.same(await startsOf(story => {
    story.hook({ route: { ways: [{ strategy: 'decline', status: 603, reason: 'Decline' }] } })
  }), ['reply none'])
})

await t.test('another way answers than the one with the waiting agent', async t => {
  t.same(await startsOf(story => {
    story.claim()
    story.it.plan.push({ strategy: 'phone', number: '+15551230009' })
    story.agent('trying', 100)
    story.agent('failed', 480)
    story.action('failed', 480)
    story.answered('b2')
  }), ['reply warm', 'answered replaced'])
})
