import type { Call } from '../calls/fold/call.ts'
import type { RetellWay } from '../calls/fold/way.ts'

/** Body of a registration (docs.retellai.com, "Register Phone Call"). */
export interface RegistrationRequest {
  agent_id: string
  agent_version?: number
  direction: 'inbound' | 'outbound'
  from_number?: string
  to_number?: string
  metadata: Record<string, unknown>
  retell_llm_dynamic_variables?: Record<string, string>
}

/**
 * What Retell learns of a call. A withheld number stays withheld. Under `call`, the metadata names the call as job
 * metadata does for agents of LiveKit, so that both sides' records can be compared.
 */
export function registrationRequest (
  { callSid, facts, route }: Call,
  attempt: number,
  way: RetellWay
): RegistrationRequest {
  return {
    agent_id: way.agent,
    ...(way.version !== undefined && { agent_version: way.version }),
    direction: facts.direction === 'outbound' ? 'outbound' : 'inbound',
    ...(facts.from && !facts.withheld && { from_number: facts.from }),
    ...(facts.to && { to_number: facts.to }),
    metadata: { ...objectOf(way.metadata), call: { callSid, attempt, route: route?.name } },
    ...(way.variables && { retell_llm_dynamic_variables: way.variables })
  }
}

/** The routes file was checked when it was read. A call that it describes wrongly is still worth an agent. */
function objectOf (json: string | undefined): object {
  try {
    const value: unknown = JSON.parse(json ?? '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}
