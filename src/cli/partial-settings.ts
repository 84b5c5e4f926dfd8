import { given, loadSettings, type Settings } from '../config.ts'

/** What stands for a setting that a command does without. */
const STAND_INS = {
  PUBLIC_URL: 'https://not-set.invalid',
  JAMBONZ_WEBHOOK_SECRET: 'not-set',
  LIVEKIT_SIP_HOST: 'not-set.invalid',
  LIVEKIT_AGENT_NAME: 'not-set',
  LIVEKIT_URL: 'https://not-set.invalid',
  LIVEKIT_API_KEY: 'not-set',
  LIVEKIT_API_SECRET: 'not-set'
} as const satisfies Partial<Record<keyof Settings, string>>
export type Spared = keyof typeof STAND_INS

/**
 * Settings for a command that needs fewer than the service; those that are set are checked all the same.
 * @param spared may be missing, and are then of no use
 * @throws {SettingsError} with every problem at once
 */
export function settingsWithout (spared: readonly Spared[], env: Record<string, string | undefined>): Settings {
  const missing = spared.filter(name => given(name, env) === undefined)
  return loadSettings({ ...env, ...Object.fromEntries(missing.map(name => [name, STAND_INS[name]])) })
}
