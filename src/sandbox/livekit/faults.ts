/**
 * What the API does: `fail` answers 500, `hang` never answers and does nothing, `lost` does what is asked and never
 * answers, `refuse` breaks the connection.
 */
export type ApiFault = 'ok' | 'fail' | 'hang' | 'lost' | 'refuse'

/**
 * What an INVITE meets: `mute` is a port nobody listens on behind a firewall (nothing at all), `silent` a project
 * without a rule (100, one 180, nothing), `dropped` a SIP host of LiveKit Cloud that belongs to no project (100,
 * nothing else), `no-codec` the 400 of an offer that LiveKit can do nothing with, `overloaded` and `quota` LiveKit's
 * two 503s, `no-trunk` the 404 of LiveKit Cloud, `failed` its 500, `refused` its 401 whatever the password.
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

/** What an answered caller hears: `none` not one RTP packet, `silence` packets of silence, `audio` a tone. */
export type MediaFault = 'none' | 'silence' | 'audio'

/** Turn these while the double runs; they hold for what comes next. */
export interface Faults {
  api: ApiFault
  /** By method name (`CreateRoom`), stronger than `api`. */
  apiMethods: Record<string, ApiFault>
  /** Extra delay of a method's answer, ms. */
  latencyMs: Record<string, number>
  sip: SipFault
  /** By caller (From user), stronger than `sip`. */
  sipCallers: Record<string, SipFault>
  /** Default `none`, which needs no sockets. */
  media: MediaFault
  webhooks: 'ok' | 'off'
}

export function noFaults (): Faults {
  return { api: 'ok', apiMethods: {}, latencyMs: {}, sip: 'ok', sipCallers: {}, media: 'none', webhooks: 'ok' }
}
