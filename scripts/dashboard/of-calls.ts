import { CATALOGUE } from '../../src/diagnosis/causes-catalogue.ts'
import { counts, gauge, percentiles, percentilesBy, sel, type Row } from './kinds.ts'

/** Causes of calls that failed, whoever failed. */
const FAILED = Object.entries(CATALOGUE)
  .filter(([, { severity }]) => severity === 'failed')
  .map(([cause]) => cause)
  .join('|')

/** Causes of inbound calls that were answered, or heard an announcement. As in the alert on the answer rate. */
export const ANSWERED = 'caller-hung-up|agent-hung-up|operator-hung-up|agent-lost|media-lost|redirected|time-limit|' +
  'transferred|transfer-failed|person-hung-up|announced'

const inbound = (window: string, labels = 'cause!="lost"'): string =>
  `sum(increase(bridge_calls_ended_total${sel(`direction="inbound",${labels}`)}[${window}]))`

const now: Row = {
  title: 'Now',
  height: 4,
  panels: [
    {
      title: 'Answered',
      description: 'Share of the inbound calls of the last hour that were answered, or heard an announcement.',
      type: 'stat',
      unit: 'percentunit',
      width: 4,
      most: 1,
      steps: [{ from: 0.8, color: 'orange', below: 'red' }, { from: 0.95, color: 'green' }],
      queries: [{ expr: `${inbound('1h', `cause=~"${ANSWERED}"`)} / (${inbound('1h')} > 0)`, legend: 'answered' }]
    },
    {
      title: 'Active calls',
      description: 'Calls that have not ended. With Redis every replica reports all calls.',
      type: 'stat',
      unit: 'short',
      width: 4,
      queries: [{
        expr: `sum(max by (namespace, job, phase) (bridge_calls${sel('phase!="ended"')}))`,
        legend: 'active'
      }]
    },
    {
      title: 'Failed in the last hour',
      description: 'Calls that ended with a cause that is a failure, of all directions.',
      type: 'stat',
      unit: 'short',
      width: 4,
      steps: [{ from: 1, color: 'orange', below: 'green' }, { from: 10, color: 'red' }],
      queries: [{
        expr: `ceil(sum(increase(bridge_calls_ended_total${sel(`cause=~"${FAILED}"`)}[1h])))`,
        legend: 'failed'
      }]
    },
    {
      title: 'Gave up without an agent',
      description: 'Callers of the last hour who hung up while they waited for an agent, or for its first audio.',
      type: 'stat',
      unit: 'short',
      width: 4,
      steps: [{ from: 1, color: 'orange', below: 'green' }, { from: 10, color: 'red' }],
      queries: [{
        expr: `ceil(${inbound('1h', 'cause="caller-gave-up",waiting_on=~"agent|agent-audio"')})`,
        legend: 'gave up'
      }]
    },
    {
      title: 'Call hook, p99',
      description: 'Callers hear nothing until Jambonz has the reply. The bridge declines after CALL_HOOK_DEADLINE_MS.',
      type: 'stat',
      unit: 's',
      width: 4,
      steps: [{ from: 1, color: 'orange', below: 'green' }, { from: 2.5, color: 'red' }],
      queries: [{
        expr: `histogram_quantile(0.99, sum by (le) (rate(bridge_hook_reply_seconds_bucket${sel()}[1h])))`,
        legend: 'p99'
      }]
    },
    {
      title: 'Bridges',
      description: 'Processes that can be scraped.',
      type: 'stat',
      unit: 'short',
      width: 4,
      steps: [{ from: 1, color: 'green', below: 'red' }],
      queries: [{ expr: `count(bridge_build_info${sel()})`, legend: 'up' }]
    }
  ]
}

const calls: Row = {
  title: 'Calls',
  height: 8,
  panels: [
    {
      title: 'Answer rate',
      description: 'Share of the inbound calls that were answered or heard an announcement, over 15 minutes. `lost` ' +
        'calls count as neither. Callers who hang up while it rings lower it too.',
      type: 'timeseries',
      unit: 'percentunit',
      width: 12,
      most: 1,
      queries: [{ expr: `${inbound('15m', `cause=~"${ANSWERED}"`)} / (${inbound('15m')} > 0)`, legend: 'answered' }]
    },
    {
      title: 'Active calls by phase',
      description: 'Calls that have not ended. `received`: waits for the reply to the call hook, or for the first ' +
        'sign of the agent leg.',
      type: 'timeseries',
      unit: 'short',
      width: 12,
      queries: [{
        expr: `sum by (phase) (max by (namespace, job, phase) (bridge_calls${sel('phase!="ended"')}))`,
        legend: '{{phase}}'
      }]
    },
    counts(
      'Failed calls by cause',
      'Calls that ended with a cause that is a failure. docs/troubleshooting.md explains each cause.',
      'bridge_calls_ended_total',
      'cause',
      `cause=~"${FAILED}"`
    ),
    counts(
      'Callers who gave up, by what they waited for',
      '`hook`: the reply to the call hook. `sip`: nothing rang. `route`: no trunk or rule of LiveKit matched. ' +
        '`agent`: no agent joined. `agent-audio`: the agent published no audio.',
      'bridge_calls_ended_total',
      'waiting_on',
      'cause="caller-gave-up"'
    ),
    counts('Ended calls by cause', 'All calls, of all directions.', 'bridge_calls_ended_total', 'cause'),
    counts(
      'Calls by route',
      'Which route of the routes file matched. `none`: no route, so the settings apply.',
      'bridge_calls_routed_total',
      'route'
    )
  ]
}

