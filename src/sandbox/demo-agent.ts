import { setTimeout as sleep } from 'node:timers/promises'
import type { Trace } from '../ladder/trace.ts'
import type { AgentBehaviour, AgentJob } from './livekit.ts'

/** How long the agent talks before it does what it says, milliseconds. */
const TALKING_MS = 500

/** What the program of this agent needs of its job metadata. */
interface JobMetadata {
  control: { url: string, token: string }
  /** Only where the agent talks with the person. */
  transfer?: { id: string }
}

/**
 * An agent that has the caller talk with a person. Its first job is the call of the caller, for which it asks the
 * bridge to consult the person. Its second one is the call of the person: it tells them what for, and completes the
 * transfer. When the person does not come, it hangs up.
 */
export function consultingAgent (name: string, to: string, trace: Trace): AgentBehaviour {
  const ask = (job: AgentJob, path: string, body?: object) => {
    askLater(job, path, trace, body).catch(() => {})
  }
  return {
    name,
    joinAfterMs: 150,
    publishAfterMs: 150,
    publishes: true,
    onConnected: {
      run (job) {
        const { transfer } = metadataOf(job)
        if (transfer === undefined) ask(job, 'transfers', { to, mode: 'consult', brief: 'A caller asks for you' })
        else ask(job, `transfers/${transfer.id}/complete`)
      }
    },
    onData ({ data }, job) {
      const { transfer } = JSON.parse(Buffer.from(data).toString()) as { transfer?: { result?: string } }
      if (transfer?.result === 'returned') ask(job, 'hangup')
    }
  }
}

const metadataOf = ({ metadata }: AgentJob): JobMetadata => JSON.parse(metadata) as JobMetadata

/** Sends a request of the call API, as any agent can: with the address and the token of its job metadata. */
async function askLater (job: AgentJob, path: string, trace: Trace, body?: object): Promise<void> {
  const { url, token } = metadataOf(job).control
  await sleep(TALKING_MS)
  trace({ at: Date.now(), from: 'agent', to: 'bridge', what: `POST ${path.replace(/\/.*\//, '/…/')}`, via: 'http' })
  const { status } = await fetch(`${url}/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...body && { 'content-type': 'application/json' } },
    ...body && { body: JSON.stringify(body) }
  })
  trace({ at: Date.now(), from: 'bridge', to: 'agent', what: String(status), via: 'http' })
}
