import fc from 'fast-check'
import { WebhookEvent } from 'livekit-server-sdk'
import t from 'tap'
import type { Cause } from '../../../src/calls/fold/vocabulary.ts'
import { fromWebhook } from '../../../src/livekit/events.ts'
import { createDriver, factsWith, rulesWith, START, tokenOf, type Untimed } from '../../fixtures/events.ts'
import { recording } from '../../fixtures/livekit/helper.ts'

/*
 * SIP calls to a real LiveKit without a Jambonz: what LiveKit said on the wire becomes what Jambonz would have posted
 * of it.
 */

type Timed = Untimed & { at: number }

const CALL = 'call-1'
const ROOM = `jb_${tokenOf(CALL, 1)}`

/** The X-LK-Call header of the recorded INVITEs. */
const RECORDED_CALL = /d00d8a36-93f1-4a61-b3df-98751116d97a/g

/** LiveKit's webhooks, about the call and the room that the fold derives. */
function fromLiveKit (name: string): Timed[] {
  return recording(name).webhooks.flatMap(webhook => {
    const body = JSON.parse(webhook.body.replace(RECORDED_CALL, CALL))
    const event = fromWebhook(WebhookEvent.fromJson(body, { ignoreUnknownFields: true }) as WebhookEvent)
    return event ? [{ ...event, room: ROOM, at: START + (webhook as unknown as { at_ms: number }).at_ms + 20 }] : []
  })
}

/** The statuses and the /action of a Jambonz whose dial got these SIP messages. */
function fromWire (name: string): Timed[] {
  const { sip } = recording(name)
  const events: Timed[] = []
  const status = (
    at: number,
    leg: 'caller' | 'agent',
    callStatus: 'trying' | 'ringing' | 'in-progress' | 'completed' | 'failed' | 'busy' | 'no-answer',
    sipStatus: number,
    by?: 'caller' | 'jambonz',
    sipReason?: string
  ) =>
    events.push({
      kind: 'status',
      callSid: CALL,
      facts: factsWith(),
      leg,
      legSid: leg === 'caller' ? CALL : 'b1',
      callStatus,
      sipStatus,
      by,
      sipReason,
      at
    })
  const action = (
    at: number,
    dialCallStatus: 'completed' | 'failed' | 'busy' | 'no-answer',
    dialSipStatus: number,
    callerStatus: 'trying' | 'in-progress' | 'completed' | 'no-answer'
  ) =>
    events.push({
      kind: 'action',
      callSid: CALL,
      hash: 'action',
      facts: factsWith(),
      attempt: 1,
      dialCallStatus,
      dialSipStatus,
      dialCallSid: 'b1',
      rang: sip.some(({ start }) => start.includes(' 180 ')),
      callerStatus,
      at
    })
  status(START + 1, 'caller', 'trying', 100)
  status(START + 2, 'agent', 'trying', 100)
  let answered = false
  for (const [i, { at_ms: ms, dir, start }] of sip.entries()) {
    const at = START + ms + 10
    const code = Number(/^SIP\/2.0 (\d+)/.exec(start)?.[1])
    const inDialog = sip.slice(0, i).some(before => /^(BYE|CANCEL)/.test(before.start))
    if (start.startsWith('CANCEL')) {
      status(at, 'caller', 'no-answer', 487, 'caller')
      action(at + 1, 'no-answer', 487, 'no-answer')
      status(at + 2, 'agent', 'no-answer', 487)
    }
    if (start.startsWith('BYE') && dir === '>') {
      status(at, 'caller', 'completed', 200, 'caller')
      action(at + 1, 'completed', 200, 'completed')
      status(at + 2, 'agent', 'completed', 200)
    }
    if (start.startsWith('BYE') && dir === '<') {
      status(at, 'agent', 'completed', 200)
      action(at + 1, 'completed', 200, 'in-progress')
      status(at + 2, 'caller', 'completed', 200, 'jambonz')
    }
    if (dir === '>' || inDialog) continue
    if (code === 180) status(at, 'agent', 'ringing', 180)
    if (code === 200 && !answered) {
      answered = true
      status(at, 'agent', 'in-progress', 200)
      status(at + 1, 'caller', 'in-progress', 200)
    }
    if (code >= 400 && code !== 407) {
      const result = code === 486 ? 'busy' : 'failed'
      status(at, 'agent', result, code, undefined, start.split(' ').slice(2).join(' '))
      action(at + 1, result, code, 'trying')
      status(at + 2, 'caller', 'failed', 480, 'jambonz')
    }
  }
  return events
}

