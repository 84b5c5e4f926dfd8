import { explainRefusal, isRefusal, type Refusal } from '../../routing/policy/refusals.ts'
import { isDialled } from '../../calls/fold/attempt-facts.ts'
import type { Attempt, Call } from '../../calls/fold/call.ts'
import type { Transfer } from '../../calls/fold/transfers.ts'
import { meaningOfCalleeStatus } from '../callee.ts'
import { leadsToOurRoom } from '../far-end.ts'
import { duration, since, sipText, type AttemptFacts } from '../facts.ts'
import { until, type Signal } from './evidence.ts'
import { meaningOfFinal, meaningOfResponse } from './sip-status.ts'

/*
 * Evidence from Jambonz: its hooks, and the statuses of the legs that it reports.
 */

const repliedAt = ({ attempt, call }: AttemptFacts): number | undefined => attempt?.at.replied ?? call.at.replied

/** A room may have been made before the callee answered, long before the hook. */
function hookAt ({ call, attempt, lines }: AttemptFacts): number {
  const heard = call.order && lines.find(({ what }) => what === 'call hook')
  return heard?.first ?? attempt?.at.opened ?? call.at.received
}

export const callHook: Signal = facts => {
  const { call } = facts
  const replied = repliedAt(facts)
  const opened = hookAt(facts)
  // Without an answer of the callee there is no call hook.
  if (replied === undefined && call.facts.direction === 'outbound' && call.at.answered === undefined) return undefined
  return replied === undefined
    ? {
        signal: 'call-hook',
        at: opened,
        seen: 'call hook, no reply',
        shows: 'this hook was never answered with a dial'
      }
    : {
        signal: 'call-hook',
        at: replied,
        seen: `reply ${duration(replied - opened)} after the hook`,
        shows: 'Jambonz had its verbs from then on'
      }
}

export const dialled: Signal = ({ dialledAt, attempt }) =>
  dialledAt === undefined
    ? undefined
    : {
        signal: 'agent-leg-dialled',
        at: dialledAt,
        seen: 'agent leg trying 100',
        shows: `Jambonz dialled. The 100 comes from its own SBC, not from ${
          leadsToOurRoom(attempt) ? 'LiveKit' : 'the far end'
        }`
      }

export const notDialled: Signal = facts =>
  facts.dialledAt === undefined && facts.ringing === undefined && !facts.agentFinal &&
    facts.action?.dialCallStatus === undefined
    ? {
        signal: 'agent-leg-not-dialled',
        at: until(facts),
        seen: 'no event of an agent leg',
        shows: 'Jambonz did not dial'
      }
    : undefined

/** LiveKit rings once a second, so one ringing with silence behind it means that LiveKit dropped the call. */
const RINGING_ONCE_MS = 1500

export const ringing: Signal = facts => {
  const { ringing, action, attempt } = facts
  if (!ringing) {
    if (!action || !attempt?.action?.rang) return undefined
    return {
      signal: 'ringing',
      at: action.at,
      seen: "/action names the far end's leg",
      shows: 'the far end sent a provisional response'
    }
  }

  const { first, last, count } = ringing
  const silence = (facts.answeredAt ?? facts.agentFinal?.at ?? until(facts)) - last
  const silent = silence >= RINGING_ONCE_MS
  const once = silent && leadsToOurRoom(attempt) ? ', once' : ''
  return {
    signal: 'ringing',
    at: first,
    ...(last > first ? { last } : {}),
    ...(count > 1 ? { count } : {}),
    seen: `agent leg ringing 180${count > 1 ? `, ${count} times` : once}`,
    shows: leadsToOurRoom(attempt) ? ringingOfLiveKit(ringing, silent, silence) : whoRang(facts)
  }
}

const whoRang = ({ call }: AttemptFacts): string =>
  call.facts.direction === 'agent' ? "the callee's phone rang, or the carrier said so" : 'the far end rang'

function ringingOfLiveKit (
  { first, last, count }: { first: number, last: number, count: number },
  silent: boolean,
  silenceMs: number
): string {
  if (silent) return `then ${duration(silenceMs)} of silence: LiveKit had dropped the call`
  return count > 1 || last - first >= RINGING_ONCE_MS
    ? "LiveKit had put the caller into a room and was waiting for an agent's audio"
    : 'LiveKit responded'
}

