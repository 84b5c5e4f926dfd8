import { counts, gauge, perMinute, perSecond, sel, slowest, type Row } from './kinds.ts'

const apis: Row = {
  title: 'APIs of LiveKit, Jambonz and Retell',
  height: 7,
  panels: [
    counts(
      "Requests to LiveKit's API that failed",
      '`not-found` is often right: the room was deleted before.',
      'bridge_livekit_request_seconds_count',
      'operation, outcome',
      'outcome!~"ok|not-found"'
    ),
    slowest(
      'LiveKit, p95 by operation',
      'createRoom is on the way of every call.',
      'bridge_livekit_request_seconds',
      'operation'
    ),
    counts(
      "Requests to Jambonz' REST API",
      'By status. `429`: Jambonz limits requests, and the bridge waits.',
      'bridge_jambonz_request_seconds_count',
      'operation, outcome'
    ),
    slowest(
      'Jambonz, p95 by operation',
      'Without the time that a request waits for its turn.',
      'bridge_jambonz_request_seconds',
      'operation'
    ),
    gauge('Requests that wait for Jambonz', 'They wait for their turn under the limit of its REST API.', 'short', [{
      expr: `sum by (operation) (bridge_jambonz_requests_waiting${sel()})`,
      legend: '{{operation}}'
    }]),
    counts(
      'Registrations with Retell',
      'By outcome. Only routes with Retell agents have any.',
      'bridge_retell_request_seconds_count',
      'outcome'
    )
  ]
}

const upkeep: Row = {
  title: 'Duties, store and events',
  height: 7,
  panels: [
    gauge('Duties pending', 'Rooms to delete, legs to hang up. A call under way has one or two.', 'short', [{
      expr: `max by (namespace, job) (bridge_duties_pending${sel()})`,
      legend: '{{namespace}} {{job}}'
    }]),
    counts(
      'Duties given up',
      'After 10 minutes. A room or a leg may be left: the log has the callSid.',
      'bridge_duties_given_up_total',
      'kind'
    ),
    gauge('Events that wait for Redis', 'More than 0: Redis cannot be reached, and events are buffered.', 'short', [{
      expr: `sum by (instance) (bridge_events_waiting${sel()})`,
      legend: '{{instance}}'
    }]),
    counts('Events lost', 'Redis was gone for too long, or refused them.', 'bridge_events_lost_total', 'instance'),
    counts('Outgoing events delivered', 'By receiver of EVENTS_URL.', 'bridge_webhooks_delivered_total', 'receiver'),
    counts(
      'Outgoing events that failed or were given up',
      'Failed deliveries are tried again for 72 hours.',
      'bridge_webhooks_failed_total',
      'receiver, reason'
    ),
    gauge('Age of the oldest outgoing event', 'Grows while a receiver takes none.', 's', [{
      expr: `max by (namespace, job) (bridge_webhooks_oldest_seconds${sel()})`,
      legend: '{{namespace}} {{job}}'
    }]),
    gauge('Outgoing events that wait', 'Beyond EVENTS_MAX_PENDING the oldest ones are dropped.', 'short', [
      { expr: `max by (namespace, job) (bridge_webhooks_pending${sel()})`, legend: '{{namespace}} {{job}} waiting' },
      {
        expr: `sum by (reason) (increase(bridge_webhooks_dropped_total${sel()}[$__rate_interval])) > 0`,
        legend: 'dropped: {{reason}}'
      }
    ])
  ]
}

const http: Row = {
  title: 'Requests to the bridge',
  height: 7,
  panels: [
    {
      ...counts('Requests by operation', 'Hooks of Jambonz, webhooks of LiveKit, operators, agents.', '', ''),
      unit: 'reqps',
      queries: [{ expr: perSecond('bridge_request_seconds_count', 'operation'), legend: '{{operation}}' }]
    },
    slowest(
      'p95 by operation',
      'The call hook waits for LiveKit, the others for the store.',
      'bridge_request_seconds',
      'operation'
    ),
    {
      ...counts(
        'Refused authentications and bodies',
        'Wrong secrets, yours or those of strangers; and bodies that fit no schema.',
        'bridge_authentication_refused_total',
        'operation'
      ),
      queries: [
        { expr: perMinute('bridge_authentication_refused_total', 'operation'), legend: '{{operation}}' },
        { expr: perMinute('bridge_bad_input_total', 'operation'), legend: '{{operation}}: body' }
      ]
    },
    gauge('Routes file', 'Errors: a change is not in force. Routes: how many there are.', 'short', [
      { expr: `max by (namespace, job) (bridge_routes_file_errors${sel()})`, legend: 'errors' },
      { expr: `max by (namespace, job) (bridge_routes${sel()})`, legend: 'routes' }
    ])
  ]
}

/** Every Node.js process exports these metrics: only those of bridges count. */
const ofBridge = (expr: string): string =>
  `${expr} and on (namespace, job, instance) bridge_build_info${sel()}`

const runtime: Row = {
  title: 'Runtime',
  height: 7,
  panels: [
    gauge('CPU', 'Cores in use. One process uses little more than one core.', 'short', [{
      expr: ofBridge(`rate(process_cpu_seconds_total${sel()}[$__rate_interval])`),
      legend: '{{instance}}'
    }], 8),
    gauge('Memory', 'Of the process, and the part that JavaScript uses.', 'bytes', [
      { expr: ofBridge(`process_resident_memory_bytes${sel()}`), legend: '{{instance}} resident' },
      { expr: ofBridge(`nodejs_heap_size_used_bytes${sel()}`), legend: '{{instance}} heap' }
    ], 8),
    gauge('Event loop delay, p99', 'More than 0.1 s: the process is too busy, and hooks are answered late.', 's', [{
      expr: ofBridge(`nodejs_eventloop_lag_p99_seconds${sel()}`),
      legend: '{{instance}}'
    }], 8),
    gauge('Garbage collection', 'Share of the time that it takes.', 'percentunit', [{
      expr: ofBridge(
        `sum by (namespace, job, instance) (rate(nodejs_gc_duration_seconds_sum${sel()}[$__rate_interval]))`
      ),
      legend: '{{instance}}'
    }], 8),
    gauge('Open files and sockets', 'Compare with the limit of the process.', 'short', [
      { expr: ofBridge(`process_open_fds${sel()}`), legend: '{{instance}}' }
    ], 8),
    gauge('Uptime and version', 'A fall is a start. The legend names the versions.', 's', [{
      expr: `(time() - process_start_time_seconds${sel()})` +
        ` * on (namespace, job, instance) group_left (version, node) bridge_build_info${sel()}`,
      legend: '{{instance}} {{version}}, Node.js {{node}}'
    }], 8)
  ]
}

/** Rows about what calls depend on. */
export const ROWS_OF_SYSTEMS: readonly Row[] = [apis, upkeep, http, runtime]
