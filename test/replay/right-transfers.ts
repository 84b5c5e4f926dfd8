import { isJson, number, text, type Json } from './json.ts'
import {
  callOf,
  field,
  FINAL_STATUSES,
  roomNameOf,
  userOf,
  type Hook,
  type RecordedTransfer,
  type Recording,
  type RightDeletion,
  type RightOutcome
} from './recording.ts'
import { meaningOf } from './right-causes.ts'

/*
 * What is true of a recording in which a caller is handed to a person, read from what was recorded: who talked with
 * whom, who hung up, and what was left. Written down apart from the bridge's own judgement, which it is there to hold.
 */

interface Leg {
  sid: string
  parent: string | undefined
  to: string
  answered: number | undefined
  final: { at: number, status: string, sip: number, by: string | undefined } | undefined
}

/** A recording as far as it is needed to say what is right. */
interface Story {
  recording: Recording
  legs: Leg[]
  /** Of the caller. */
  caller: Leg
  /** SIP user by which the caller's room is dialled. */
  room: string
}

const AFTER_ALL = Infinity

export function rightOfTransfers (
  recording: Recording
): Pick<Recording, 'causesOf' | 'outcomes' | 'deletions'> {
  const legs = legsOf(recording.hooks)
  const callSid = callOf(recording.hooks.find(({ path }) => path === '/livekit-api')!)
  const story = { recording, legs, caller: legs.find(({ sid }) => sid === callSid)!, room: recording.dialled[0] ?? '' }
  const outcomes = recording.transfers.map(transfer => outcomeOf(story, transfer))
  const persons = recording.transfers.flatMap((transfer, i) =>
    transfer.personSid === undefined ? [] : [[transfer.personSid, causesOfPerson(story, transfer, outcomes[i]!)]])
  return {
    causesOf: {
      [callSid]: causesOfCaller(story, outcomes),
      ...Object.fromEntries(persons) as Record<string, string[]>
    },
    outcomes,
    deletions: deletionsOf(story, outcomes)
  }
}

function legsOf (hooks: Hook[]): Leg[] {
  const statuses = hooks.filter(({ path }) => path === '/status').map(({ at, body }) => {
    const parsed = JSON.parse(body) as Json
    return {
      at,
      sid: text(parsed['call_sid']) ?? '',
      parent: text(parsed['parent_call_sid']),
      to: userOf(text(parsed['to'])) ?? '',
      status: text(parsed['call_status']) ?? '',
      sip: number(parsed['sip_status']) ?? 0,
      by: text(parsed['call_termination_by'])
    }
  })
  return [...new Set(statuses.map(({ sid }) => sid))].map(sid => {
    const own = statuses.filter(status => status.sid === sid)
    return {
      sid,
      parent: own[0]!.parent,
      to: own[0]!.to,
      answered: own.find(({ status }) => status === 'in-progress')?.at,
      final: own.find(({ status }) => FINAL_STATUSES.has(status))
    }
  })
}

const endOf = ({ final }: Leg): number => final?.at ?? AFTER_ALL

function outcomeOf (story: Story, transfer: RecordedTransfer): RightOutcome {
  if (transfer.mode === 'refer') return outcomeOfRefer(story, transfer)
  return transfer.personSid === undefined ? outcomeOfDial(story, transfer) : outcomeOfPerson(story, transfer)
}

const isWith = ({ caller }: Story, at: number): boolean => endOf(caller) > at

/** The person's leg into the caller's room, if both were there. */
const joinOf = (story: Story, { personSid }: RecordedTransfer): Leg | undefined =>
  story.legs.find(({ parent, to, answered }) =>
    parent === personSid && to === story.room && answered !== undefined && isWith(story, answered))

/** `consult` and `add`. */
function outcomeOfPerson (story: Story, transfer: RecordedTransfer): RightOutcome {
  if (joinOf(story, transfer)) return { result: 'bridged', reasons: ['completed'] }
  const person = story.legs.find(({ sid }) => sid === transfer.personSid)
  const gone = person ? endOf(person) : AFTER_ALL
  if (!isWith(story, Math.min(gone, transfer.cancelledAt ?? AFTER_ALL))) {
    return { result: 'failed', reasons: ['caller-gone'] }
  }
  return { result: 'returned', reasons: reasonsOfPerson(story, transfer, person) }
}

