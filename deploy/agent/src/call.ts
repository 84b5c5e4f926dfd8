/** What an agent learns about its call from the bridge: version 1 of the job metadata (docs/agents.md). */
export interface CallMetadata {
  callSid: string
  /** `anonymous` if the caller withholds the number, empty if it is unknown. */
  from: string
  to: string
  /** Absent, like all that follows, while only the attributes of a warm agent's caller are known. */
  direction?: 'inbound' | 'outbound'
  callerName?: string
  trunk?: string
  attempt?: number
  headers?: Record<string, string>
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
  /** The agent waits in a room that was made before its call (docs/warm-agents.md). */
  mode?: 'warm'
  /**
   * Absent in a degraded call: the bridge could not create the room, so LiveKit's dispatch rule sent this agent. Absent
   * in a warm room until somebody calls.
   */
  call?: CallMetadata
  /** Absent without `call`. */
  control?: Control
  /** Absent unless this agent consults a person. */
  transfer?: Consultation
  /** Absent unless the caller was to be handed to a person before. */
  lastTransfer?: LastTransfer
  /** The bridge's AGENT_METADATA, unchanged. */
  app?: string
}

interface WrittenControl extends Partial<Control> {
  /** Address of the API of all calls: a warm job is older than its call. */
  base?: string
}

interface Written {
  v?: unknown
  mode?: unknown
  call?: CallMetadata
  control?: WrittenControl
  transfer?: Consultation
  lastTransfer?: LastTransfer
  app?: unknown
}

type Attributes = Record<string, string>

/**
 * Reads what is known of the call now. A warm job is older than its call: who calls is written into the room's metadata
 * then, and until it is there the caller's attributes say the least that an agent must know. All others are known
 * from the job's metadata alone. It never throws: whatever the metadata is, a caller is waiting for an answer.
 */
export function readJob (jobMetadata: string, roomMetadata = '', attributes: Attributes = {}): Job {
  const { v, mode, app, transfer, ...job } = parse(jobMetadata)
  if (v !== 1) return {}

  const isWarm = mode === 'warm'
  const room = isWarm ? parse(roomMetadata) : {}
  const call = [job.call, room.call, isWarm ? callOf(attributes) : undefined].find(isCall)
  if (!call && !isWarm) return {}

  const control = call && controlOf({ ...room.control, ...job.control }, call)
  const lastTransfer = [job.lastTransfer, room.lastTransfer].find(hasId)
  return {
    ...(isWarm && { mode }),
    ...(call && { call }),
    ...(control && { control }),
    ...(hasId(transfer) && { transfer }),
    ...(lastTransfer && { lastTransfer }),
    ...(typeof app === 'string' && { app })
  }
}

function parse (text: string): Written {
  try {
    const data: unknown = JSON.parse(text)
    return typeof data === 'object' && data !== null ? data : {}
  } catch {
    return {}
  }
}

const isCall = (call: Partial<CallMetadata> | null | undefined): call is CallMetadata =>
  typeof call?.callSid === 'string'

const hasId = <T extends { id: string }>(transfer: T | null | undefined): transfer is T =>
  typeof transfer?.id === 'string'

/** The bridge sends these headers to the rooms of warm agents. */
const callOf = (attributes: Attributes): Partial<CallMetadata> => ({
  callSid: attributes['sip.h.x-lk-call'],
  from: attributes['sip.h.x-lk-from'] ?? '',
  to: attributes['sip.h.x-lk-to'] ?? ''
})

function controlOf ({ url, base, token }: WrittenControl, { callSid }: CallMetadata): Control | undefined {
  const address = typeof url === 'string' ? url : base && `${base}/${callSid}`
  return address && typeof token === 'string' ? { url: address, token } : undefined
}

/**
 * The call's id. In a degraded call it comes from the caller's SIP participant: the bridge sends the header X-LK-Call.
 */
export function callSidOf (job: Job, attributes: Record<string, string>): string | undefined {
  return job.call?.callSid ?? attributes['sip.h.x-lk-call']
}
