import type { AgentBehaviour, SipFault } from '../../src/sandbox/livekit.ts'
import { TRANSFER_KINDS, type TransferPlan } from './mix-transfers.ts'
import type { Random } from './random.ts'

/** What the far end of a call to a phone does: rings for a while, then answers or refuses. */
export interface Phone {
  ringMs: number
  status: number
  hangUpAfterMs?: number
}

/** What a carrier makes of a REFER: refuses it, or takes it and tells the outcome, or never tells. */
export type Carrier = 'transfers' | 'refuses' | 'fails' | 'says-nothing'

/** One call: what everybody in it is going to do. Times in milliseconds. */
export interface Plan {
  n: number
  kind: string
  /** From the beginning of the run. */
  at: number
  from: string
  /** Placed over Jambonz's REST API; then this phone is called. */
  outbound?: Phone
  /**
   * An agent of its own that the call's application asks for; without one the settings' agent, which does all right.
   * `null`: a name that nobody has.
   */
  agent?: Omit<AgentBehaviour, 'name'> | null
  /** From the INVITE to giving up. */
  patienceMs: number
  /** From the answer; undefined: never. */
  hangUpAfterMs?: number
  /** From the INVITE. */
  operatorAfterMs?: number
  /** Jambonz's REST API brings the call to the bridge again, from the INVITE. */
  bringBackAfterMs?: number
  /** LiveKit's own media timeout strikes, from the INVITE. */
  mediaLostAfterMs?: number
  fallback?: Phone
  carrier: Carrier
  sipFault?: SipFault
  /** The agent hands the caller to a person. */
  handOver?: TransferPlan
  /** What the bridge has to say about its end when nothing goes wrong; none: anything. */
  causes: string[]
}

/** Where persons' numbers begin. */
export const PERSONS = '+1666'

export const NUMBERS = {
  us: '+15551230000',
  caller: (n: number) => `+1777${String(n).padStart(7, '0')}`,
  fallback: (n: number) => `+1888${String(n).padStart(7, '0')}`,
  person: (n: number) => `${PERSONS}${String(n).padStart(7, '0')}`
}

/** The call that a text with a number of its is about. */
export function callByNumber (text: string): number | undefined {
  const number = /1(?:777|888|666)(\d{7})/.exec(text)
  return number ? Number(number[1]) : undefined
}

/** The agent of the settings. */
export const DEFAULT_AGENT: AgentBehaviour = { name: 'front-desk', joinAfterMs: 250, publishAfterMs: 80 }
export const agentName = (n: number): string => `agent-of-${n}`
export const consultantName = (n: number): string => `consultant-of-${n}`

export const DIAL_TIMEOUT_S = 20
export const MAX_CALL_DURATION_S = 60

type Kind = (random: Random) => Partial<Plan> & { causes: string[] }

const talk = (random: Random) => random.between(500, 30_000)
const phone = (random: Random, status: number): Phone => ({
  ringMs: random.between(200, 6000),
  status,
  ...random.chance(0.5) && { hangUpAfterMs: talk(random) }
})
const transfer = (random: Random, number = '+15559998888') => ({
  onConnected: { transferTo: { uri: `tel:${number}`, afterMs: random.between(500, 15_000) } }
})