function reasonsOfPerson ({ recording }: Story, transfer: RecordedTransfer, person: Leg | undefined): string[] {
  const { cancelledAt = AFTER_ALL, completedAt = AFTER_ALL, mode, personSid } = transfer
  if (!person?.final) return ['cancelled']
  if (cancelledAt <= person.final.at) return ['cancelled']
  if (person.answered === undefined) return reasonsOfStatus(person)
  if (person.final.by === 'caller') {
    return mode === 'consult' && completedAt > person.final.at ? ['declined'] : ['person-hung-up']
  }
  // The recorder's reply to the redirect hook connected nobody, so Jambonz ended the call.
  const isRedirected = recording.hooks.some(hook => hook.path === '/redirect' && callOf(hook) === personSid)
  return isRedirected ? ['error'] : ['declined']
}

/** What the final status of a phone means that did not answer. */
function reasonsOfStatus ({ final }: Leg): string[] {
  return meaningOf(final?.sip ?? 0).map(cause =>
    ['busy', 'declined', 'no-answer'].includes(cause) ? cause : 'refused')
}

/** The leg that was dialled to the person on the caller's own call, and what its `/action` said. */
function dialOf (story: Story, transfer: RecordedTransfer) {
  const leg = story.legs.find(({ parent, to, sid }) =>
    parent === story.caller.sid && to === transfer.to && firstOf(story, sid) >= transfer.at)
  const ours = story.recording.hooks.filter(hook => callOf(hook) === story.caller.sid)
  const action = ours.find(({ path, body }) => path === '/action' && field(body, 'dial_call_sid') === leg?.sid)
  const digit = ours.find(({ path, body }) => path === '/screen-digit' && field(body, 'call_sid') === leg?.sid)
  return { leg, action, said: action && JSON.parse(action.body) as Json, digit }
}

const firstOf = ({ recording }: Story, sid: string): number =>
  recording.hooks.find(({ body }) => field(body, 'call_sid') === sid)?.at ?? 0

/** `blind` and `screen`. */
function outcomeOfDial (story: Story, transfer: RecordedTransfer): RightOutcome {
  const { leg, action, said, digit } = dialOf(story, transfer)
  const isThrough = transfer.mode === 'blind'
    ? leg?.answered !== undefined
    : said?.['dial_call_status'] === 'completed' && said['dial_sip_status'] === 200
  const decidedAt = Math.min(leg ? endOf(leg) : AFTER_ALL, action?.at ?? AFTER_ALL)
  const isCancelled = transfer.cancelledAt !== undefined && transfer.cancelledAt <= decidedAt
  if (isThrough && !isCancelled) return { result: 'bridged', reasons: ['completed'] }

  const isBack = story.legs.some(({ parent, to, answered }) =>
    parent === story.caller.sid && to === story.room && (answered ?? 0) > transfer.at)
  if (!isBack) return { result: 'failed', reasons: ['caller-gone'] }
  return { result: 'returned', reasons: isCancelled ? ['cancelled'] : reasonsOfDial(leg, digit) }
}

function reasonsOfDial (leg: Leg | undefined, digit: Hook | undefined): string[] {
  if (leg?.answered === undefined) return leg ? reasonsOfStatus(leg) : ['error']
  if (!digit) return ['declined']
  const digits = field(digit.body, 'digits')
  // Whoever pressed the key wanted the call: that they did not get it is nobody's word.
  if (digits === '1') return ['error']
  const hadHungUp = FINAL_STATUSES.has(field(digit.body, 'call_status') ?? '')
  return digits || hadHungUp ? ['declined'] : ['no-answer']
}

function outcomeOfRefer (story: Story, transfer: RecordedTransfer): RightOutcome {
  const done = story.recording.hooks.find(({ path }) => path === '/refer-complete')
  const said = done && JSON.parse(done.body) as Json
  // Nobody can tell a caller who was moved before the carrier said so from one who hung up.
  const bridged: RightOutcome = { result: 'bridged', reasons: ['completed'] }
  if (!said) return { ...bridged, orElse: { result: 'failed', reasons: ['caller-gone'] } }
  const [status, final] = [number(said['refer_status']) ?? 500, number(said['final_referred_call_status'])]
  if (status < 300 && final !== undefined && final < 300) return bridged
  const isBack = story.legs.some(({ parent, answered }) =>
    parent === story.caller.sid && (answered ?? 0) > transfer.at)
  return { result: isBack ? 'returned' : 'failed', reasons: ['refused'] }
}

