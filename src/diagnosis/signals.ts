import type { EventLine } from '../calls/fold/event-list.ts'
import { duration, since, sipText, type Facts } from './facts.ts'

/** What a signal is about; a closed list, so that tools can tell them apart. */
export const SIGNALS = [
  'call-hook',
  'create-room',
  'agent-leg-dialled',
  'agent-leg-not-dialled',
  'ringing',
  'agent-leg-final',
  'caller-leg-final',
  'action',
  'no-action',
  'sip-joined',
  'no-sip',
  'sip-left',
  'agent-joined',
  'no-agent',
  'agent-audio',
  'no-agent-audio',
  'agent-left',
  'agent-called-again',
  'agent-given-up',
  'room-gone',
  'answered',
  'late-trying',
  'hang-up',
  'refer',
  'refer-result',
  'redirected',
  'decline',
  'silence',
  'deadline'
] as const
export type SignalName = typeof SIGNALS[number]

/** One thing that was seen, or that was looked for and not there until `at`. */
export interface Evidence {
  signal: SignalName
  /** Milliseconds since the epoch. */
  at: number
  /** Of what came again and again: the last time, and how often. */
  last?: number
  count?: number
  /** What was seen, in the words of whoever said it. */
  seen: string
  /** What that tells. */
  shows: string
}

export type Signal = (facts: Facts) => Evidence | undefined

const find = (
  { lines }: Facts,
  what: string,
  extra: (line: EventLine) => boolean = () => true
): EventLine | undefined => lines.find(line => line.what === what && extra(line))

/** Until when something that did not come could have come. */
const until = ({ overAt, call, lines }: Facts): number => overAt ?? lines.at(-1)?.last ?? call.at.received

const repliedAt = ({ attempt, call }: Facts): number | undefined => attempt?.at.replied ?? call.at.replied

export const callHook: Signal = facts => {
  const { call } = facts
  const replied = repliedAt(facts)
  const opened = facts.attempt?.at.opened ?? call.at.received
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
        shows: "from then on it was Jambonz's turn"
      }
}

export const createRoom: Signal = facts => {
  const line = find(facts, 'createRoom')
  if (!line) return undefined
  const shows = line.status === 'created'
    ? 'the room was made and its agent called'
    : 'the bridge could not make the room, nor call its agent'
  return {
    signal: 'create-room',
    at: line.first,
    seen: `createRoom: ${line.status}${line.detail === undefined ? '' : ` (${line.detail})`}`,
    shows
  }
}

