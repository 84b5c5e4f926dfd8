import type { ApplicationConfig } from '../calls/fold/way.ts'
import { cleanText } from '../clean-text.ts'
import type { Settings } from '../config.ts'
import type { CallHook } from './payloads.ts'

/**
 * The application environment variables that Jambonz's portal asks for (jambonz-api-server
 * lib/utils/appenv_schemaSchema.json). Their values arrive in the first call hook of a call, and win over the
 * settings.
 */
export const envVarsSchema = (settings: Pick<Settings, 'LIVEKIT_AGENT_NAME'>) => ({
  LIVEKIT_AGENT_NAME: {
    type: 'string',
    description: "LiveKit agent that answers this application's calls",
    required: false,
    default: settings.LIVEKIT_AGENT_NAME
  },
  AGENT_METADATA: {
    type: 'string',
    description: 'Passed verbatim to the agent as `app` of its job metadata',
    required: false,
    uiHint: 'textarea'
  },
  FALLBACK_NUMBER: {
    type: 'string',
    description: 'Phone number to dial when the agent cannot be reached',
    required: false
  }
})

/** Longest agent name or number that is read, characters. */
const LONGEST_NAME = 256

/**
 * What a call hook's env vars ask for. A variable that is missing, empty or unusable leaves the setting as it is.
 * @returns undefined when the hook has no env vars
 */
export function applicationOf (hook: Pick<CallHook, 'env_vars'>): Partial<ApplicationConfig> | undefined {
  const vars = hook.env_vars
  if (vars === undefined) return undefined

  const config: Partial<ApplicationConfig> = {}
  const agent = nameOf(vars['LIVEKIT_AGENT_NAME'])
  const metadata = vars['AGENT_METADATA']
  const fallbackNumber = nameOf(vars['FALLBACK_NUMBER'])
  if (agent !== undefined) config.agent = agent
  // The agent gets this verbatim, as JSON inside JSON.
  if (typeof metadata === 'string' && metadata.trim() !== '') config.metadata = metadata
  if (fallbackNumber !== undefined && /^\+?[0-9*#]{2,32}$/.test(fallbackNumber)) config.fallbackNumber = fallbackNumber
  return config
}

function nameOf (value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || text.length > LONGEST_NAME) return undefined
  return cleanText(text).trim() || undefined
}