export const agentLegFinal: Signal = facts => {
  const { agentFinal: final } = facts
  if (!final) return undefined
  return {
    signal: 'agent-leg-final',
    at: final.at,
    seen: `agent leg ${final.callStatus} ${sipText(final.sipStatus, final.reason)}`.trimEnd(),
    shows: meaningOfLeg(facts, final)
  }
}

/** LiveKit's own end of an agent's call cancels the callee's leg. */
function meaningOfLeg (
  { call, callerFinal, attempt }: AttemptFacts,
  final: NonNullable<AttemptFacts['agentFinal']>
): string {
  const isOfCallee = call.facts.direction === 'agent' && final.callStatus !== 'completed' &&
    callerFinal?.by !== 'caller'
  return isOfCallee
    ? meaningOfCalleeStatus(final.sipStatus, attempt?.at.ringing !== undefined)
    : meaningOfFinal(final, attempt)
}

export const callerLegFinal: Signal = ({ call, callerFinal: final, overAt }) => {
  if (!final) return undefined
  const unanswered = call.facts.direction === 'outbound' ? whyNotTaken(call, final) : whyUnanswered(final, overAt)
  const by = final.by === undefined ? '' : ` by ${final.by}`
  return {
    signal: 'caller-leg-final',
    at: final.at,
    seen: `caller leg ${final.callStatus} ${sipText(final.sipStatus, final.sipReason)}${by}`,
    shows: final.callStatus === 'completed' ? whoEnded(final.by) : unanswered
  }
}

function whyNotTaken ({ hangupAt, at }: Call, { sipStatus }: { sipStatus?: number }): string {
  return hangupAt !== undefined && sipStatus === 487
    ? "the response to Jambonz's CANCEL, which the bridge had asked for"
    : meaningOfCalleeStatus(sipStatus, at.ringing !== undefined)
}

function whoEnded (by: string | undefined): string {
  if (by === 'caller') return 'the caller hung up'
  return by === 'jambonz' ? "Jambonz ended the caller's leg" : 'the caller leg had been answered, and ended'
}

function whyUnanswered ({ by, at }: { by?: string, at: number }, overAt: number | undefined): string {
  if (by === 'caller') return 'the caller hung up before an answer (CANCEL)'
  return overAt !== undefined && at > overAt ? 'the response that the caller got in the end' : 'the caller was rejected'
}

const WHERE_THE_CALLER_WAS: Record<string, string> = {
  'in-progress': 'the dial ended while the caller was still there',
  completed: 'the caller was gone when the dial ended',
  'no-answer': 'the caller was gone when the dial ended'
}

export const action: Signal = ({ call, action, agentFinal, attempt }) => {
  if (!action) return undefined
  const { at, dialCallStatus, dialSipStatus, callerStatus } = action
  // Without a status hook, only /action has the far end's response.
  const response = agentFinal === undefined && dialSipStatus !== undefined && dialSipStatus >= 300
    ? meaningOfDial(call, dialSipStatus, attempt)
    : undefined
  const dial = [dialCallStatus, dialSipStatus].filter(part => part !== undefined).join(' ')
  const shows = WHERE_THE_CALLER_WAS[callerStatus] ?? 'the dial ended while the caller was waiting'
  if (attempt && !isDialled(attempt)) {
    return { signal: 'action', at, seen: '/action', shows: 'the announcement was over, and Jambonz asked what follows' }
  }
  return {
    signal: 'action',
    at,
    seen: `/action ${dial || 'without a dial status'}, caller leg ${callerStatus}`,
    shows: response === undefined ? shows : `${shows}; ${response}`
  }
}

const meaningOfDial = ({ facts, at }: Call, sipStatus: number, attempt: Attempt | undefined): string | undefined =>
  facts.direction === 'agent'
    ? meaningOfCalleeStatus(sipStatus, at.ringing !== undefined)
    : meaningOfResponse(sipStatus, attempt)

/** Jambonz reports a caller who cancels while it waits for our verbs in this order: the end first, then `trying`. */
export const lateTrying: Signal = ({ lines, callerFinal, dialledAt }) => {
  if (!callerFinal || dialledAt !== undefined || callerFinal.callStatus !== 'no-answer') return undefined
  const ended = lines.findIndex(({ what, leg, status }) =>
    what === 'status' && leg === 'caller' && status === 'no-answer'
  )
  const trying = lines.findIndex(({ what, leg, status }) =>
    what === 'status' && leg === 'caller' && status === 'trying'
  )
  const line = trying > ended ? lines[trying] : undefined
  if (trying !== -1 && !line) return undefined
  return {
    signal: 'late-trying',
    at: line?.first ?? callerFinal.at,
    seen: line ? 'caller leg trying 100 only after its end' : 'caller leg ended without a trying',
    shows: 'Jambonz was still waiting for the reply to its call hook when the caller hung up'
  }
}

