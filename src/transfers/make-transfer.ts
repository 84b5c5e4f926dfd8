import type { OrderDefaults } from '../orders/make-order.ts'
import { currentAttempt, type Call } from '../calls/fold/call.ts'
import { orderIdOfTransfer, type Order } from '../calls/fold/order.ts'
import { withPerson, type ScreenPrompt, type TransferPurpose, type TransferRequest } from '../calls/fold/transfers.ts'
import type { PhoneWay, SipWay } from '../calls/fold/way.ts'
import { remoteNumber } from '../jambonz/caller.ts'
import type { Policy } from '../routing/policy/policy.ts'
import { isSameNumber } from '../routing/same-number.ts'
import type { TransferBody } from './transfer-body.ts'

/** What a request for a transfer does not say itself. */
export interface TransferDefaults extends OrderDefaults {
  /** DIAL_TIMEOUT_S. */
  ringS: number
}

/** What only the one knows who takes the request. */
export interface TransferFacts {
  id: string
  /** The caller's call. The caller talks with an agent. */
  call: Call
  requestedBy: string
  /** Milliseconds since the epoch. */
  at: number
  /** What the number policy lets dial. */
  target: string
  /** One of our numbers. Absent with `refer`. */
  from?: string
  /** Name of the carrier, where one was found. */
  carrier?: string
  /** For whom it counts in the number policy. */
  countedFor: string
  policy: Policy | undefined
  defaults: TransferDefaults
  bodyHash?: string
}

export const isSipTarget = (target: string): boolean => /^sips?:/.test(target)

/** Makes of a request what the call of the caller is asked for. */
export function makeTransfer (body: TransferBody, facts: TransferFacts): TransferRequest {
  const { id, target, requestedBy, bodyHash } = facts
  const { mode } = body
  const base: TransferRequest = {
    id,
    mode,
    to: target,
    requestedBy,
    afterPerson: body.afterPerson ?? 'end',
    ringS: ringSOf(body, facts),
    ...(bodyHash === undefined ? {} : { bodyHash })
  }
  switch (mode) {
    case 'refer':
      return base
    case 'consult':
    case 'add':
      return { ...base, order: personOrder({ ...body, mode }, facts) }
    case 'blind':
      return { ...base, way: wayTo(body, facts) }
    case 'screen':
      return { ...base, way: { ...wayTo(body, facts), screen: id }, prompt: promptOf(body) }
  }
}

const ringSOf = ({ ring }: TransferBody, { defaults }: TransferFacts): number => ring ?? defaults.ringS

/** How long the person's call may last, seconds. */
export const longestSOf = ({ policy, defaults }: Pick<TransferFacts, 'policy' | 'defaults'>): number =>
  Math.min(policy?.caps.longestS ?? Infinity, defaults.longestS)

/** How the caller's own leg is dialled to the person. */
function wayTo (body: TransferBody, facts: TransferFacts): PhoneWay | SipWay {
  const { target, from, carrier } = facts
  const { headers } = body
  const common = {
    ringS: ringSOf(body, facts),
    longestS: longestSOf(facts),
    ...(from === undefined ? {} : { from }),
    ...(headers === undefined ? {} : { headers })
  }
  return isSipTarget(target)
    ? { strategy: 'sip', uri: target, ...common }
    : { strategy: 'phone', number: target, ...(carrier === undefined ? {} : { carrier }), ...common }
}

/** What a person hears where the request has neither `say` nor `play`. */
const ASKS_FOR_KEY: ScreenPrompt = { say: 'A caller is waiting for you. Press 1 to take the call.', language: 'en-US' }

function promptOf ({ say, language, play }: TransferBody): ScreenPrompt {
  if (play !== undefined) return { play }
  if (say === undefined) return ASKS_FOR_KEY
  return { say, ...(language === undefined ? {} : { language }) }
}

/** The order of the person's call. */
function personOrder (body: TransferBody & { mode: 'consult' | 'add' }, facts: TransferFacts): Order {
  const { id, call, requestedBy, at, target, from, carrier, countedFor } = facts
  const { headers } = body
  return {
    id: orderIdOfTransfer(id),
    // A key sees what the agents of its calls do.
    placedBy: call.order?.placedBy ?? requestedBy,
    orderedAt: at,
    to: target,
    from: from!,
    ...agentFor(body, facts),
    ringS: ringSOf(body, facts),
    longestS: longestSOf(facts),
    agentAt: 'ringing',
    voicemail: 'off',
    onMachine: 'continue',
    countedFor,
    transfer: purposeOf(body, facts),
    ...(carrier === undefined ? {} : { carrier }),
    ...(headers === undefined ? {} : { headers })
  }
}

/** The agent that talks with the person: the caller's, unless another one is named. */
function agentFor ({ agent }: TransferBody, { call, defaults }: TransferFacts): Pick<Order, 'agent' | 'metadata'> {
  const attempt = currentAttempt(call)
  if (agent !== undefined && agent !== attempt?.agent) return { agent }

  const metadata = (attempt?.way.strategy === 'room' && attempt.way.metadata) || call.app.metadata
  return { agent: attempt?.agent ?? defaults.agent, ...(metadata ? { metadata } : {}) }
}

function purposeOf (body: TransferBody & { mode: 'consult' | 'add' }, facts: TransferFacts): TransferPurpose {
  const { id, call, target } = facts
  const joinAs = joinAsOf(target, call)
  const { n, warm, token } = currentAttempt(call)!
  return {
    id,
    mode: body.mode,
    callSid: call.callSid,
    attempt: n,
    ...(warm && token !== undefined ? { token } : {}),
    ...(joinAs === undefined ? {} : { joinAs }),
    ...(body.brief === undefined ? {} : { brief: body.brief })
  }
}

/**
 * The From user under which a person joins the caller's room, where somebody there has the person's number already:
 * LiveKit removes the participant that has the same identity (recorded on livekit-server 1.13.3).
 */
export function joinAsOf (number: string, call: Call): string | undefined {
  const present = [remoteNumber(call.facts), ...withPerson(call).map(nameInRoom)].filter(name => name !== undefined)
  if (!present.some(name => isSameNumber(name.replace(SUFFIX, ''), number))) return undefined

  let n = 2
  while (present.includes(`${number}-${n}`)) n++
  return `${number}-${n}`
}

const nameInRoom = ({ person, request }: ReturnType<typeof withPerson>[number]): string | undefined =>
  person?.purpose.joinAs ?? person?.to ?? request?.to

/** What tells somebody in a room from somebody else with the same number. */
const SUFFIX = /-\d+$/
