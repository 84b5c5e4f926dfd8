import type { Finding } from '../finding.ts'
import { jambonzAccess, type JambonzAccess } from '../jambonz/api.ts'
import { ApplicationError } from '../provisioning/jambonz-application-rest.ts'
import { isActive, namedCarrier, ourTrunk, type Carrier, type PairState } from '../provisioning/outbound-pair.ts'
import { createCarrierRest } from '../provisioning/outbound-pair-rest.ts'
import { reviewPair } from '../provisioning/outbound-review.ts'
import { ownNumbers } from '../routing/own-numbers.ts'
import { explainRefusal } from '../routing/policy/refusals.ts'
import type { Policy } from '../routing/policy/policy.ts'
import type { Check, DoctorContext } from './check.ts'
import { livekitState, withState } from './livekit-state.ts'
import { WAITS_FOR_JAMBONZ_API, WAITS_FOR_LIVEKIT_API } from './waits-for.ts'

/** The trunk of LiveKit and the carrier of Jambonz through which agents call out, and what their calls need beside. */
export const outboundPairCheck: Check = {
  name: 'agents-call-out',
  title: 'Can agents call people through LiveKit?',
  readOnly: true,
  limitMs: 20_000,
  waitsFor: [WAITS_FOR_LIVEKIT_API, WAITS_FOR_JAMBONZ_API],
  async run (context, signal) {
    const access = jambonzAccess(context.settings)
    if (!access) {
      return [{
        code: 'agents-call-out',
        severity: 'skipped',
        seen: 'Whether agents can call out was not checked: the Jambonz REST settings are not set',
        todo: 'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY'
      }]
    }
    const jambonz = await stateOfJambonz(context, access, signal)
    if ('finding' in jambonz) return [jambonz.finding]
    return await withState(context, ({ outbound }) => pairFindings(context, { ...jambonz, trunks: outbound }))
  }
}

async function stateOfJambonz (
  context: DoctorContext,
  access: JambonzAccess,
  signal: AbortSignal
): Promise<Omit<PairState, 'trunks'> | ApplicationError> {
  const { PUBLIC_URL: publicUrl, JAMBONZ_APPLICATION_SID: applicationSid } = context.settings
  // Both are asked at the same time.
  livekitState(context).catch(() => {})
  try {
    return await createCarrierRest(access, { publicUrl, applicationSid }, { signal }).read()
  } catch (error) {
    if (error instanceof ApplicationError) return error
    throw error
  }
}

function pairFindings ({ settings, routes: { table } }: DoctorContext, state: PairState): Finding[] {
  const wish = { carrierName: settings.LIVEKIT_OUTBOUND_TRUNK, numbers: ownNumbers(table) }
  const isThere = ourTrunk(state) !== undefined || namedCarrier(wish, state) !== undefined
  const besides = [policyFinding(table.policy), carrierFinding(settings.OUTBOUND_CARRIER, state.carriers)]
  const found = isThere ? besides.filter(finding => finding !== undefined) : []
  return [...reviewPair(wish, state).filter(({ severity }) => found.length === 0 || severity !== 'ok'), ...found]
}

function policyFinding (policy: Policy | undefined): Finding | undefined {
  if (policy && policy.allow.length > 0) return undefined
  const reason = policy ? 'nothing-allowed' : 'no-policy'
  return {
    code: 'policy-none',
    severity: 'failed',
    seen: 'The number policy lets agents call nobody: every call of theirs is refused with 403',
    todo: explainRefusal(reason)
  }
}

/** Without a name, and with several carriers, the bridge dials over none. */
function carrierFinding (named: string | undefined, carriers: readonly Carrier[]): Finding | undefined {
  if (named !== undefined) return undefined
  const usable = carriers.filter(carrier => isActive(carrier) && carrier.trunk_type !== 'auth')
  if (usable.length === 1) return undefined
  const names = usable.map(({ name }) => name).slice(0, 10).join(', ')
  return {
    code: 'outbound-no-carrier',
    severity: 'failed',
    seen: usable.length === 0
      ? 'The Jambonz account has no carrier over which calls could go out'
      : `The Jambonz account has several carriers (${names}), and OUTBOUND_CARRIER names none of them`,
    todo: usable.length === 0
      ? "Add a carrier in Jambonz' portal, or name one of your service provider in OUTBOUND_CARRIER"
      : 'Set OUTBOUND_CARRIER to the one over which agents should call: until then their calls are refused with 503'
  }
}
