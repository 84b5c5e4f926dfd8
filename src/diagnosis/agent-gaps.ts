import type { AttemptFacts } from './facts.ts'

/** A time without any agent in the room, between one that left and the next one. Milliseconds since the epoch. */
export interface AgentGap {
  from: number
  until: number
  /** Why the last agent left, in LiveKit's words. */
  reason: string
}

/** Finds each time that the agent left while the call went on and another agent joined later. */
export function agentGaps ({ lines, overAt, goneAt }: AttemptFacts): AgentGap[] {
  const gaps: AgentGap[] = []
  const over = Math.min(overAt ?? Infinity, goneAt ?? Infinity)
  let present = 0
  let left: { at: number, reason: string } | undefined

  for (const { what, status, detail, first, reason = 'UNKNOWN' } of lines) {
    if (first > over) continue
    // Without LiveKit's webhooks a look is the first to see an agent.
    if (what === 'look' && detail?.includes('AGENT')) present = Math.max(1, present)
    if (status !== 'AGENT') continue
    if (what === 'participant_joined') {
      if (left) gaps.push({ from: left.at, until: first, reason: left.reason })
      left = undefined
      present++
    } else if (what === 'participant_left' || what === 'participant_connection_aborted') {
      present = Math.max(0, present - 1)
      // An agent that has to leave with its room leaves nobody waiting.
      if (present === 0 && !reason.startsWith('ROOM_')) left ??= { at: first, reason }
    }
  }
  return gaps
}
