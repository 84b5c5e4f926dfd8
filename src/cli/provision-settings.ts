import { given, type Settings } from '../config.ts'
import { settingsWithout } from './partial-settings.ts'

type Environment = Record<string, string | undefined>

/** What `bridge provision` needs of the settings. */
export type ProvisionEnvironment =
  & Pick<
    Settings,
    | 'LIVEKIT_URL'
    | 'LIVEKIT_API_KEY'
    | 'LIVEKIT_API_SECRET'
    | 'LIVEKIT_SIP_USERNAME'
    | 'LIVEKIT_SIP_PASSWORD'
    | 'LIVEKIT_SIP_SRTP'
    | 'LIVEKIT_ROOM_PREFIX'
    | 'LIVEKIT_AGENT_NAME'
    | 'DIAL_TIMEOUT_S'
    | 'MAX_CALL_DURATION_S'
    | 'ROUTES_FILE'
    | 'HTTP_USERNAME'
    | 'HTTP_PASSWORD'
    | 'JAMBONZ_REST_API_BASE_URL'
    | 'JAMBONZ_ACCOUNT_SID'
    | 'JAMBONZ_API_KEY'
    | 'JAMBONZ_APPLICATION_SID'
    | 'LIVEKIT_OUTBOUND_TRUNK'
    | 'OUTBOUND_CARRIER'
  >
  & Partial<Pick<Settings, 'PUBLIC_URL' | 'LIVEKIT_SIP_HOST'>>

/**
 * The settings, without those that provisioning does not need: it often runs before they are known.
 * @param options.agent whether the agent's name is needed
 * @throws {SettingsError} with every problem at once
 */
export function provisionEnvironment (env: Environment, { agent }: { agent: boolean }): ProvisionEnvironment {
  const { PUBLIC_URL, LIVEKIT_SIP_HOST, ...others } = settingsWithout([
    'PUBLIC_URL',
    'LIVEKIT_SIP_HOST',
    'JAMBONZ_WEBHOOK_SECRET',
    ...(agent ? [] : ['LIVEKIT_AGENT_NAME'] as const)
  ], env)
  const isSet = (name: string) => given(name, env) !== undefined
  return {
    ...others,
    ...(isSet('PUBLIC_URL') && { PUBLIC_URL }),
    ...(isSet('LIVEKIT_SIP_HOST') && { LIVEKIT_SIP_HOST })
  }
}
