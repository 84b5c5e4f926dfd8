import type { End } from '../../calls/fold/call.ts'
import { CATALOGUE } from '../../diagnosis/causes-catalogue.ts'
import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import type { CarrierCode, CarrierVerdict } from '../carrier.ts'
import type { Leg } from '../legs.ts'
import { quote } from '../quote.ts'
import { alikeFinding, causeFinding } from './cause.ts'
import { referFindings } from './refer.ts'

/** Jambonz waits 10 s for the verbs of its call hook (JAMBONES_HTTP_TIMEOUT), milliseconds, and then declines. */
const HOOK_TIMEOUT_MS = 9500

const CALLER_LEG_ONLY: Finding = {
  code: 'carrier-leg-only',
  severity: 'skipped',
  seen: "Only the caller's leg is in these files: it does not show what Jambonz and LiveKit said to each other.",
  todo: 'Capture on the SBC, where both legs pass, or add the webhooks or logs of the same call',
  command: 'tcpdump -s 0 -i any -w call.pcap port 5060'
}

/** What the caller's leg shows of a call when nothing else was seen of it. */
export const callerLegFindings = (leg: Leg, verdict: CarrierVerdict): Finding[] => [
  mainFinding(leg, verdict),
  CALLER_LEG_ONLY,
  ...verdict.alike.length > 0 ? [alikeFinding(verdict.alike)] : [],
  ...referFindings(leg)
]

function mainFinding (leg: Leg, { end, code, over }: CarrierVerdict): Finding {
  if (code !== undefined) return { code, severity: 'failed', ...DESCRIPTIONS[code](leg, end) }
  if (over) return causeFinding(end, summaryOf(leg, end))
  return { code: 'still-going', severity: 'skipped', seen: 'The call had not ended when the file ends.' }
}

type Description = Pick<Finding, 'seen' | 'todo' | 'command'>

const DESCRIPTIONS: Readonly<Record<CarrierCode, (leg: Leg, end: End) => Description>> = {
  'reply-refused': leg => ({
    seen: `Jambonz declined with ${declined(leg)} ${afterInvite(leg, leg.at.final)}, before any dial: its call hook ` +
      'failed, or it could not use the reply.',
    todo: hookTodo(leg.final?.xReason ?? '', (leg.at.final ?? 0) - (leg.at.invite ?? 0))
  }),
  'no-application': leg => ({
    seen: `Jambonz declined with ${declined(leg)}: it has no application for the number that was called.`,
    todo: "Assign the application to the number in Jambonz' portal"
  }),
  'no-feature-server': leg => ({
    seen: `Jambonz declined with ${leg.final?.status} and no X-Reason, ${afterInvite(leg, leg.at.final)}: its SBC ` +
      'found no feature-server or no rtpengine, or an older version that gives no reason.',
    todo: "Check that feature-server, FreeSWITCH and rtpengine run and are registered; look at the account's alerts " +
      'in the portal'
  }),
  'sbc-wants-credentials': (leg, end) => ({
    seen: `The SBC refused the call (${leg.final?.status}): ${end.detail}. It did not recognise the carrier by its ` +
      'address.',
    todo: "Enter the carrier's signalling addresses as inbound gateways in Jambonz' portal"
  }),
  'sbc-silent': () => ({
    seen: 'The SBC never answered the INVITE.',
    todo: 'Check the address and port that the carrier sends to, the firewall, and that the SBC knows this carrier'
  }),
  'dial-failed': leg => ({
    seen: dialFailed(leg),
    todo: 'Look at the other leg',
    command: 'bridge calls'
  })
}

function dialFailed (leg: Leg): string {
  const { early, final = 0 } = leg.at
  if (early === undefined) {
    return `The application declined with ${declined(leg)}, ${afterInvite(leg, final)}, without dialling.`
  }
  return `The dial to LiveKit failed: the caller heard ringing from ${sinceInvite(leg, early)} on, and ` +
    `${declined(leg)} came ${duration(final - early)} later.`
}

/** The final status, with Jambonz's reason where it gave one. */
const declined = ({ final }: Leg): string =>
  final?.xReason === undefined ? String(final?.status) : `${final.status} with X-Reason "${quote(final.xReason)}"`

const sinceInvite = ({ at }: Leg, when: number | undefined): string => duration((when ?? 0) - (at.invite ?? 0))
const afterInvite = (leg: Leg, when: number | undefined): string => `${sinceInvite(leg, when)} after the INVITE`

function summaryOf (leg: Leg, end: End): string {
  const { answered, bye } = leg.at
  const talk = answered !== undefined && bye !== undefined ? ` after ${duration(bye - answered)} of talk` : ''
  switch (end.cause) {
    case 'caller-hung-up':
      return `The caller hung up${talk}.`
    case 'agent-hung-up':
      return `Jambonz hung up${talk}.`
    case 'caller-gave-up':
      return gaveUp(leg, end)
    case 'transferred':
      return `The caller was transferred${talk}.`
    default: {
      const { meaning } = CATALOGUE[end.cause]
      return leg.final ? `${meaning} The caller got ${declined(leg)}.` : meaning
    }
  }
}

function gaveUp (leg: Leg, { waitingOn }: End): string {
  if (!leg.invite) {
    return 'The caller gave up (CANCEL, 487). The files begin after the INVITE, so they do not show what the caller ' +
      'was waiting for.'
  }
  const when = `The caller gave up ${afterInvite(leg, leg.at.cancel)} (CANCEL, 487)`
  return waitingOn === 'hook'
    ? `${when}, before Jambonz had begun to dial: it was still waiting for the reply to its call hook.`
    : `${when}, while the dial was running.`
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
