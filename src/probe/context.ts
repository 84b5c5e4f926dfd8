import type { Finding } from '../finding.ts'
import type { TransportName } from '../sip/user-agent.ts'
import type { ProbeCall } from './call.ts'
import type { Watched } from './watch.ts'

/** What a probe call is judged with besides itself. */
export interface ProbeContext {
  /** `sip:` URI as it may be shown. */
  uri: string
  /** User part of the URI. */
  user: string
  host: string
  /** How it was called; unknown: tcp, as the settings have it. */
  transport?: TransportName
  own: string
  remote: string
  /** The host is LIVEKIT_SIP_HOST: our trunk and rule are meant to take the call. */
  ours: boolean
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

export const PROVISION = 'bridge provision --plan'
export const AGENT = 'bridge doctor --only agent'

/** The last response, as text. */
export const lastHeard = ({ responses }: ProbeCall): string => {
  const last = responses.at(-1)
  return last ? `${last.status} ${last.reason}`.trim() : 'nothing'
}

/** From the INVITE on, as text. */
export const after = (call: ProbeCall, at: number | undefined): string =>
  at === undefined || call.invitedAt === undefined ? '' : ` after ${Math.max(0, Math.round(at - call.invitedAt))} ms`

/**
 * LiveKit rings before it has chosen a room, milliseconds: both of its questions to its server take no longer than 3 s.
 */
const CHOOSING_MS = 6000

/** Somebody looked into the room that was made for the call while it had to be in one, and never saw it there. */
export function isElsewhere ({ final, ended, responses }: ProbeCall, { room }: ProbeContext): boolean {
  const { made, looks = [] } = room ?? {}
  const rang = responses.find(({ status }) => status >= 180 && status < 200)?.at
  const since = final && final.status < 300 ? final.at : rang === undefined ? Infinity : rang + CHOOSING_MS
  const over = ended?.at ?? final?.at ?? Infinity
  return made === true && !looks.some(({ sip }) => sip) && looks.some(({ from, until }) => from > since && until < over)
}

export const otherRoom = (seen: string, { room, host }: ProbeContext): Finding => ({
  code: 'other-room',
  severity: 'failed',
  seen:
    `${seen}, and the call was not in its room ${room?.name}: another rule took it, or ${host} is another project's.`,
  todo:
    "See where a call lands by the project's trunks and rules, and compare LIVEKIT_SIP_HOST with the project's SIP " +
    'URI. The room it went to closes by itself',
  command: 'bridge doctor --only sip-host,trunk-and-rule,matching'
})
