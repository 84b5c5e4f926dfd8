import { finalsOf } from './hung-up.ts'
import type { Json } from './json.ts'
import { field, FINAL_STATUSES, type Hook, type Recording, type RoomEvent } from './recording.ts'
import { causesOfOrder } from './right-causes.ts'

/*
 * Calls that were not recorded, made of ones that were: the same hooks in the same order, with another ending. What is
 * right of them follows from their hooks again.
 */

const judged = (recording: Recording): Recording => ({ ...recording, causes: causesOfOrder(recording) })

const isOfCallee = ({ body }: Hook): boolean => field(body, 'parent_call_sid') === undefined
const statusOf = ({ body }: Hook): string => field(body, 'call_status') ?? ''
const with_ = (hook: Hook, changed: Json): Hook =>
  ({ ...hook, body: JSON.stringify({ ...JSON.parse(hook.body) as Json, ...changed }) })

/** All others are `failed` (feature-server lib/http-routes/api/create-call.js). */
const CALL_STATUSES: Record<number, string> = { 486: 'busy', 487: 'no-answer', 603: 'busy' }

/**
 * The callee's side refuses the call with another final status.
 * @param recording a call that was not answered
 */
export function refusedWith (recording: Recording, sipStatus: number): Recording {
  const callStatus = CALL_STATUSES[sipStatus] ?? 'failed'
  return judged({
    ...recording,
    name: `${recording.name}, refused with ${sipStatus}`,
    hooks: recording.hooks.map(hook =>
      FINAL_STATUSES.has(statusOf(hook))
        ? with_(hook, { call_status: callStatus, sip_status: sipStatus, sip_reason: `Reason of ${sipStatus}` })
        : hook)
  })
}

/** The callee's phone sends early media (183) instead of ringing. */
export function withEarlyMedia (recording: Recording): Recording {
  return judged({
    ...recording,
    name: `${recording.name}, with early media`,
    hooks: recording.hooks.map(hook =>
      isOfCallee(hook) && statusOf(hook) === 'ringing'
        ? with_(hook, { call_status: 'early-media', sip_status: 183, sip_reason: 'Session Progress' })
        : hook)
  })
}

/** Moments right after the callee's answer, and after each hook that follows until the call is over. */
export function stagesOf ({ hooks }: Recording): number[] {
  const answered = hooks.find(hook => isOfCallee(hook) && statusOf(hook) === 'in-progress')?.at ?? Infinity
  const over = hooks.find(hook => isOfCallee(hook) && FINAL_STATUSES.has(statusOf(hook)))?.at ?? Infinity
  return [...new Set(hooks.map(({ at }) => at).filter(at => at >= answered && at < over))].map(at => at + 1)
}

/** The callee hangs up at another moment than recorded. */
export function hungUpByCallee (recording: Recording, at: number): Recording {
  const before = recording.hooks.filter(hook => hook.at < at)
  const finals = finalsOf(before, 'completed').map((hook, i) => ({
    ...hook,
    at: at + i,
    body: hook.body.replace('"call_termination_by":"jambonz"', '"call_termination_by":"caller"')
  }))
  return judged({
    ...cutAt(recording, at),
    name: `${recording.name}, the callee hangs up at ${at} ms`,
    hooks: [...before, ...finals]
  })
}

/** Nothing happens from then on but that the SIP leg leaves the room. */
function cutAt (recording: Recording, at: number): Recording {
  const events = recording.roomEvents.filter(event => event.at < at)
  const leaves = recording.roomEvents.find(({ body }) =>
    body['event'] === 'participant_left' && kindOf(body) === 'SIP')
  const isThere = events.some(({ body }) => body['event'] === 'participant_joined' && kindOf(body) === 'SIP')
  return {
    ...recording,
    roomEvents: isThere && leaves ? [...events, { ...leaves, at: at + 5 }] : events,
    looks: recording.looks.filter(look => look.at < at),
    attributes: recording.attributes.filter(change => change.at < at)
  }
}

const kindOf = (body: Json): unknown => (body['participant'] as Json | undefined)?.['kind']

/** An agent that waits in the room dies before the callee has answered: nobody is there to talk to the callee. */
export function withAgentThatDies (recording: Recording, agents: Recording, at: number): Recording {
  const room = agents.roomEvents.find(({ body }) => kindOf(body) === 'AGENT')!
  const name = `${recording.roomPrefix}${recording.dialled[0] ?? ''}`
  const event = (what: string, when: number, more: Json): RoomEvent => {
    const body = room.body
    const participant = { ...body['participant'] as Json, ...more }
    return { ...room, at: when, body: { ...body, event: what, room: { name }, participant } }
  }
  return {
    ...recording,
    name: `${recording.name}, an agent dies at ${at} ms`,
    roomEvents: [
      ...recording.roomEvents,
      event('participant_joined', at - 100, {}),
      event('participant_left', at, { state: 'DISCONNECTED', disconnectReason: 'CONNECTION_TIMEOUT' })
    ].sort((a, b) => a.at - b.at),
    causes: ['no-agent', 'agent-lost', 'agent-without-audio', 'dial-timeout']
  }
}

/** What the bridge asks for, and what happens meanwhile, may cross; milliseconds. */
const CROSSING_MS = 20

/** Somebody asks the bridge to end the call, at a moment when nobody did. */
export function hungUpByOperator (recording: Recording, at: number): Recording {
  const { hooks, orders } = recording
  const over = hooks.find(hook => isOfCallee(hook) && FINAL_STATUSES.has(statusOf(hook)))?.at ?? Infinity
  return {
    ...recording,
    name: `${recording.name}, hung up at ${at} ms`,
    hangUps: orders.map(({ callSid }) => ({ at, callSid, isNew: true })),
    causes: [...(over >= at ? ['operator-hung-up'] : []), ...(over <= at + CROSSING_MS ? recording.causes : [])]
  }
}
