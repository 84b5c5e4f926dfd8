import { ALIASES, loadSettings, SettingsError, type Settings } from '../config.ts'

type Environment = Record<string, string | undefined>

/** What `bridge provision` needs of the settings. */
export type ProvisionEnvironment =
  Pick<Settings, 'LIVEKIT_URL' | 'LIVEKIT_API_KEY' | 'LIVEKIT_API_SECRET' | 'LIVEKIT_SIP_USERNAME' | 'LIVEKIT_SIP_PASSWORD' | 'LIVEKIT_SIP_SRTP' |
    'LIVEKIT_ROOM_PREFIX' | 'LIVEKIT_AGENT_NAME' | 'DIAL_TIMEOUT_S' | 'HTTP_USERNAME' | 'HTTP_PASSWORD' |
    'JAMBONZ_REST_API_BASE_URL' | 'JAMBONZ_ACCOUNT_SID' | 'JAMBONZ_API_KEY'> &
  Partial<Pick<Settings, 'PUBLIC_URL' | 'LIVEKIT_SIP_HOST'>>

/** Settings that the service cannot do without and provisioning can: it often runs before they are known. */
const LATER: Environment = { PUBLIC_URL: 'https://not-set.invalid', LIVEKIT_SIP_HOST: 'not-set.invalid', JAMBONZ_WEBHOOK_SECRET: 'not-set' }

/**
 * The settings, without those that provisioning does not need.
 * @param options.agent whether the agent's name is needed
 * @throws {SettingsError} with every problem at once
 */
export function provisionEnvironment (env: Environment, { agent }: { agent: boolean }): ProvisionEnvironment {
  const isSet = (name: string) => [name, ...Object.keys(ALIASES).filter(alias => ALIASES[alias] === name)].some(key => env[key]?.trim())
  const stand = Object.entries({ ...LATER, ...(!agent && { LIVEKIT_AGENT_NAME: 'not-set' }) }).filter(([name]) => !isSet(name))
  const settings = loadSettings({ ...env, ...Object.fromEntries(stand) })
  const { PUBLIC_URL, LIVEKIT_SIP_HOST, ...others } = settings
  return { ...others, ...(isSet('PUBLIC_URL') && { PUBLIC_URL }), ...(isSet('LIVEKIT_SIP_HOST') && { LIVEKIT_SIP_HOST }) }
}

export { SettingsError }
