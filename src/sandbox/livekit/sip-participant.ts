import { createHash } from 'node:crypto'
import type { InboundCall, RoutingRule } from '../../livekit/dispatch-matching.ts'
import type { IncomingCall } from '../../sip/user-agent.ts'
import type { Json } from './json.ts'
import type { Joining } from './room-manager.ts'
import type { Participant } from './state.ts'
import { parseAddress, parseUri, tagOf } from '../../sip/address.ts'
import { header, headersObject } from '../../sip/message.ts'
import { text, textMap } from './json.ts'

/** The parts of a call that LiveKit matches with trunks and rules. @throws SipParseError for a malformed From or To */
export function inboundOf (call: IncomingCall): InboundCall {
  const from = parseUri(parseAddress(header(call.request, 'from') ?? '').uri)
  const to = parseUri(parseAddress(header(call.request, 'to') ?? '').uri)
  return {
    fromUser: from.user,
    fromHost: from.host,
    toUser: to.user,
    sourceIp: call.remote.slice(0, call.remote.lastIndexOf(':'))
  }
}

/** The headers that LiveKit adds to its 200 and REFER: the trunk's `attributes_to_headers`. */
export function mappedHeaders (trunk: Json, participant: Participant): Record<string, string> {
  return Object.fromEntries(
    Object.entries(textMap(trunk, 'attributes_to_headers')).flatMap(([attribute, name]) => {
      const value = participant.attributes[attribute]
      return value === undefined ? [] : [[name, value]]
    })
  )
}

/** The SIP participant of a call, with the attributes of livekit/protocol attrs.go. */
export function callerOf (
  call: IncomingCall,
  input: { trunk: Json, rule: RoutingRule & { json: Json }, inbound: InboundCall, tag: string }
): Joining {
  const { trunk, rule, inbound } = input
  const hidden = rule.json.hide_phone_number === true
  const from = hidden ? createHash('sha256').update(inbound.fromUser).digest('hex').slice(0, 16) : inbound.fromUser
  const wanted = text(trunk, 'include_headers')
  const headers = Object.entries(headersObject(call.request)).filter(([name]) =>
    wanted === 'SIP_ALL_HEADERS' || (wanted === 'SIP_X_HEADERS' && name.startsWith('x-'))
  )
  const mapped = Object.entries(textMap(trunk, 'headers_to_attributes')).flatMap(([name, attribute]) => {
    const value = header(call.request, name)
    return value === undefined ? [] : [[attribute, value]]
  })
  return {
    identity: `sip_${from}`,
    name: `Phone ${hidden ? inbound.fromUser.slice(-4) : from}`,
    kind: 'SIP',
    metadata: text(rule.json, 'metadata'),
    attributes: {
      ...textMap(rule.json, 'attributes'),
      ...Object.fromEntries(headers.map(([name, value]) => [`sip.h.${name}`, value])),
      ...Object.fromEntries(mapped),
      'sip.callID': input.tag,
      'sip.callIDFull': call.callId,
      'sip.callStatus': 'ringing',
      'sip.callTag': tagOf(header(call.request, 'from')) ?? '',
      'sip.ruleID': rule.sipDispatchRuleId,
      'sip.trunkID': text(trunk, 'sip_trunk_id'),
      ...(!hidden &&
        {
          'sip.hostname': inbound.fromHost,
          'sip.phoneNumber': inbound.fromUser,
          'sip.trunkPhoneNumber': inbound.toUser
        })
    }
  }
}