export const noAction: Signal = facts =>
  facts.action
    ? undefined
    : {
        signal: 'no-action',
        at: until(facts),
        seen: 'no /action',
        shows: 'Jambonz did not report the result of a dial'
      }

export const answered: Signal = ({ answeredAt, call, attempt }) =>
  answeredAt === undefined
    ? undefined
    : {
        signal: 'answered',
        at: answeredAt,
        seen: `agent leg answered ${since(call, answeredAt)} after the call hook`,
        shows: couldTalk(call, leadsToOurRoom(attempt))
      }

function couldTalk ({ facts }: Call, isInOurRoom: boolean): string {
  if (facts.direction === 'agent') return 'the agent and the callee could talk'
  return isInOurRoom ? 'caller and agent could talk' : 'caller and far end could talk'
}

export const refer: Signal = ({ call: { transfer } }) => {
  if (!transfer || !isReferred(transfer)) return undefined
  const { at } = transfer
  return transfer.request
    ? { signal: 'refer', at, seen: 'reply with sip:refer', shows: 'the carrier was asked to move the call' }
    : { signal: 'refer', at, seen: 'REFER of the agent', shows: 'the agent requested a transfer' }
}

/** Whether the carrier was asked to move the call. */
const isReferred = ({ request, refers }: Transfer): boolean => request === undefined || refers !== undefined

export const referResult: Signal = facts => {
  const { transfer } = facts.call
  if (!transfer || !isReferred(transfer)) return undefined
  const { referStatus, finalStatus } = transfer
  const line = facts.lines.findLast(({ what }) => what === 'refer complete')
  if (!line && referStatus === undefined && finalStatus === undefined) {
    return {
      signal: 'refer-result',
      at: until(facts),
      seen: 'no /refer-complete',
      shows: 'the carrier took the caller without reporting, or the caller left meanwhile'
    }
  }
  return {
    signal: 'refer-result',
    at: line?.last ?? until(facts),
    seen: `/refer-complete refer_status ${referStatus ?? 'none'}, final ${finalStatus ?? 'none'}`,
    shows: meaningOfRefer(referStatus, finalStatus)
  }
}

/** The number policy refused a transfer. */
export const referRefused: Signal = ({ call: { events } }) => {
  const line = events.findLast(({ what, detail }) => what === 'refer refused' && isRefusal(reasonOf(detail)))
  if (!line) return undefined
  const reason = reasonOf(line.detail) as Refusal
  return {
    signal: 'refer-refused',
    at: line.first,
    seen: `a transfer was refused: ${line.detail}`,
    shows: explainRefusal(reason, line.detail!.slice(reason.length).trim())
  }
}

/** The rule that a refusal is about stands behind its reason. */
const reasonOf = (detail = ''): string => detail.split(' ', 1)[0]!

function meaningOfRefer (referStatus: number | undefined, finalStatus: number | undefined): string {
  if (referStatus !== undefined && referStatus >= 300) return 'the carrier refused the REFER'
  if (finalStatus === undefined) return 'the carrier accepted the REFER and never reported what became of it'
  return finalStatus < 300
    ? 'the carrier connected the caller'
    : 'the carrier accepted the REFER, and the target did not answer'
}

export const redirected: Signal = ({ call, attempt, lines }) => {
  const line = lines.find(({ what, first }) =>
    what === 'call hook' && attempt !== undefined && first > attempt.at.opened
  )
  return line &&
    {
      signal: 'redirected',
      at: line.first,
      seen: 'another call hook of this call',
      shows: `Jambonz sent the call back${call.attempts.at(-1) === attempt ? '' : ', and another attempt began'}`
    }
}

/** Nothing came after our reply. */
export const silence: Signal = facts => {
  const heard = facts.lines.some(({ from, what }) => from === 'jambonz' && !what.startsWith('call hook'))
  return heard
    ? undefined
    : {
        signal: 'silence',
        at: until(facts),
        seen: 'no status and no /action since the call hook',
        shows: facts.call.statusesExpected
          ? 'other calls of this application send statuses, so Jambonz did not run the reply'
          : 'this application is not known to send statuses'
      }
}
