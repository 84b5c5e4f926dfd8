import { Counter, Gauge, Histogram, Registry } from '@platformatic/prom-client'
import type { Call } from './calls/fold/call.ts'
import type { RegistryStats } from './calls/store/registry.ts'

const SHORT = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SETUP = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 15, 30, 60]

/** Everything that /metrics shows. No label ever holds a number, a token or a call. */
export function createMetrics (stats: () => Promise<RegistryStats>, waiting: () => number) {
  const registry = new Registry()
  const registers = [registry]
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers })
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers })

  const setup = {
    replied: histogram('bridge_hook_reply_seconds', 'From the call hook to its reply', SHORT),
    agentJoined: histogram(
      'bridge_hook_agent_joined_seconds',
      'From the call hook to the agent being in the room',
      SETUP
    ),
    agentAudio: histogram('bridge_hook_agent_audio_seconds', 'From the call hook to the agent publishing audio', SETUP),
    answered: histogram('bridge_hook_answered_seconds', 'From the call hook to the agent leg being answered', SETUP)
  }
  const phases = new Gauge({
    name: 'bridge_calls',
    help: 'Calls by phase; ended ones are kept for CALL_RETENTION_S',
    labelNames: ['phase'],
    registers
  })
  const kept = new Gauge({
    name: 'bridge_events_waiting',
    help: 'Events that wait for the store of calls to come back',
    registers
  })
  const duties = new Gauge({
    name: 'bridge_duties_pending',
    help: 'Work that calls still owe to the outside',
    registers
  })

  return {
    registry,
    requests: histogram('bridge_request_seconds', 'HTTP requests by operation and status', SHORT, [
      'operation',
      'status'
    ]),
    livekit: histogram('bridge_livekit_request_seconds', 'Requests to LiveKit by operation and outcome', SHORT, [
      'operation',
      'outcome'
    ]),
    ended: counter('bridge_calls_ended_total', 'Ended calls by cause', ['cause', 'waiting_on']),
    attempts: counter('bridge_attempts_ended_total', 'Ended attempts by strategy and cause', ['strategy', 'cause']),
    degraded: counter('bridge_attempts_degraded_total', 'Attempts dialled without our own room'),
    refused: counter('bridge_authentication_refused_total', 'Requests without valid authentication by operation', [
      'operation'
    ]),
    badInput: counter('bridge_bad_input_total', 'Authenticated requests that fit no schema by operation', [
      'operation'
    ]),
    unknownRooms: counter(
      'bridge_livekit_events_unmatched_total',
      'LiveKit events about rooms that belong to no known call'
    ),
    redispatches: counter('bridge_redispatches_total', 'Agents called again because none was in the room', ['outcome']),
    lostEvents: counter('bridge_events_lost_total', 'Events that could not be kept while the store of calls was gone'),
    givenUp: counter('bridge_duties_given_up_total', 'Duties given up by kind', ['kind']),
    /** Observes what a call reached by the latest event. */
    progress (before: Call | undefined, after: Call) {
      for (const name of ['replied', 'agentJoined', 'agentAudio', 'answered'] as const) {
        const at = after.at[name]
        if (
          at !== undefined &&
          (before === undefined || before.at.received !== after.at.received || before.at[name] === undefined)
        ) setup[name].observe((at - after.at.received) / 1000)
      }
    },
    /** The text that Prometheus scrapes. */
    async text (): Promise<string> {
      kept.set(waiting())
      // What cannot be counted now is absent, not zero.
      phases.reset()
      duties.remove()
      const now = await stats().catch(() => undefined)
      for (const [phase, calls] of Object.entries(now?.phases ?? {})) phases.set({ phase }, calls)
      if (now) duties.set(now.duties)
      return registry.metrics()
    }
  }
}

export type Metrics = ReturnType<typeof createMetrics>
