import fc from 'fast-check'
import t from 'tap'
import type { Cause } from '../../../src/calls/fold/vocabulary.ts'
import type { CallEvent } from '../../../src/calls/fold/events.ts'
import { fold } from '../../fixtures/folded.ts'
import { readRecordings, type Recording } from '../../fixtures/recordings.ts'

/** The cause of a recorded call of which only these events arrive. */
const causeOf = (recording: Recording, events: readonly CallEvent[], statusesExpected = true): Cause | undefined =>
  fold(recording, events, statusesExpected)?.end?.cause

/** Causes that look alike from Jambonz's side alone. */
const ALIKE: string[][] = [
  ['agent-hung-up', 'media-lost'],
  ['caller-hung-up', 'agent-lost', 'redirected']
]

/** What LiveKit alone tells of a call that ended like this. Who never reached it, it knows nothing of. */
const TOLD_BY_LIVEKIT: Partial<Record<string, Cause[]>> = {
  'caller-hung-up': ['caller-hung-up'],
  'operator-hung-up': ['caller-hung-up'],
  'agent-hung-up': ['agent-hung-up'],
  'agent-lost': ['agent-lost', 'caller-hung-up'],
  'media-lost': ['caller-hung-up'],
  redirected: ['caller-hung-up'],
  transferred: ['caller-hung-up'],
  'transfer-failed': ['caller-hung-up', 'agent-hung-up'],
  'no-agent': ['no-agent'],
  'agent-without-audio': ['agent-without-audio'],
  'caller-gave-up': ['caller-gave-up', 'lost'],
  'room-closed': ['room-closed'],
  'livekit-no-route': ['lost'],
  'sip-unreachable': ['lost'],
  'livekit-refused-credentials': ['lost'],
  'media-mismatch': ['lost']
}

/** Where all that is decisive was in the statuses. */
const ONLY_IN_STATUSES: string[] = ['chain/caller-gives-up-during-hook', 'chain/sdp-without-pcm']

const alike = (causes: string[]) => causes.flatMap(cause => ALIKE.find(group => group.includes(cause)) ?? [cause])
const isRight = (cause: string | undefined, causes: string[]) =>
  cause !== undefined && (causes.includes('*') || causes.includes(cause))
const without = (recording: Recording, ...kinds: Array<CallEvent['kind']>) =>
  recording.events.filter(({ kind }) => !kinds.includes(kind))

const chain = readRecordings().filter(({ name }) => !name.startsWith('jambonz/'))

for (const recording of chain) {
  const { name, causes, events } = recording
  await t.test(name, async t => {
    const judge = (says: string, cause: Cause | undefined, right: string[]) =>
      t.ok(isRight(cause, right), `${says}: ${cause} is one of ${right.join(', ')}`)

    judge('with both sides', causeOf(recording, events), causes)
    judge("without LiveKit's events", causeOf(recording, without(recording, 'livekit')), alike(causes))
    judge('without /action', causeOf(recording, without(recording, 'action')), alike(causes))
    const redirected = name === 'chain/rest-redirect-away' ? ['media-lost', 'agent-hung-up'] : causes
    const unheard = ONLY_IN_STATUSES.includes(name) ? ['lost'] : redirected
    judge('without a status hook', causeOf(recording, without(recording, 'status'), false), unheard)
    judge(
      "without a status hook and LiveKit's events",
      causeOf(recording, without(recording, 'status', 'livekit'), false),
      alike(unheard)
    )
    judge(
      "with LiveKit's events alone",
      causeOf(recording, without(recording, 'status', 'action', 'refer', 'refer-complete'), false),
      causes.includes('*') ? causes : causes.flatMap(cause => TOLD_BY_LIVEKIT[cause] ?? [])
    )
  })
}

await t.test("LiveKit's events in any order, late by up to a second, and again: the same cause", async t => {
  for (const recording of chain) {
    const { name, causes, events } = recording
    const heard = events.filter(({ kind }) => kind === 'livekit')
    const shuffled = fc.record({
      order: fc.shuffledSubarray(heard, { minLength: heard.length }),
      late: fc.array(fc.nat(1000), { minLength: heard.length, maxLength: heard.length }),
      again: fc.subarray(heard)
    })
    fc.assert(
      fc.property(shuffled, ({ order, late, again }) => {
        const moved = order.map((event, i) => ({
          ...event,
          at: heard[i]!.at + late[i]!,
          id: `EV_${heard.indexOf(event)}`
        }))
        const repeated = again.map(event => ({ ...event, at: event.at + 5000, id: `EV_${heard.indexOf(event)}` }))
        const cause = causeOf(
          recording,
          [...without(recording, 'livekit'), ...moved, ...repeated].sort((a, b) => a.at - b.at)
        )
        // An agent whose events are that late was not heard of before the caller was gone.
        const right = [...causes]
        if (causes.includes('agent-without-audio')) right.push('no-agent')
        if (causes.includes('media-lost') || causes.includes('room-closed')) {
          right.push('agent-hung-up', 'livekit-failed')
        }
        if (!isRight(cause, right)) throw new Error(`${name}: ${cause} is none of ${right.join(', ')}`)
      }),
      { numRuns: 4 }
    )
  }
  t.pass('for all of them')
})