function causesOfCaller (story: Story, outcomes: RightOutcome[]): string[] {
  const { recording, caller } = story
  const last = recording.transfers.at(-1)
  const outcome = outcomes.at(-1)
  const wasDeleted = deletedAt(recording, story.room, AFTER_ALL)
  const byCaller = caller.final?.by === 'caller'
  if (last?.mode === 'refer' && outcome?.result === 'bridged') return ['transferred', 'caller-hung-up']
  if (last?.mode === 'refer' && outcome?.result === 'failed') return ['transfer-failed']
  if (wasDeleted !== undefined && wasDeleted <= endOf(caller)) {
    return byCaller ? ['agent-hung-up', 'caller-hung-up'] : ['agent-hung-up']
  }
  if (byCaller) return ['caller-hung-up']
  return outcome?.result === 'bridged' ? ['person-hung-up'] : ['agent-hung-up']
}

function causesOfPerson (story: Story, transfer: RecordedTransfer, outcome: RightOutcome): string[] {
  const person = story.legs.find(({ sid }) => sid === transfer.personSid)
  const join = joinOf(story, transfer)
  if (outcome.reasons.includes('cancelled')) return ['transfer-cancelled']
  const isFirst = person !== undefined && endOf(person) <= endOf(story.caller)
  if (isFirst && person.answered === undefined) return meaningOf(person.final!.sip)
  // The caller's room was deleted: both were put out of it at the same time.
  const roomGone = deletedAt(story.recording, story.room, AFTER_ALL)
  if (join && roomGone !== undefined && roomGone < (person ? endOf(person) : 0) + AT_ONCE_MS) {
    return ['caller-gone', 'agent-hung-up', ...(person?.final?.by === 'caller' ? ['callee-hung-up'] : [])]
  }
  if (!isFirst) return ['caller-gone']
  if (person.final?.by === 'caller') return ['callee-hung-up']
  return outcome.reasons.includes('error') ? ['lost', 'reply-refused', 'redirected'] : ['agent-hung-up']
}

/** When somebody deleted a room in which somebody was who had called or was called. */
const deletedAt = ({ roomEvents }: Recording, token: string, until: number): number | undefined =>
  roomEvents.find(({ at, body }) => at <= until && roomNameOf(body)?.endsWith(token) &&
    body['event'] === 'participant_left' && isJson(body['participant']) &&
    body['participant']['kind'] === 'SIP' && body['participant']['disconnectReason'] === 'ROOM_DELETED')?.at

/** How long after the last that was there the bridge may take to delete a room, milliseconds. */
const SOON_MS = 4000
/** What comes first of an end: the leg's, the room's, or the call's; milliseconds. */
const AT_ONCE_MS = 500

/** When the bridge has to delete which room: not while it may be needed, and soon after that. */
function deletionsOf (story: Story, outcomes: RightOutcome[]): RightDeletion[] {
  const { recording, caller, room } = story
  const deletions: RightDeletion[] = []
  let callersFrom = endOf(caller)
  for (const [i, transfer] of recording.transfers.entries()) {
    const isBridged = outcomes[i]!.result === 'bridged'
    const { leg, digit } = dialOf(story, transfer)
    const person = story.legs.find(({ sid }) => sid === transfer.personSid)
    if (transfer.personSid === undefined && isBridged) callersFrom = digit?.at ?? leg?.answered ?? callersFrom
    const consult = recording.dialled.find(token => token !== room)
    if (transfer.mode !== 'consult' || consult === undefined) continue
    const last = Math.min(person ? endOf(person) : AFTER_ALL, endOf(caller), transfer.cancelledAt ?? AFTER_ALL)
    const from = joinOf(story, transfer)?.answered ?? last
    deletions.push({ token: consult, from: from - AT_ONCE_MS, to: from + SOON_MS })
  }
  const lostAt = deletedAt(recording, room, AFTER_ALL) ?? AFTER_ALL
  const from = Math.min(callersFrom, lostAt)
  if (from !== AFTER_ALL) deletions.push({ token: room, from: from - AT_ONCE_MS, to: from + SOON_MS })
  return deletions
}
