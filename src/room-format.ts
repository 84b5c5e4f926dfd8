import { createAgentControl } from './agent-control.ts'
import { createCallTokens } from './call-token.ts'
import type { RoomFormat } from './calls/ports.ts'
import type { Settings } from './config.ts'
import { createPlanSeal } from './livekit/plan-seal.ts'
import { createRoomFormat } from './livekit/room-format.ts'

/** The format of rooms and jobs, as the settings want it. */
export function roomFormatOf (settings: Settings): RoomFormat {
  const { LIVEKIT_API_SECRET: apiSecret, DIAL_TIMEOUT_S: dialTimeoutS } = settings
  return createRoomFormat({
    dialTimeoutS,
    seal: createPlanSeal(apiSecret),
    control: createAgentControl({
      tokens: createCallTokens(apiSecret),
      apiUrl: settings.AGENT_API_URL ?? settings.PUBLIC_URL,
      dialTimeoutS,
      longestCallS: settings.MAX_CALL_DURATION_S
    })
  })
}
