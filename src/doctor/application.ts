import { createHash, timingSafeEqual } from 'node:crypto'
import { changeLines, doneLine } from '../change-lines.ts'
import type { Settings } from '../config.ts'
import { commaList } from '../comma-list.ts'
import { FindingError, type Finding } from '../finding.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import {
  applicationHooks,
  ourApplications,
  planApplication,
  type Application,
  type ApplicationChange,
  type ApplicationState,
  type ApplicationWish
} from '../provisioning/jambonz-application.ts'
import {
  ApplicationError,
  createApplicationRest,
  type ApplicationRest
} from '../provisioning/jambonz-application-rest.ts'
import { namesRetiredRetellHost, RETIRED_RETELL_HOST } from '../retell/retired-host.ts'
import type { Check } from './check.ts'

/**
 * The application in Jambonz that calls this bridge, and whether what Jambonz signs with is what the bridge expects.
 */
export const applicationCheck: Check = {
  name: 'application',
  title: 'Does a Jambonz application call this bridge as it should?',
  readOnly: true,
  limitMs: 20_000,
  async run ({ settings }, signal) {
    const asked = restOf(settings, signal)
    if (!asked) {
      const { callHook, statusHook } = applicationHooks(settings.PUBLIC_URL)
      return [{
        code: 'application-skipped',
        severity: 'skipped',
        seen: 'The Jambonz application was not checked: the Jambonz REST settings are not set',
        todo:
          'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY, or compare in the portal: call ' +
          `hook ${callHook}, status hook ${statusHook}, both POST`
      }]
    }
    const { rest, wish } = asked
    const [state, secret] = await Promise.all([
      rest.read().catch(refusalOf),
      rest.webhookSecret(wish.accountSid).catch(refusalOf)
    ])
    if (signal.aborted) return []
    if ('finding' in state) return [state.finding]
    return [
      ...applicationFindings(wish, state),
      secretFinding(settings.JAMBONZ_WEBHOOK_SECRET, typeof secret === 'string' ? secret : undefined)
    ]
  },
  async fix ({ settings }, signal) {
    const asked = restOf(settings, signal)
    if (!asked) return undefined
    const { changes } = planApplication(asked.wish, await asked.rest.read())
    if (changes.length === 0) return undefined
    return {
      where: `Jambonz account ${asked.wish.accountSid} at ${settings.JAMBONZ_REST_API_BASE_URL}`,
      lines: changes.flatMap(changeLines),
      async apply (done) {
        // A change that is under way is not broken off.
        const { rest } = restOf(settings)!
        for (const change of changes) {
          if (signal.aborted) {
            throw new FindingError({
              code: 'interrupted',
              severity: 'skipped',
              seen: 'Interrupted before everything was changed',
              todo: 'Run it again: it goes on where it stopped'
            })
          }
          done(doneLine(change, await rest.apply(change)))
        }
      }
    }
  }
}

function restOf (
  settings: Settings,
  signal?: AbortSignal
): { rest: ApplicationRest, wish: ApplicationWish } | undefined {
  const access = jambonzAccess(settings)
  if (!access) return undefined
  const { HTTP_USERNAME: username, HTTP_PASSWORD: password, PUBLIC_URL: publicUrl } = settings
  return {
    rest: createApplicationRest(access, { signal }),
    wish: {
      publicUrl,
      accountSid: access.accountSid,
      ...(username !== undefined && password !== undefined && { basic: { username, password } })
    }
  }
}

function refusalOf (error: unknown): ApplicationError {
  if (error instanceof ApplicationError) return error
  throw error
}

/** What is to be changed, and how many numbers use it. Pure. */
export function applicationFindings (wish: ApplicationWish, state: ApplicationState): Finding[] {
  const plan = planApplication(wish, state)
  const ours = ourApplications(wish, state.applications)
  return [
    ...state.applications.filter(namesRetired).map(retiredFinding),
    ...plan.changes.map(changeFinding),
    ...ours.filter(({ application_sid: sid }) => !plan.changes.some(({ id }) => id === sid)).map((
      { name }
    ): Finding => ({
      code: 'application-ok',
      severity: 'ok',
      seen: `Jambonz application "${name}" calls this bridge as it should`
    })),
    // Only how many: a report is passed on.
    ...plan.findings.filter(({ code }) => code !== 'application-numbers'),
    ...ours.flatMap(({ name, application_sid: sid }): Finding[] => {
      const used = state.numbers.filter(number => number.application_sid === sid).length
      return used === 0
        ? []
        : [{
            code: 'application-numbers',
            severity: 'ok',
            seen: `${used} phone number${used === 1 ? ' uses' : 's use'} the Jambonz application "${name}"`
          }]
    })
  ]
}

/** An application may name the host in its environment variables, or in verbs that it has instead of a call hook. */
const namesRetired = (application: Application): boolean => namesRetiredRetellHost(JSON.stringify(application))

const retiredFinding = ({ name }: Application): Finding => ({
  code: 'retell-host-retired',
  severity: 'warning',
  seen: `The Jambonz application "${name}" names ${RETIRED_RETELL_HOST}, which Retell switched off on 2026-09-30`,
  todo: 'Replace it by sip.retellai.com in the application'
})

const FIX = { todo: 'Have it changed: every change is shown first', command: 'bridge doctor --only application --fix' }

/** Without the right call hook calls fail; without the right status hook less is known of them. */
function changeFinding ({ do: what, name, fields }: ApplicationChange): Finding {
  if (what === 'create') {
    return {
      code: 'application-missing',
      severity: 'failed',
      seen: `No Jambonz application of this account has the call hook ${
        fields.find(({ name }) => name === 'call_hook')?.to.replace(/^POST /, '')
      }`,
      ...FIX
    }
  }
  const differ = fields.map(field =>
    /user|password/.test(field.name)
      ? `${field.name} is another`
      : `${field.name} is ${field.from}, should be ${field.to}`
  )
  return {
    code: 'application-differs',
    severity: fields.some(({ name }) => name.startsWith('call_hook')) ? 'failed' : 'warning',
    seen: `Jambonz application "${name}": ${differ.join('; ')}`,
    ...FIX
  }
}

/** @param theirs undefined: Jambonz does not tell */
export function secretFinding (setting: string | undefined, theirs: string | undefined): Finding {
  const ours = commaList(setting)
  if (ours.length === 0) {
    return {
      code: 'webhook-secret-unknown',
      severity: 'skipped',
      seen: 'JAMBONZ_WEBHOOK_SECRET is not set: signatures are not checked, so there is nothing to compare'
    }
  }
  if (theirs === undefined) {
    return {
      code: 'webhook-secret-unknown',
      severity: 'skipped',
      seen: "Jambonz' API does not tell the account's webhook secret",
      todo: 'Compare it in the portal (Account, Webhook secret) with JAMBONZ_WEBHOOK_SECRET'
    }
  }
  return ours.some(secret => equal(secret, theirs))
    ? {
        code: 'webhook-secret-fits',
        severity: 'ok',
        seen: `Jambonz signs with ${
        ours.length === 1 ? 'JAMBONZ_WEBHOOK_SECRET' : 'one of the secrets in JAMBONZ_WEBHOOK_SECRET'
      }`
      }
    : {
        code: 'webhook-secret-differs',
        severity: 'failed',
        seen:
        'Jambonz signs with another secret than JAMBONZ_WEBHOOK_SECRET: every hook is refused with 401, and every ' +
        'caller gets 480',
        todo:
        "Take the account's webhook secret from the portal (Account, Webhook secret) into JAMBONZ_WEBHOOK_SECRET, " +
        'and restart the bridge'
      }
}

const equal = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
