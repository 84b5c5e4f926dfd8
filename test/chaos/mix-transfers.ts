import type { AgentBehaviour } from '../../src/sandbox/livekit.ts'
import type { Random } from './random.ts'
import type { Phone, Plan } from './mix.ts'

/** The person to whom a call is handed. Times in milliseconds. */
export interface Person extends Phone {
  /** Pressed so long after the answer. */
  key?: { digit: string, afterMs: number }
}

/** What an agent asks for, and what becomes of it. Times in milliseconds. */
export interface TransferPlan {
  mode: 'blind' | 'refer' | 'screen' | 'consult' | 'add'
  /** From the caller's being connected. */
  afterMs: number
  /** Default: the person's number. */
  to?: string
  /** Seconds. */
  ring: number
  afterPerson: 'end' | 'agent'
  person: Person
  /** The agent that talks with the person. Default: the caller's. `null`: a name that nobody has. */
  consultant?: Omit<AgentBehaviour, 'name'> | null
  /** The caller's agent counts from the request, the consulting agent from the person's being connected. */
  then?: { who: 'agent' | 'consultant', what: 'complete' | 'cancel', afterMs: number }
  /** What may come of it when nothing goes wrong, as result and reason; absent: anything. */
  results?: string[]
}

type TransferKind = (random: Random) => Partial<Plan> & { handOver: TransferPlan, causes: string[] }
type Extra = Partial<TransferPlan>

const CALLER_STAYS_MS = 45_000
const NEVER_MS = 120_000
const OVER_BY_ITSELF = ['caller-hung-up', 'person-hung-up', 'agent-hung-up', 'callee-hung-up']

const answers = (random: Random): Person => ({
  ringMs: random.between(200, 6000),
  status: 200,
  hangUpAfterMs: random.between(20_000, 40_000),
  key: { digit: '1', afterMs: random.between(300, 3000) }
})
const refuses = (random: Random, status: number): Person => ({ ringMs: random.between(100, 5000), status })
const ringsOn = (): Person => ({ ringMs: NEVER_MS, status: 480 })

/** A caller who stays, and a transfer. */
function handsOver (
  mode: TransferPlan['mode'],
  extra: (random: Random) => Extra,
  more: (random: Random) => Partial<Plan> = () => ({})
): TransferKind {
  return random => {
    const handOver = {
      mode,
      afterMs: random.between(500, 6000),
      ring: 10,
      afterPerson: random.pick<'end' | 'agent'>(['end', 'agent']),
      person: answers(random),
      ...extra(random)
    }
    // A caller whom the person has left may hang up before an agent is there again.
    const causes = handOver.afterPerson === 'agent' ? [...OVER_BY_ITSELF, 'agent-lost'] : OVER_BY_ITSELF
    return { agent: {}, hangUpAfterMs: CALLER_STAYS_MS, causes, handOver, ...more(random) }
  }
}

const completes = (random: Random): TransferPlan['then'] =>
  random.chance(0.5)
    ? { who: 'consultant', what: 'complete', afterMs: random.between(300, 4000) }
    : { who: 'agent', what: 'complete', afterMs: random.between(3000, 9000) }

