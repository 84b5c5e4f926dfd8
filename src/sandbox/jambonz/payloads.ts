import { createHmac } from 'node:crypto'
import { parseAddress, parseUri } from '../../sip/address.ts'
import { header } from '../../sip/message.ts'
import type { SipHeader, SipMessage } from '../../sip/message.ts'

/** Where a leg stands, as Jambonz words it. */
export type CallStatus =
  | 'trying'
  | 'ringing'
  | 'early-media'
  | 'in-progress'
  | 'completed'
  | 'no-answer'
  | 'busy'
  | 'failed'

/** What Jambonz knows of one leg; every status, action and refer hook carries it whole. */
export interface Leg {
  callSid: string
  direction: 'inbound' | 'outbound'
  from: string
  to: string
  /** Call-ID between the SBC and the feature server, not the one the far end sees. */
  callId: string
  /** Call-ID on the far side of the SBC: the carrier's, or on an agent leg the one LiveKit sees. */
  sbcCallid?: string
  sipStatus: number
  sipReason: string
  callStatus: CallStatus
  /** Only on a leg that a dial started. */
  callerId?: string
  accountSid: string
  traceId: string
  applicationSid?: string
  fsSipAddress: string
  /** Only on a leg that a dial started: the caller leg. It, and never the direction, tells the two apart. */
  parentCallSid?: string
  originatingSipIp?: string
  originatingSipTrunkName?: string
  callTerminationBy?: 'caller' | 'jambonz'
  /** Whole seconds since the answer. */
  duration?: number
  /** Stays in camel case in the payload, with its content untouched. */
  customerData?: unknown
  /** Custom headers of the BYE that ended the leg. */
  headers?: Record<string, string>
}

export type Payload = Record<string, unknown>

/** The fields of a leg as status, action and refer hooks carry them (feature-server `CallInfo.toJSON`). */
export function legPayload (leg: Leg): Payload {
  return defined({
    call_sid: leg.callSid,
    direction: leg.direction,
    from: leg.from,
    to: leg.to,
    call_id: leg.callId,
    sbc_callid: leg.sbcCallid,
    sip_status: leg.sipStatus,
    sip_reason: leg.sipReason,
    call_status: leg.callStatus,
    caller_id: leg.callerId,
    account_sid: leg.accountSid,
    trace_id: leg.traceId,
    application_sid: leg.applicationSid,
    fs_sip_address: leg.fsSipAddress,
    parent_call_sid: leg.parentCallSid,
    originating_sip_ip: leg.originatingSipIp,
    originating_sip_trunk_name: leg.originatingSipTrunkName,
    call_termination_by: leg.callTerminationBy,
    duration: leg.duration,
    customerData: leg.customerData,
    headers: leg.headers
  })
}

/** The caller's INVITE as the first call hook carries it. */
export interface SipObject {
  headers: Record<string, string>
  raw: string
  body: string
  method: string
  version: string
  uri: string
  payload: { type: string, content: string }[]
}

const DEFAULTS = {
  synthesizer: { vendor: 'google', language: 'en-US', voice: 'en-US-Standard-C' },
  recognizer: { vendor: 'google', language: 'en-US' }
}

/**
 * The first call hook of an inbound call. The feature server builds it from the raw object rather than from
 * `toJSON`, so its fields differ from all later hooks: `local_sip_address` for `fs_sip_address`, and `sip`,
 * `caller_name`, `has_recording`, `service_provider_sid`, `defaults` besides.
 */
export function callHookPayload (leg: Leg, first: {
  sip: SipObject
  callerName: string
  serviceProviderSid: string
  envVars?: Record<string, unknown>
}): Payload {
  return defined({
    sip: first.sip,
    direction: leg.direction,
    trace_id: leg.traceId,
    has_recording: false,
    caller_name: first.callerName,
    call_sid: leg.callSid,
    account_sid: leg.accountSid,
    application_sid: leg.applicationSid,
    from: leg.from,
    to: leg.to,
    call_id: leg.callId,
    sip_status: leg.sipStatus,
    sip_reason: leg.sipReason,
    call_status: leg.callStatus,
    sbc_callid: leg.sbcCallid,
    originating_sip_ip: leg.originatingSipIp,
    originating_sip_trunk_name: leg.originatingSipTrunkName,
    local_sip_address: leg.fsSipAddress,
    service_provider_sid: first.serviceProviderSid,
    env_vars: first.envVars,
    defaults: DEFAULTS
  })
}

