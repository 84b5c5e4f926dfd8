import type { CallEvent, EventOf } from '../../calls/fold/events.ts'

/** LiveKit's webhooks have their time in whole seconds: an agent that came in the same second may have come later. */
const STEP_MS = 1000
/** The fold only asks for the name of the agent, and for how long the room is kept, when an agent is to be called. */
const UNKNOWN = { agentName: 'agent', departureS: 10, events: true }

/**
 * The events of a call whose agent was in the room before it, as those of a call that took a room with a waiting agent.
 * @param events in the order of time
 * @param own the room of the call's first attempt, and its SIP user
 * @returns the same events where no agent had waited
 */
export function withWaitingAgent (events: readonly CallEvent[], own: { room: string, token: string }): CallEvent[] {
  const made = events.find(event => event.kind === 'room' && event.outcome === 'created')
  const ofRoom = events.filter(event => event.kind === 'livekit' && event.room === own.room) as LiveKitEvent[]
  const joined = ofRoom.find(({ what, participant }) => what === 'participant_joined' && participant?.kind === 'AGENT')
  if (made?.kind !== 'room' || made.attempt !== 1 || !joined || joined.at > made.at - STEP_MS) return [...events]

  const before = ofRoom.filter(({ at }) => at < made.at)
  const { identity } = joined.participant!
  const audioAt = before.find(({ what, track, participant }) =>
    what === 'track_published' && track === 'AUDIO' && participant?.identity === identity
  )?.at
  const agent = { identity, joinedAt: joined.at, ...(audioAt === undefined ? {} : { audioAt }) }
  const warm = { ...UNKNOWN, ...own, madeAt: before[0]!.at, agent }

  // The room is the call's from here on, so the call hears only now what ended before.
  return events.flatMap(event => {
    if (event === made) return [{ ...made, warm }, ...before.filter(isEnd)]
    return before.includes(event as LiveKitEvent) ? [] : [event]
  })
}

type LiveKitEvent = EventOf<'livekit'>

const isEnd = ({ what }: LiveKitEvent): boolean =>
  what === 'participant_left' || what === 'participant_connection_aborted' || what === 'room_finished'
