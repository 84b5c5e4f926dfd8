import type { Party, Step } from '../ladder/trace.ts'
import { header } from '../sip/message.ts'
import { addressUri } from './group.ts'
import { methodOf } from './keep.ts'
import type { Leg, Role } from './legs.ts'
import { quote } from './logs.ts'
import type { HookSeen, LogSeen, RoomSeen, Seen, SipSeen } from './seen.ts'

/** Who sends a leg's first INVITE to whom. */
const ENDS: Readonly<Record<Role, readonly [from: Party, to: Party]>> = {
  caller: ['caller', 'jambonz'],
  inside: ['jambonz', 'jambonz'],
  agent: ['jambonz', 'livekit'],
  'livekit-out': ['livekit', 'caller']
}
/** Rows of one ladder; a call that has more is shown from its beginning and its end. */
const MOST_STEPS = 400

/**
 * The ladder of a call: start lines and statuses, never a header's credentials or a body. What goes on between Jambonz'
 * own servers is left out where the same is seen outside of them.
 */
export function stepsOf (seen: readonly Seen[], legs: readonly Leg[]): { steps: Step[], leftOut: number } {
  const roles = new Map<SipSeen, Leg>(legs.flatMap(leg => leg.messages.map(message => [message, leg] as const)))
  const hidden = new Set(legs.filter(({ role }) => role === 'inside' && legs.some(other => other.role !== 'inside')))
  const all: Array<Step & { order: number }> = []
  let at = 0
  seen.forEach((item, order) => {
    at = item.at ?? at
    const leg = item.kind === 'sip' ? roles.get(item) : undefined
    const step = item.kind === 'sip'
      ? leg && !hidden.has(leg) ? sipStep(item, leg) : undefined
      : item.kind === 'hook'
        ? hookStep(item)
        : item.kind === 'room'
          ? roomStep(item)
          : item.kind === 'log'
            ? logStep(item)
            : undefined
    if (step) all.push({ ...step, at, order })
    if (item.kind === 'hook' && item.reply) {
      const reply = replyStep(item)
      if (reply) all.push({ ...reply, at: item.reply.at ?? at, order: order + 0.5 })
    }
  })
  all.sort((a, b) => a.at - b.at || a.order - b.order)
  const steps = all.map(({ order: _, ...step }) => step)
  if (steps.length <= MOST_STEPS) return { steps, leftOut: 0 }
  return {
    steps: [...steps.slice(0, MOST_STEPS / 2), ...steps.slice(-MOST_STEPS / 2)],
    leftOut: steps.length - MOST_STEPS
  }
}

function sipStep ({ message }: SipSeen, leg: Leg): Omit<Step, 'at'> {
  const [caller, called] = ENDS[leg.role]
  const forward = isForward(message, leg)
  // A response goes the other way than its request.
  const onward = message.kind === 'request' ? forward : !forward
  const [from, to] = onward ? [caller, called] : [called, caller]
  return {
    from,
    to,
    via: 'sip',
    what: message.kind === 'response'
      ? responseText(message.status, message.reason, methodOf(message))
      : requestText(message.method, message.uri, header(message, 'refer-to'))
  }
}

/** Whether a message belongs to a request of the side that sent the first INVITE: its From tag is that side's. */
function isForward (message: SipSeen['message'], leg: Leg): boolean {
  const own = header(leg.invite ?? message, 'from')
  return addressUri(header(message, 'from'))?.user === addressUri(own)?.user &&
    tag(header(message, 'from')) !==
      tag(header(leg.messages.find(({ message }) => message.kind === 'response')?.message ?? message, 'to'))
}

const tag = (value: string | undefined): string | undefined => /;\s*tag=([^;\s>]+)/i.exec(value ?? '')?.[1]

const responseText = (status: number, reason: string, method: string): string =>
  `${status} ${reason}${method === 'INVITE' || status < 200 ? '' : ` (${method})`}`.replace(/ +/g, ' ').trim()

function requestText (method: string, uri: string, referTo: string | undefined): string {
  if (method === 'REFER') return `REFER to ${addressUri(referTo)?.user ?? ''}`.trim()
  // User and host, never a password.
  const user = /^(sips?:)(?:([^@:;]*)(?::[^@]*)?@)?([^;?]*)/i.exec(uri)
  return method === 'INVITE' && user
    ? `INVITE ${user[1]}${user[2] !== undefined ? `${user[2]}@` : ''}${user[3]}`
    : method
}

const PATHS: Readonly<Record<HookSeen['hook'], string>> = {
  'call-hook': 'call hook',
  status: 'status',
  action: 'action',
  refer: 'refer',
  'refer-complete': 'refer result'
}

function hookStep ({ hook, body }: HookSeen): Omit<Step, 'at'> {
  const leg = hook === 'status' ? body.parent_call_sid === undefined ? 'caller-leg' : 'agent-leg' : ''
  const what = hook === 'action'
    ? `dial ${body.dial_call_status ?? 'never began'} ${body.dial_sip_status ?? ''}`
    : hook === 'refer-complete'
      ? String(body.refer_status ?? '')
      : hook === 'status'
        ? `${body.call_status ?? ''}${body.sip_status !== undefined && body.sip_status >= 300 ? ` ${body.sip_status}` : ''}`
        : ''
  return {
    from: 'jambonz',
    to: 'bridge',
    via: 'http',
    what: ['POST', PATHS[hook], leg, what].filter(word => word !== '').join(' ').trim()
  }
}

function replyStep ({ reply }: HookSeen): Omit<Step, 'at'> | undefined {
  const verbs = Array.isArray(reply?.verbs)
    ? (reply.verbs as Array<{ verb?: unknown }>).map(({ verb }) => typeof verb === 'string' ? verb : '?')
    : []
  if (verbs.length === 0 && (reply?.status ?? 200) < 300) return undefined
  return {
    from: 'bridge',
    to: 'jambonz',
    via: 'http',
    what: [reply?.status, verbs.slice(0, 4).join(', ')].filter(word => word !== undefined && word !== '').join(' ')
  }
}

function roomStep ({ event }: RoomSeen): Omit<Step, 'at'> {
  const { what, participant, track } = event
  const isAgent = participant?.kind === 'AGENT' || participant?.identity.startsWith('agent-') === true
  const who = participant
    ? isAgent
      ? 'agent'
      : participant.identity.startsWith('sip_') || participant.kind === 'SIP'
        ? 'SIP participant'
        : 'participant'
    : ''
  const text = [
    who,
    what.replace(/^participant_|^room_/, match => match === 'room_' ? 'room ' : '').replace('_', ' '),
    track === 'AUDIO' ? 'audio' : '',
    participant?.reason ?? ''
  ].filter(word => word !== '').join(' ')
  return {
    from: isAgent ? 'agent' : 'livekit',
    to: isAgent && what !== 'participant_left' ? 'livekit' : isAgent ? 'agent' : 'livekit',
    via: 'room',
    what: text
  }
}

/** Of the servers' logs only what is worth a line. */
function logStep ({ from, level, text, fields }: LogSeen): Omit<Step, 'at'> | undefined {
  const reason = typeof fields['reason'] === 'string' ? ` (${fields['reason']})` : ''
  const party = from === 'livekit-sip' ? 'livekit' as const : 'jambonz' as const
  const worth = ['warn', 'error', 'fatal'].includes(level) ||
    /reject|clos|refus|fail|processing invite|joining room|unexpected/i.test(text)
  return worth ? { from: party, to: party, via: 'room', what: quote(`${text}${reason}`).slice(0, 80) } : undefined
}
