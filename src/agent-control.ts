import type { CallTokens } from './call-token.ts'
import { ringSOf } from './calls/fold/attempt-facts.ts'
import type { Attempt, Call } from './calls/fold/call.ts'

/** How the agent of a call reaches that call in the API: part of its job metadata. */
export interface AgentControl {
  /** Address of the call, to which `/hangup` and the like are added. */
  url: string
  /** Bearer token for this call alone. */
  token: string
}

export type AgentControlOf = (call: Call, attempt: Attempt) => AgentControl

export interface AgentControlOptions {
  tokens: CallTokens
  /** Base URL at which agents reach the API. */
  apiUrl: string
  dialTimeoutS: number
  /** How long a call may last after it was answered, seconds. */
  longestCallS: number
}

/**
 * How long a token outlasts the longest call, seconds. A caller whom a failed transfer brings back to the same agent
 * begins a new dial, with the whole time once more.
 */
const SLACK_S = 3600

/** Makes the function that lets an agent control its own call. It returns the same for an attempt at any time. */
export function createAgentControl (options: AgentControlOptions): AgentControlOf {
  const { tokens, dialTimeoutS, longestCallS } = options
  const calls = `${options.apiUrl.replace(/\/+$/, '')}/calls`

  return (call, attempt) => {
    const ringS = (call.order?.ringS ?? 0) + ringSOf(attempt, dialTimeoutS)
    const expiresAt = attempt.at.opened + (ringS + longestCallS + SLACK_S) * 1000
    return {
      url: `${calls}/${encodeURIComponent(call.callSid)}`,
      token: tokens.tokenOf(call.callSid, expiresAt)
    }
  }
}
