import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import type { ProvisionState } from '../provisioning/livekit-plan.ts'
import { reviewProject } from '../provisioning/livekit-review.ts'
import type { Check } from './check.ts'
import { withState } from './livekit-state.ts'

/**
 * Trunks and rules of others in the same project. What takes the bridge's calls is told by the check `trunk-and-rule`;
 * the rest is theirs to cure.
 */
export const othersCheck: Check = {
  name: 'livekit-others',
  title: 'Is anything wrong with the other trunks and rules in the LiveKit project?',
  readOnly: true,
  limitMs: 15_000,
  run: context => withState(context, state => othersFindings(context.settings, state))
}

/** Pure. */
export function othersFindings (
  { LIVEKIT_SIP_HOST: sipHost }: Pick<Settings, 'LIVEKIT_SIP_HOST'>,
  state: ProvisionState
): Finding[] {
  const others = reviewProject(state, { sipHost }).filter(({ ours }) => !ours)
  const wrong = others.flatMap(({ findings }) => findings).filter(finding =>
    finding.severity !== 'ok' && !isInOurWay(finding)
  )
  if (wrong.length > 0) return wrong.map(finding => ({ ...finding, severity: 'warning' }))
  return [{
    code: 'project-ok',
    severity: 'ok',
    seen: others.length === 0
      ? 'The project has no other trunks and rules'
      : `Nothing more is wrong with the project's ${others.length} other trunk${
        others.length === 1 ? '' : 's'
      } and rules`
  }]
}

/** Whether something of somebody else takes the bridge's calls, or makes LiveKit refuse them. */
export const isInOurWay = ({ code, severity }: Finding): boolean =>
  severity === 'failed' && (code === 'trunk-conflict' || code === 'rule-conflict')
