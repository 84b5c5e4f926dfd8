import type { Finding } from '../finding.ts'
import type { TransportName } from '../sip/user-agent.ts'
import type { ProbeCall } from './call.ts'
import type { TrunkLimits } from './trunk-limits.ts'
import type { Watched } from './watch.ts'

/** What a probe call is judged with besides itself. */
export interface ProbeContext {
  /** `sip:` URI as it may be shown. */
  uri: string
  /** User part of the URI. */
  user: string
  host: string
  port?: number
  /** How it was called; unknown: tcp, as the settings have it. */
  transport?: TransportName
  own: string
  remote: string
  /** The target is LIVEKIT_SIP_HOST: our trunk and rule are meant to take the call. */
  ours: boolean
  /** Our trunk's own limits, where they may have ended the call. */
  trunk?: TrunkLimits | undefined
  hasCredentials: boolean
  srtp: boolean
  /** For the trap of a SIP host made out of the websocket name. */
  livekitUrl?: string | undefined
  /**
   * The room the call should have landed in, and what LiveKit showed of it during the call. `closed`: it went away
   * before its time.
   */
  room?: { name: string, made: boolean, agent: string, closed?: boolean } & Watched | undefined
}

/** Finds what is wrong with trunk and rule, shows it, and puts right what is the bridge's. */
export const TRUNK_AND_RULE = 'bridge doctor --only trunk-and-rule,matching --fix'

/** Looks for the agent alone, without a call. */
export const agentCommand = (agent: string | undefined): string =>
  agent === undefined ? 'bridge doctor --only agent' : `bridge doctor --agent ${quoted(agent)}`

const quoted = (word: string): string => /^[\w.:@/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** The last response, as text. */
export const lastHeard = ({ responses }: ProbeCall): string => {
  const last = responses.at(-1)
  return last ? `${last.status} ${last.reason}`.trim() : 'nothing'
}

/** From the INVITE on, as text. */
export const after = (call: ProbeCall, at: number | undefined): string =>
  at === undefined || call.invitedAt === undefined ? '' : ` after ${Math.max(0, Math.round(at - call.invitedAt))} ms`

/**
 * LiveKit rings before it has chosen a room: each of its two questions to its server takes at most 3 s. Milliseconds.
 */
const CHOOSING_MS = 6000

/** The first ringing. */
export const rangAt = ({ responses }: Pick<ProbeCall, 'responses'>): number | undefined =>
  responses.find(({ status }) => status >= 180 && status < 200)?.at

/** Whether the call must have been in a room, and the room that was made for it was looked into and never held it. */
export function isElsewhere (call: ProbeCall, { room }: ProbeContext): boolean {
  const { final, ended } = call
  const { made, looks = [] } = room ?? {}
  const chosen = (rangAt(call) ?? Infinity) + CHOOSING_MS
  const since = final && final.status < 300 ? final.at : chosen
  const over = ended?.at ?? final?.at ?? Infinity
  return made === true && !looks.some(({ sip }) => sip) && looks.some(({ from, until }) => from > since && until < over)
}

export const otherRoom = (seen: string, { room, host }: ProbeContext): Finding => ({
  code: 'other-room',
  severity: 'failed',
  seen: `${seen}, and the call was not in its room ${room?.name}: another rule took it, or ${host} is another ` +
    "project's.",
  todo:
    "See which room a call reaches with the project's trunks and rules, and compare LIVEKIT_SIP_HOST with the " +
    "project's SIP URI. The room it went to closes by itself",
  command: 'bridge doctor --only sip-host,trunk-and-rule,matching'
})

/** How exactly the end of a call is seen, milliseconds. */
const CLOSE_MS = 1500

/** LiveKit's own limit ended the call, ringing or answered: it counts from the ringing on. */
export function durationLimit (
  call: ProbeCall,
  { trunk }: ProbeContext,
  endedAt: number | undefined
): Finding | undefined {
  const began = rangAt(call) ?? call.invitedAt
  if (trunk?.maxCallDurationS === undefined || endedAt === undefined || began === undefined) return undefined
  if (Math.abs(endedAt - began - trunk.maxCallDurationS * 1000) > CLOSE_MS) return undefined
  return {
    code: 'trunk-max-call-duration',
    severity: 'failed',
    seen: `LiveKit ended the call ${((endedAt - began) / 1000).toFixed(1)} s after it began to ring: that is ` +
      `max_call_duration (${trunk.maxCallDurationS} s) of trunk ${trunk.id}, and no doing of the agent.`,
    todo: 'Have it hold DIAL_TIMEOUT_S and MAX_CALL_DURATION_S',
    command: TRUNK_AND_RULE
  }
}
