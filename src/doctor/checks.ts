import { agentCheck } from './agent.ts'
import { alertsCheck } from './alerts.ts'
import { applicationCheck } from './application.ts'
import type { Check } from './check.ts'
import { jambonzCallCheck } from './jambonz-call.ts'
import { livekitApiCheck } from './livekit-api.ts'
import { othersCheck } from './livekit-others.ts'
import { trunkAndRuleCheck } from './livekit-trunk-and-rule.ts'
import { matchingCheck } from './matching.ts'
import { numberPolicyCheck } from './number-policy.ts'
import { outboundPairCheck } from './outbound-pair.ts'
import { publicUrlCheck } from './public-url.ts'
import { redisCheck } from './redis.ts'
import { routesCheck } from './routes.ts'
import { runtimeCheck } from './runtime.ts'
import { sipHostCheck } from './sip-host.ts'
import { sipReachCheck } from './sip-reach.ts'
import { transfersCheck } from './transfers.ts'
import { warmCheck } from './warm.ts'
import { warmAgentsCheck } from './warm-agents.ts'
import { livekitEventsCheck } from './webhooks.ts'

/** Every check of `bridge doctor`, in the order in which they are told. They run all at once. */
export const CHECKS: readonly Check[] = [
  runtimeCheck,
  livekitApiCheck,
  sipHostCheck,
  sipReachCheck,
  trunkAndRuleCheck,
  othersCheck,
  matchingCheck,
  agentCheck,
  warmCheck,
  warmAgentsCheck,
  livekitEventsCheck,
  publicUrlCheck,
  applicationCheck,
  routesCheck,
  numberPolicyCheck,
  outboundPairCheck,
  transfersCheck,
  alertsCheck,
  jambonzCallCheck,
  redisCheck
]
