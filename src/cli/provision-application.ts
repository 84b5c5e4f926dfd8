import type { Finding } from '../finding.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import { applicationHooks, planApplication, type ApplicationPlan } from '../provisioning/jambonz-application.ts'
import {
  ApplicationError,
  createApplicationRest,
  type ApplicationRest
} from '../provisioning/jambonz-application-rest.ts'
import type { ProvisionEnvironment } from './provision-settings.ts'

/** What is to be done in Jambonz; `rest` does it. */
export interface JambonzSide {
  plan: ApplicationPlan
  rest?: ApplicationRest
}

/**
 * The Jambonz application, as far as the settings reach. A Jambonz that does not answer keeps nobody from LiveKit: that
 * is a finding.
 * @param onAsk told before Jambonz is asked
 */
export async function planJambonz (
  settings: ProvisionEnvironment,
  onAsk: (baseUrl: string, accountSid: string) => void
): Promise<JambonzSide> {
  const { PUBLIC_URL: publicUrl, HTTP_USERNAME: username, HTTP_PASSWORD: password } = settings
  if (publicUrl === undefined) {
    return skipped('PUBLIC_URL is not set', 'Set PUBLIC_URL to the address at which Jambonz reaches this bridge')
  }
  const access = jambonzAccess(settings)
  if (access === undefined) {
    const { callHook, statusHook } = applicationHooks(publicUrl)
    return skipped(
      'the Jambonz REST settings are not set',
      'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY, or make it in the portal: call hook ' +
        `${callHook}, status hook ${statusHook}, both POST`
    )
  }
  const { baseUrl, accountSid } = access
  onAsk(baseUrl, accountSid)
  const rest = createApplicationRest(access)
  try {
    const basic = username !== undefined && password !== undefined ? { basic: { username, password } } : {}
    return { plan: planApplication({ publicUrl, accountSid, ...basic }, await rest.read()), rest }
  } catch (error) {
    if (!(error instanceof ApplicationError)) throw error
    return only(error.finding)
  }
}

const only = (finding: Finding): JambonzSide => ({ plan: { changes: [], findings: [finding] } })

const skipped = (why: string, todo: string): JambonzSide =>
  only({
    code: 'application-skipped',
    severity: 'skipped',
    seen: `The Jambonz application was not checked: ${why}`,
    todo
  })
