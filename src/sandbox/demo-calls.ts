import { setTimeout as sleep } from 'node:timers/promises'
import type { OutgoingCall } from '../sip/user-agent.ts'
import type { AgentBehaviour } from './livekit.ts'

/** One call of the demo, and its announcement. */
export interface DemoCall {
  /** What happens in the call, in a sentence. */
  says: string
  from: string
  /** The agent that the Jambonz application names. */
  agent: string
  /** How that agent behaves. Without it, no worker has registered under that name. */
  behaviour?: AgentBehaviour
  /** The cause that the bridge must find. */
  cause: string
  /** Milliseconds of ringing after which the caller gives up. */
  patienceMs?: number
}

export const DEMO_CALLS: readonly DemoCall[] = [
  {
    says: 'The agent answers, talks for a second and hangs up: agent-hung-up.',
    from: '+15550000001',
    agent: 'receptionist',
    behaviour: {
      name: 'receptionist',
      joinAfterMs: 150,
      publishAfterMs: 150,
      publishes: true,
      onConnected: { hangUpAfterMs: 1000 }
    },
    cause: 'agent-hung-up'
  },
  {
    says: 'The agent is slow to come, and the caller gives up while it rings: caller-gave-up.',
    from: '+15550000002',
    agent: 'slow-starter',
    behaviour: { name: 'slow-starter', joinAfterMs: 30_000, publishAfterMs: 0, publishes: true },
    cause: 'caller-gave-up',
    patienceMs: 1500
  },
  {
    says: 'No worker runs the agent that is called. Jambonz stops ringing after 4 seconds: no-agent.',
    from: '+15550000003',
    agent: 'nobody',
    cause: 'no-agent'
  }
]

/** Plays the caller, who waits, gives up or is hung up on. Resolves when the call is over. */
export async function phoneFor (call: DemoCall, phone: OutgoingCall, signal: AbortSignal): Promise<void> {
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
  if (status < 300) await hungUp
}