/** The call hook of a call that Jambonz placed itself: a plain leg, `defaults`, and `env_vars` when there are any. */
export function outboundCallHookPayload (leg: Leg, envVars?: Record<string, unknown>): Payload {
  return defined({ ...legPayload(leg), env_vars: envVars, defaults: DEFAULTS })
}

/** What a dial came to. All fields are missing when it was killed before its INVITE left. */
export interface DialResult {
  callStatus?: CallStatus
  sipStatus?: number
  callSid?: string
  sbcCallid?: string
}

/** The action hook of a dial: the caller leg as it stands, and what became of the dialled one. */
export function actionPayload (leg: Leg, result: DialResult, verbId?: string): Payload {
  return {
    ...legPayload(leg),
    ...defined({
      dial_call_status: result.callStatus,
      dial_sip_status: result.sipStatus,
      dial_call_sid: result.callSid,
      dial_sbc_callid: result.sbcCallid,
      verb_id: verbId
    })
  }
}

/**
 * The refer hook of a dial. Headers that the REFER does not have arrive as the word `undefined`: the SBC turns
 * what is missing into text when it passes the REFER on.
 */
export function referPayload (leg: Leg, referredCallSid: string, refer: SipMessage): Payload {
  const referTo = header(refer, 'Refer-To') ?? ''
  const referredBy = header(refer, 'Referred-By') ?? '<undefined>'
  return {
    ...legPayload(leg),
    refer_details: defined({
      sip_refer_to: referTo,
      refer_to_user: uriUser(referTo),
      sip_referred_by: referredBy,
      sip_user_agent: header(refer, 'User-Agent') ?? 'undefined',
      referred_by_user: uriUser(referredBy),
      referring_call_sid: leg.callSid,
      referred_call_sid: referredCallSid,
      ...customHeaders(refer.headers)
    })
  }
}

/**
 * The `Jambonz-Signature` header over exactly the bytes that are sent.
 *
 * @param seconds seconds since the epoch
 */
export function signature (secret: string, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** A hook's address with the retry rule that its hash may carry (`#rc=2&rp=all`). */
export interface HookTarget {
  url: URL
  retries: number
  on: Set<string>
}

/**
 * Resolves a hook's URL as the feature server does: a path that begins with a slash goes to the host of the call
 * hook, **without** the call hook's own path prefix; anything else relative cannot be sent.
 *
 * @throws {Error} `URL parsing failed`
 */
export function resolveHook (hook: string, base: URL): HookTarget {
  const [address = '', hash = ''] = splitOnce(hook, '#')
  const rule = new URLSearchParams(hash)
  let url
  if (address.startsWith('/')) url = new URL(address, base.origin)
  else if (/^https?:\/\//.test(address)) url = new URL(address)
  else throw new Error('URL parsing failed')
  return {
    url,
    retries: Math.min(5, Math.max(0, Number(rule.get('rc') ?? 0) || 0)),
    on: new Set((rule.get('rp') ?? 'ct').split(','))
  }
}

/** The user part of a SIP or tel address, with or without angle brackets; undefined for anything else. */
export function uriUser (address: string): string | undefined {
  try {
    return parseUri(parseAddress(address).uri).user
  } catch {
    return undefined
  }
}

/** `X-Hangup-Cause` → `x_hangup_cause`. */
export function snakeCase (name: string): string {
  return name.toLowerCase().replaceAll('-', '_')
}

/** The X- headers of a message as a leg carries those of its BYE; undefined when there are none. */
export function customHeaders (headers: readonly SipHeader[]): Record<string, string> | undefined {
  const custom = headers.filter(({ name }) => /^x-/i.test(name))
  return custom.length > 0 ? Object.fromEntries(custom.map(({ name, value }) => [snakeCase(name), value])) : undefined
}

function defined (fields: Payload): Payload {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function splitOnce (text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
