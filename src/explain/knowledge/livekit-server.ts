import { textOf } from '../log-lines.ts'
import { LIVEKIT_API_RULES } from './livekit-api.ts'
import { SIP_MATCH_RULES } from './livekit-trunks.ts'
import { valueOf, type LoggedLine, type LogRule } from './log-rule.ts'

const REGISTERED = /^(?:worker registered|registered worker)\b/
const ASSIGNED = /^assigned job to worker\b/
/** Jobs for each participant or publisher: most workers take none, and none is missed. */
const isExtraJob = ({ fields: { jobType } }: LoggedLine): boolean =>
  jobType === 'JT_PARTICIPANT' || jobType === 'JT_PUBLISHER'

/** A request to end a job of a worker that is gone (pkg/agent/client.go, `TerminateJob`). */
const isEndOfJob = ({ fields: { jobID }, match: [words] }: LoggedLine): boolean =>
  jobID !== undefined && words.startsWith('failed to send job request')

/** Which worker a job is for, in words. */
const agentText = (name: string): string => name === '' ? 'a worker without a name' : `agent "${name}"`

/** Which workers had registered in these files, in words; empty where no line tells. */
function registeredText ({ call, others }: LoggedLine): string {
  const names = registeredNames(call, others)
  if (names.length === 0) return ''
  return `. Registered ${names.length > 1 ? 'were' : 'was'} ${names.slice(0, 5).map(agentText).join(', ')}`
}

const registeredNames = (...logs: ReadonlyArray<LoggedLine['call']>): string[] =>
  [...new Set(logs.flatMap(lines => lines.values(REGISTERED, 'agentName', 'agent_name')))]

function noWorkerTodo ({ fields, call, others }: LoggedLine): string {
  const wanted = textOf(fields['agentName'])
  const names = registeredNames(call, others)
  const [named] = names.filter(name => name !== '')
  if (wanted === '' && named !== undefined && !names.includes('')) {
    return `A worker with a name gets only jobs that name it: name "${named}" in the dispatch rule ` +
      '(roomConfig.agents) or in the room, or register the worker without agent_name'
  }
  return `Start the agent worker with this project's URL and key${
    wanted === '' ? '' : `, and with agent_name "${wanted}" exactly`
  }`
}

/** Lines of livekit-server: jobs and workers, trunks. */
export const LIVEKIT_SERVER_RULES: readonly LogRule[] = [
  ...SIP_MATCH_RULES,
  {
    pattern: /no workers with sufficient capacity/i,
    code: 'log-worker-full',
    severity: 'failed',
    says: line => `Every worker for ${agentText(textOf(line.fields['agentName']))} was full, or had refused the job`,
    todo: "Start more workers, or raise their load_threshold; see the workers' own logs for refused jobs",
    cause: 'no-agent',
    unless: line => isExtraJob(line) || line.call.has(ASSIGNED),
    source: 'livekit/livekit pkg/service/agentservice.go'
  },
  {
    pattern:
      /no worker is available|failed to send job request: no response from servers|no worker available to handle job|failed to send job request/i,
    code: 'log-no-worker',
    severity: 'failed',
    says: line =>
      `LiveKit had no agent worker for a job: it was for ${agentText(textOf(line.fields['agentName']))}` +
      registeredText(line),
    todo: noWorkerTodo,
    cause: 'no-agent',
    unless: line =>
      isExtraJob(line) || isEndOfJob(line) || line.call.has(ASSIGNED) || line.others.has(ASSIGNED),
    source: 'livekit/livekit pkg/agent/client.go, pkg/service/agentservice.go'
  },
  {
    pattern: /^failed to assign job to worker(?:: ([^\n]{1,200}))?/i,
    code: 'log-job-refused',
    severity: 'failed',
    says: line =>
      `The worker of ${agentText(textOf(line.fields['agentName']))} did not take the job${refusedWhy(line.match[1])}`,
    todo: "Look at the worker's own log at that time: a rejected job request, a full worker, or one that hangs",
    cause: 'no-agent',
    unless: line => isExtraJob(line) || line.call.has(ASSIGNED),
    source: 'livekit/livekit pkg/service/agentservice.go'
  },
  {
    pattern: /^job ended\b(?:: ([^\n]{1,200}))?/,
    code: 'log-job-failed',
    severity: 'failed',
    says: ({ fields, match: [, error = ''] }) =>
      `A job of ${agentText(textOf(fields['agentName']))} failed${
        error.startsWith('agent worker left the room')
          ? ': the agent worker left the room before the job was over. At the very end of a call that is normal'
          : ''
      }`,
    todo: "Look in the agent worker's log at that time for a crash, or for code that leaves the room by itself",
    unless: ({ fields: { status } }) => status !== 'JS_FAILED' && status !== 3,
    source: 'livekit/livekit pkg/agent/worker.go'
  },
  {
    pattern: /^last worker deregistered\b/,
    code: 'log-worker-gone',
    severity: 'warning',
    says: ({ fields }) => `The last worker of ${agentText(textOf(fields['agentName']))} went away`,
    todo: 'Nobody takes its jobs until it is back: see why the worker stopped',
    source: 'livekit/livekit pkg/service/agentservice.go'
  },
  {
    pattern: /failed to notify webhook/i,
    code: 'log-webhook-failed',
    severity: 'warning',
    says: line => `LiveKit could not deliver a webhook${eventText(valueOf(line, 'event'))}`,
    todo: 'Check that LiveKit reaches the URL under webhook.urls, and that it answers 200',
    source: 'livekit/livekit pkg/telemetry/events.go'
  },
  ...LIVEKIT_API_RULES
]

const eventText = (event: string): string => event === '' ? '' : ` (${event})`

/** What became of a job that a worker was offered (pkg/agent/worker.go). */
function refusedWhy (error = ''): string {
  if (/availability timeout/.test(error)) return ': it did not answer in time'
  if (/worker not available/.test(error)) return ': it rejected the job'
  return /worker closed/.test(error) ? ': it was about to close' : ''
}