export const dialled: Signal = ({ dialledAt }) =>
  dialledAt === undefined
    ? undefined
    : {
        signal: 'agent-leg-dialled',
        at: dialledAt,
        seen: 'agent leg trying 100',
        shows: 'Jambonz dialled; its own SBC says 100, not LiveKit'
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

/** LiveKit rings once a second: a single ringing with silence behind it is no ringing. */
const ONCE_MS = 1500

export const ringing: Signal = facts => {
  const { ringing, action } = facts
  if (!ringing) {
    return action && facts.attempt?.action?.rang
      ? {
          signal: 'ringing',
          at: action.at,
          seen: "/action names the far end's leg",
          shows: 'the far end gave a provisional answer'
        }
      : undefined
  }
  const { first, last, count } = ringing
  const end = facts.agentFinal?.at ?? until(facts)
  const silent = end - last >= ONCE_MS
  const goesOn = count > 1 || last - first >= ONCE_MS
  const shows = silent
    ? `then ${duration(end - last)} of silence: nobody rang any more, so LiveKit had dropped the call`
    : goesOn
      ? 'LiveKit had put the caller into a room and waited for audio of an agent'
      : 'LiveKit, or whoever was dialled, gave a sign'
  return {
    signal: 'ringing',
    at: first,
    ...(last > first ? { last } : {}),
    ...(count > 1 ? { count } : {}),
    seen: `agent leg ringing 180${count > 1 ? `, ${count} times` : silent ? ', once' : ''}`,
    shows
  }
}

const FINALS: Record<number, string> = {
  400: 'LiveKit found no codec or encryption in common, or took the INVITE for malformed',
  401: 'the user name or password of the trunk is wrong',
  407: 'the trunk wants credentials and none were sent',
  404: 'no trunk or rule takes this call',
  408: 'nothing came back on the INVITE',
  486: 'LiveKit\'s "Rejected": the call ended while it rang, it does not mean busy',
  487: "the answer to Jambonz's own CANCEL: not LiveKit's decision",
  488: 'no codec or encryption in common'
}

export const agentLegFinal: Signal = ({ agentFinal: final, attempt, action }) => {
  const sipStatus = final?.sipStatus ?? action?.dialSipStatus
  if (!final) return undefined
  const phone = attempt?.strategy === 'phone'
  const meaning = final.callStatus === 'completed'
    ? 'it had been answered, and was hung up'
    : phone
      ? "the far end's answer"
      : sipStatus === undefined
        ? 'it was not answered'
        : FINALS[sipStatus] ?? "the far end's answer, or Jambonz's own"
  return {
    signal: 'agent-leg-final',
    at: final.at,
    seen: `agent leg ${final.callStatus} ${sipText(final.sipStatus, final.reason)}`.trimEnd(),
    shows: sipStatus === 503 ? unavailable(final.reason) : meaning
  }
}

const unavailable = (reason = ''): string =>
  /try again later|service temporarily unavailable/i.test(reason)
    ? "a phrase of LiveKit's own: it was reached and could not"
    : "Jambonz's SBC says so: the call did not get through to LiveKit"

export const callerLegFinal: Signal = facts => {
  const { callerFinal: final, overAt } = facts
  if (!final) return undefined
  const by = final.by === undefined ? '' : ` by ${final.by}`
  const afterwards = overAt !== undefined && final.at > overAt
  const shows = final.callStatus === 'completed'
    ? final.by === 'caller'
      ? 'the caller hung up'
      : final.by === 'jambonz'
        ? "Jambonz ended the caller's leg"
        : 'the caller leg had been answered, and ended'
    : final.by === 'caller'
      ? 'the caller hung up before an answer (CANCEL)'
      : afterwards
        ? 'what the caller got in the end'
        : 'the caller was turned away'
  return {
    signal: 'caller-leg-final',
    at: final.at,
    seen: `caller leg ${final.callStatus} ${sipText(final.sipStatus, final.sipReason)}${by}`,
    shows
  }
}

export const action: Signal = ({ action, agentFinal }) => {
  if (!action) return undefined
  const { at, dialCallStatus, dialSipStatus, callerStatus } = action
  // Without a status hook this alone has the far end's answer.
  const alone = agentFinal === undefined && dialSipStatus !== undefined ? FINALS[dialSipStatus] : undefined
  const shows = callerStatus === 'in-progress'
    ? 'the dial was over while the caller was still there'
    : callerStatus === 'completed' || callerStatus === 'no-answer'
      ? 'the caller was gone when the dial was over'
      : 'the dial was over while the caller was waiting'
  return {
    signal: 'action',
    at,
    seen: `/action ${
      [dialCallStatus, dialSipStatus].filter(part => part !== undefined).join(' ') || 'without a dial status'
    }, caller leg ${callerStatus}`,
    shows: alone === undefined ? shows : `${shows}; ${alone}`
  }
}

/** Who cancels while Jambonz waits for our verbs is reported in this order. */
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
    : { signal: 'no-action', at: until(facts), seen: 'no /action', shows: 'Jambonz reported no result of a dial' }

export const sipJoined: Signal = ({ sip, attempt }) =>
  sip && attempt?.room !== undefined
    ? {
        signal: 'sip-joined',
        at: sip.joinedAt,
        seen: 'SIP participant in the room',
        shows: "LiveKit's trunk and rule let the call into its room"
      }
    : undefined

export const noSip: Signal = facts =>
  !facts.sip && facts.livekitKnown
    ? {
        signal: 'no-sip',
        at: until(facts),
        seen: 'no SIP participant in the room',
        shows: facts.undialled ? 'nothing reached LiveKit' : 'LiveKit did not let the call into its room'
      }
    : undefined

export const sipLeft: Signal = ({ sip }) => {
  const left = sip?.left
  if (!left) return undefined
  const seen = left.reason === 'UNSEEN'
    ? 'SIP participant not in the room any more'
    : `SIP participant left: ${left.reason}${
      left.callStatus === undefined ? '' : `, sip.callStatus ${left.callStatus}`
    }`
  return { signal: 'sip-left', at: left.at, seen, shows: whyLeft(left.reason, left.callStatus) }
}

function whyLeft (reason: string, callStatus: string | undefined): string {
  if (reason === 'ROOM_DELETED' || reason === 'ROOM_CLOSED') return 'the room was ended, and the call with it'
  if (reason === 'PARTICIPANT_REMOVED') return 'somebody removed the caller from the room'
  if (reason === 'UNSEEN') return 'a look did not find it again'
  if (reason !== 'CLIENT_INITIATED') return 'LiveKit ended it'
  return callStatus === 'ringing'
    ? "LiveKit's own ringing timeout"
    : callStatus === 'hangup'
      ? "the SIP leg ended it: a BYE or CANCEL of Jambonz, or LiveKit's media timeout"
      : 'the SIP leg ended it'
}

export const agentJoined: Signal = ({ agent, call, overAt }) =>
  agent && {
    signal: 'agent-joined',
    at: agent.joinedAt,
    seen: `AGENT participant in the room ${since(call, agent.joinedAt)} after the call hook`,
    shows: overAt !== undefined && agent.joinedAt > overAt
      ? 'an agent came when the call was over already'
      : 'an agent took the job'
  }

export const noAgent: Signal = facts =>
  (!facts.agent || facts.agent.joinedAt > until(facts)) && facts.livekitKnown && !facts.undialled
    ? { signal: 'no-agent', at: until(facts), seen: 'no AGENT participant in the room', shows: 'no agent took the job' }
    : undefined

export const agentAudio: Signal = ({ agent, overAt }) =>
  agent?.audioAt === undefined
    ? undefined
    : {
        signal: 'agent-audio',
        at: agent.audioAt,
        seen: 'AUDIO track of the agent published',
        shows: overAt !== undefined && agent.audioAt > overAt
          ? 'it came when the call was over already'
          : 'LiveKit may answer from now on'
      }

export const noAgentAudio: Signal = facts =>
  facts.agent && (facts.agent.audioAt ?? Infinity) > until(facts) && facts.livekitKnown && !facts.undialled
    ? {
        signal: 'no-agent-audio',
        at: until(facts),
        seen: 'no AUDIO track of the agent',
        shows: 'LiveKit goes on ringing until there is one'
      }
    : undefined

export const agentLeft: Signal = ({ agent }) => {
  const left = agent?.left
  if (!left) return undefined
  const shows = left.reason === 'CONNECTION_TIMEOUT'
    ? 'its process had died some 20 s before'
    : left.reason === 'CLIENT_INITIATED'
      ? 'it left by itself'
      : /^ROOM_/.test(left.reason)
        ? 'it had to leave with the room'
        : 'no agent was with the caller any more'
  return {
    signal: 'agent-left',
    at: left.at,
    seen: left.reason === 'UNSEEN'
      ? 'AGENT participant not in the room any more'
      : `AGENT participant left: ${left.reason}`,
    shows
  }
}

export const calledAgain: Signal = facts => {
  const line = find(facts, 'agent dispatched again')
  return line &&
    {
      signal: 'agent-called-again',
      at: line.first,
      seen: `the bridge called the agent again: ${line.status}`,
      shows: line.status === 'done'
        ? 'LiveKit took the request, which says nothing of a worker'
        : 'LiveKit did not take the request'
    }
}

export const agentGivenUp: Signal = ({ attempt }) =>
  attempt?.agentLostAt === undefined
    ? undefined
    : {
        signal: 'agent-given-up',
        at: attempt.agentLostAt,
        seen: 'the bridge gave the agent up',
        shows: 'none had come back in time'
      }

export const roomGone: Signal = ({ goneAt }) =>
  goneAt === undefined
    ? undefined
    : { signal: 'room-gone', at: goneAt, seen: 'the room is gone', shows: 'it ended, or was deleted' }

export const answered: Signal = ({ answeredAt, call }) =>
  answeredAt === undefined
    ? undefined
    : {
        signal: 'answered',
        at: answeredAt,
        seen: `agent leg answered ${since(call, answeredAt)} after the call hook`,
        shows: 'the two could talk'
      }

export const hangUp: Signal = ({ call: { hangupAt } }) =>
  hangupAt === undefined
    ? undefined
    : { signal: 'hang-up', at: hangupAt, seen: 'hang-up asked of the bridge', shows: 'an operator ended the call' }

export const refer: Signal = ({ call: { transfer } }) =>
  transfer && { signal: 'refer', at: transfer.at, seen: 'REFER of the agent', shows: 'the agent asked for a transfer' }

export const referResult: Signal = facts => {
  const { transfer } = facts.call
  if (!transfer) return undefined
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
  const seen = `/refer-complete refer_status ${referStatus ?? 'none'}, final ${finalStatus ?? 'none'}`
  const shows = referStatus !== undefined && referStatus >= 300
    ? 'the carrier refused the REFER'
    : finalStatus === undefined
      ? 'the carrier took the REFER and never said what became of it'
      : finalStatus < 300
        ? 'the carrier put the caller through'
        : 'the carrier took the REFER, and the target did not answer'
  return { signal: 'refer-result', at: line?.last ?? until(facts), seen, shows }
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
      shows: `Jambonz brought the call back${call.attempts.at(-1) === attempt ? '' : ', and another attempt began'}`
    }
}

