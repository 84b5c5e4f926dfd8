import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import { LEAVING_REASONS } from '../knowledge/disconnect-reasons.ts'
import type { Guest, RoomStory } from '../rooms.ts'

/** A worker starts its agent within this time, milliseconds: a caller who stays longer was kept waiting. */
export const WAITED_MS = 5000
/** Whether two were in the room at the same time. */
export const isHere = (other: Guest, guest: Guest): boolean =>
  (other.joinedAt ?? 0) <= (guest.leftAt ?? Infinity) && (other.leftAt ?? Infinity) >= (guest.joinedAt ?? 0)

/** Who is at the other end of a SIP participant. */
export const phoneOf = ({ direction }: Guest): string =>
  direction === 'outbound' ? 'the phone that LiveKit called' : 'the caller'

/** When an agent came and went, beside a SIP participant. */
export function agentFindings (story: RoomStory, guest: Guest, agent: Guest): Finding[] {
  const findings: Finding[] = []
  const { joinedAt: came, leftAt: left } = guest
  const phone = phoneOf(guest)
  if (came !== undefined && agent.leftAt !== undefined && agent.leftAt <= came) {
    if (story.guests.some(other => other.kind === 'AGENT' && isHere(other, guest))) return []
    return [{
      code: 'agent-left-first',
      severity: 'failed',
      seen: `An agent left the room ${duration(came - agent.leftAt)} before ${phone} came${because(agent)}.`,
      todo: 'Look at the log of the agent worker: agents should wait for their caller'
    }]
  }
  if (came !== undefined && agent.joinedAt !== undefined && agent.joinedAt - came >= WAITED_MS) {
    findings.push({
      code: 'agent-late',
      severity: 'warning',
      seen: `The agent joined ${duration(agent.joinedAt - came)} after ${phone}.`,
      todo: 'Keep a worker free and warm: look at its load and at how long its job takes to start'
    })
  }
  if (agent.leftAt !== undefined && agent.leftAt < (left ?? story.endAt)) {
    findings.push({
      code: 'agent-left-first',
      severity: 'warning',
      seen: `The agent left ${duration((left ?? story.endAt) - agent.leftAt)} before ${
        left === undefined ? `the files end, and ${phone} stayed` : phone
      }${because(agent)}.`,
      todo: 'Look at the log of the agent worker at that moment'
    })
  }
  const togetherMs = Math.min(agent.leftAt ?? story.endAt, left ?? story.endAt) -
    Math.max(agent.joinedAt ?? 0, came ?? 0)
  if (story.tracks && story.fromStart && !agent.audio && togetherMs >= WAITED_MS) {
    findings.push({
      code: 'agent-not-heard',
      severity: 'warning',
      seen: `The agent published no audio in the ${duration(togetherMs)} with ${phone}.`,
      todo: 'Look at the log of the agent worker: its session did not start, or has no audio output'
    })
  }
  return findings
}

const because = ({ reason }: Guest): string =>
  reason === undefined ? '' : ` (${reason}${LEAVING_REASONS[reason] ? `: ${agentWords(reason)}` : ''})`

const agentWords = (reason: string): string =>
  reason === 'CLIENT_INITIATED' ? 'it left by itself' : LEAVING_REASONS[reason]?.means ?? ''
