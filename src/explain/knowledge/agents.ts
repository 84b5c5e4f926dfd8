import { LIVEKIT_API_RULES } from './livekit-api.ts'
import { captured, type LoggedLine, type LogRule } from './log-rule.ts'

const WORKER_LOG = "Look at the worker's log above that line"

/** The exception of a crash; a job of the agent may be named by its line or its call. */
const crashText = (line: LoggedLine): string => {
  const error = captured(line)
  return error === '' ? '' : `: ${error}`
}

/** Lines of agent workers (livekit-agents for Python, @livekit/agents for Node). */
export const AGENT_RULES: readonly LogRule[] = [
  {
    pattern:
      /JSONDecodeError|SyntaxError: (?:Unexpected (?:token|end of JSON|non-whitespace)|"[^"\n]{0,80}" is not valid JSON|Expected property name)|is not valid JSON\b/,
    code: 'log-metadata-no-json',
    severity: 'failed',
    says:
      'The agent read a text as JSON that is not JSON, and crashed. It is usually the metadata of the job ' +
      'or room',
    todo: 'Put JSON into the metadata of the dispatch, and let the agent accept an empty text',
    isCommon: true,
    source: 'livekit/agents ipc/job_proc_lazy_main.py, agents-js ipc/job_proc_lazy_main.ts'
  },
  ...LIVEKIT_API_RULES,
  {
    pattern: /^worker failed\b(?:: ([^\n]{1,300}))?/,
    code: 'log-not-started',
    severity: 'failed',
    says: line => `The worker stopped with an error${crashText(line)}`,
    todo: WORKER_LOG,
    source: 'livekit/agents cli/cli.py'
  },
  {
    pattern: /(?:ws_url|api_key|api_secret|URL|API Key|API Secret) is required(?:,|:) (?:or set|Set) LIVEKIT_/,
    code: 'log-not-started',
    severity: 'failed',
    says: 'The worker could not start: it has no URL or key of LiveKit',
    todo: 'Set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET in its environment',
    source: 'livekit/agents worker.py, agents-js worker.ts'
  },
  {
    pattern:
      /(?:unhandled exception while running the job task|error in entry function|error in participant entrypoint|job_request_fnc failed|jobRequestFunc failed)\b(?:: ([^\n]{1,300}))?/i,
    code: 'log-agent-crashed',
    severity: 'failed',
    says: line => `The agent crashed in its job${crashText(line)}`,
    todo: "The traceback in the worker's log names the line of code. No agent answers until it is fixed",
    source: 'livekit/agents ipc/job_proc_lazy_main.py, agents-js ipc/job_proc_lazy_main.ts'
  },
  {
    pattern: /AgentSession is closing due to unrecoverable error(?:: ([^\n]{1,300}))?/,
    code: 'log-agent-crashed',
    severity: 'failed',
    says: line => `The agent closed its session because a model or speech service kept failing${crashText(line)}`,
    todo: 'Look at key, quota and address of the LLM, STT or TTS that the error names',
    source: 'livekit/agents voice/agent_session.py'
  },
  {
    pattern: /exceeded memory limit, killing/,
    code: 'log-out-of-memory',
    severity: 'failed',
    says: 'The job of an agent took more memory than job_memory_limit_mb, and was killed',
    todo: 'Raise the limit, or find what the agent keeps; the caller is left in silence until somebody ends the call',
    source: 'livekit/agents ipc/supervised_proc.py, agents-js ipc/supervised_proc.ts'
  },
  {
    pattern:
      /process exited with non-zero exit code (-?\d{1,5})|job process exited unexpectedly|process is unresponsive, killing process/,
    code: 'log-agent-crashed',
    severity: 'failed',
    says: ({ match: [, exit] }) => `The process of a job died${exit === undefined ? '' : ` (exit code ${exit})`}`,
    todo: `${WORKER_LOG}; exit code -9 is mostly a lack of memory, -11 a fault in a native library`,
    source: 'livekit/agents ipc/supervised_proc.py, agents-js ipc/supervised_proc.ts'
  },
  {
    pattern: /^no warmed process available for job\b/,
    code: 'log-worker-slow',
    severity: 'warning',
    says: 'The worker had no process ready for the job, so the caller waited until one had started',
    todo: 'Raise num_idle_processes, and give the worker more CPU',
    source: 'livekit/agents ipc/proc_pool.py'
  },
  {
    pattern:
      /^(?:error initializing process|timed out waiting for idle processes to initialize|all in-flight spawns failed to initialize|failed to acquire process for job|failed to launch job on process after)|no process became available after|process initialization failed|(?:runner|process) initialization timed out|process exited before initializing|assignment for job \S{1,60} timed out/i,
    code: 'log-worker-slow',
    severity: 'failed',
    says: 'The worker could not start a process for a job in time',
    todo: 'Load less in prewarm, raise initialize_process_timeout, and give the worker more CPU and memory',
    source: 'livekit/agents ipc/proc_pool.py, worker.py'
  },
  {
    pattern: /^worker is at full capacity, marking as unavailable/,
    code: 'log-worker-full',
    severity: 'warning',
    says: 'A worker was at its limit, and took no more jobs',
    todo: 'Start more workers, or raise load_threshold: its load counts the CPU of the whole machine',
    source: 'livekit/agents worker.py, agents-js worker.ts'
  },
  {
    pattern: /no answer was given inside the (?:job_request_fnc|jobRequestFunc), automatically rejecting the job/,
    code: 'log-job-refused',
    severity: 'failed',
    says: 'The worker rejected the job: its request function neither accepted nor rejected it',
    todo: 'Call accept() in the request function, or leave the function out',
    source: 'livekit/agents worker.py, agents-js worker.ts'
  },
  {
    pattern: /^Worker is draining and no longer available, rejecting job/,
    code: 'log-job-refused',
    severity: 'warning',
    says: 'A worker that was about to stop rejected a job',
    todo: 'Keep a second worker while one is replaced',
    source: 'livekit/agents-js worker.ts'
  },
  {
    pattern:
      /failed to connect to livekit(?: server [^\n]{1,200}?)?(?: after \d{1,4} attempts|, retrying in)(?:[^\n]{0,200}?(\b40[13]\b|ENOTFOUND|ECONNREFUSED|Cannot connect to host|Name or service not known|getaddrinfo))?/i,
    code: 'log-worker-disconnected',
    severity: ({ match: [words] }) => /after \d/.test(words) ? 'failed' : 'warning',
    says: ({ match: [, why = ''] }) => `The worker could not connect to LiveKit${connectionText(why)}`,
    todo:
      'Compare LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET with the project; it gets no jobs until it is ' +
      'connected',
    source: 'livekit/agents worker.py, agents-js worker.ts'
  },
  {
    pattern: /worker connection closed unexpectedly/,
    code: 'log-worker-disconnected',
    severity: 'warning',
    says: 'The worker lost its connection to LiveKit, and gets no jobs until it is back',
    todo: 'See whether it registers again, and what is between both (proxy, idle timeout)',
    source: 'livekit/agents worker.py'
  },
  {
    pattern:
      /^(?:The room connection was not established within 10 seconds after calling job_entry|room not connect after job_entry was called|The job task completed without establishing a connection)/,
    code: 'log-agent-not-connected',
    severity: 'failed',
    says: 'The agent got the job, and did not connect to the room',
    todo: 'Call ctx.connect() first thing in the entrypoint, before anything that takes time',
    source: 'livekit/agents ipc/job_proc_lazy_main.py, agents-js ipc/job_proc_lazy_main.ts'
  }
]

function connectionText (why: string): string {
  if (/^40/.test(why)) return `: LiveKit refused its key (${why})`
  return why === '' ? '' : ': its address does not lead to a LiveKit server'
}
