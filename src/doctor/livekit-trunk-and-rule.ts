import { changeLines, doneLine } from '../change-lines.ts'
import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import { applyProvision } from '../provisioning/livekit.ts'
import { planProvision, type Change, type Plan, type ProvisionState } from '../provisioning/livekit-plan.ts'
import { reviewProject } from '../provisioning/livekit-review.ts'
import { isOurs, type ProvisionSettings } from '../provisioning/livekit-wish.ts'
import { challenges } from '../livekit/dispatch-matching.ts'
import type { Check, DoctorContext } from './check.ts'
import { changeFindings, FIX } from './livekit-changes.ts'
import { mediaFindings } from './livekit-media.ts'
import { isInOurWay } from './livekit-others.ts'
import { livekitState, withState } from './livekit-state.ts'

/** The bridge's own trunk and rule, by the plan that `bridge provision` would carry out. */
export const trunkAndRuleCheck: Check = {
  name: 'trunk-and-rule',
  title: "Do the bridge's trunk and rule in LiveKit match the settings?",
  readOnly: true,
  limitMs: 15_000,
  run: context => withState(context, state => trunkAndRuleFindings(context.settings, state, ringOf(context))),
  async fix (context, signal) {
    const { settings, sip } = context
    const state = await livekitState(context)
    const plan = planFor(settings, state, ringOf(context))
    if (plan.changes.length === 0 || !canFix(settings, plan)) return undefined
    return {
      where: `LiveKit project ${settings.LIVEKIT_URL}`,
      lines: plan.changes.flatMap(changeLines),
      async apply (done) {
        await applyProvision(sip, wishOf(settings, ringOf(context)), {
          signal,
          onChange: (change, id) => done(doneLine(change, id))
        })
      }
    }
  }
}

/** How long a room may ring at most, by the routes in force, seconds. */
const ringOf = ({ settings, routes }: DoctorContext): number => routes.table.longestRoomRingS(settings.DIAL_TIMEOUT_S)

/**
 * What is wrong with our trunk and our rule, and what is in their way. Pure.
 * @param ringS how long a room may ring at most, seconds
 */
export function trunkAndRuleFindings (
  settings: Settings,
  state: ProvisionState,
  ringS: number = settings.DIAL_TIMEOUT_S
): Finding[] {
  const plan = planFor(settings, state, ringS)
  const trunk = state.trunks.find(({ sipTrunkId }) => sipTrunkId === plan.trunkId)
  const rule = state.rules.find(({ sipDispatchRuleId }) => sipDispatchRuleId === plan.ruleId)
  const create = canFix(settings, plan) ? FIX : PROVISION
  const known = [
    ...reviewedFindings(state, plan).map(finding =>
      finding.command === PROVISION ? { ...finding, command: create } : finding
    ),
    ...(trunk && rule ? mediaFindings(settings, trunk, rule) : [])
  ]
  const said = new Set(known.map(({ code }) => code))
  const changes = hasCredentials(settings) ? plan.changes : withoutCredentials(plan.changes)
  const found = [
    ...plan.conflicts,
    ...known,
    ...changeFindings(changes, { ringS, trunk, said, create }),
    ...credentialsFindings(settings, state)
  ]
  if (found.length > 0) return found
  return [{
    code: 'trunk-and-rule-ok',
    severity: 'ok',
    seen: `Trunk ${plan.trunkId} takes every number and asks for credentials; rule ${plan.ruleId} puts calls into ` +
      `rooms ${settings.LIVEKIT_ROOM_PREFIX}_<token>, with agent ${settings.LIVEKIT_AGENT_NAME} where the bridge ` +
      'could make none'
  }]
}

const PROVISION = 'bridge provision'

/** New credentials must be put into the settings by somebody: that is what `bridge provision` is for. */
const canFix = (settings: Settings, plan: Plan): boolean =>
  plan.conflicts.length === 0 && (hasCredentials(settings) || !needsCredentials(plan))

/** What is wrong with ours by itself, and whatever of others is in our way, unless the plan's conflicts say it. */
function reviewedFindings (state: ProvisionState, { conflicts }: Plan): Finding[] {
  const told = ({ code }: Finding, id: string) =>
    conflicts.some(conflict => conflict.code === code && (code === 'trunk-conflict' || conflict.seen.includes(id)))
  return reviewProject(state).flatMap(({ id, ours, findings }) =>
    findings.filter(finding =>
      // Two trunks in each other's way are told once, of ours.
      finding.severity !== 'ok' && (ours || (isInOurWay(finding) && finding.code === 'rule-conflict')) &&
      !told(finding, id)
    )
  )
}

const hasCredentials = ({ LIVEKIT_SIP_USERNAME, LIVEKIT_SIP_PASSWORD }: Settings): boolean =>
  LIVEKIT_SIP_USERNAME !== undefined && LIVEKIT_SIP_PASSWORD !== undefined

const CREDENTIALS = ['auth_username', 'auth_password']
const needsCredentials = ({ changes }: Plan): boolean =>
  changes.some(({ what, fields }) => what === 'trunk' && fields.some(({ name }) => CREDENTIALS.includes(name)))

/** What of an update is left when the settings have no wish for credentials. */
function withoutCredentials (changes: Change[]): Change[] {
  return changes
    .map(change =>
      change.do === 'update'
        ? { ...change, fields: change.fields.filter(({ name }) => !CREDENTIALS.includes(name)) }
        : change
    )
    .filter(change => change.do !== 'update' || change.fields.length > 0)
}

const planFor = (settings: Settings, state: ProvisionState, ringS: number): Plan =>
  planProvision(wishOf(settings, ringS), state)

/**
 * The settings' wish. Without credentials in them a trunk of ours keeps its own, and the placeholder is never applied.
 */
function wishOf (settings: Settings, ringS: number): ProvisionSettings {
  return {
    livekitSipUsername: settings.LIVEKIT_SIP_USERNAME ?? '(to be made)',
    livekitSipPassword: settings.LIVEKIT_SIP_PASSWORD ?? '(to be made)',
    keepCredentials: !hasCredentials(settings),
    livekitRoomPrefix: settings.LIVEKIT_ROOM_PREFIX,
    livekitAgentName: settings.LIVEKIT_AGENT_NAME,
    livekitSipSrtp: settings.LIVEKIT_SIP_SRTP,
    dialTimeoutS: ringS,
    maxCallDurationS: settings.MAX_CALL_DURATION_S
  }
}

/** Without credentials in the settings Jambonz answers no challenge. */
function credentialsFindings (settings: Settings, { trunks }: ProvisionState): Finding[] {
  const ours = trunks.find(isOurs)
  if (hasCredentials(settings) || !ours) return []
  return challenges(ours)
    ? [{
        code: 'sip-credentials-missing',
        severity: 'failed',
        seen: `Trunk ${ours.sipTrunkId} asks for user name and password, and LIVEKIT_SIP_USERNAME and ` +
        'LIVEKIT_SIP_PASSWORD are not set: LiveKit refuses every call of the bridge',
        todo: "Put the trunk's pair into the settings: it is printed as lines for .env",
        command: 'bridge provision'
      }]
    : [{
        code: 'sip-credentials-unset',
        severity: 'warning',
        seen: `Neither trunk ${ours.sipTrunkId} nor the settings have a user name and password: only its allowed ` +
        'addresses keep strangers from the agents',
        todo: 'Give both a pair: it is made and printed as lines for .env',
        command: 'bridge provision'
      }]
}
