import type { JambonzDouble } from '../../src/sandbox/jambonz.ts'
import type { LiveKitDouble } from '../../src/sandbox/livekit.ts'
import type { WorldClock } from './clock.ts'
import { MAX_CALL_DURATION_S, type Plan } from './mix.ts'
import type { Watch } from './watch.ts'
import type { Witness } from './witness.ts'

/** What is known of calls in which people talk. */
export interface LiveCalls {
  /** An operator hangs up on this call, and has been heard. */
  operatorAsked(n: number): void
  /** Whether the bridge may end a call now: nobody talks there, or somebody wants it to end, or its time is over. */
  mayEnd(callSid: string, n: number | undefined): boolean
  hasCaller(room: string): boolean
  /** Something was heard of a call. What the bridge has ended must not go on. */
  watchGhost(callSid: string, n: number | undefined): void
}

/**
 * How long the bridge may take to be rid of a talk that began after its end, from hearing of it: LiveKit may just be
 * down.
 */
const GHOST_MS = 40_000
/** Jambonz and we do not see the answer at the same moment. */
const DURATION_SLACK_MS = 1000

export function createLiveCalls ({ add, clock, plans, jambonz, livekit, watch, witness }: {
  add(rule: string, n: number | undefined, what: string): void
  clock: WorldClock
  plans: Map<number, Plan>
  jambonz: JambonzDouble
  livekit: LiveKitDouble
  watch: Watch
  witness: () => Witness
}): LiveCalls {
  const askedByOperator = new Set<number>()
  const ghosts = new Set<string>()

  const hasCaller = (room: string): boolean =>
    livekit.room(room)?.participants
      .some(({ kind, attributes }) =>
        kind === 'SIP' && (attributes as Record<string, string>)['sip.callStatus'] === 'active'
      ) ?? false

  /** Whether a person talks with a caller whose own call is neither over nor about to be. */
  function isWithCaller (personSid: string): boolean {
    const callerSid = witness().companyOf(personSid)
    const caller = callerSid === undefined ? undefined : watch.calls.get(callerSid)
    return caller !== undefined && caller.phase !== 'ended' && !caller.closing && caller.hangupAt === undefined
  }

  /** A person has left, for whom the agent had left the caller. */
  const isLeftByPerson = (callSid: string): boolean =>
    [...watch.calls.values()].some(({ callSid: personSid, order }) =>
      order?.transfer?.callSid === callSid && witness().met(personSid, callSid) &&
      jambonz.talkingSince(personSid) === undefined)

  function mayEnd (callSid: string, n: number | undefined): boolean {
    const since = jambonz.talkingSince(callSid)
    if (since === undefined || n === undefined || askedByOperator.has(n)) return true
    const call = watch.calls.get(callSid)
    if (call?.order?.transfer) return !isWithCaller(callSid)
    if (clock.now() - since >= MAX_CALL_DURATION_S * 1000 - DURATION_SLACK_MS) return true
    const { agent, bringBackAfterMs } = plans.get(n)!
    const agentGoes = [agent?.onConnected, agent?.onJoined].some(exit =>
      exit?.leaveAfterMs !== undefined || exit?.dieAfterMs !== undefined
    )
    return agentGoes || bringBackAfterMs !== undefined || isLeftByPerson(callSid)
  }

  return {
    operatorAsked (n) {
      askedByOperator.add(n)
    },
    mayEnd,
    hasCaller,
    watchGhost (callSid, n) {
      const since = jambonz.talkingSince(callSid)
      const call = watch.calls.get(callSid)
      if (since === undefined || call?.phase !== 'ended' || since <= call.at.ended! || ghosts.has(callSid)) return
      if (!call.attempts.some(({ room }) => room !== undefined && hasCaller(room))) return
      ghosts.add(callSid)
      clock.schedule(GHOST_MS, () => {
        if (jambonz.talkingSince(callSid) === since && watch.calls.get(callSid)?.phase === 'ended') {
          add('what has ended is over', n, `they have been talking since ${since - call.at.ended!} ms after the end`)
        }
      })
    }
  }
}
