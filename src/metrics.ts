import { Counter, Gauge, Histogram, Registry } from '@platformatic/prom-client'
import type { EventQueue } from './calls/store/event-queue.ts'
import type { RegistryStats } from './calls/store/registry.ts'
import { MAKE_OUTCOMES } from './calls/warm/observer.ts'
import type { WarmPoolView } from './calls/warm/pools.ts'
import { WARM_EXITS } from './calls/warm/warm-room.ts'
import { isError } from './routing/file/problems.ts'
import type { RoutesSource } from './routing/routes.ts'
import type { ReadOutcome } from './routing/file/source.ts'
import { processMetrics } from './process-metrics.ts'
import { packageVersion } from './version.ts'

/** Bucket bounds in seconds: of requests, and of setting up a call. */
const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Of connecting a callee who has answered: every 50 ms are heard. */
const CONNECT_BUCKETS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2, 5, 10]
/** Of connecting a person with the caller: every 50 ms are heard. */
const JOIN_BUCKETS = [0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.75, 1, 2, 5, 10, 20]
/** Of an answer: an agent that waited answers within a tenth of a second. */
const ANSWER_BUCKETS = [0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 15, 30, 60]
const SETUP_BUCKETS = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 15, 30, 60]

type Labels = string[]

/** Makes instruments that belong to one registry. */
function instrumentsOf (registry: Registry) {
  const registers = [registry]

  return {
    counter: (name: string, help: string, labelNames: Labels = []) =>
      new Counter({ name, help, labelNames, registers }),
    gauge: (name: string, help: string, labelNames: Labels = []) => new Gauge({ name, help, labelNames, registers }),
    histogram: (name: string, help: string, buckets: number[], labelNames: Labels = []) =>
      new Histogram({ name, help, buckets, labelNames, registers })
  }
}
type Instruments = ReturnType<typeof instrumentsOf>

const callMetrics = ({ counter, histogram }: Instruments) => ({
  setup: {
    replied: histogram('bridge_hook_reply_seconds', 'From the call hook to its reply', REQUEST_BUCKETS, ['start']),
    agentJoined: histogram(
      'bridge_hook_agent_joined_seconds',
      'From the call hook to the agent being in the room',
      SETUP_BUCKETS
    ),
    agentAudio: histogram(
      'bridge_hook_agent_audio_seconds',
      'From the call hook to the agent publishing audio',
      SETUP_BUCKETS
    ),
    answered: histogram(
      'bridge_hook_answered_seconds',
      'From the call hook to the agent leg being answered',
      ANSWER_BUCKETS,
      ['start']
    )
  },
  starts: counter(
    'bridge_call_starts_total',
    'Rooms that calls were dialled into: `warm` with an agent that waited there, or `cold` and why',
    ['start', 'why']
  ),
  routed: counter('bridge_calls_routed_total', 'Calls by the route that they matched', ['route']),
  ended: counter('bridge_calls_ended_total', 'Ended calls by direction and cause', [
    'direction',
    'cause',
    'waiting_on'
  ]),
  order: {
    ringing: histogram('bridge_order_ringing_seconds', "From an order to the callee's phone ringing", SETUP_BUCKETS),
    answered: histogram('bridge_order_answered_seconds', 'From an order to the answer of the callee', SETUP_BUCKETS),
    connected: histogram(
      'bridge_answer_connected_seconds',
      'From the answer of the callee of an outbound call to being connected with the agent',
      CONNECT_BUCKETS
    )
  },
  orders: counter('bridge_orders_total', 'Orders of calls by what became of createCall', ['outcome']),
  dials: counter('bridge_dials_finished_total', 'Ended outbound calls by cause', ['cause']),
  voicemail: counter('bridge_voicemail_total', 'Verdicts of voicemail detection by who gave them', ['by', 'verdict']),
  transfers: {
    begun: counter('bridge_transfers_begun_total', 'Transfers that were asked for by mode', ['mode']),
    finished: counter('bridge_transfers_total', 'Decided transfers by mode, result and reason', [
      'mode',
      'result',
      'reason'
    ]),
    join: histogram(
      'bridge_transfer_join_seconds',
      'From the completion of a transfer to the person being in the room of the caller',
      JOIN_BUCKETS
    )
  },
  attempts: counter('bridge_attempts_ended_total', 'Ended attempts by strategy and cause', ['strategy', 'cause']),
  degraded: counter('bridge_attempts_degraded_total', 'Attempts dialled without our own room'),
  redispatches: counter('bridge_redispatches_total', 'Agents dispatched again because none was in the room', [
    'outcome'
  ]),
  lostEvents: counter('bridge_events_lost_total', 'Events lost because the store of calls was gone'),
  givenUp: counter('bridge_duties_given_up_total', 'Duties given up by kind', ['kind'])
})

