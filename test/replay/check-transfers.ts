import type { Fault } from './check.ts'
import { text, type Json } from './json.ts'
import { callOf, dialledBy, field, FINAL_STATUSES, type RecordedTransfer, type RightOutcome } from './recording.ts'
import type { Played, PlayedTransfer } from './session.ts'

/** What must be so of every transfer: its result, whom the bridge hung up on, and when rooms were deleted. */
export function faultsOfTransfers (played: Played): Fault[] {
  const { recording, transfers } = played
  if (recording.transfers.length === 0) return []
  return [
    ...transfers.flatMap((transfer, i) => faultsOfOutcome(transfer, recording.outcomes![i]!, played)),
    ...faultsOfHangingUp(played),
    ...faultsOfJoin(played),
    ...faultsOfDeleting(played)
  ]
}

const describe = (outcome: Json | undefined): string =>
  `${text(outcome?.['result']) ?? text(outcome?.['state']) ?? 'unknown'} ${text(outcome?.['reason']) ?? ''}`.trim()

function faultsOfOutcome ({ recorded, id, shown }: PlayedTransfer, right: RightOutcome, played: Played): Fault[] {
  const { told, variant } = played
  const what = `transfer ${recorded.mode} at ${recorded.at} ms`
  if (id === undefined) return variant.away ? [] : [{ what, expected: 'taken', got: 'refused' }]
  const got = describe(shown)
  const expected = rightsOf(right).join(' or ')
  const finishedAt = Date.parse(text((shown?.['at'] as Json | undefined)?.['finished']) ?? '') - played.started
  const mayBeSaid = (said: string) => maySay(said, right, { recorded, played, finishedAt })
  return [
    ...(mayBeSaid(got) ? [] : [{ what, expected, got }]),
    ...(told ? faultsOfTelling(what, id, got, mayBeSaid, played) : [])
  ]
}

const rightsOf = (right: RightOutcome): string[] => [right, ...(right.orElse ? [right.orElse] : [])]
  .flatMap(({ result, reasons }) => reasons.map(reason => `${result} ${reason}`))

/**
 * Whether this may be said of a transfer. What is true always may. Where nobody listened, and what Jambonz said then is
 * lost, it may be unknown, which `error` says. A person who was gone first is no reason to say less of the caller.
 */
function maySay (said: string, right: RightOutcome, { recorded, played, finishedAt }: {
  recorded: RecordedTransfer
  played: Played
  finishedAt: number
}): boolean {
  if (rightsOf(right).includes(said)) return true
  const { variant: { away }, answered, recording } = played
  const isMissing = away !== undefined && (away.store === 'lost' || answered.some(({ status }) => status === 0))
  if (!isMissing) return false

  const [result, reason = ''] = said.split(' ')
  if (result === 'unknown') return away.store === 'lost'
  if (reason === 'error') return result !== 'bridged'
  const callerEnded = recording.hooks.find(({ path, body }) => path === '/status' &&
    field(body, 'call_sid') === recorded.callSid && FINAL_STATUSES.has(field(body, 'call_status') ?? ''))
  const isGone = callerEnded !== undefined && callerEnded.at <= finishedAt
  return result === 'failed' && isGone && right.reasons.includes(reason)
}

/** The user's systems are told of the result once, and of no other one. A process that forgot may tell it again. */
function faultsOfTelling (
  what: string,
  id: string,
  got: string,
  mayBeSaid: (said: string) => boolean,
  { told = [], variant }: Played
): Fault[] {
  const isForgotten = variant.away?.store === 'lost'
  const own = told.filter(({ type, transfer }) => type === 'call.transfer_finished' && (transfer?.['id'] ?? id) === id)
  const ids = new Set(own.map(({ id }) => id))
  const results = [...new Set(own.map(({ transfer }) => describe({ ...transfer, result: transfer?.['outcome'] })))]
  if (own.some(({ transfer }) => transfer?.['id'] === undefined)) results.length = 0
  const isRight = (result: string) => isForgotten ? mayBeSaid(result) : result === got
  return [
    ...(ids.size === 1 || isForgotten ? [] : [{ what: `${what}, told`, expected: 'once', got: `${ids.size} times` }]),
    ...(results.every(isRight) ? [] : [{ what: `${what}, told`, expected: got, got: results.join(', ') }])
  ]
}

/** Causes that say that the bridge ended a call. */
const BY_BRIDGE = ['person-hung-up', 'caller-gone', 'transfer-cancelled']

/** Nobody is hung up on with whom somebody still talks. */
function faultsOfHangingUp ({ calls, rest, recording }: Played): Fault[] {
  return calls.flatMap(({ callSid, recordedSid }) => {
    const hungUp = rest.some(({ path, body, status }) =>
      path === `/Calls/${callSid}` && body['call_status'] !== undefined && status === 202)
    const causes = recording.causesOf?.[recordedSid] ?? []
    const isRight = !hungUp || causes.length === 0 || causes.some(cause => BY_BRIDGE.includes(cause))
    return isRight ? [] : [{ what: `call ${recordedSid}`, expected: 'not hung up by the bridge', got: 'hung up' }]
  })
}

/** Who joins a caller dials the caller's room, and not another one. */
function faultsOfJoin ({ answered, recording, variant }: Played): Fault[] {
  const [room] = recording.dialled
  const dials = answered.flatMap(({ at, hook, path, verbs = [] }) => {
    const recorded = hook.verbs.find(({ verb }) => verb === 'dial')
    const ours = verbs.find(({ verb }) => verb === 'dial')
    if (!recorded || !ours || dialledBy(recorded) !== room) return []
    return [{ at, path, call: callOf(hook), to: dialledBy(ours) }]
  })
  const first = dials.find(({ path }) => path === '/livekit-api')
  const persons = dials.filter(({ call }) => call !== first?.call)
  const wrong = persons.filter(({ at, to }) => !dials.some(other =>
    other.call === first?.call && other.at <= at && other.to === to))
  if (variant.away) return []
  return wrong.map(({ at }) => ({ what: `join at ${at} ms`, expected: "a dial of the caller's room", got: 'another' }))
}

/** A room is deleted soon after the last one left it for whom it was kept, and not before. */
function faultsOfDeleting ({ api, recording, started, names, variant, told }: Played): Fault[] {
  // In real time what was asked for may take long, and everything behind it comes later.
  if (told === undefined) return []
  const isDisturbed = Object.entries(variant).some(([name, value]) => name !== 'name' && value !== undefined)
  if (isDisturbed) return []
  return (recording.deletions ?? []).flatMap(({ token, from, to }) => {
    const room = names[token]
    const deleted = api.find(request => request.method === 'RoomService/DeleteRoom' && request.room === room)
    if (room === undefined) return []
    const at = deleted && deleted.at - started
    const isRight = at !== undefined && at >= from && at <= to
    const got = at === undefined ? 'never' : `${at} ms`
    return isRight ? [] : [{ what: `deletion of room ${token}`, expected: `${from} to ${to} ms`, got }]
  })
}
