import type { Evidence } from './evidence.ts'
import { OF_AGENTS, OF_ORDERS } from './verdicts-callee.ts'

/*
 * Which causes may be said of a call, given what arrived of it. The recorded cause always may; another one only where
 * the evidence left supports it and nothing that did arrive contradicts it.
 */

/** Why this cause must not be said; undefined: it may. */
export function objection (cause: string | undefined, right: string[], evidence: Evidence): string | undefined {
  if (cause === undefined) return isKnowable(evidence) ? 'the call is unknown, though events named it' : undefined
  if (right.length === 0 || right.includes('*') || right.includes(cause)) return undefined
  if (!evidence.incomplete) return `everything arrived that tells ${right.join(' or ')}`
  const { contradicted, supported } = tablesOf(evidence)
  return contradicted[cause]?.(evidence) ?? (supported[cause]?.(evidence) ? undefined : 'nothing that arrived tells it')
}

function tablesOf ({ kind }: Evidence) {
  const own = { contradicted: CONTRADICTED, supported: SUPPORTED }
  if (kind === 'inbound') return own
  const other = kind === 'outbound' ? OF_ORDERS : OF_AGENTS
  return {
    contradicted: { ...own.contradicted, ...other.contradicted },
    supported: { ...own.supported, ...other.supported }
  }
}

export type Contradiction = (evidence: Evidence) => string | undefined

/** LiveKit's events carry the room's metadata, which names the call. The room of an agent's call is not its own. */
function isKnowable ({ kind, incomplete, sipLeft, agentLeft, callerFinal, agentLegFinal }: Evidence): boolean {
  const inRoom = kind === 'agent' ? [] : [sipLeft?.at, agentLeft]
  return !incomplete || [...inRoom, callerFinal?.at, agentLegFinal].some(at => at !== undefined)
}

const answered: Contradiction = evidence => {
  if (evidence.legAnswered !== undefined) return 'the agent leg was answered'
  return togetherMs(evidence) > 0 ? 'the caller was with the agent' : undefined
}

/**
 * How long the caller was in the room with an agent that had audio, milliseconds. One that waited for the call may have
 * left before it came.
 */
function togetherMs ({ sipJoined, sipLeft, agentAudio, agentLeft = Infinity }: Evidence): number {
  if (sipJoined === undefined || agentAudio === undefined || agentLeft <= sipJoined) return 0
  return Math.max(0, (sipLeft?.at ?? Infinity) - Math.max(sipJoined, agentAudio))
}
const sipThere: Contradiction = ({ sipJoined }) => sipJoined === undefined ? undefined : 'the SIP participant was there'
const sipHungUp: Contradiction = ({ sipLeft }) =>
  sipLeft?.reason === 'CLIENT_INITIATED' ? 'the SIP side left by itself (CLIENT_INITIATED)' : undefined
const callerEnded: Contradiction = ({ callerFinal }) =>
  callerFinal?.by === 'caller' ? 'the caller ended the call' : undefined
const jambonzEnded: Contradiction = ({ callerFinal }) =>
  callerFinal?.by === 'jambonz' ? 'Jambonz ended the caller leg' : undefined
const agentThere: Contradiction = ({ agentJoined }) => agentJoined === undefined ? undefined : 'an agent was there'

const first = (...contradictions: Contradiction[]): Contradiction => evidence =>
  contradictions.map(contradiction => contradiction(evidence)).find(Boolean)

/** Times of repeated webhooks are in whole seconds, and LiveKit answers within 1.5 s. */
const SURELY_ANSWERED_MS = 2500

const CONTRADICTED: Record<string, Contradiction> = {
  'caller-hung-up': first(jambonzEnded, ({ sipLeft }) =>
    sipLeft && sipLeft.reason !== 'CLIENT_INITIATED' ? `the SIP participant left ${sipLeft.reason}` : undefined),
  'agent-hung-up': first(callerEnded, sipHungUp),
  'operator-hung-up': callerEnded,
  'agent-lost': ({ agentJoined, agentLeft, sipLeft }) =>
    agentJoined !== undefined && sipLeft && (agentLeft === undefined || agentLeft > sipLeft.at)
      ? 'the agent was there to the end'
      : undefined,
  'media-lost': callerEnded,
  'caller-gave-up': first(answered, jambonzEnded),
  'livekit-no-route': first(answered, sipThere),
  'sip-unreachable': first(answered, sipThere),
  'livekit-refused-credentials': first(answered, sipThere),
  'no-agent': first(answered, agentThere),
  'agent-without-audio': first(answered, ({ agentAudio, sipLeft }) =>
    agentAudio !== undefined && agentAudio < (sipLeft?.at ?? Infinity) ? 'it had audio' : undefined),
  'room-closed': first(answered, sipHungUp),
  'dial-timeout': answered,
  'livekit-failed': answered,
  lost: evidence => {
    const { callerFinal, sipLeft, action, referred, restarted } = evidence
    if (callerFinal?.by === 'caller') return 'the caller ended the call'
    // What the process before had done itself, and whether it had heard of an answer, the next one cannot know.
    if (callerFinal && action && !referred) return `the caller leg ended ${callerFinal.status}, as /action said too`
    const talked = sipLeft?.reason === 'CLIENT_INITIATED' && togetherMs(evidence) > SURELY_ANSWERED_MS
    // Jambonz ends the caller leg after the agent leg, and when somebody asks it to.
    if (callerFinal?.by === 'jambonz') return undefined
    // Whether a caller who soon left had been answered, LiveKit's webhooks do not say.
    const mayHaveGivenUp = sipLeft?.reason === 'CLIENT_INITIATED' && !talked
    if (referred || !sipLeft || (restarted && !talked) || mayHaveGivenUp) return undefined
    return `the SIP participant left ${sipLeft.reason}`
  }
}

const SUPPORTED: Record<string, (evidence: Evidence) => boolean> = {
  'caller-hung-up': ({ callerFinal, sipLeft }) =>
    callerFinal?.by === 'caller' || sipLeft?.reason === 'CLIENT_INITIATED',
  'agent-hung-up': ({ sipLeft, agentLegFinal, roomFinished }) =>
    sipLeft !== undefined || agentLegFinal !== undefined || roomFinished !== undefined,
  'operator-hung-up': ({ callerFinal }) => callerFinal?.by === 'jambonz',
  'agent-lost': ({ agentLeft }) => agentLeft !== undefined,
  'media-lost': ({ agentLegFinal, sipLeft }) => agentLegFinal !== undefined || sipLeft?.callStatus === 'hangup',
  redirected: ({ action }) => action?.callerStatus === 'in-progress',
  transferred: ({ referred }) => referred,
  'transfer-failed': ({ referred }) => referred,
  'caller-gave-up': ({ callerFinal, sipLeft }) =>
    callerFinal ? callerFinal.by === 'caller' : sipLeft?.reason === 'CLIENT_INITIATED',
  'no-agent': ({ sipJoined }) => sipJoined !== undefined,
  'agent-without-audio': ({ agentJoined }) => agentJoined !== undefined,
  'livekit-no-route': ({ legRang }) => legRang !== undefined,
  'room-closed': ({ sipLeft, roomFinished }) => sipLeft !== undefined || roomFinished !== undefined,
  'dial-timeout': ({ agentLegFinal, action, callerFinal }) =>
    agentLegFinal !== undefined || action !== undefined || callerFinal !== undefined,
  'livekit-failed': ({ agentLegFinal, action }) => agentLegFinal !== undefined || action !== undefined,
  lost: () => true
}
