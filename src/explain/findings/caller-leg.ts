import type { End } from '../../calls/fold/call.ts'
import { CATALOGUE, type NextStep } from '../../diagnosis/causes-catalogue.ts'
import { duration } from '../../diagnosis/facts.ts'
import { stepsFor } from '../../diagnosis/diagnose.ts'
import type { Finding } from '../../finding.ts'
import { failedTransferText, TARGET_FAILED } from '../moved-call.ts'
import { hasCrossed, type CallerLegCode, type CallerLegVerdict } from '../caller-leg-verdict.ts'
import type { Leg } from '../leg.ts'
import { answererOf, nameOf, type Naming } from '../parties.ts'
import { quote } from '../quote.ts'
import { transferOf } from '../transfer.ts'
import { carrierSaid } from './carrier-said.ts'
import { beginsLate } from './begins-late.ts'
import { afterBye } from './byes.ts'
import { alikeFinding, causeFinding, stepsUnseen } from './cause.ts'
import { refusalText, refusalTodos } from './refusals.ts'

/** Jambonz waits 10 s for the verbs of its call hook (JAMBONES_HTTP_TIMEOUT), milliseconds, and then declines. */
const HOOK_TIMEOUT_MS = 9500

const CALLER_LEG_ONLY: Finding = {
  code: 'carrier-leg-only',
  severity: 'skipped',
  seen: "Only the caller's leg is in these files: it does not show what Jambonz and LiveKit said to each other.",
  todo: 'Capture on the SBC, where both legs pass, or add the webhooks or logs of the same call',
  command: 'tcpdump -s 0 -i any -w call.pcap port 5060'
}

/**
 * What the caller's leg shows of a call when nothing else was seen of it.
 * @param endAt when the files end
 */
export const callerLegFindings = (leg: Leg, verdict: CallerLegVerdict, endAt: number): Finding[] => [
  mainFinding(leg, verdict, endAt),
  ...verdict.code === 'call-refused' ? carrierSaid(leg) : [],
  ...verdict.naming === 'unnamed' ? [] : [CALLER_LEG_ONLY],
  ...verdict.alike.length > 0 ? [alikeFinding(verdict.alike)] : []
]

/** What to do about the end of a call of which only the caller's leg was seen. */
export function callerLegSteps (leg: Leg, { end, over, code, naming, refusal }: CallerLegVerdict): NextStep[] {
  if (!over) return []
  if (code === 'call-refused' || naming === 'unnamed') {
    return leg.final ? refusalTodos(leg, leg.final, naming, refusal).map(todo => ({ todo })) : []
  }
  return stepsUnseen(end, stepsFor(end), naming)
}

function mainFinding (leg: Leg, verdict: CallerLegVerdict, endAt: number): Finding {
  const { code, end, over, naming } = verdict
  if (code === 'begins-late') return { code, severity: 'skipped', seen: beginsLate(leg, naming) }
  if (code !== undefined) return { code, severity: 'failed', ...DESCRIPTIONS[code](leg, verdict, endAt) }
  if (!over) return { code: 'still-going', severity: 'skipped', seen: goingText(leg, endAt) }

  const finding = afterBye(causeFinding(end, summaryOf(leg, verdict), naming), leg, endAt)
  if (naming === 'likely' && end.waitingOn === 'hook') {
    return { ...finding, todo: `If ${answererOf(leg)} is Jambonz's SBC: answer the call hook sooner` }
  }
  if (end.cause === 'transfer-failed') return { ...finding, todo: TARGET_FAILED }
  if (naming !== 'unnamed' || finding.severity !== 'failed') return finding
  // The steps of the catalogue are about Jambonz and LiveKit.
  const { command: _command, ...rest } = finding
  return { ...rest, todo: strangersTodo(leg, verdict) }
}

function strangersTodo (leg: Leg, { naming, refusal }: CallerLegVerdict): string {
  const [todo] = leg.final && leg.final.status >= 300 && leg.final.status !== 487
    ? refusalTodos(leg, leg.final, naming, refusal)
    : []
  return todo ?? 'Look at the side that was called: why it had not answered by then'
}