const requestMetrics = ({ counter, histogram }: Instruments) => ({
  requests: histogram('bridge_request_seconds', 'HTTP requests by operation and status', REQUEST_BUCKETS, [
    'operation',
    'status'
  ]),
  livekit: histogram(
    'bridge_livekit_request_seconds',
    'Requests to LiveKit by operation and outcome',
    REQUEST_BUCKETS,
    ['operation', 'outcome']
  ),
  retell: histogram('bridge_retell_request_seconds', 'Registrations with Retell by outcome', REQUEST_BUCKETS, [
    'outcome'
  ]),
  jambonz: histogram(
    'bridge_jambonz_request_seconds',
    "Requests to Jambonz' REST API by operation and outcome",
    REQUEST_BUCKETS,
    ['operation', 'outcome']
  ),
  jambonzWait: histogram(
    'bridge_jambonz_wait_seconds',
    "From a request to Jambonz' REST API being wanted to its start, by operation",
    SETUP_BUCKETS,
    ['operation']
  ),
  refused: counter('bridge_authentication_refused_total', 'Requests without valid authentication by operation', [
    'operation'
  ]),
  badInput: counter('bridge_bad_input_total', 'Authenticated requests that fit no schema by operation', ['operation']),
  refusedNumbers: counter('bridge_numbers_refused_total', 'Numbers that the number policy refused to dial', [
    'door',
    'reason'
  ]),
  unknownRooms: counter(
    'bridge_livekit_events_unmatched_total',
    'LiveKit events about rooms that belong to no known call'
  )
})

const routesMetrics = ({ counter, gauge }: Instruments) => ({
  reads: counter('bridge_routes_file_reads_total', 'Readings of the routes file by outcome', ['outcome']),
  readAt: gauge('bridge_routes_file_read_timestamp_seconds', 'When the routes in force were read'),
  errors: gauge(
    'bridge_routes_file_errors',
    'Errors in the routes file; with any, the routes in force are those of an earlier reading'
  ),
  routes: gauge('bridge_routes', 'Routes in force')
})

const eventMetrics = ({ counter, gauge, histogram }: Instruments) => ({
  delivered: counter('bridge_webhooks_delivered_total', 'Events that a receiver has taken', ['receiver']),
  failed: counter('bridge_webhooks_failed_total', 'Deliveries of events that failed, by reason', [
    'receiver',
    'reason'
  ]),
  dropped: counter('bridge_webhooks_dropped_total', 'Events that were given up, by reason', ['reason']),
  seconds: histogram('bridge_webhook_seconds', 'Deliveries of events that a receiver has taken', REQUEST_BUCKETS, [
    'receiver'
  ]),
  gone: gauge('bridge_webhook_receivers_gone', 'Receivers that answered 410 and get no more events'),
  pending: gauge('bridge_webhooks_pending', 'Events that wait for delivery'),
  oldest: gauge('bridge_webhooks_oldest_seconds', 'Age of the oldest event that waits for delivery')
})

const warmMetrics = ({ counter, gauge }: Instruments) => ({
  rooms: gauge('bridge_warm_rooms', 'Rooms that wait for calls, by agent and by whether the agent is there', [
    'agent',
    'state'
  ]),
  wanted: gauge('bridge_warm_rooms_wanted', 'Rooms that are to wait for calls, by agent', ['agent']),
  made: counter('bridge_warm_rooms_made_total', 'Requests for rooms that wait for calls, by outcome', ['outcome']),
  left: counter('bridge_warm_rooms_left_total', 'Rooms that left their pool without a call, by why', ['why'])
})

