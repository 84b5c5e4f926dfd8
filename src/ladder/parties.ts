import { FAR_ENDS, type Party, type Step } from './trace.ts'

/** The lifelines of a call that goes to LiveKit, from left to right. */
export const PARTIES: readonly Party[] = ['caller', 'jambonz', 'bridge', 'livekit', 'agent']

/** The lifelines of calls in which somebody is called. What an agent dials is left of Jambonz, too. */
const PARTIES_OF_CALLED: Record<'outbound' | 'agent', readonly Party[]> = {
  outbound: ['callee', 'jambonz', 'bridge', 'livekit', 'agent'],
  agent: ['callee', 'jambonz', 'bridge', 'livekit']
}

/**
 * The lifelines that these steps need: LiveKit's two are left out where nothing happens on them. A person to whom the
 * call is handed stands beside whoever talks with the agent, on the same side of Jambonz.
 * @param direction of the call
 */
export function partiesOf (
  steps: readonly Step[],
  direction: 'inbound' | 'outbound' | 'agent' = 'inbound'
): readonly Party[] {
  const used = new Set(steps.flatMap(({ from, to }) => [from, to]))
  const parties = partiesOfCall(used, direction)
  return used.has('person') ? withPerson(parties, used) : parties
}

function partiesOfCall (used: ReadonlySet<Party>, direction: 'inbound' | 'outbound' | 'agent'): readonly Party[] {
  // A newer bridge may know other directions.
  const called = direction === 'inbound' ? undefined : PARTIES_OF_CALLED[direction] as readonly Party[] | undefined
  if (called) return called
  const farEnds = FAR_ENDS.filter(party => used.has(party))
  const inRoom = used.has('livekit') || used.has('agent') || farEnds.length === 0
  return [...PARTIES.filter(party => inRoom || (party !== 'livekit' && party !== 'agent')), ...farEnds]
}

/** In the call of a person nobody else is called. */
const withPerson = (parties: readonly Party[], used: ReadonlySet<Party>): readonly Party[] =>
  parties.flatMap(party => {
    if (party === 'callee' && !used.has('callee')) return ['person' as const]
    return party === 'caller' || party === 'callee' ? [party, 'person' as const] : [party]
  })
