import { FindingError } from '../finding.ts'
import { interrupted, untilDone, type ApplyOptions, type ProvisionClient } from '../provisioning/livekit.ts'
import { generateCredentials, type TrunkCredentials } from '../provisioning/livekit-credentials.ts'
import { planDeletion, planProvision, type Plan, type ProvisionState } from '../provisioning/livekit-plan.ts'
import { reviewProject } from '../provisioning/livekit-review.ts'
import { problemFindings } from '../routing/file/problem-findings.ts'
import type { RoutesSource } from '../routing/routes.ts'
import { isOurs, type ProvisionSettings } from '../provisioning/livekit-wish.ts'
import { planJambonz } from './provision-application.ts'
import type { ProvisionReport } from './provision-report.ts'
import type { ProvisionEnvironment } from './provision-settings.ts'

export interface ProvisionFlags {
  plan?: boolean
  yes?: boolean
  list?: boolean
  rotate?: boolean
  adopt?: boolean
  delete?: boolean
  outbound?: boolean
  json?: boolean
  help?: boolean
}

/** What a run works with. */
export interface ProvisionRun {
  flags: ProvisionFlags
  settings: ProvisionEnvironment
  sip: ProvisionClient
  /** The routes of ROUTES_FILE. */
  routes: RoutesSource
  report: ProvisionReport
  /** LIVEKIT_ROOM_PREFIX was set and is not just the default. */
  prefixSet: boolean
  ask?: ((question: string) => Promise<boolean>) | undefined
  signal?: AbortSignal | undefined
}

/** `--list`: every trunk and rule, with what is wrong with each. @returns whether nothing is */
export function listProject ({ settings, report, routes }: ProvisionRun, state: ProvisionState): boolean {
  const reviewed = reviewProject(state, {
    ways: routes.table.ways,
    ...(settings.LIVEKIT_SIP_HOST !== undefined && { sipHost: settings.LIVEKIT_SIP_HOST })
  })
  report.list(reviewed)
  return !reviewed.some(({ findings }) => findings.some(({ severity }) => severity === 'failed'))
}

/**
 * `--delete`: the bridge's own trunk and rule.
 * @returns whether they are gone, or would be
 * @throws {ProvisionError}
 */
export async function deleteOurs (run: ProvisionRun, state: ProvisionState): Promise<boolean> {
  const { flags, settings, sip, report } = run
  const planned = (state: ProvisionState) =>
    planDeletion(state, run.prefixSet ? settings.LIVEKIT_ROOM_PREFIX : undefined, { adopt: flags.adopt === true })
  const plan = planned(state)
  report.show(plan.changes)
  report.find(plan.conflicts)
  if (plan.conflicts.length > 0) return false
  if (plan.changes.length === 0) {
    report.say('The bridge has no trunk and no rule here.')
    return true
  }
  if (flags.plan) return true
  if (!await consents(run, `Delete them in ${settings.LIVEKIT_URL}? The bridge's calls then reach no agent.`)) {
    return false
  }
  await untilDone(sip, planned, telling(run))
  report.applied()
  return true
}

/**
 * Makes LiveKit match the settings, and the Jambonz application where it can.
 * @returns whether it did, or would with `--plan`, and nothing is wrong beside
 * @throws {ProvisionError | ApplicationError} what was done until then was told to the report
 */
export async function setUp (run: ProvisionRun, state: ProvisionState): Promise<boolean> {
  const { flags, settings, report, signal } = run
  const wish = wishOf(run, state)
  const plan = planProvision(wish, state, { adopt: flags.adopt === true })
  const jambonz = await planJambonz(settings, report.jambonz)
  const all = [...plan.changes, ...jambonz.plan.changes]
  const isGood = () => !report.findings.some(({ severity }) => severity === 'failed')
  report.show(all)
  report.find([...problemFindings(run.routes), ...plan.conflicts, ...plan.findings, ...jambonz.plan.findings])
  if (plan.conflicts.length > 0) {
    report.say('Nothing was changed.')
    return false
  }
  if (all.length === 0) {
    report.say('Everything is as it should be.')
    tellCredentials(run, plan.credentials)
    return isGood()
  }
  if (flags.plan) {
    report.say('Nothing was changed: --plan.')
    return isGood()
  }
  const where = [
    plan.changes.length > 0 && settings.LIVEKIT_URL,
    jambonz.plan.changes.length > 0 && settings.JAMBONZ_REST_API_BASE_URL
  ].filter(Boolean).join(' and ')
  if (!await consents(run, `Make these changes in ${where}?`)) return false
  if (plan.changes.length > 0) {
    await changeLiveKit(run, wish, plan).catch((error: unknown) => {
      if (jambonz.plan.changes.length > 0) report.say('The Jambonz application was left as it is.')
      throw error
    })
  }
  for (const change of jambonz.plan.changes) {
    if (signal?.aborted) throw interrupted()
    report.done(change, await jambonz.rest!.apply(change))
  }
  report.applied()
  return isGood()
}

