import { Type, type Static } from 'typebox'
import type { CallStatus } from '../calls/fold/call.ts'
import { HookBodyError } from '../errors.ts'
import { callStatusOf, statusOfSip } from './call-status.ts'
import { bodyReader } from './read-body.ts'

/*
 * What Jambonz posts, field by field (jambonz-feature-server lib/session/call-info.js, lib/utils/http-requestor.js):
 * snake_case except `customerData`, `sip` and `env_vars`, which arrive untouched. Only `call_sid` is required: the
 * bridge reads every other property with care (read-body.ts), and these schemas say what it understands.
 */

const Sid = (description: string) =>
  Type.String({ pattern: '^[\\w.:-]{1,128}$', description, examples: ['d00d8a36-93f1-4a61-b3df-98751116d97a'] })

/** A text of a caller's or carrier's making. A longer one counts as absent: it is none of what the field is for. */
const Text = (options: { description?: string, examples?: string[] } = {}) =>
  Type.String({ maxLength: LONGEST_TEXT, ...options })

/** Longest text that is read, characters. A SIP URI or a display name is far shorter. */
export const LONGEST_TEXT = 1024

const SipStatus = (options: { description?: string, examples?: number[] } = {}) =>
  Type.Integer({ minimum: 100, maximum: 699, ...options })

const CALL_STATUSES = [
  'trying',
  'ringing',
  'early-media',
  'in-progress',
  'completed',
  'failed',
  'busy',
  'no-answer',
  'queued'
] as const satisfies readonly CallStatus[]
export const LegStatus = (description: string) =>
  Type.Optional(
    Type.Enum([...CALL_STATUSES], {
      type: 'string',
      description: `${description}. Where it is missing or unknown, \`sip_status\` tells it`
    })
  )

const TerminatedBy = Type.Optional(
  Type.Enum(['caller', 'jambonz'], { type: 'string', description: 'Who ended the A leg' })
)
const Duration = Type.Optional(Type.Number({ minimum: 0, description: 'Seconds' }))
export const ParentSid = (description: string) => Type.Optional(Sid(description))

/** What every hook says of its leg. */
export const COMMON_FIELDS = {
  call_sid: Sid('The leg that this is about'),
  direction: Type.Optional(
    Type.Enum(['inbound', 'outbound'], {
      type: 'string',
      description:
        'B legs and REST-originated calls are both outbound: a B leg is known by `parent_call_sid`. Missing: inbound'
    })
  ),
  from: Type.Optional(Text({ examples: ['+15550001111'] })),
  to: Type.Optional(Text({ examples: ['+15551230000'] })),
  call_id: Type.Optional(Text({ description: 'SIP Call-ID between SBC and feature-server' })),
  sbc_callid: Type.Optional(Text({ description: 'SIP Call-ID on the other side of the SBC' })),
  sip_status: Type.Optional(SipStatus({ examples: [100] })),
  sip_reason: Type.Optional(Text({ examples: ['Trying'] })),
  account_sid: Type.Optional(Text()),
  application_sid: Type.Optional(Text()),
  trace_id: Type.Optional(Text()),
  originating_sip_ip: Type.Optional(Text()),
  originating_sip_trunk_name: Type.Optional(
    Text({ description: 'Carrier that delivered the call', examples: ['MyCarrier'] })
  ),
  customerData: Type.Optional(Type.Unknown({ description: 'The `tag` of the call, untouched' }))
}

/** Properties that say whose leg a hook is about. Reading around a wrong one would blame another call. */
export const VITAL = ['call_sid', 'parent_call_sid']

/** What is known of the leg in every body that was read. */
export interface Leg {
  direction: 'inbound' | 'outbound'
  call_status: CallStatus
}

