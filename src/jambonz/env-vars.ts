import type { ApplicationConfig } from '../calls/fold/way.ts'
import type { Settings } from '../config.ts'
import type { CallHook } from './payloads.ts'

/**
 * The application environment variables that Jambonz's portal asks for (jambonz-api-server
 * lib/utils/appenv_schemaSchema.json). Their values come back in the first call hook of a call, and win over the
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
    description: 'Phone number that is dialled when the agent cannot be reached',
    required: false
  }
})

/**
 * What a call hook's env vars ask for; what they leave out, or leave empty, is not in it. Undefined: the hook has none.
 */
export function applicationOf (hook: Pick<CallHook, 'env_vars'>): Partial<ApplicationConfig> | undefined {
  const vars = hook.env_vars
  if (vars === undefined) return undefined
  const text = (name: string) => {
    const value = vars[name]
    const given = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
    return given === '' ? undefined : given
  }
  const config: Partial<ApplicationConfig> = {}
  const agent = text('LIVEKIT_AGENT_NAME')
  const metadata = vars['AGENT_METADATA']
  const fallbackNumber = text('FALLBACK_NUMBER')
  if (agent !== undefined) config.agent = agent
  if (typeof metadata === 'string' && metadata.trim() !== '') config.metadata = metadata
  if (fallbackNumber !== undefined && /^\+?[0-9*#]{2,32}$/.test(fallbackNumber)) config.fallbackNumber = fallbackNumber
  return config
}
