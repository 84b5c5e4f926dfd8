import type { NextStep } from '../../diagnosis/causes-catalogue.ts'
import { lackedBy } from '../../livekit/not-found.ts'
import { isPrivate } from '../../probe/address.ts'
import type { RouteQuestion } from '../config/route.ts'
import type { ExplainedCall } from '../explanation.ts'
import { LogLines } from '../log-lines.ts'
import { shellWord } from '../shell-word.ts'
import type { AnyHookBody } from '../seen.ts'
import type { CallParts } from './call-parts.ts'

const LISTS = 'lk sip inbound list -j > trunks.json; lk sip dispatch list -j > rules.json'

const LACKS = {
  trunk: {
    seen: 'LiveKit has no inbound trunk for this call',
    todo: 'Look why no inbound trunk takes it: its numbers, allowed_numbers (of callers) and allowed_addresses'
  },
  rule: {
    seen: 'LiveKit has no dispatch rule for this call',
    todo: 'Look why no dispatch rule takes it: its trunk_ids, and its numbers and inbound_numbers (of callers)'
  }
} as const

const EITHER = 'Look which trunk and rule this call gets'
const PLAN = 'bridge provision --plan compares the trunk and rule with the settings of a bridge'

/**
 * A call for which LiveKit had no trunk or rule: which of them, where LiveKit's phrase says so, and how to match the
 * call with the trunks and rules of the project.
 */
export function withRouteStep (call: ExplainedCall, parts: CallParts): ExplainedCall {
  if (call.end?.cause !== 'livekit-no-route') return call

  const phrase = notFoundPhrase(parts)
  const lacked = lackedBy(phrase)
  const question = questionOf(parts)
  const summary = lacked ? `${LACKS[lacked].seen} (404 ${phrase}).` : call.summary
  const todo = lacked ? LACKS[lacked].todo : EITHER
  const step: NextStep = question
    ? { todo: `${todo}. ${PLAN}`, command: `${LISTS}; ${commandOf(question)}` }
    : { todo, command: 'bridge provision --plan' }
  return {
    ...call,
    summary,
    nextSteps: [step, ...call.nextSteps],
    findings: call.findings.map(finding =>
      finding.code === 'livekit-no-route'
        ? { ...finding, seen: finding.seen.replace(call.summary, () => summary), ...step }
        : finding
    )
  }
}

/** The reason phrase of LiveKit's 404, from SIP or from the status hook of its leg. */
function notFoundPhrase ({ agentLegs, hooks }: CallParts): string | undefined {
  const final = agentLegs.at(-1)?.final
  if (final?.status === 404) return final.reason.trim()

  const bodies = hooks.map(({ body }): AnyHookBody => body)
  return bodies.findLast(({ parent_call_sid: parent, sip_status: status }) => parent !== undefined && status === 404)
    ?.sip_reason?.trim()
}

/** The call as LiveKit sees it; undefined where the number or token that it was dialled with is not known. */
function questionOf ({ agentLegs, seen }: CallParts): RouteQuestion | undefined {
  const leg = agentLegs.at(-1)
  if (leg) return asQuestion(leg.user, leg.from, leg.ends?.source.address)

  const lines = new LogLines(seen.filter(item => item.kind === 'log').filter(({ from }) => from === 'livekit-sip'))
  return asQuestion(lines.first('toUser'), lines.first('fromUser'), lines.first('fromIP'))
}

/** LiveKit does not see an address behind NAT. */
function asQuestion (to: string, from: string, ip = ''): RouteQuestion | undefined {
  if (to === '') return undefined
  return { to, ...(from !== '' && { from }), ...(ip !== '' && !isPrivate(ip) && { ip }) }
}

const commandOf = ({ to, from, ip }: RouteQuestion): string =>
  [
    `bridge explain --to ${shellWord(to)}`,
    from === undefined ? '' : `--from ${shellWord(from)}`,
    ip === undefined ? '' : `--ip ${shellWord(ip)}`,
    'trunks.json rules.json'
  ].filter(part => part !== '').join(' ')