/** The call hook: inbound (with `sip`), REST-originated after the answer, or a known call that was redirected here. */
export const CallHookSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus('`trying` of a new inbound call; `in-progress` of a REST-originated or redirected one'),
  caller_name: Type.Optional(Text({ description: 'Display name, may include quotes', examples: ['"Alice"'] })),
  sip: Type.Optional(Type.Object({
    headers: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Headers of the INVITE; names in any case' })
    ),
    method: Type.Optional(Text()),
    uri: Type.Optional(Text())
  }, { description: 'The inbound INVITE; only with method POST' })),
  env_vars: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Application environment variables; only in the first call hook'
    })
  ),
  defaults: Type.Optional(Type.Unknown()),
  participants: Type.Optional(Type.Array(Type.Unknown(), { description: 'SIPREC: declined' }))
}, {
  $id: 'CallHook',
  description: 'Call hook (session:new)',
  examples: [{
    call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    call_id: 'fb9f246a-7a4f-4c3a-9f0e-2f1f6f0f3c11',
    sip_status: 100,
    sip_reason: 'Trying',
    call_status: 'trying',
    caller_name: '"Alice"',
    account_sid: 'acct-1',
    application_sid: 'app-1',
    originating_sip_trunk_name: 'MyCarrier',
    sip: {
      headers: {
        from: '"Alice" <sip:+15550001111@carrier.example.com>;tag=1',
        to: '<sip:+15551230000@sbc.example.com>',
        'X-CID': 'carrier-call-id'
      },
      method: 'INVITE'
    }
  }]
})
export type CallHook = Omit<Static<typeof CallHookSchema>, keyof Leg> & Pick<Leg, 'direction'> & Partial<Leg>

const callHook = bodyReader<Static<typeof CallHookSchema>>(CallHookSchema, VITAL)

/** @throws {HookBodyError} */
export function readCallHook (body: unknown): CallHook {
  const hook = callHook(body)
  return { ...hook, ...legOf(hook) }
}

export const StatusSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus('Status of this leg'),
  parent_call_sid: ParentSid('The A leg; only on B legs'),
  call_termination_by: TerminatedBy,
  duration: Duration
}, {
  $id: 'Status',
  description: 'Call status event of either leg',
  examples: [{
    call_sid: 'f9a2feb1-c700-4e7a-9dc7-99b00a13e35e',
    parent_call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'outbound',
    from: '+15550001111',
    to: 'sip:token@sip.example.com',
    sip_status: 180,
    sip_reason: 'Ringing',
    call_status: 'ringing'
  }]
})
export type Status = Omit<Static<typeof StatusSchema>, keyof Leg> & Leg

const status = bodyReader<Static<typeof StatusSchema>>(StatusSchema, VITAL)

/** @throws {HookBodyError} also when it says nothing of the leg's status */
export function readStatus (body: unknown): Status {
  const event = status(body)
  const leg = legOf(event)
  if (leg.call_status === undefined) throw new HookBodyError('call_status')
  return { ...event, ...leg, call_status: leg.call_status }
}

export const ActionSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus('Status of the A leg'),
  call_termination_by: TerminatedBy,
  verb_id: Type.Optional(Text({ description: '`id` of the dial', examples: ['attempt-1'] })),
  dial_call_status: Type.Optional(
    Type.Enum([...CALL_STATUSES], {
      type: 'string',
      description:
        'Result of the dial; may be a stale non-final value, or absent when nothing was dialled. Where it is missing ' +
        'or unknown, `dial_sip_status` tells it'
    })
  ),
  dial_sip_status: Type.Optional(SipStatus({ examples: [486] })),
  dial_call_sid: Type.Optional(Sid('The B leg')),
  dial_sbc_callid: Type.Optional(
    Text({ description: 'SIP Call-ID of the INVITE that reached the far end, once that answered provisionally' })
  ),
  parent_call_sid: ParentSid('The A leg')
}, {
  $id: 'Action',
  description: 'Result of a dial (actionHook)',
  examples: [{
    call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    call_status: 'trying',
    sip_status: 100,
    dial_call_status: 'busy',
    dial_sip_status: 486,
    dial_call_sid: 'f9a2feb1-c700-4e7a-9dc7-99b00a13e35e',
    verb_id: 'attempt-1'
  }]
})
export type Action = Omit<Static<typeof ActionSchema>, keyof Leg> & Leg

const action = bodyReader<Static<typeof ActionSchema>>(ActionSchema, VITAL)

/** @throws {HookBodyError} */
export function readAction (body: unknown): Action {
  const result = action(body)
  const { dial_call_status: known, dial_sip_status: sipStatus } = result
  const dialStatus = known ?? statusOfSip(sipStatus, true)
  return {
    ...result,
    // A decline ends a caller who was not answered, and feature-server skips it where the caller was.
    ...legOf(result, 'trying'),
    ...(dialStatus === undefined ? {} : { dial_call_status: dialStatus })
  }
}

