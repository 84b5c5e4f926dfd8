import type { HttpReply } from '../../src/sandbox/network.ts'
import type { AgentBehaviour, AgentJob } from '../../src/sandbox/livekit.ts'
import type { WorldClock } from './clock.ts'
import { agentName, consultantName, DEFAULT_AGENT, NUMBERS, type Plan } from './mix.ts'
import type { TransferPlan } from './mix-transfers.ts'
import type { WorldNetwork } from './network.ts'

/** What an agent gets with its job that lets it control its call. */
interface JobMetadata {
  control?: { url: string, token: string }
  /** It talks with a person. */
  transfer?: { id: string }
}

type Control = NonNullable<JobMetadata['control']>

const REQUEST_MS = 10_000
/** Statuses after which the same request may be answered otherwise. */
const PASSING = new Set([409, 429, 500, 503])
/** Between two tries of a request, and how many there are. */
const AGAIN_MS = 1500
const TRIES = 6

/** The agents of all plans, with programs that hand callers over. */
export function createAgents (
  plans: readonly Plan[],
  world: { clock: WorldClock, network: () => Pick<WorldNetwork, 'ask'> }
): AgentBehaviour[] {
  const { clock, network } = world
  const begun = new Set<number>()

  async function ask ({ url, token }: Control, path: string, body: object = {}, key?: string): Promise<HttpReply> {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...key !== undefined && { 'idempotency-key': key }
    }
    return await network().ask(
      'agent',
      { method: 'POST', url: url + path, headers, body: JSON.stringify(body) },
      REQUEST_MS
    )
  }

  /** Asks until there is an answer that another request would get as well. */
  async function insist (send: () => Promise<HttpReply>): Promise<HttpReply | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const reply = await send().catch(() => undefined)
      if (reply && !PASSING.has(reply.status)) return reply
      await new Promise<void>(resolve => {
        clock.schedule(AGAIN_MS, resolve)
      })
    }
    return undefined
  }

  async function begin ({ n, handOver }: Plan, control: Control): Promise<void> {
    const { mode, to = NUMBERS.person(n), ring, afterPerson, consultant, then } = handOver!
    const body = {
      to,
      mode,
      ring,
      afterPerson,
      brief: 'asks for a refund',
      ...consultant !== undefined && { agent: consultantName(n) }
    }
    const reply = await insist(() => ask(control, '/transfers', body, `transfer-${n}`))
    if (reply?.status !== 202 || then?.who !== 'agent') return
    const { id } = JSON.parse(reply.body) as { id: string }
    decideLater(control, id, then)
  }

  function decideLater (control: Control, id: string, { what, afterMs }: NonNullable<TransferPlan['then']>): void {
    clock.schedule(afterMs, () => {
      insist(() => ask(control, `/transfers/${id}/${what}`)).catch(() => {})
    })
  }

  /** The program of an agent, from the moment in which it talks with somebody. */
  const programOf = (plan: Plan) => ({ metadata }: AgentJob) => {
    const { control, transfer } = JSON.parse(metadata || '{}') as JobMetadata
    const { afterMs, then } = plan.handOver!
    if (!control) return
    if (transfer) {
      if (then?.who === 'consultant') decideLater(control, transfer.id, then)
    } else if (!begun.has(plan.n)) {
      begun.add(plan.n)
      clock.schedule(afterMs, () => {
        begin(plan, control).catch(() => {})
      })
    }
  }

  function behaviour (name: string, plan: Plan, own: Omit<AgentBehaviour, 'name'>): AgentBehaviour {
    const onConnected = { ...own.onConnected, ...plan.handOver && { run: programOf(plan) } }
    return { joinAfterMs: 250, publishAfterMs: 80, ...own, onConnected, name }
  }

  return [
    DEFAULT_AGENT,
    ...plans.flatMap(plan => {
      const { n, agent, handOver } = plan
      return [
        ...agent ? [behaviour(agentName(n), plan, agent)] : [],
        ...handOver?.consultant ? [behaviour(consultantName(n), plan, handOver.consultant)] : []
      ]
    })
  ]
}
