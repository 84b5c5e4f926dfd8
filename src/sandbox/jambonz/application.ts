import type { JambonzDoubleOptions } from '../jambonz.ts'
import type { JambonzContext } from './context.ts'
import type { ApplicationSettings, HookObject } from './create-call.ts'
import { SPEECH } from './payloads.ts'
import type { RestApplication } from './rest-account.ts'

/** The account's only application, as the REST API shows it. */
export function applicationOf ({ options, accountSid, applicationSid }: JambonzContext): RestApplication {
  return {
    application_sid: applicationSid,
    account_sid: accountSid,
    name: 'jambonz-livekit-bridge',
    call_hook: { url: options.callHook, method: 'POST' },
    call_status_hook: options.statusHook === undefined ? null : { url: options.statusHook, method: 'POST' }
  }
}

/** What createCall takes over from the application. */
export function settingsOf ({ options }: JambonzContext): ApplicationSettings {
  const hook = (url: string, basic: JambonzDoubleOptions['basic']): HookObject => ({ url, method: 'POST', ...basic })
  const { callHook, statusHook, basic, statusBasic } = options
  return {
    ...SPEECH,
    call_hook: hook(callHook, basic),
    call_status_hook: statusHook === undefined ? null : hook(statusHook, statusBasic)
  }
}
