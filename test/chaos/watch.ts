import type { Call } from '../../src/calls/fold/call.ts'
import type { Registry } from '../../src/calls/store/registry.ts'

export interface Watch {
  /** The registry with eyes on it. */
  registry: Registry
  /** Every call that was ever known, as it was last. */
  calls: Map<string, Call>
  /** Whose room it is. */
  rooms: Map<string, string>
  /** How many times each record of a call ended. */
  ends: Map<string, number>
}

/** A call that comes back after its end has a new record. */
export const recordOf = (call: Call): string => `${call.callSid} #${call.earlier.length + 1}`

/** Watches the life of every call in a registry. */
export function watchRegistry (
  registry: Registry,
  on: { changed(call: Call): void, ended(call: Call): void, broken(callSid: string, what: string): void }
): Watch {
  const calls = new Map<string, Call>()
  const rooms = new Map<string, string>()
  const ends = new Map<string, number>()

  function takeRoom (room: string, callSid: string) {
    const other = rooms.get(room)
    if (other !== undefined && other !== callSid) on.broken(callSid, `has the room of ${other}`)
    rooms.set(room, callSid)
  }

  function changed (before: Call | undefined, after: Call | undefined, callSid: string) {
    if (!after) {
      // What was ordered goes on under the name that Jambonz gave it.
      if (before?.phase === 'requested') calls.delete(callSid)
      return
    }
    if (!before && calls.has(callSid)) on.broken(callSid, 'was forgotten and is known again')
    calls.set(callSid, after)
    for (const { room } of after.attempts) if (room !== undefined) takeRoom(room, callSid)
    on.changed(after)
    const same = before !== undefined && recordOf(before) === recordOf(after)
    if (same && before.end && JSON.stringify(before.end) !== JSON.stringify(after.end)) {
      on.broken(callSid, `its end changed from ${JSON.stringify(before.end)} to ${JSON.stringify(after.end)}`)
    }
    if (after.phase !== 'ended' || (same && before.phase === 'ended')) return
    ends.set(recordOf(after), (ends.get(recordOf(after)) ?? 0) + 1)
    on.ended(after)
  }

  return {
    calls,
    rooms,
    ends,
    registry: {
      ...registry,
      async update (callSid, fn, limit) {
        let before: Call | undefined
        const after = await registry.update(callSid, (call, full) => {
          before = call
          return fn(call, full)
        }, limit)
        if (after !== before) changed(before, after, callSid)
        return after
      }
    }
  }
}
