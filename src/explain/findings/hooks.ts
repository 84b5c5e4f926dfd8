import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import type { Leg } from '../leg.ts'
import type { HookSeen } from '../seen.ts'

/** Statuses that Jambonz accepts as an answer to a hook. */
const ACCEPTED: readonly number[] = [200, 202, 204]
/** Jambonz waits this long for verbs (JAMBONES_HTTP_TIMEOUT), milliseconds. */
const VERBS_WITHIN_MS = 10_000
/** A caller who hears nothing for this long hangs up, milliseconds. */
const SLOW_MS = 1000
/** Hooks of one kind that are described each. */
const MOST_DESCRIBED = 3

/** A 4xx refuses a REFER, and Jambonz passes it on to the leg that sent it (feature-server lib/tasks/dial.js). */
function isAccepted ({ hook, reply }: HookSeen): boolean {
  const status = reply?.status
  if (status === undefined || ACCEPTED.includes(status)) return true
  return hook === 'refer' && status >= 400 && status < 500
}

/** Whether a call hook got a reply that Jambonz cannot use. It then declines the caller, and no hook reports it. */
export function isRefusedReply (seen: HookSeen): boolean {
  const { hook, reply, at = Infinity } = seen
  if (hook !== 'call-hook' || !reply) return false

  const isEmpty = Array.isArray(reply.verbs) && reply.verbs.length === 0
  return !isAccepted(seen) || isEmpty || (reply.at ?? 0) - at >= VERBS_WITHIN_MS
}

/** Hooks that were answered with something that Jambonz does not accept, or too late. */
export const hookFindings = (hooks: readonly HookSeen[]): Finding[] => [
  ...hooks.filter(hook => !isAccepted(hook)).slice(0, MOST_DESCRIBED).map(refusedHook),
  ...hooks.flatMap(slowReply).slice(0, MOST_DESCRIBED)
]

function refusedHook ({ hook, reply, place }: HookSeen): Finding {
  const isCallHook = hook === 'call-hook'
  return {
    code: isCallHook ? 'call-hook-refused' : 'hook-refused',
    severity: 'failed',
    seen: `The ${hook} was answered ${reply?.status} (${place.file}:${place.at}); Jambonz accepts only 200, 202 and ` +
      '204.',
    todo: isCallHook
      ? 'The caller got 480, and no hook reported it: answer 200 with verbs, and decline a call with sip:decline'
      : 'Answer 200'
  }
}

function slowReply ({ hook, reply, at }: HookSeen): Finding[] {
  if (hook !== 'call-hook' || reply?.at === undefined || at === undefined) return []

  const tookMs = reply.at - at
  if (tookMs < SLOW_MS) return []
  return [{
    code: 'slow-call-hook',
    severity: 'warning',
    seen: `The reply to the call hook took ${duration(tookMs)}: the caller hears nothing until then.`,
    todo: 'Measure what it waits for (createRoom, an API, a database), and answer in less than a second'
  }]
}

/** Webhooks that nobody collected. Statuses are missed only where no SIP tells the same. */
export function missingHooks (hooks: readonly HookSeen[], legs: readonly Leg[]): Finding[] {
  const missing = missingNames(hooks, legs)
  if (hooks.length === 0 || missing.length === 0) return []
  return [{
    code: 'hooks-missing',
    severity: 'skipped',
    seen: `Not in these files: ${missing.join(', ')}. What happened there is inferred from the rest.`,
    todo: 'Log every request of Jambonz with its time, path, body and reply'
  }]
}

function missingNames (hooks: readonly HookSeen[], legs: readonly Leg[]): string[] {
  const callHook = hooks.find(({ hook }) => hook === 'call-hook')
  const names: string[] = []
  if (!callHook) names.push('the call hook')
  else if (!callHook.reply) names.push('the reply to the call hook')
  if (legs.length === 0 && !hooks.some(({ hook }) => hook === 'status')) names.push('statuses (the status hook)')
  return names
}
