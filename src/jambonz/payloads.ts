import { Type, type Static } from 'typebox'

/*
 * What Jambonz posts, field-exact (jambonz-feature-server lib/session/call-info.js, lib/utils/http-requestor.js):
 * snake_case except `customerData`, `sip` and `env_vars`, which come untouched. Unknown properties are kept. Only what
 * the bridge cannot do without is required.
 */

const Sid = (description: string) =>
  Type.String({ pattern: '^[\\w.:-]{1,128}$', description, examples: ['d00d8a36-93f1-4a61-b3df-98751116d97a'] })

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
] as const
const CallStatus = (description: string) => Type.Enum([...CALL_STATUSES], { type: 'string', description })

const Common = {
  call_sid: Sid('The leg that this is about'),
  direction: Type.Enum(['inbound', 'outbound'], {
    type: 'string',
    description: 'B legs and REST-originated calls are both outbound: a B leg is known by `parent_call_sid`'
  }),
  from: Type.Optional(Type.String({ examples: ['+15550001111'] })),
  to: Type.Optional(Type.String({ examples: ['+15551230000'] })),
  call_id: Type.Optional(Type.String({ description: 'SIP Call-ID between SBC and feature-server' })),
  sbc_callid: Type.Optional(Type.String({ description: 'SIP Call-ID on the other side of the SBC' })),
  sip_status: Type.Optional(Type.Integer({ examples: [100] })),
  sip_reason: Type.Optional(Type.String({ examples: ['Trying'] })),
  account_sid: Type.Optional(Type.String()),
  application_sid: Type.Optional(Type.String()),
  trace_id: Type.Optional(Type.String()),
  originating_sip_ip: Type.Optional(Type.String()),
  originating_sip_trunk_name: Type.Optional(
    Type.String({ description: 'Carrier that delivered the call', examples: ['MyCarrier'] })
  ),
  customerData: Type.Optional(Type.Unknown({ description: 'The `tag` of the call, untouched' }))
}

/** The call hook: inbound (with `sip`), REST-originated after the answer, or a known call that was redirected here. */
export const CallHookSchema = Type.Object({
  ...Common,
  call_status: Type.Optional(
    CallStatus('`trying` of a new inbound call; `in-progress` of a REST-originated or redirected one')
  ),
  caller_name: Type.Optional(Type.String({ description: 'Display name, may include quotes', examples: ['"Alice"'] })),
  sip: Type.Optional(Type.Object({
    headers: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Headers of the INVITE; names in any case' })
    ),
    method: Type.Optional(Type.String()),
    uri: Type.Optional(Type.String())
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
export type CallHook = Static<typeof CallHookSchema>

export const StatusSchema = Type.Object({
  ...Common,
  call_status: CallStatus('Status of this leg'),
  parent_call_sid: Type.Optional(Sid('The A leg; only on B legs')),
  call_termination_by: Type.Optional(
    Type.Enum(['caller', 'jambonz'], { type: 'string', description: 'Who ended an A leg' })
  ),
  duration: Type.Optional(Type.Number({ description: 'Seconds' }))
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
export type Status = Static<typeof StatusSchema>

export const ActionSchema = Type.Object({
  ...Common,
  call_status: CallStatus('Status of the A leg'),
  call_termination_by: Type.Optional(Type.Enum(['caller', 'jambonz'], { type: 'string' })),
  verb_id: Type.Optional(Type.String({ description: '`id` of the dial', examples: ['attempt-1'] })),
  dial_call_status: Type.Optional(
    CallStatus('Result of the dial; may be a stale non-final value, or absent when nothing was dialled')
  ),
  dial_sip_status: Type.Optional(Type.Integer({ examples: [486] })),
  dial_call_sid: Type.Optional(Sid('The B leg')),
  dial_sbc_callid: Type.Optional(
    Type.String({ description: 'SIP Call-ID of the INVITE that reached the far end, once that answered provisionally' })
  ),
  parent_call_sid: Type.Optional(Sid('The A leg'))
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
export type Action = Static<typeof ActionSchema>

export const ReferSchema = Type.Object({
  ...Common,
  call_status: Type.Optional(CallStatus('Status of the leg that sent the REFER')),
  parent_call_sid: Type.Optional(Sid('Present when the agent leg sent the REFER')),
  refer_details: Type.Object({
    sip_refer_to: Type.Optional(Type.String({ examples: ['<tel:+15559998888>'] })),
    refer_to_user: Type.Optional(Type.String({ examples: ['+15559998888'] })),
    sip_referred_by: Type.Optional(Type.String()),
    referring_call_sid: Type.Optional(Type.String()),
    referred_call_sid: Type.Optional(Type.String())
  })
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
export type Refer = Static<typeof ReferSchema>

export const ReferCompleteSchema = Type.Object({
  ...Common,
  call_status: CallStatus('Status of the A leg'),
  refer_status: Type.Optional(Type.Integer({ description: "The carrier's answer to the REFER", examples: [202] })),
  final_referred_call_status: Type.Optional(
    Type.Integer({ description: 'Outcome of the referred call, from NOTIFY', examples: [200] })
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
export type ReferComplete = Static<typeof ReferCompleteSchema>
