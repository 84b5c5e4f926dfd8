import { misspeltSettings, settingsWarnings, type Environment, type Settings } from './config.ts'
import { checkSipHost } from './livekit/sip-host.ts'

/**
 * What the service says at its start about settings that can be used but are probably not what was meant. One sentence
 * each, without any value that may be secret.
 * @param env what the settings were read from
 */
export function startWarnings (settings: Settings, env: Environment): string[] {
  const { severity, seen, todo } = checkSipHost(settings)
  const sipHost = severity === 'ok' ? [] : [`LIVEKIT_SIP_HOST: ${seen}. ${todo ?? ''}`.trim()]
  return [...settingsWarnings(settings), ...sipHost, ...misspeltSettings(env)]
}