/** Everybody does anything, at any moment. */
const anything: TransferKind = random => ({
  agent: random.chance(0.3)
    ? { onConnected: { [random.pick(['leaveAfterMs', 'dieAfterMs', 'hangUpAfterMs'])]: random.between(1000, 30_000) } }
    : {},
  ...random.chance(0.7) && { hangUpAfterMs: random.between(1000, 40_000) },
  ...random.chance(0.15) && { operatorAfterMs: random.between(2000, 40_000) },
  ...random.chance(0.1) && { bringBackAfterMs: random.between(2000, 30_000) },
  carrier: random.pick(['transfers', 'refuses', 'fails', 'says-nothing']),
  causes: [],
  handOver: {
    mode: random.pick(['consult', 'consult', 'consult', 'add', 'blind', 'screen', 'refer']),
    afterMs: random.between(100, 12_000),
    ring: random.between(3, 20),
    afterPerson: random.pick(['end', 'agent']),
    person: {
      ringMs: random.pick([0, random.between(0, 15_000), NEVER_MS]),
      status: random.pick([200, 200, 200, 200, 486, 603, 404, 503]),
      ...random.chance(0.7) && { hangUpAfterMs: random.between(0, 30_000) },
      ...random.chance(0.7) && { key: { digit: random.pick(['1', '1', '2']), afterMs: random.between(0, 8000) } }
    },
    ...random.chance(0.3) && { consultant: random.pick([null, {}, { joinAfterMs: 8000 }]) },
    ...random.chance(0.3) && { consultant: { onConnected: { leaveAfterMs: random.between(0, 15_000) } } },
    ...random.chance(0.8) && {
      then: {
        who: random.pick(['agent', 'consultant']),
        what: random.pick(['complete', 'complete', 'cancel']),
        afterMs: random.between(0, 15_000)
      }
    }
  }
})

/** Calls that are handed to a person, and how many of each there are: one call of three. */
export const TRANSFER_KINDS: Record<string, [number, TransferKind]> = {
  'consult, completed': [
    4,
    handsOver('consult', random => ({ then: completes(random), results: ['bridged completed'] }))
  ],
  'consult with an agent of its own': [
    1,
    handsOver('consult', random => ({
      consultant: {},
      then: { who: 'consultant', what: 'complete', afterMs: random.between(300, 4000) },
      results: ['bridged completed']
    }))
  ],
  'consult, the person hangs up': [
    2,
    handsOver('consult', random => ({
      person: { ...answers(random), hangUpAfterMs: random.between(500, 5000) },
      results: ['returned declined']
    }))
  ],
  'consult, cancelled': [
    2,
    handsOver('consult', random => ({
      then: { who: random.pick(['agent', 'consultant']), what: 'cancel', afterMs: random.between(0, 8000) },
      results: ['returned cancelled']
    }))
  ],
  'consult, nobody decides': [
    1,
    handsOver(
      'consult',
      random => ({ person: { ringMs: random.between(200, 6000), status: 200 }, results: ['failed caller-gone'] }),
      () => ({ hangUpAfterMs: 30_000 })
    )
  ],
  'consult, the caller hangs up': [
    1,
    handsOver('consult', random => ({ then: completes(random) }), random => ({
      hangUpAfterMs: random.between(1000, 20_000)
    }))
  ],
  'consult, busy': [
    1,
    handsOver('consult', random => ({ person: refuses(random, 486), results: ['returned busy'] }))
  ],
  'consult, declined': [
    1,
    handsOver('consult', random => ({ person: refuses(random, 603), results: ['returned declined'] }))
  ],
  'consult, rings on': [
    1,
    handsOver('consult', () => ({ person: ringsOn(), results: ['returned no-answer'] }))
  ],
  'consult, no agent for the person': [
    1,
    handsOver('consult', () => ({ consultant: null }))
  ],
  add: [2, handsOver('add', () => ({ results: ['bridged completed'] }))],
  'add, busy': [1, handsOver('add', random => ({ person: refuses(random, 486), results: ['returned busy'] }))],
  blind: [2, handsOver('blind', () => ({ results: ['bridged completed'] }))],
  'blind, busy': [1, handsOver('blind', random => ({ person: refuses(random, 486), results: ['returned busy'] }))],
  'blind, rings on': [1, handsOver('blind', () => ({ person: ringsOn(), results: ['returned no-answer'] }))],
  screen: [2, handsOver('screen', () => ({ results: ['bridged completed'] }))],
  'screen, declined': [
    1,
    handsOver('screen', random => ({
      person: { ...answers(random), key: { digit: '2', afterMs: 1500 } },
      results: ['returned declined']
    }))
  ],
  refer: [
    1,
    handsOver('refer', () => ({ results: ['bridged completed'] }), () => ({ causes: ['transferred'] }))
  ],
  'the policy refuses the person': [1, handsOver('add', () => ({ to: '+19005551234', results: [] }))],
  'a transfer in which anybody does anything': [6, anything]
}
