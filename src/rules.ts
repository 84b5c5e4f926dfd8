import type { Rules } from './calls/fold/rules.ts'
import type { Settings } from './config.ts'
import { createTokenOf } from './livekit/token.ts'
import { planFor } from './routing/plan.ts'
import { createOpenWay } from './routing/strategies.ts'

/** What the state machine needs to know of this installation. */
export function rulesOf (settings: Settings): Rules {
  const tokenOf = createTokenOf(settings.LIVEKIT_API_SECRET)
  const roomPrefix = settings.LIVEKIT_ROOM_PREFIX

  return {
    tokenOf,
    roomPrefix,
    planFor,
    openWay: createOpenWay({ tokenOf, roomPrefix }),
    app: {
      agent: settings.LIVEKIT_AGENT_NAME,
      metadata: settings.AGENT_METADATA ?? '',
      fallbackNumber: settings.FALLBACK_NUMBER
    },
    dialTimeoutS: settings.DIAL_TIMEOUT_S,
    timeLimitS: settings.MAX_CALL_DURATION_S,
    retentionS: settings.CALL_RETENTION_S,
    redispatchMs: settings.AGENT_REDISPATCH_MS,
    rejoinMs: settings.AGENT_REJOIN_MS,
    agentLost: settings.AGENT_LOST_ACTION,
    callControl: settings.JAMBONZ_API_KEY !== undefined
  }
}