const waiting: Row = {
  title: 'How long callers wait, from the call hook',
  height: 8,
  panels: [
    percentiles('To the reply', 'Until Jambonz has the verbs. Nothing rings before that.', 'bridge_hook_reply_seconds'),
    percentiles(
      'To the agent in the room',
      'Slow: too few workers, cold starts of agents, or another agent was dispatched because the first did not come.',
      'bridge_hook_agent_joined_seconds'
    ),
    percentiles(
      "To the agent's audio",
      'The agent publishes audio. Slow while the agent joins quickly: it does something else before it speaks.',
      'bridge_hook_agent_audio_seconds'
    ),
    percentiles(
      'To the answer',
      'LiveKit answers when the agent publishes audio: from then on people talk.',
      'bridge_hook_answered_seconds'
    )
  ]
}

/** With Redis every replica reports all rooms. Without it each bridge has its own, and one job is one bridge. */
const warmRooms = (metric: string, labels = ''): string =>
  `sum by (agent) (max by (namespace, job, agent) (${metric}${sel(labels)}))`

const warm: Row = {
  title: 'Warm agents',
  height: 7,
  panels: [
    gauge(
      'Warm rooms, beside how many are wanted',
      '`ready`: an agent waits in it. Fewer than wanted for more than a minute: agents do not come, or leave.',
      'short',
      [
        { expr: warmRooms('bridge_warm_rooms', 'state="ready"'), legend: '{{agent}} ready' },
        { expr: warmRooms('bridge_warm_rooms', 'state="making"'), legend: '{{agent}} being made' },
        { expr: warmRooms('bridge_warm_rooms_wanted'), legend: '{{agent}} wanted' }
      ]
    ),
    counts(
      'Starts, warm and cold by why',
      '`no-pool`: no rooms are kept for this agent and metadata. `empty`: none was ready. `store`: Redis did not ' +
        'answer in time. `ordered`: placed over the API.',
      'bridge_call_starts_total',
      'start, why'
    ),
    percentilesBy(
      'To the reply, by start',
      'A warm start asks nothing of LiveKit before the reply. `none`: the first way has no room.',
      'bridge_hook_reply_seconds',
      'start'
    ),
    percentilesBy(
      'To the answer, by start',
      'What a waiting agent saves the caller. `replaced`: the waiting agent was gone or dead, and did not answer.',
      'bridge_hook_answered_seconds',
      'start'
    ),
    counts(
      'Warm rooms made',
      'By outcome. Rooms are renewed before LiveKit closes them, also when nobody calls.',
      'bridge_warm_rooms_made_total',
      'outcome'
    ),
    counts(
      'Warm rooms that left without a call',
      '`renewed` and `surplus` are right. `agent-left`: the agent left or crashed. `no-agent`: it did not come. ' +
        '`room-gone` and `failed`: see LiveKit.',
      'bridge_warm_rooms_left_total',
      'why'
    )
  ]
}

const ways: Row = {
  title: 'Ways and agents',
  height: 7,
  panels: [
    counts('Attempts by way', 'How calls were connected, or were to be.', 'bridge_attempts_ended_total', 'strategy'),
    counts(
      'Failed attempts by way and cause',
      'A call may still be answered by its next way.',
      'bridge_attempts_ended_total',
      'strategy, cause',
      `cause=~"${FAILED}"`
    ),
    counts(
      'Dialled without a room of the bridge',
      "LiveKit's API did not create the room in time: the agent of the dispatch rule answers, without metadata.",
      'bridge_attempts_degraded_total',
      'job'
    ),
    counts(
      'Agents dispatched again',
      'No agent was in the room after AGENT_REDISPATCH_MS, or it left.',
      'bridge_redispatches_total',
      'outcome'
    )
  ]
}

const outbound: Row = {
  title: 'Outbound calls',
  height: 7,
  panels: [
    counts(
      'Orders by what became of createCall',
      '`unknown`: Jambonz did not answer. Such an order is never sent again.',
      'bridge_orders_total',
      'outcome'
    ),
    counts('Ended outbound calls by cause', 'Why calls to people ended.', 'bridge_dials_finished_total', 'cause'),
    percentiles("From the order to the callee's answer", 'How long it rings.', 'bridge_order_answered_seconds', 8),
    percentiles(
      'From the answer to the agent',
      'People who answer hear nothing meanwhile. More than 0.5 s is noticed.',
      'bridge_answer_connected_seconds',
      8
    ),
    { ...counts('Voicemail', 'Verdicts of the detection.', 'bridge_voicemail_total', 'by, verdict'), width: 8 }
  ]
}

const transfers: Row = {
  title: 'Transfers',
  height: 7,
  panels: [
    counts('Transfers asked for, by mode', 'How callers are handed to people.', 'bridge_transfers_begun_total', 'mode'),
    counts(
      'Decided transfers',
      '`error` and `refused` are failures. The other reasons are what people do.',
      'bridge_transfers_total',
      'result, reason'
    ),
    percentiles(
      'From complete to the person with the caller',
      'How long caller and person wait for each other.',
      'bridge_transfer_join_seconds'
    ),
    counts(
      'Numbers refused by the policy',
      'Attempts to dial what the routes file does not allow.',
      'bridge_numbers_refused_total',
      'door, reason'
    )
  ]
}

/** Rows about calls. */
export const ROWS_OF_CALLS: readonly Row[] = [now, calls, waiting, warm, ways, outbound, transfers]