export const decline: Signal = ({ call }) => {
  const { end, at } = call
  return end && at.ended !== undefined
    ? {
        signal: 'decline',
        at: at.ended,
        seen: `call hook answered with a decline: ${end.sipStatus ?? 480}${
        end.detail === undefined ? '' : ` (${end.detail})`
      }`,
        shows: 'Jambonz did as it was told'
      }
    : undefined
}

/** Nothing at all came after our reply. */
export const silence: Signal = facts => {
  const heard = facts.lines.some(({ from, what }) => from === 'jambonz' && !what.startsWith('call hook'))
  return heard
    ? undefined
    : {
        signal: 'silence',
        at: until(facts),
        seen: 'no status and no /action since the call hook',
        shows: facts.call.statusesExpected
          ? 'other calls of this application do send statuses: Jambonz did not run the reply'
          : 'this application sends no statuses, as far as is known'
      }
}

export const deadline: Signal = facts => {
  const line = facts.lines.findLast(({ what }) => what === 'deadline' || what === 'settled without word from jambonz')
  return line &&
    {
      signal: 'deadline',
      at: line.first,
      seen: line.what === 'deadline' ? `the bridge's own deadline while ${line.status}` : "the bridge's own patience",
      shows: 'Jambonz said nothing in time'
    }
}