function causeOf (events: Timed[], statusesExpected: boolean): Cause | undefined {
  let cause: Cause | undefined
  const driver = createDriver({
    callSid: CALL,
    rules: rulesWith(),
    statusesExpected,
    world: { look: () => 'unreachable', perform: () => 'done' },
    check: (_before, _event, after) => {
      cause ??= after?.end?.cause
    }
  })
  const hook: Untimed = { kind: 'call-hook', callSid: CALL, hash: 'hook', facts: factsWith(), answered: false }
  driver.feed(hook)
  driver.feed({ kind: 'room', attempt: 1, outcome: 'created' })
  for (const { at, ...event } of events) {
    driver.pass(Math.max(0, at - driver.now))
    driver.feed(event as Untimed)
  }
  // LiveKit cannot be asked in these: what it told has to do, until nothing of the dial can be left.
  driver.pass(8_000_000)
  return cause
}

/** The cause with both sides, and with LiveKit's alone, which knows nothing of who never got into the room. */
const RECORDINGS: Record<string, { both: Cause[], alone: Cause[] }> = {
  'answered-caller-hangs-up': { both: ['caller-hung-up'], alone: ['caller-hung-up'] },
  'dtmf-from-caller': { both: ['caller-hung-up'], alone: ['caller-hung-up'] },
  'room-not-created-rule-dispatches': { both: ['caller-hung-up'], alone: ['caller-hung-up'] },
  'answered-room-deleted': { both: ['agent-hung-up'], alone: ['agent-hung-up'] },
  'agent-silent': { both: ['agent-without-audio'], alone: ['agent-without-audio'] },
  'agent-name-typo': { both: ['no-agent'], alone: ['no-agent'] },
  'no-agent-worker': { both: ['no-agent'], alone: ['no-agent'] },
  'caller-cancels-while-ringing': { both: ['caller-gave-up'], alone: ['caller-gave-up'] },
  'bad-credentials': { both: ['livekit-refused-credentials'], alone: ['lost'] },
  'no-common-codec': { both: ['media-mismatch'], alone: ['lost'] }
}

/** What it looks like when LiveKit's word of who was there comes after the 486. */
const TOLD_TOO_LATE: Partial<Record<Cause, Cause[]>> = {
  'agent-without-audio': ['no-agent', 'livekit-failed'],
  'no-agent': ['livekit-failed']
}

const sorted = (events: Timed[]): Timed[] => [...events].sort((a, b) => a.at - b.at)

for (const [name, { both, alone }] of Object.entries(RECORDINGS)) {
  await t.test(name, async t => {
    const [livekit, wire] = [fromLiveKit(name), fromWire(name)]
    t.ok(livekit.length > 0 && wire.length > 2, 'there is something to go by')
    const judge = (says: string, cause: Cause | undefined, right: Cause[]) =>
      t.ok(cause !== undefined && right.includes(cause), `${says}: ${cause} is one of ${right.join(', ')}`)
    judge('both sides', causeOf(sorted([...wire, ...livekit]), true), both)
    judge('LiveKit alone', causeOf(livekit, false), alone)
    fc.assert(
      fc.property(fc.shuffledSubarray(livekit, { minLength: livekit.length }), shuffled => {
        const moved = shuffled.map((event, i) => ({ ...event, at: livekit[i]!.at }))
        const cause = causeOf(sorted([...wire, ...moved]), true)
        const right = [...both, ...(TOLD_TOO_LATE[both[0]!] ?? [])]
        if (!right.includes(cause!)) throw new Error(`${cause} is none of ${right.join(', ')}`)
      }),
      { numRuns: 10 }
    )
    t.pass("whatever the order of LiveKit's events")
  })
}