/** How far a call had come when the files end. */
function goingText (leg: Leg, endAt: number): string {
  const { at, acked, timed } = leg
  if (at.answered !== undefined || leg.isUp) return 'The call had not ended when the file ends.'
  if (acked) {
    return 'The INVITE got a final response, which is not in these files: they do not show whether the call was ' +
      'answered, or how it ended.'
  }
  const waited = timed && endAt > (at.invite ?? endAt) ? `${duration(endAt - (at.invite ?? endAt))} ` : ''
  if (at.ringing !== undefined) {
    return `It rang, and had not been answered when the file ends, ${waited || 'right '}after the INVITE.`
  }
  if (at.trying !== undefined) {
    return `The INVITE had arrived (100), and had not been answered when the file ends, ${waited || 'right '}after it.`
  }
  return `The file ends here, ${waited || 'right '}after the INVITE: what came back to it is not in the file.`
}

type Description = Pick<Finding, 'seen' | 'todo' | 'command'>

const DESCRIPTIONS: Readonly<
  Record<Exclude<CallerLegCode, 'begins-late'>, (leg: Leg, verdict: CallerLegVerdict, endAt: number) => Description>
> = {
  'call-refused': (leg, { naming, refusal }) => {
    const final = leg.final ?? { status: 0, reason: '' }
    const [todo = ''] = refusalTodos(leg, final, naming, refusal)
    return { seen: refusalText(leg, final, naming, refusal), todo }
  },
  'reply-refused': leg => ({
    seen: `Jambonz declined with ${declined(leg)}${afterInvite(leg, leg.at.final)}, before any dial: its call hook ` +
      'failed, or it could not use the reply.',
    todo: hookTodo(leg.final?.xReason ?? '', (leg.at.final ?? 0) - (leg.at.invite ?? 0))
  }),
  'no-application': leg => ({
    seen: `Jambonz declined with ${declined(leg)}: it has no application for the number that was called.`,
    todo: "Assign the application to the number in Jambonz's portal"
  }),
  'no-feature-server': (leg, { naming }) => ({
    seen: naming === 'named'
      ? `Jambonz declined with ${leg.final?.status} and no X-Reason${afterInvite(leg, leg.at.final)}: its SBC found ` +
        'no feature-server or no rtpengine, or an older version that gives no reason.'
      : `${refusalText(leg, leg.final!, naming)} It has no X-Reason, so the SBC itself found no feature-server or no ` +
        'rtpengine, or it is an older version that gives no reason.',
    todo: "Check that feature-server, FreeSWITCH and rtpengine run and are registered; look at the account's alerts " +
      'in the portal'
  }),
  'sbc-wants-credentials': (leg, { end }) => ({
    seen: `The SBC refused the call (${leg.final?.status}): ${end.detail}. It did not recognise the carrier by its ` +
      'address.',
    todo: "Enter the carrier's signalling addresses as inbound gateways in Jambonz's portal"
  }),
  'sbc-silent': silence,
  'dial-failed': leg => ({
    seen: dialFailed(leg),
    todo: 'Look at the other leg',
    command: 'bridge calls'
  })
}

function silence (leg: Leg, { naming }: CallerLegVerdict, endAt: number): Description {
  const times = leg.repeats > 0 ? `, although it was sent ${leg.repeats + 1} times` : ''
  const waited = leg.timed ? `: nothing came back within ${duration(endAt - (leg.at.invite ?? endAt))}` : ''
  return {
    seen: `The INVITE was never answered${times}${waited}.`,
    todo: 'Check the address, port and transport that it was sent to, and the firewalls on the way' +
      (naming === 'unnamed' ? '' : ', and that the SBC knows this carrier')
  }
}

function dialFailed (leg: Leg): string {
  const { early, final = 0 } = leg.at
  if (early === undefined) {
    return `The application declined with ${declined(leg)}${afterInvite(leg, final)}, without dialling.`
  }
  const [rang, later] = leg.timed
    ? [` from ${sinceInvite(leg, early)} on`, `came ${duration(final - early)} later`]
    : ['', 'came later']
  return `The dial to LiveKit failed: the caller heard ringing${rang}, and ${declined(leg)} ${later}.`
}

