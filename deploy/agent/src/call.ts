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

/** The API of this call. The token is a secret: whoever has it controls the call. */
export interface Control {
  url: string
  token: string
}

/** This agent is to talk with a person to whom another call may be handed. */
export interface Consultation {
  /** Id of the transfer. */
  id: string
  /** The caller's call. */
  callSid: string
  /** What the caller's agent wants the person to know. */
  brief?: string
}

/** What became of the latest transfer before this agent came to the caller. */
export interface LastTransfer {
  id: string
  mode: string
  /** Absent: it is still under way. */
  result?: string
  reason?: string
}

export interface Job {
  /** Absent in a degraded call: the bridge could not create the room, so LiveKit's dispatch rule sent this agent. */
  call?: CallMetadata
  /** Absent in a degraded call. */
  control?: Control
  /** Absent unless this agent consults a person. */
  transfer?: Consultation
  /** Absent unless the caller was to be handed to a person before. */
  lastTransfer?: LastTransfer
  /** The bridge's AGENT_METADATA, unchanged. */
  app?: string
}

interface Written {
  v?: unknown
  call?: CallMetadata
  control?: Control
  transfer?: Consultation
  lastTransfer?: LastTransfer
  app?: unknown
}

/** Reads the job's metadata. It never throws: whatever the metadata is, a caller is waiting for an answer. */
export function readJob (metadata: string): Job {
  let data: Written | null
  try {
    data = JSON.parse(metadata) as typeof data
  } catch {
    return {}
  }
  if (data?.v !== 1 || typeof data.call?.callSid !== 'string') return {}

  const { call, control, transfer, lastTransfer, app } = data
  return {
    call,
    ...(typeof control?.url === 'string' && { control }),
    ...(typeof transfer?.id === 'string' && { transfer }),
    ...(typeof lastTransfer?.id === 'string' && { lastTransfer }),
    ...(typeof app === 'string' && { app })
  }
}

/**
 * The call's id. In a degraded call it comes from the caller's SIP participant: the bridge sends the header X-LK-Call.
 */
export function callSidOf (job: Job, attributes: Record<string, string>): string | undefined {
  return job.call?.callSid ?? attributes['sip.h.x-lk-call']
}
