import type { JambonzDoubleOptions } from '../jambonz.ts'
import type { Registration } from './call-registry.ts'
import type { HookObject } from './create-call.ts'
import type { Leg } from './payloads.ts'
import type { SessionContext } from './session-context.ts'

/** What the parts of the double share. */
export interface JambonzContext extends SessionContext {
  options: JambonzDoubleOptions
  host: string
  accountSid: string
  applicationSid: string
  /** The Call-IDs of the calls that createCall has placed, as the carriers see them. */
  placed: Set<string>
  /** `host:port` where the feature server takes SIP, as hooks report it. */
  fsSipAddress: string
  /** A call's application environment. */
  envVars(leg: Leg): Record<string, unknown> | undefined
  /** Records a failure for which a real Jambonz raises an alert. */
  alert(hook: string, error: Error & { status?: number | undefined }): void
  /** Adds a call to the registry and opens its HTTP clients, by default for the application's hooks. */
  register(leg: Leg, callHook?: HookObject, statusHook?: HookObject | null): Registration
}
