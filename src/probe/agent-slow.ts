import type { Finding } from '../finding.ts'

/** From the room's creation to the agent's audio, milliseconds. */
export const SLOW_AGENT_MS = 5000

/** The agent came, and callers wait too long for it. Times are since the room was made. */
export const agentSlow = (
  agent: string,
  { agentJoinedMs, agentAudioMs }: { agentJoinedMs: number, agentAudioMs: number }
): Finding => ({
  code: 'agent-slow',
  severity: 'warning',
  seen: `Agent ${agent} was in the room after ${agentJoinedMs} ms and had audio after ${agentAudioMs} ms: until then ` +
    'every caller hears ringing',
  todo: 'Keep idle worker processes warm (numIdleProcesses), start more workers, and load models before a job comes ' +
    'rather than in it'
})
