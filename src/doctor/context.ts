import { SipClient } from 'livekit-server-sdk'
import { systemClock } from '../clock.ts'
import type { Settings } from '../config.ts'
import { createLiveKitRooms } from '../livekit/rooms.ts'
import { fixedSource, settingsTable } from '../routing/settings-table.ts'
import type { DoctorContext } from './check.ts'

/**
 * Of one request to LiveKit, seconds: shorter than every check's limit, so that a LiveKit that hangs is a finding of
 * its own.
 */
const REQUEST_TIMEOUT_S = 5

/** What checks look at the world with: LiveKit's clients of the settings, unless the process has some already. */
export function doctorContext (
  settings: Settings,
  { rooms, clock = systemClock, routes = fixedSource(settingsTable), secretOf = () => undefined, pools }: Partial<
    Pick<DoctorContext, 'rooms' | 'clock' | 'routes' | 'secretOf' | 'pools'>
  > = {}
): DoctorContext {
  const { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = settings
  return {
    settings,
    // Without failover: its further tries take longer than a check may.
    sip: new SipClient(url, apiKey, apiSecret, { requestTimeout: REQUEST_TIMEOUT_S, failover: false }),
    rooms: rooms ?? createLiveKitRooms({ url, apiKey, apiSecret, createTimeoutS: settings.LIVEKIT_TIMEOUT_MS / 1000 }),
    clock,
    routes,
    secretOf,
    pools
  }
}