/** What the trunk and the rule should be; without credentials in the settings new ones, for a trunk that has none. */
function wishOf ({ flags, settings, routes }: ProvisionRun, state: ProvisionState): ProvisionSettings {
  const { LIVEKIT_SIP_USERNAME: username, LIVEKIT_SIP_PASSWORD: password } = settings
  const rotate = flags.rotate === true
  const credentials = username !== undefined && password !== undefined && !rotate
    ? { username, password }
    : generateCredentials(username ?? (state.trunks.find(isOurs)?.authUsername || undefined))
  return {
    livekitSipUsername: credentials.username,
    livekitSipPassword: credentials.password,
    keepCredentials: username === undefined && !rotate,
    livekitRoomPrefix: settings.LIVEKIT_ROOM_PREFIX,
    livekitAgentName: settings.LIVEKIT_AGENT_NAME,
    livekitSipSrtp: settings.LIVEKIT_SIP_SRTP,
    dialTimeoutS: routes.table.longestRoomRingS(settings.DIAL_TIMEOUT_S),
    maxCallDurationS: settings.MAX_CALL_DURATION_S
  }
}

/** Makes what was shown, and tells the credentials that the trunk has then. */
async function changeLiveKit (run: ProvisionRun, wish: ProvisionSettings, shown: Plan): Promise<void> {
  const { flags, sip, report } = run
  const consented = new Set(shown.changes.map(({ id }) => id))
  const planned = (state: ProvisionState) => {
    const plan = planProvision(wish, state, { adopt: flags.adopt === true })
    // What was not shown is not taken over.
    return plan.changes.some(({ id, why }) => why === 'taken over' && !consented.has(id))
      ? planProvision(wish, state)
      : plan
  }
  let last: Plan
  try {
    last = await untilDone(sip, planned, telling(run))
  } catch (error) {
    // The trunk may have the new pair already: without these lines nobody could dial it.
    const fresh = shown.changes.some(({ what, fields }) =>
      what === 'trunk' && fields.some(({ name }) => name === 'auth_password')
    )
    const theirs = error instanceof FindingError && error.finding.code === 'unsettled'
    if (theirs) report.say('The trunk may have what another run gave it: run it again once that is over.')
    else if (fresh && !wish.keepCredentials) {
      tellCredentials(run, shown.credentials, 'If the trunk was changed, it has these; .env needs them then:')
    } else if (fresh) report.say('If the trunk was made, the next run says what to put into .env.')
    throw error
  }
  tellCredentials(run, last.credentials)
}

const telling = ({ report, signal }: ProvisionRun): ApplyOptions => ({
  onChange: report.done,
  ...(signal && { signal })
})

export async function consents ({ flags, report, ask, signal }: ProvisionRun, question: string): Promise<boolean> {
  if (signal?.aborted) throw interrupted()
  if (flags.yes) return true
  if (!ask || flags.json) {
    report.find([{
      code: 'consent-needed',
      severity: 'failed',
      seen: 'Nothing was changed: nobody can be asked here',
      todo: 'Look at the changes, then run it with --yes'
    }])
    return false
  }
  if (await ask(question)) return true
  report.say('Nothing was changed.')
  return false
}

/** The lines for `.env`, if the settings say anything else. */
function tellCredentials (
  { settings, report }: ProvisionRun,
  { username, password }: TrunkCredentials,
  why =
  'Put these lines into .env and restart the bridge: until then LiveKit refuses its calls. They are for this trunk ' +
    'alone; use them nowhere else:'
): void {
  if (username === settings.LIVEKIT_SIP_USERNAME && password === settings.LIVEKIT_SIP_PASSWORD) return
  report.env({ LIVEKIT_SIP_USERNAME: username, LIVEKIT_SIP_PASSWORD: password }, why)
}