export const ReferSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus('Status of the leg that sent the REFER'),
  parent_call_sid: ParentSid('Present when the agent leg sent the REFER'),
  refer_details: Type.Optional(Type.Object({
    sip_refer_to: Type.Optional(Text({ examples: ['<tel:+15559998888>'] })),
    refer_to_user: Type.Optional(Text({ examples: ['+15559998888'] })),
    sip_referred_by: Type.Optional(Text()),
    referring_call_sid: Type.Optional(Text()),
    referred_call_sid: Type.Optional(Text())
  }, { description: 'Without a target the transfer is refused' }))
}, {
  $id: 'Refer',
  description: 'A REFER on either leg (referHook)',
  examples: [{
    call_sid: 'f9a2feb1-c700-4e7a-9dc7-99b00a13e35e',
    parent_call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'outbound',
    call_status: 'in-progress',
    refer_details: {
      sip_refer_to: '<tel:+15559998888>',
      refer_to_user: '+15559998888',
      referred_call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a'
    }
  }]
})
export type Refer = Omit<Static<typeof ReferSchema>, keyof Leg> & Pick<Leg, 'direction'> & Partial<Leg>

const refer = bodyReader<Static<typeof ReferSchema>>(ReferSchema, VITAL)

/** @throws {HookBodyError} */
export function readRefer (body: unknown): Refer {
  const request = refer(body)
  return { ...request, ...legOf(request) }
}

export const ReferCompleteSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus('Status of the A leg'),
  refer_status: Type.Optional(SipStatus({ description: "The carrier's answer to the REFER", examples: [202] })),
  final_referred_call_status: Type.Optional(
    SipStatus({ description: 'Outcome of the referred call, from NOTIFY', examples: [200] })
  )
}, {
  $id: 'ReferComplete',
  description: 'Result of sip:refer (its actionHook)',
  examples: [{
    call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'inbound',
    call_status: 'in-progress',
    refer_status: 202,
    final_referred_call_status: 200
  }]
})
export type ReferComplete = Omit<Static<typeof ReferCompleteSchema>, keyof Leg> & Leg

const referComplete = bodyReader<Static<typeof ReferCompleteSchema>>(ReferCompleteSchema, VITAL)

/** @throws {HookBodyError} */
export function readReferComplete (body: unknown): ReferComplete {
  const result = referComplete(body)
  // Only a caller who was answered can be transferred.
  return { ...result, ...legOf(result, 'in-progress') }
}

/** What Jambonz' answering machine detection tells of (feature-server lib/utils/constants.json, AmdEvents). */
const AMD_TYPES = [
  'amd_human_detected',
  'amd_machine_detected',
  'amd_machine_stopped_speaking',
  'amd_no_speech_detected',
  'amd_decision_timeout',
  'amd_tone_detected',
  'amd_stopped'
] as const
export type AmdType = typeof AMD_TYPES[number]

/**
 * An event of answering machine detection on the callee's leg (lib/utils/amd-utils.js, lib/tasks/rest_dial.js). What
 * the callee was heard to say comes along in `greeting`, which is not read.
 */
export const AmdSchema = Type.Object({
  ...COMMON_FIELDS,
  call_status: LegStatus("Status of the callee's leg"),
  type: Type.Optional(
    Type.Enum([...AMD_TYPES], { type: 'string', description: 'What was found out. Other types say nothing to us' })
  ),
  reason: Type.Optional(
    Type.Enum(['short greeting', 'long greeting', 'hint', 'digit count'], {
      type: 'string',
      description: 'What a verdict rests on'
    })
  )
}, {
  $id: 'Amd',
  description: 'Event of answering machine detection (actionHook of amd)',
  examples: [{
    call_sid: 'd00d8a36-93f1-4a61-b3df-98751116d97a',
    direction: 'outbound',
    from: '+15551230000',
    to: '+15550002222',
    call_status: 'in-progress',
    sip_status: 200,
    type: 'amd_machine_detected',
    reason: 'long greeting'
  }]
})
export type Amd = Omit<Static<typeof AmdSchema>, keyof Leg> & Pick<Leg, 'direction'> & Partial<Leg>

const amd = bodyReader<Static<typeof AmdSchema>>(AmdSchema, VITAL)

/** @throws {HookBodyError} */
export function readAmd (body: unknown): Amd {
  const found = amd(body)
  return { ...found, ...legOf(found) }
}

type Report = Partial<Leg> & Parameters<typeof callStatusOf>[0]

/** @param otherwise the status of a leg of which the hook says none */
export function legOf (report: Report, otherwise: CallStatus): Leg
export function legOf (report: Report): Pick<Leg, 'direction'> & Partial<Leg>
export function legOf (report: Report, otherwise?: CallStatus): Pick<Leg, 'direction'> & Partial<Leg> {
  const status = callStatusOf(report) ?? otherwise
  return { direction: report.direction ?? 'inbound', ...(status === undefined ? {} : { call_status: status }) }
}
