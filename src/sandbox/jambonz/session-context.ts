import type { Clock } from '../../clock.ts'
import type { UserAgent } from '../../sip/user-agent.ts'
import type { Faults } from './faults.ts'
import type { Leg } from './payloads.ts'
import type { ParseVerbs } from './verbs.ts'

/** What every session shares with the double that it runs in. */
export interface SessionContext {
  clock: Clock
  parse: ParseVerbs
  /** The user agent that dials. */
  agentSide: UserAgent
  /** Trunk name → `host:port` of its gateway. */
  gateways: Record<string, string>
  faults: Faults
  /** Milliseconds to wait for the final NOTIFY after a REFER was accepted. */
  notifyTimeoutMs: number
  /** The REST API lists this leg from now on. */
  track(leg: Leg): void
}
