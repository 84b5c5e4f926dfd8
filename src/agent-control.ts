import type { CallTokens } from './call-token.ts'
import { ringSOf } from './calls/fold/attempt-facts.ts'
import type { Attempt, Call } from './calls/fold/call.ts'
import type { NewWarmRoom } from './calls/ports.ts'

/** How the agent of a call reaches that call in the API: part of its job metadata. */
export interface AgentControl {
  /** Address of the call, to which `/hangup` and the like are added. */
  url: string
  /** Bearer token for this call alone. */
  token: string
}

/** What an agent gets that waits for its call: the address of the call is `base`, a slash and the call_sid. */
export interface WarmAgentControl {
  /** Address of all calls. */
  base: string
  /** Bearer token for the call that takes the agent's room, and for no other one. */
  token: string
}

export interface AgentControls {
  /** Returns the same for an attempt at any time. */
  ofAttempt(call: Call, attempt: Attempt): AgentControl
  ofWarmRoom(room: NewWarmRoom): WarmAgentControl
}

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

/** Lets agents control their own calls. */
export function createAgentControl (options: AgentControlOptions): AgentControls {
  const { tokens, dialTimeoutS, longestCallS } = options
  const base = `${options.apiUrl.replace(/\/+$/, '')}/calls`

  return {
    ofAttempt (call, attempt) {
      const ringS = (call.order?.ringS ?? 0) + ringSOf(attempt, dialTimeoutS)
      const expiresAt = attempt.at.opened + (ringS + longestCallS + SLACK_S) * 1000
      return {
        url: `${base}/${encodeURIComponent(call.callSid)}`,
        token: tokens.tokenOf(call.callSid, expiresAt)
      }
    },
    // The last call that can take the room begins when the room ends.
    ofWarmRoom: ({ token, endsAt }) => ({
      base,
      token: tokens.tokenOf(warmTokenName(token), endsAt + (dialTimeoutS + longestCallS + SLACK_S) * 1000)
    })
  }
}

const WARM_NAME = 'room:'

/** What the token of a waiting agent names in the place of a call_sid: no call is known yet. */
const warmTokenName = (token: string): string => `${WARM_NAME}${token}`

/** The token of the room that a waiting agent's token names; undefined: it names a call. */
export const warmTokenOf = (name: string): string | undefined =>
  name.startsWith(WARM_NAME) ? name.slice(WARM_NAME.length) : undefined