/** Every kind of call, and how many of them there are for one of the rarest. */
const KINDS: Record<string, [number, Kind]> = {
  'caller hangs up': [8, random => ({ hangUpAfterMs: talk(random), causes: ['caller-hung-up'] })],
  'agent hangs up': [
    6,
    random => ({ agent: { onConnected: { hangUpAfterMs: talk(random) } }, causes: ['agent-hung-up'] })
  ],
  'nobody hangs up': [1, () => ({ causes: ['time-limit'] })],
  // An agent that waits may answer sooner than that.
  'caller gives up at once': [
    2,
    random => ({
      patienceMs: random.between(0, 250),
      hangUpAfterMs: 1000,
      causes: ['caller-gave-up', 'caller-hung-up']
    })
  ],
  'caller gives up while ringing': [
    3,
    random => ({ agent: { joinAfterMs: 30_000 }, patienceMs: random.between(500, 15_000), causes: ['caller-gave-up'] })
  ],
  'no agent': [2, () => ({ agent: null, causes: ['no-agent'] })],
  'agent without audio': [
    2,
    random => ({
      agent: { publishes: false },
      patienceMs: random.between(15_000, 40_000),
      causes: ['agent-without-audio', 'caller-gave-up']
    })
  ],
  'slow agent': [
    3,
    random => ({
      agent: { joinAfterMs: random.between(2000, 12_000), publishAfterMs: random.between(50, 3000) },
      hangUpAfterMs: talk(random),
      causes: ['caller-hung-up']
    })
  ],
  'agent comes on the second job': [
    2,
    random => ({ agent: { firstDispatch: 2 }, hangUpAfterMs: talk(random), causes: ['caller-hung-up', 'no-agent'] })
  ],
  'agent leaves in mid-call': [
    2,
    random => ({
      agent: { onConnected: { leaveAfterMs: talk(random) } },
      hangUpAfterMs: 45_000,
      causes: ['agent-lost', 'caller-hung-up']
    })
  ],
  'agent dies in mid-call': [
    2,
    random => ({
      agent: { onConnected: { dieAfterMs: talk(random) } },
      hangUpAfterMs: 55_000,
      causes: ['agent-lost', 'caller-hung-up']
    })
  ],
  'agent leaves before it speaks': [
    1,
    random => ({
      agent: { publishAfterMs: 3000, onJoined: { leaveAfterMs: random.between(100, 2500) } },
      hangUpAfterMs: talk(random),
      causes: ['agent-without-audio', 'no-agent', 'caller-hung-up']
    })
  ],
  'transfer succeeds': [2, random => ({ agent: transfer(random), carrier: 'transfers', causes: ['transferred'] })],
  'carrier refuses the transfer': [
    2,
    random => ({
      agent: transfer(random),
      carrier: 'refuses',
      hangUpAfterMs: 25_000,
      causes: ['caller-hung-up', 'transfer-failed', 'transferred']
    })
  ],
  'transfer fails': [
    2,
    random => ({
      agent: transfer(random),
      carrier: 'fails',
      hangUpAfterMs: 25_000,
      causes: ['caller-hung-up', 'transfer-failed', 'transferred']
    })
  ],
  'the policy refuses the transfer': [
    1,
    random => ({ agent: transfer(random, '+19005551234'), hangUpAfterMs: 25_000, causes: ['caller-hung-up'] })
  ],
  'nothing is heard of the transfer': [
    1,
    // Jambonz waits 15 s for the carrier, and the caller is back with the agent before the agent asks again.
    () => ({
      agent: { onConnected: { transferTo: { uri: 'tel:+15559998888', afterMs: 10_000 } } },
      carrier: 'says-nothing',
      hangUpAfterMs: 30_000,
      causes: ['caller-hung-up']
    })
  ],
  'caller hangs up during the transfer': [
    1,
    random => ({
      agent: { onConnected: { transferTo: { uri: 'tel:+15559998888', afterMs: 2000 } } },
      carrier: 'says-nothing',
      hangUpAfterMs: random.between(2000, 6000),
      causes: ['transferred', 'caller-hung-up']
    })
  ],
  'fallback answers': [
    3,
    random => ({
      agent: null,
      fallback: phone(random, 200),
      hangUpAfterMs: talk(random),
      patienceMs: 60_000,
      causes: ['caller-hung-up', 'agent-hung-up']
    })
  ],
  'fallback is busy': [
    1,
    random => ({ agent: null, fallback: phone(random, 486), patienceMs: 60_000, causes: ['busy'] })
  ],
  'fallback after refused credentials': [
    1,
    random => ({
      sipFault: 'refused',
      fallback: phone(random, 200),
      hangUpAfterMs: talk(random),
      causes: ['caller-hung-up', 'agent-hung-up']
    })
  ],
  'wrong password': [2, () => ({ sipFault: 'refused', causes: ['livekit-refused-credentials'] })],
  'no route': [2, () => ({ sipFault: 'silent', causes: ['livekit-no-route'] })],
  'no trunk': [1, () => ({ sipFault: 'no-trunk', causes: ['livekit-no-route'] })],
  'LiveKit overloaded': [1, () => ({ sipFault: 'overloaded', causes: ['livekit-overloaded'] })],
  'LiveKit fails': [1, () => ({ sipFault: 'failed', causes: ['livekit-failed'] })],
  'LiveKit does not answer SIP': [1, () => ({ sipFault: 'mute', causes: ['sip-unreachable'] })],
  'media timeout': [1, random => ({ mediaLostAfterMs: random.between(2000, 20_000), causes: ['media-lost'] })],
  'operator ends it while they talk': [
    2,
    random => ({ operatorAfterMs: random.between(1500, 25_000), causes: ['operator-hung-up'] })
  ],
  'operator ends it while it rings': [
    2,
    random => ({
      agent: { joinAfterMs: 30_000 },
      operatorAfterMs: random.between(300, 15_000),
      causes: ['operator-hung-up']
    })
  ],
  'brought back': [
    2,
    random => ({
      agent: {},
      bringBackAfterMs: random.between(1000, 20_000),
      hangUpAfterMs: 30_000,
      causes: ['caller-hung-up']
    })
  ],
  'outbound, caller hangs up': [
    1,
    random => ({ outbound: { ...phone(random, 200), hangUpAfterMs: talk(random) }, causes: ['caller-hung-up'] })
  ],
  'outbound, busy': [1, random => ({ outbound: phone(random, 486), causes: ['busy'] })]
}

const ALL = { ...KINDS, ...TRANSFER_KINDS }
const BAG = Object.entries(ALL).flatMap(([kind, [weight]]) => Array.from({ length: weight }, () => kind))

/** Names of all kinds of calls. */
export const kinds = Object.keys(ALL)

/** The plan of the nth call. Every kind comes first once, the rest as their weights have it. */
export function planCall (n: number, at: number, random: Random): Plan {
  const kind = n < kinds.length ? kinds[n]! : random.pick(BAG)
  return { n, kind, at, from: NUMBERS.caller(n), patienceMs: 45_000, carrier: 'transfers', ...ALL[kind]![1](random) }
}