/** The final status, with Jambonz's reason where it gave one. */
const declined = ({ final }: Leg): string =>
  final?.xReason === undefined ? String(final?.status) : `${final.status} with X-Reason "${quote(final.xReason)}"`

const sinceInvite = ({ at }: Leg, when: number | undefined): string => duration((when ?? 0) - (at.invite ?? 0))

/** ` 300 ms after the INVITE`, where the file has times. */
const afterInvite = (leg: Leg, when: number | undefined): string =>
  leg.timed && leg.invite ? ` ${sinceInvite(leg, when)} after the INVITE` : ''

function summaryOf (leg: Leg, { end, naming }: CallerLegVerdict): string {
  const talk = talkText(leg)
  switch (end.cause) {
    case 'caller-hung-up':
      return `The caller hung up${talk}.`
    case 'agent-hung-up':
    case 'callee-hung-up':
      return `${nameOf(leg, 'called', naming)} hung up${talk}.`
    case 'caller-gave-up':
      return gaveUp(leg, end, naming)
    case 'transferred':
      return `The caller was transferred${talk}.`
    case 'transfer-failed':
      return failedTransferText(leg, transferOf(leg)!, naming)
    default: {
      const { meaning } = CATALOGUE[end.cause]
      return leg.final ? `${meaning} The caller got ${declined(leg)}.` : meaning
    }
  }
}

function talkText ({ at: { answered, bye }, timed, invite }: Leg): string {
  if (!timed || !invite || answered === undefined || bye === undefined) return ''
  return ` after ${duration(bye - answered)} of talk`
}

function gaveUp (leg: Leg, { waitingOn, sipStatus }: End, naming: Naming): string {
  const { final } = leg
  const isOther = final !== undefined && final.status !== 487
  const finalText = isOther ? `; the final response was ${`${final.status} ${quote(final.reason)}`.trim()}` : ''
  if (!leg.invite) {
    const cancelled = final ? `CANCEL, ${sipStatus}` : 'CANCEL'
    return `The caller gave up (${cancelled}). The files begin after the INVITE, so they do not show what the caller ` +
      'was waiting for.'
  }
  if (hasCrossed(leg)) {
    return `The caller gave up${afterInvite(leg, leg.at.cancel)} (CANCEL) at the moment at which the call was ` +
      'answered, and then hung up.'
  }
  const cancel = final && !isOther ? 'CANCEL, 487' : 'CANCEL'
  const when = `The caller gave up${afterInvite(leg, leg.at.cancel)} (${cancel})`
  if (waitingOn === 'hook' && naming === 'likely') {
    return `${when}, before it rang. If ${answererOf(leg)} is Jambonz's SBC, Jambonz was still waiting for the reply ` +
      'to its call hook.'
  }
  if (waitingOn === 'hook') {
    return `${when}, before Jambonz had begun to dial: it was still waiting for the reply to its call hook.`
  }
  if (waitingOn === 'agent' && naming === 'named') return `${when}, while the dial was running${finalText}.`
  return `${when}, before anybody answered${finalText}.`
}

/** @param waitedMs from the INVITE to the decline */
function hookTodo (reason: string, waitedMs: number): string {
  const isUnusable =
    /unknown property|invalid|missing|malformed|illegal|no application provided|Unexpected (?:token|end)/i.test(reason)
  if (isUnusable) {
    return 'This version of Jambonz cannot use the reply: answer 200 with application/json and a JSON array of verbs ' +
      'that it knows, and not an empty one'
  }
  if (waitedMs >= HOOK_TIMEOUT_MS || /timeout/i.test(reason)) {
    return 'The call hook took 10 s or more: answer it at once'
  }
  if (/ECONNREFUSED|ENOTFOUND|connect|certificate|socket/i.test(reason)) {
    return 'Jambonz does not reach the call hook: check its URL, DNS, certificate and firewall'
  }
  return "Check that the call hook's URL reaches the application, without a redirect or a login in front, and that " +
    'it answers 200 with a JSON array of verbs'
}
