import { Type, type Static } from 'typebox'
import type { RedirectEvent, ScreenDigitEvent, ScreenEvent } from '../calls/fold/transfer-events.ts'
import { HookBodyError } from '../errors.ts'
import { strangerFacts } from './caller.ts'
import { callSidOf, type HookContext } from './events.ts'
import { COMMON_FIELDS, legOf, LegStatus, ParentSid, VITAL, type Leg } from './payloads.ts'
import { bodyReader } from './read-body.ts'

/*
 * What Jambonz posts for transfers (jambonz-feature-server lib/session/call-session.js, lib/utils/place-outdial.js,
 * lib/tasks/gather.js).
 */

/** The query of our own hook addresses. It only tells apart what reads the same. */
export interface HookQuery {
  transfer?: string | undefined
  n?: number | undefined
}

export const RedirectHookSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus('Status of the leg that is redirected')
}, {
  $id: 'RedirectHook',
  description: 'What should a leg do that the bridge had redirected? (`call_hook` of updateCall)',
  examples: [{
    call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    call_status: 'in-progress',
    sip_status: 200
  }]
})

export const ScreenSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus("Status of the person's leg"),
  parent_call_sid: ParentSid("The caller's call")
}, {
  $id: 'Screen',
  description: 'The person whom a screened dial called has answered (confirmHook)',
  examples: [{
    call_sid: 'f9a2feb1-c700-4e7a-9dc7-99b00a13e35e',
    parent_call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'outbound',
    call_status: 'in-progress'
  }]
})

export const ScreenDigitSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus("Status of the person's leg"),
  parent_call_sid: ParentSid("The caller's call"),
  digits: Type.Optional(Type.String({ maxLength: 32, examples: ['1'] })),
  reason: Type.Optional(Type.String({ maxLength: 64, examples: ['dtmfDetected', 'timeout'] }))
}, {
  $id: 'ScreenDigit',
  description: 'The person pressed a key, or did not in time (actionHook of gather)',
  examples: [{
    call_sid: 'f9a2feb1-c700-4e7a-9dc7-99b00a13e35e',
    parent_call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'outbound',
    call_status: 'in-progress',
    digits: '1',
    reason: 'dtmfDetected'
  }]
})

const redirect = bodyReader<Static<typeof RedirectHookSchema>>(RedirectHookSchema, VITAL)
const screen = bodyReader<Static<typeof ScreenSchema>>(ScreenSchema, VITAL)
const screenDigit = bodyReader<Static<typeof ScreenDigitSchema>>(ScreenDigitSchema, VITAL)

export type RedirectHook = Omit<Static<typeof RedirectHookSchema>, keyof Leg> & Leg
export type Screen = Omit<Static<typeof ScreenSchema>, keyof Leg> & Leg
export type ScreenDigit = Omit<Static<typeof ScreenDigitSchema>, keyof Leg> & Leg

/** @throws {HookBodyError} */
export function readRedirect (body: unknown): RedirectHook {
  const hook = redirect(body)
  // Only a leg that was answered is redirected.
  return { ...hook, ...legOf(hook, 'in-progress') }
}

/** @throws {HookBodyError} */
export function readScreen (body: unknown): Screen {
  const hook = screen(body)
  return { ...withParent(hook), ...legOf(hook, 'in-progress') }
}

/** @throws {HookBodyError} */
export function readScreenDigit (body: unknown): ScreenDigit {
  const hook = screenDigit(body)
  return { ...withParent(hook), ...legOf(hook, 'in-progress') }
}

/** A person's leg without its caller's is none that we know. */
function withParent<T extends { parent_call_sid?: string }> (hook: T): T {
  if (hook.parent_call_sid === undefined) throw new HookBodyError('parent_call_sid')
  return hook
}

/** Hooks that read the same are told apart by their address. */
const hashWith = (hash: string, { transfer = '', n = 0 }: HookQuery): string => `${hash} ${transfer} ${n}`

export const redirectEvent = (
  body: RedirectHook,
  hash: string,
  query: HookQuery,
  context: HookContext = {}
): RedirectEvent => ({
  kind: 'redirect',
  callSid: callSidOf(body),
  hash: hashWith(hash, query),
  facts: strangerFacts(body, context.agentTrunk),
  transfer: query.transfer,
  n: query.n,
  callerStatus: body.call_status,
  order: context.orders?.read(body.customerData)
})

export const screenEvent = (body: Screen, hash: string, query: HookQuery): ScreenEvent => ({
  kind: 'screen',
  callSid: callSidOf(body),
  hash: hashWith(hash, query),
  legSid: body.call_sid,
  transfer: query.transfer
})

export const screenDigitEvent = (body: ScreenDigit, hash: string, query: HookQuery): ScreenDigitEvent => ({
  kind: 'screen-digit',
  callSid: callSidOf(body),
  hash: hashWith(hash, query),
  legSid: body.call_sid,
  transfer: query.transfer,
  digits: body.digits === '' ? undefined : body.digits,
  legStatus: body.call_status
})
