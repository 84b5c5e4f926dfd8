import type { Rules } from './calls/fold/rules.ts'
import type { ApplicationConfig } from './calls/fold/way.ts'
import type { Settings } from './config.ts'
import { createTokenOf } from './livekit/token.ts'
import type { RoutesSource, RoutesTable } from './routing/routes.ts'
import { completeRoute } from './routing/complete-route.ts'
import { applicationDefaults } from './routing/settings-table.ts'
import { createOpenWay } from './routing/strategies.ts'

/** What the settings say of every application that does not say it itself. */
export const settingsApplication = (settings: Settings): ApplicationConfig => ({
  agent: settings.LIVEKIT_AGENT_NAME,
  metadata: settings.AGENT_METADATA ?? '',
  fallbackNumber: settings.FALLBACK_NUMBER
})

/**
 * How long a room waits for its caller to come back, seconds. LiveKit cannot change it later, so where callers may be
 * dialled through to people every room waits for as long as a phone rings and somebody makes up their mind.
 */
export const departureSOf = ({ policy }: Pick<RoutesTable, 'policy'>): number => policy ? 60 : 10

/**
 * What the state machine needs to know of this installation.
 * @param source the routes in force, which change while the process runs
 */
export function rulesOf (settings: Settings, source: RoutesSource): Rules {
  const tokenOf = createTokenOf(settings.LIVEKIT_API_SECRET)
  const app = settingsApplication(settings)
  const roomPrefix = settings.LIVEKIT_ROOM_PREFIX

  return {
    tokenOf,
    roomPrefix,
    guessRoute: ({ to, from, trunk, applicationSid, direction }, app, callSid, at) =>
      direction === 'agent'
        ? { ways: [{ strategy: 'phone', number: to }] }
        : source.table.choose({ callSid, at, to, from, carrier: trunk, application: applicationSid, direction }, app),
    completeRoute: route => completeRoute(route, source.table),
    openWay: createOpenWay({ tokenOf, roomPrefix }),
    get app () {
      return applicationDefaults(app, source.table)
    },
    ruleAgent: settings.LIVEKIT_AGENT_NAME,
    dialTimeoutS: settings.DIAL_TIMEOUT_S,
    timeLimitS: settings.MAX_CALL_DURATION_S,
    get departureS () {
      return departureSOf(source.table)
    },
    retentionS: settings.CALL_RETENTION_S,
    redispatchMs: settings.AGENT_REDISPATCH_MS,
    rejoinMs: settings.AGENT_REJOIN_MS,
    agentLost: settings.AGENT_LOST_ACTION,
    callControl: settings.JAMBONZ_API_KEY !== undefined,
    publishes: settings.EVENTS_URL !== undefined
  }
}
