import type { Calls } from '../calls/calls.ts'
import type { Call } from '../calls/fold/call.ts'
import type { CallHookEvent } from '../calls/fold/events.ts'
import type { PhoneWay } from '../calls/fold/way.ts'
import { within, type Clock } from '../clock.ts'
import { CarrierNeededError, UnknownCarrierError } from '../errors.ts'
import { isSameNumber } from '../routing/same-number.ts'
import { ownNumbers } from '../routing/own-numbers.ts'
import type { NumberGate } from '../routing/policy/number-gate.ts'
import type { RoutesSource, RoutesTable } from '../routing/routes.ts'
import { pickHeaders, remoteNumber } from './caller.ts'
import type { Outbound } from './outbound.ts'
import type { CallHook } from './payloads.ts'

/*
 * An agent calls somebody: LiveKit sends the call to Jambonz as a carrier would, and Jambonz asks what to do with it.
 * The agent chose the number, and so did a caller who talked it into one.
 */

export interface AgentDoorOptions {
  calls: Pick<Calls, 'find'>
  clock: Clock
  routes: RoutesSource
  gate: NumberGate
  outbound: Pick<Outbound, 'carrierOf'>
  /** OUTBOUND_CARRIER. */
  carrier: string | undefined
  dialTimeoutS: number
  /** Longest call, seconds. */
  timeLimitS: number
}

type Hook = Omit<CallHookEvent, 'refuse'>
type Refusal = NonNullable<CallHookEvent['refuse']>

export interface JudgedCall {
  /** With the route to who is called, or with what refuses the call. */
  event: CallHookEvent
  /** Nobody is called after all. A repeat of the hook leaves what the first one counted. */
  withdraw(): Promise<void>
}

/** Longest wait for the name of the carrier, milliseconds: Jambonz waits for our verbs meanwhile. */
const CARRIER_MS = 2000
/** For what follows a call, beyond its longest time, milliseconds. */
const SLACK_MS = 60_000

/** Asks the number policy whether an agent may call who it wants to, and counts the call. Never rejects. */
export async function judgeAgentCall (event: Hook, hook: CallHook, options: AgentDoorOptions): Promise<JudgedCall> {
  const { gate, routes } = options
  const { callSid, facts } = event
  const roomCall = await roomCallOf(hook, options)
  const known = { ...event, joins: roomCall?.callSid, sipCallIds: sipCallIdsOf(hook) }
  const longestS = Math.min(options.timeLimitS, routes.table.policy?.caps.longestS ?? Infinity)
  const counted = { id: callSid, caller: roomCall ? remoteNumber(roomCall.facts) : facts.from }
  const livesMs = (options.dialTimeoutS + longestS) * 1000 + SLACK_MS
  const entered = await gate.enter({ ...counted, door: 'trunk', number: facts.to, callSid, livesMs })
  if (!entered.allowed) {
    const answer = entered.reason === 'store-unavailable' ? NOT_COUNTED : NOT_ALLOWED
    return refused(known, answer, `${entered.reason} ${entered.rule}`.trim())
  }

  const withdraw = async () => {
    if (entered.isCounted) await gate.withdraw(counted)
  }
  const way = await wayTo(entered.target, facts.from, options)
  if ('refusal' in way) {
    await withdraw()
    return refused(known, way.refusal, way.detail)
  }
  return { event: { ...known, longestS, route: { ways: [way] } }, withdraw }
}

const NOT_ALLOWED = { status: 403, reason: 'Destination Not Allowed' }
/** What the policy limits cannot be counted now. */
const NOT_COUNTED = { status: 503, reason: 'Calls Cannot Be Counted' }
/** What an agent gets whose call is not refused for the number that it calls. */
const NOT_SET_UP = { status: 503, reason: 'Outbound Calls Not Set Up' }

const refused = (
  event: Hook,
  answer: Pick<Refusal, 'status' | 'reason'>,
  detail: string
): JudgedCall => ({ event: { ...event, refuse: { cause: 'not-allowed', ...answer, detail } }, withdraw: nothing })

const nothing = async (): Promise<void> => {}

/**
 * The way to who is called. The caller id is always one of our own numbers. The carrier is named wherever anybody can
 * name it: otherwise Jambonz chooses one.
 */
async function wayTo (
  number: string,
  shown: string,
  options: AgentDoorOptions
): Promise<PhoneWay | { refusal: typeof NOT_SET_UP, detail: string }> {
  const from = callerIdOf(shown, options.routes.table)
  if (from === undefined) return { refusal: NOT_SET_UP, detail: 'no-caller-id' }

  const found = await carrierFor(options)
  if (found === 'unclear') return { refusal: NOT_SET_UP, detail: 'no-carrier' }
  return { strategy: 'phone', number, ...found, from }
}

/**
 * The carrier of the settings, or the only one of the account. While Jambonz cannot be asked, the settings are
 * believed. For a name that it does not know, and among several, Jambonz would choose any.
 */
async function carrierFor (
  { outbound, carrier: wish, clock }: AgentDoorOptions
): Promise<Pick<PhoneWay, 'carrier'> | 'unclear'> {
  let carrier = wish
  try {
    carrier = await within(clock, CARRIER_MS, outbound.carrierOf(wish), () => new Error('no answer in time'))
  } catch (error) {
    if (error instanceof UnknownCarrierError || error instanceof CarrierNeededError) return 'unclear'
  }
  return carrier === undefined ? {} : { carrier }
}

/** The number that LiveKit's trunk shows, if it is ours; else the first of ours. */
function callerIdOf (shown: string, table: RoutesTable): string | undefined {
  const own = ownNumbers(table)
  return own.find(number => isSameNumber(number, shown)) ?? own[0]
}

/** The call that the agent named, if that is known and goes on. */
async function roomCallOf (hook: CallHook, { calls }: AgentDoorOptions): Promise<Call | undefined> {
  const named = pickHeaders(hook.sip?.headers, ['X-LK-Call']).get('x-lk-call')
  if (named === undefined || !CALL_SID.test(named)) return undefined
  // While the store is gone the call is made all the same.
  const call = await calls.find(named).catch(() => undefined)
  return call && call.phase !== 'ended' && call.facts.direction !== 'agent' ? call : undefined
}

const CALL_SID = /^[\w.:-]{1,128}$/

/**
 * By which LiveKit may know the leg: the SIP Call-ID that it sent (`sip.callIDFull`), which sbc-inbound passes on as
 * X-CID, and the tag of From (`sip.callID`), which no SBC lets through.
 */
function sipCallIdsOf ({ sip, sbc_callid: sbcCallId, call_id: callId }: CallHook): string[] {
  const headers = pickHeaders(sip?.headers, ['from', 'x-cid'])
  const tag = /;tag=(SCL_\w+)/.exec(headers.get('from') ?? '')?.[1]
  const ids = [tag, headers.get('x-cid'), sbcCallId, callId].filter(id => id !== undefined)
  return [...new Set(ids)].filter(id => id.length > 0 && id.length <= LONGEST_ID)
}

const LONGEST_ID = 128
