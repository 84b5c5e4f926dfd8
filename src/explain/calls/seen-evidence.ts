import type { Evidence } from '../../diagnosis/signals/evidence.ts'
import { isUnacknowledged } from '../findings/contact.ts'
import type { AnyHookBody } from '../seen.ts'
import type { CallParts } from './call-parts.ts'

const OF_HOOKS: ReadonlyArray<Evidence['signal']> = ['action', 'no-action', 'refer-result', 'decline']
const OF_CALLER: ReadonlyArray<Evidence['signal']> = ['caller-leg-final', 'late-trying']

/**
 * Leaves out what nobody saw: where no hook or caller's leg was seen, the fold was given the events that must have
 * happened, and its rooms and deadlines are never real.
 */
export function onlySeen (evidence: readonly Evidence[], parts: CallParts): Evidence[] {
  const { hooks, callerLeg, agentLegs } = parts
  const callerSeen = hooks.length > 0 || callerLeg !== undefined
  const replied = hooks.some(({ hook, reply }) => hook === 'call-hook' && reply?.at !== undefined)
  const wasSeen = ({ signal }: Evidence): boolean => {
    if (signal === 'create-room' || signal === 'warm-room' || signal === 'deadline') return false
    if (signal === 'call-hook') return replied
    if (signal === 'agent-leg-dialled') return hooks.length > 0 || agentLegs.some(({ invite }) => invite !== undefined)
    if (OF_HOOKS.includes(signal)) return hooks.length > 0
    return callerSeen || !OF_CALLER.includes(signal)
  }
  return evidence.filter(wasSeen).map(item => inTermsOf(parts, item))
}

/** Says of a capture what was seen there, and not the hooks that would have reported it. */
function inTermsOf ({ hooks, legs, agentLegs, naming }: CallParts, item: Evidence): Evidence {
  const isBegun = legs.every(({ invite }) => invite !== undefined)
  const reported = hooks.some(({ hook, body }) =>
    hook === 'status' && (body as AnyHookBody).parent_call_sid !== undefined
  )
  if (item.signal === 'agent-leg-dialled' && !reported) {
    return { ...item, seen: 'INVITE to LiveKit', shows: naming === 'named' ? 'Jambonz dialled' : 'LiveKit was dialled' }
  }
  if (hooks.some(({ hook }) => hook === 'call-hook')) return item
  const isUnheard = item.signal === 'answered' && agentLegs.some(isUnacknowledged)
  return {
    ...item,
    ...(isUnheard && { shows: 'the answer was never acknowledged' }),
    seen: isBegun
      ? item.seen.replace(' after the call hook', ' after the INVITE')
      : item.seen.replace(/ \S{1,12} m?s after the call hook/, '')
  }
}
