/** What an agent learns about its call from the bridge: version 1 of the job metadata (docs/agents.md). */
export interface CallMetadata {
  callSid: string
  direction: 'inbound' | 'outbound'
  /** `anonymous` if the caller withholds the number, empty if it is unknown. */
  from: string
  to: string
  callerName: string
  trunk?: string
  attempt: number
  headers: Record<string, string>
}

export interface Job {
  /** Absent in a degraded call: the bridge could not create the room, so LiveKit's dispatch rule sent this agent. */
  call?: CallMetadata
  /** The bridge's AGENT_METADATA, unchanged. */
  app?: string
}

/** Reads the job's metadata. It never throws: whatever the metadata is, a caller is waiting for an answer. */
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
 * The call's id. In a degraded call it comes from the caller's SIP participant: the bridge sends the header X-LK-Call.
 */
export function callSidOf (job: Job, attributes: Record<string, string>): string | undefined {
  return job.call?.callSid ?? attributes['sip.h.x-lk-call']
}
