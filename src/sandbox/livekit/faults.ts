/**
 * What the API does: `fail` answers 500, `hang` never answers and does nothing, `lost` does what is asked and never answers, `refuse` breaks the connection.
 */
export type ApiFault = 'ok' | 'fail' | 'hang' | 'lost' | 'refuse'

/**
 * What an INVITE meets: `mute` is a port nobody listens on behind a firewall (nothing at all), `silent` a project without a rule (100, one 180, nothing),
 * `overloaded` and `quota` LiveKit's two 503s, `no-trunk` the 404 of LiveKit Cloud, `failed` its 500.
 */
export type SipFault = 'ok' | 'mute' | 'silent' | 'overloaded' | 'quota' | 'no-trunk' | 'failed'

/** Turn these while the double runs; they hold for what comes next. */
export interface Faults {
  api: ApiFault
  /** By method name (`CreateRoom`), stronger than `api`. */
  apiMethods: Record<string, ApiFault>
  /** Extra delay of a method's answer, ms. */
  latencyMs: Record<string, number>
  sip: SipFault
  webhooks: 'ok' | 'off'
}

export function noFaults (): Faults {
  return { api: 'ok', apiMethods: {}, latencyMs: {}, sip: 'ok', webhooks: 'ok' }
}
