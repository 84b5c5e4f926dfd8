/**
 * How the API fails. `fail` replies 500, `hang` does nothing and never replies, `lost` does what was asked and never
 * replies, and `refuse` breaks the connection.
 *
 * The others are refusals that real servers gave for rooms that existed. They change nothing:
 * - `not-found` is a 404, as recorded for a DeleteRoom immediately after `room_started`.
 * - `no-object` is a 500 "could not find object": the room's server is not in the list of servers any more.
 * - `no-server` is a 503 "no response from servers": the room's server is still listed, but dead.
 * - `exhausted` is a 503 "cpu exhausted": livekit-sip is above its CPU limit and makes no calls.
 */
export type ApiFault =
  | 'ok'
  | 'fail'
  | 'hang'
  | 'lost'
  | 'refuse'
  | 'not-found'
  | 'no-object'
  | 'no-server'
  | 'exhausted'

/**
 * How LiveKit answers an INVITE:
 * - `mute` sends nothing, like a firewall that drops packets.
 * - `silent` sends 100 and one 180, like a project without a matching rule.
 * - `dropped` sends only 100, like a SIP host of LiveKit Cloud that belongs to no project.
 * - `no-codec` refuses the offer with 400.
 * - `overloaded` and `quota` are LiveKit's two 503s.
 * - `no-trunk` is the 404 of LiveKit Cloud, and `failed` its 500.
 * - `refused` is a 401 for any password.
 */
export type SipFault =
  | 'ok'
  | 'mute'
  | 'silent'
  | 'dropped'
  | 'no-codec'
  | 'overloaded'
  | 'quota'
  | 'no-trunk'
  | 'failed'
  | 'refused'

/** What an answered caller receives: no RTP packet (`none`), packets of silence, or a tone (`audio`). */
export type MediaFault = 'none' | 'silence' | 'audio'

/** Faults may change while the double runs. A change applies to later requests and calls. */
export interface Faults {
  api: ApiFault
  /** Faults by method name (`CreateRoom`), which override `api`. */
  apiMethods: Record<string, ApiFault>
  /** Extra delays of replies by method name, in milliseconds. */
  latencyMs: Record<string, number>
  sip: SipFault
  /** Faults by caller (the user of From), which override `sip`. */
  sipCallers: Record<string, SipFault>
  /** By default `none`, which needs no sockets. */
  media: MediaFault
  webhooks: 'ok' | 'off'
  /** `loaded`: the workers report a load above LiveKit's threshold, so they get no jobs. */
  workers: 'ok' | 'loaded'
}

export function noFaults (): Faults {
  return {
    api: 'ok',
    apiMethods: {},
    latencyMs: {},
    sip: 'ok',
    sipCallers: {},
    media: 'none',
    webhooks: 'ok',
    workers: 'ok'
  }
}