/** Every counter begins at 0: Prometheus does not count the first value of a counter as an increase. */
function createWarmMetrics (instruments: Instruments): ReturnType<typeof warmMetrics> {
  const warm = warmMetrics(instruments)
  for (const outcome of MAKE_OUTCOMES) warm.made.inc({ outcome }, 0)
  for (const why of WARM_EXITS) warm.left.inc({ why }, 0)
  return warm
}

const gauges = ({ gauge }: Instruments) => ({
  build: gauge('bridge_build_info', 'Always 1; the labels name the version of the bridge and of Node.js', [
    'version',
    'node'
  ]),
  phases: gauge('bridge_calls', 'Calls by phase; ended calls are kept for CALL_RETENTION_S', ['phase']),
  buffered: gauge('bridge_events_waiting', 'Events buffered until the store of calls is back'),
  duties: gauge('bridge_duties_pending', 'Duties that calls still owe'),
  jambonzWaiting: gauge('bridge_jambonz_requests_waiting', "Requests that wait for Jambonz' REST API by operation", [
    'operation'
  ])
})

export interface MetricsOptions {
  /** Counts the calls in the store. */
  stats(): Promise<RegistryStats>
  /** How many events wait for the store. */
  buffered(): number
  /** Where events wait for delivery. Absent: nobody receives any. */
  events?: { queue: EventQueue, now: () => number } | undefined
  /** The pools of warm rooms. */
  pools?: () => Promise<WarmPoolView[]>
}

/** Makes everything that /metrics shows. No label holds a phone number, a token or a call. */
export function createMetrics ({ stats, buffered, events, pools = async () => [] }: MetricsOptions) {
  const registry = new Registry()
  const instruments = instrumentsOf(registry)
  const { build, phases, buffered: waiting, duties, jambonzWaiting } = gauges(instruments)
  build.set({ version: packageVersion(), node: process.versions.node }, 1)
  // Without a routes file there is nothing to show of one.
  let routes: ReturnType<typeof routesMetrics> | undefined
  const webhooks = events && eventMetrics(instruments)
  // Nor of pools, where there are none.
  let warm: ReturnType<typeof warmMetrics> | undefined

  async function countEvents (): Promise<void> {
    if (!events || !webhooks) return
    webhooks.pending.remove()
    webhooks.oldest.remove()
    const counted = await events.queue.stats().catch(() => undefined)
    if (!counted) return
    webhooks.pending.set(counted.waiting)
    webhooks.oldest.set(counted.oldestAt === undefined ? 0 : Math.max(0, events.now() - counted.oldestAt) / 1000)
  }

  async function countWarmRooms (): Promise<void> {
    warm?.rooms.reset()
    warm?.wanted.reset()
    const views = await pools().catch(() => [])
    if (views.length === 0) return

    warm ??= createWarmMetrics(instruments)
    for (const { agent, ready, making, size } of views) {
      warm.rooms.inc({ agent, state: 'ready' }, ready)
      warm.rooms.inc({ agent, state: 'making' }, making)
      warm.wanted.inc({ agent }, size)
    }
  }

  return {
    registry,
    ...requestMetrics(instruments),
    ...callMetrics(instruments),
    jambonzWaiting,
    /** Absent where nobody receives events. */
    webhooks,
    /** What is counted of warm rooms. Shown from the first use on. */
    get warm (): ReturnType<typeof warmMetrics> {
      warm ??= createWarmMetrics(instruments)
      return warm
    },
    /** Counts a reading of the routes file. */
    routesRead (outcome: ReadOutcome, { table, readAt, problems }: RoutesSource): void {
      routes ??= routesMetrics(instruments)
      routes.reads.inc({ outcome })
      routes.readAt.set(readAt / 1000)
      routes.errors.set(problems.filter(isError).length)
      routes.routes.set(table.names.length)
    },
    /** Returns the text that Prometheus scrapes. */
    async text (): Promise<string> {
      waiting.set(buffered())
      // What cannot be counted now is absent, not zero.
      phases.reset()
      duties.remove()
      const counted = await stats().catch(() => undefined)
      for (const [phase, calls] of Object.entries(counted?.phases ?? {})) phases.set({ phase }, calls)
      if (counted) duties.set(counted.duties)
      await countEvents()
      await countWarmRooms()

      return Registry.merge([registry, processMetrics()]).metrics()
    }
  }
}

export type Metrics = ReturnType<typeof createMetrics>
