/** What the bridge tells an agent about its call: version 1 of the job metadata (docs/agents.md). */
export interface CallMetadata {
  callSid: string
  direction: 'inbound' | 'outbound'
  /** `anonymous` when the caller withholds it; empty when unknown. */
  from: string
  to: string
  callerName: string
  trunk?: string
  attempt: number
  headers: Record<string, string>
}

export interface Job {
  /** Absent in a degraded call: the bridge could not make the room, so LiveKit's dispatch rule sent this agent. */
  call?: CallMetadata
  /** The bridge's AGENT_METADATA, as it was written. */
  app?: string
}

/** Reads the job's metadata. Whatever it is, the caller is there and wants an answer, so this never throws. */
export function readJob (metadata: string): Job {
  let data: { v?: unknown, call?: CallMetadata, app?: unknown } | null
  try {
    data = JSON.parse(metadata) as typeof data
  } catch {
    return {}
  }
  if (data?.v !== 1 || typeof data.call?.callSid !== 'string') return {}
  return { call: data.call, ...(typeof data.app === 'string' && { app: data.app }) }
}

/**
 * The call's id, in a degraded call from the caller's SIP participant (the bridge sends it as the header X-LK-Call).
 */
export function callSidOf (job: Job, attributes: Record<string, string>): string | undefined {
  return job.call?.callSid ?? attributes['sip.h.x-lk-call']
}
