/**
 * What the API does: `fail` answers 500, `hang` never answers and does nothing, `lost` does what is asked and never
 * answers, `refuse` breaks the connection.
 *
 * The others are LiveKit's own refusals, which real servers gave for rooms that were there: `not-found` 404 (seen for a
 * DeleteRoom right behind `room_started`), `no-object` 500 "could not find object" (the room's server is gone from the
 * list of servers), `no-server` 503 "no response from servers" (the room's server is listed and dead). Nothing is done.
 */
export type ApiFault = 'ok' | 'fail' | 'hang' | 'lost' | 'refuse' | 'not-found' | 'no-object' | 'no-server'

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

/** Change these while the double runs; they apply to what comes next. */
export interface Faults {
  api: ApiFault
  /** By method name (`CreateRoom`); overrides `api`. */
  apiMethods: Record<string, ApiFault>
  /** Extra delay of a method's answer, ms. */
  latencyMs: Record<string, number>
  sip: SipFault
  /** By caller (From user); overrides `sip`. */
  sipCallers: Record<string, SipFault>
  /** Default `none`, which needs no sockets. */
  media: MediaFault
  webhooks: 'ok' | 'off'
  /** `loaded`: the workers report more load than LiveKit's threshold, so that they get no job. */
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
