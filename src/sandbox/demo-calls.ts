import { setTimeout as sleep } from 'node:timers/promises'
import type { Trace } from '../ladder/trace.ts'
import type { OutgoingCall } from '../sip/user-agent.ts'
import { consultingAgent } from './demo-agent.ts'
import type { AgentBehaviour } from './livekit.ts'

/** One call of the demo, and its announcement. */
export interface DemoCall {
  /** What happens in the call, in a sentence. */
  says: string
  from: string
  to: string
  /** The call is ordered from the bridge. It is the order's JSON, where it is worth showing. */
  order?: { to: string, agent: string, reference: string }
  /** The agent hands the caller to a person. It is what the bridge must say of that. */
  transfer?: { result: string, reason: string }
  /** The agent waits in a room that was made before the call. */
  warm?: true
  /** The agent that the Jambonz application names. */
  agent: string
  /** The agent that has a worker, and how it behaves. Without it no worker has registered. */
  behaviour?: AgentBehaviour | ((trace: Trace) => AgentBehaviour)
  /** The causes that the bridge must find, one for each attempt. The last one is the call's. */
  causes: readonly string[]
  /** The part of the routes file that decides about the call, where that is worth showing. */
  route?: string
  /** Milliseconds of ringing after which the caller gives up. */
  patienceMs?: number
}

const RECEPTION = '+15551230000'
const SALES = '+15551230001'
const SUPPORT = '+15551230002'
const CUSTOMER = '+15550000005'
const COLLEAGUE = '+15550000010'
const BUSY_COLLEAGUE = '+15550000011'

/** The route of the call whose agent waits. */
const SUPPORT_CONNECT = `    connect:
      - { agent: concierge, warm: 1 }
`

/** The route of the call that has two agents. */
const SALES_CONNECT = `    connect:
      - { agent: day-desk, ring: 3s }
      - { agent: night-desk, ring: 4s }
`

/** The routes file of the demo. */
export const DEMO_ROUTES = `version: 1
numbers: ["${RECEPTION}", "${SALES}", "${SUPPORT}"]
policy: { allow: ["+1555"] }
routes:
  - name: sales
    when: { to: "${SALES}" }
${SALES_CONNECT}  - name: support
    when: { to: "${SUPPORT}" }
${SUPPORT_CONNECT}  - name: everything else
`

export const DEMO_CALLS: readonly DemoCall[] = [
  {
    says: 'The agent answers, talks for a second and hangs up: agent-hung-up.',
    from: '+15550000001',
    to: RECEPTION,
    agent: 'receptionist',
    behaviour: {
      name: 'receptionist',
      joinAfterMs: 150,
      publishAfterMs: 150,
      publishes: true,
      onConnected: { hangUpAfterMs: 1000 }
    },
    causes: ['agent-hung-up']
  },
  {
    says: 'The same call, but the agent has waited in its room since before. It is answered sooner: agent-hung-up.',
    from: '+15550000008',
    to: SUPPORT,
    agent: 'receptionist',
    warm: true,
    behaviour: {
      name: 'concierge',
      joinAfterMs: 150,
      publishAfterMs: 150,
      publishes: true,
      onConnected: { hangUpAfterMs: 1000 }
    },
    causes: ['agent-hung-up'],
    route: SUPPORT_CONNECT
  },
  {
    says: 'The agent is slow to come, and the caller gives up while it rings: caller-gave-up.',
    from: '+15550000002',
    to: RECEPTION,
    agent: 'slow-starter',
    behaviour: { name: 'slow-starter', joinAfterMs: 30_000, publishAfterMs: 0, publishes: true },
    causes: ['caller-gave-up'],
    patienceMs: 1500
  },
  {
    says: 'No worker runs the agent that is called. Jambonz stops ringing after 4 seconds: no-agent.',
    from: '+15550000003',
    to: RECEPTION,
    agent: 'nobody',
    causes: ['no-agent']
  },
  {
    says: 'A route has two agents. The first does not come, the second answers: no-agent, then agent-hung-up.',
    from: '+15550000004',
    to: SALES,
    agent: 'receptionist',
    behaviour: {
      name: 'night-desk',
      joinAfterMs: 150,
      publishAfterMs: 150,
      publishes: true,
      onConnected: { hangUpAfterMs: 1000 }
    },
    causes: ['no-agent', 'agent-hung-up'],
    route: SALES_CONNECT
  },
  {
    says: 'A program orders a call. The agent comes while the phone rings, and hangs up at the end: agent-hung-up.',
    from: RECEPTION,
    to: CUSTOMER,
    agent: 'receptionist',
    causes: ['agent-hung-up'],
    order: { to: CUSTOMER, agent: 'receptionist', reference: 'order-4711' }
  },
  {
    says: 'The agent calls a colleague, tells them what the call is about, and leaves them to the caller: bridged.',
    from: '+15550000006',
    to: RECEPTION,
    agent: 'secretary',
    behaviour: trace => consultingAgent('secretary', COLLEAGUE, trace),
    causes: ['person-hung-up'],
    transfer: { result: 'bridged', reason: 'completed' }
  },
  {
    says: 'The colleague is busy. The agent hears of it, tells the caller and hangs up: returned, agent-hung-up.',
    from: '+15550000007',
    to: RECEPTION,
    agent: 'assistant',
    behaviour: trace => consultingAgent('assistant', BUSY_COLLEAGUE, trace),
    causes: ['agent-hung-up'],
    transfer: { result: 'returned', reason: 'busy' }
  }
]

/** How long the phones ring that the bridge calls, milliseconds. */
const RINGING_MS = 500

/** What the phones do that the bridge calls. By default they ring and are answered. */
export const DEMO_PHONES = {
  behaviour: { status: 200, ringMs: RINGING_MS },
  phones: {
    [COLLEAGUE]: { status: 200, ringMs: RINGING_MS, hangUpAfterMs: 1700 },
    [BUSY_COLLEAGUE]: { status: 486, ringMs: RINGING_MS }
  }
}

/**
 * Plays the caller, who waits, gives up or is hung up on. Resolves when the call is over.
 *
 * @returns when it was answered, milliseconds since the epoch; undefined: it was not
 */
export async function phoneFor (
  call: DemoCall,
  phone: OutgoingCall,
  signal: AbortSignal
): Promise<number | undefined> {
  const hungUp = new Promise<void>(resolve => phone.onBye(() => resolve()))
  signal.addEventListener('abort', () => phone.cancel(), { once: true })
  if (call.patienceMs !== undefined) {
    const ringing = new Promise<void>(resolve =>
      phone.onProvisional(({ status }) => {
        if (status > 100) resolve()
      })
    )
    await Promise.race([phone.final, ringing])
    await Promise.race([phone.final, sleep(call.patienceMs)])
    phone.cancel()
  }
  const { status } = await phone.final
  if (status >= 300) return undefined
  const answeredAt = Date.now()
  await hungUp
  return answeredAt
}
