import type { Fault } from './check.ts'
import type { PlayedCall, Played } from './session.ts'

/** How often each event is told of a call that has ended; repeats have the same id and do not count. */
const ONCE = ['call.started', 'call.ended']
/** Only of a call that was placed. */
const ONCE_WHEN_PLACED = 'call.dial_finished'

/** What the user's systems are told of a call: its end, once, and of a placed one how the dial ended, once. */
export function faultsOfEvents (
  { callSid, recordedSid }: Pick<PlayedCall, 'callSid' | 'recordedSid'>,
  { told, recording, variant }: Played
): Fault[] {
  // What was told before its process lost its memory, the next one may tell again.
  if (told === undefined || variant.away?.store === 'lost') return []
  const ofCall = told.filter(event => event.callSid === callSid)
  const isPlaced = recording.orders.some(order => order.callSid === recordedSid)
  const times = (type: string) => new Set(ofCall.filter(event => event.type === type).map(({ id }) => id)).size
  const wrong = (type: string, expected: number): Fault[] => times(type) === expected
    ? []
    : [{ what: `${type} of ${callSid}`, expected: `${expected} times`, got: `${times(type)} times` }]
  return [...ONCE.flatMap(type => wrong(type, 1)), ...wrong(ONCE_WHEN_PLACED, isPlaced ? 1 : 0), ...faultsOfOrder()]

  /** Nothing is told of a call before its beginning, or after its end. */
  function faultsOfOrder (): Fault[] {
    const types = ofCall.map(({ type }) => type).filter(type => type !== ONCE_WHEN_PLACED)
    const isRight = types[0] === 'call.started' && types.at(-1) === 'call.ended'
    const what = `order of the events of ${callSid}`
    return isRight ? [] : [{ what, expected: 'from call.started to call.ended', got: types.join(', ') || 'none' }]
  }
}
