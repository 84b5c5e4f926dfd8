import type { ActionEvent, CallHookEvent, ReferCompleteEvent, ReferEvent, StatusEvent } from '../calls/fold/events.ts'
import type { CallerFacts } from '../calls/fold/call.ts'
import type { RouteQuery } from '../routing/routes.ts'
import { callerFacts, pickHeaders, referTarget, strangerFacts } from './caller.ts'
import { applicationOf } from './env-vars.ts'
import type { Action, CallHook, Refer, ReferComplete, Status } from './payloads.ts'
import type { OrderTags } from './order-tag.ts'
import { attemptOfDialId } from './verbs-for.ts'

/*
 * What Jambonz's hooks mean to a call. `hash` is the raw body's.
 */

/** What tells whose call a hook is about. */
export interface HookContext {
  orders?: Pick<OrderTags, 'read'>
  /** Name of the carrier through which LiveKit calls out. */
  agentTrunk?: string
}

/** The call that a hook is about: a B leg's has its A leg as parent. */
export const callSidOf = (body: { call_sid: string, parent_call_sid?: string }): string =>
  body.parent_call_sid ?? body.call_sid

/** @param wanted names of the inbound headers that the agent may see */
export const callHookEvent = (
  body: CallHook,
  hash: string,
  wanted: readonly string[],
  context: HookContext = {}
): Omit<CallHookEvent, 'refuse'> => ({
  kind: 'call-hook',
  callSid: body.call_sid,
  hash,
  facts: callerFacts(body, wanted, context.agentTrunk),
  // feature-server tells little of a call that it already had: neither its INVITE nor the application's defaults.
  redirected: body.sip === undefined && body.defaults === undefined,
  answered: body.call_status === 'in-progress',
  app: applicationOf(body),
  order: context.orders?.read(body.customerData)
})

/**
 * What the conditions of routes ask about a call hook.
 * @param at when it arrived, milliseconds since the epoch
 * @param headerNames the headers that conditions ask about
 */
export const routeQueryOf = (
  body: CallHook,
  facts: CallerFacts,
  at: number,
  headerNames: readonly string[]
): RouteQuery => ({
  callSid: body.call_sid,
  at,
  to: facts.to,
  from: facts.from,
  carrier: facts.trunk,
  application: facts.applicationSid,
  direction: facts.direction,
  headers: pickHeaders(body.sip?.headers, headerNames)
})

export const statusEvent = (body: Status, context: HookContext = {}): StatusEvent => ({
  kind: 'status',
  callSid: callSidOf(body),
  facts: strangerFacts(body, context.agentTrunk),
  leg: legOf(body),
  legSid: body.call_sid,
  callStatus: body.call_status,
  sipStatus: body.sip_status,
  sipReason: body.sip_reason,
  by: body.call_termination_by,
  dialled: dialledOf(body),
  order: context.orders?.read(body.customerData)
})

export const actionEvent = (body: Action, hash: string, context: HookContext = {}): ActionEvent => ({
  kind: 'action',
  callSid: callSidOf(body),
  hash,
  facts: strangerFacts(body, context.agentTrunk),
  attempt: attemptOfDialId(body.verb_id),
  dialCallStatus: body.dial_call_status,
  dialSipStatus: body.dial_sip_status,
  dialCallSid: body.dial_call_sid,
  rang: body.dial_sbc_callid !== undefined,
  callerStatus: body.call_status,
  callerSipStatus: body.sip_status,
  callerEndedBy: body.call_termination_by,
  order: context.orders?.read(body.customerData)
})

export const referEvent = (body: Refer, hash: string): ReferEvent => ({
  kind: 'refer',
  callSid: callSidOf(body),
  hash,
  facts: strangerFacts(body),
  leg: legOf(body),
  legSid: body.call_sid,
  dialled: dialledOf(body),
  referTo: referTarget(body.refer_details)
})

export const referCompleteEvent = (body: ReferComplete, hash: string): ReferCompleteEvent => ({
  kind: 'refer-complete',
  hash,
  referStatus: body.refer_status,
  finalStatus: body.final_referred_call_status,
  callerStatus: body.call_status
})

/** Whom an agent leg was dialled to: the user part of a SIP URI, or a number as it is. */
const dialledOf = ({ parent_call_sid: parent, to }: { parent_call_sid?: string, to?: string }): string | undefined =>
  parent === undefined ? undefined : to?.replace(/^sips?:/, '').split('@')[0]

const legOf = (body: { parent_call_sid?: string }): 'caller' | 'agent' =>
  body.parent_call_sid === undefined ? 'caller' : 'agent'
