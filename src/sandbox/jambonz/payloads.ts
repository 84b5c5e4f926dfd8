import { createHmac } from 'node:crypto'
import { parseAddress, parseUri } from '../../sip/address.ts'
import { header } from '../../sip/message.ts'
import type { SipHeader, SipMessage } from '../../sip/message.ts'

/** The state of a leg, in Jambonz's words. */
export type CallStatus =
  | 'trying'
  | 'ringing'
  | 'early-media'
  | 'in-progress'
  | 'completed'
  | 'no-answer'
  | 'busy'
  | 'failed'

/** What Jambonz knows about one leg. Every status, action and refer hook carries all of it. */
export interface Leg {
  callSid: string
  direction: 'inbound' | 'outbound'
  from: string
  to: string
  /** The Call-ID between the SBC and the feature server, which the far end does not see. */
  callId: string
  /** The Call-ID on the far side of the SBC: the carrier's, or on an agent leg the one that LiveKit sees. */
  sbcCallid?: string
  sipStatus: number
  sipReason: string
  callStatus: CallStatus
  /** Only a dialled leg has one. */
  callerId?: string
  accountSid: string
  traceId: string
  applicationSid?: string
  fsSipAddress: string
  /** The caller leg of a dialled leg. It tells the two kinds of leg apart; the direction does not. */
  parentCallSid?: string
  originatingSipIp?: string
  originatingSipTrunkName?: string
  callTerminationBy?: 'caller' | 'jambonz'
  /** Whole seconds since the answer. */
  duration?: number
  /** Keeps its camel case and its content in the payload. */
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

/** The caller's INVITE in the first call hook. */
export interface SipObject {
  headers: Record<string, string>
  raw: string
  body: string
  method: string
  version: string
  uri: string
  payload: { type: string, content: string }[]
}

/** The speech settings of the double's application. */
export const SPEECH = {
  speech_synthesis_vendor: 'google',
  speech_synthesis_language: 'en-US',
  speech_synthesis_voice: 'en-US-Standard-C',
  speech_recognizer_vendor: 'google',
  speech_recognizer_language: 'en-US'
}

const DEFAULTS = {
  synthesizer: { vendor: 'google', language: 'en-US', voice: 'en-US-Standard-C' },
  recognizer: { vendor: 'google', language: 'en-US' }
}

/**
 * The first call hook of an inbound call. The feature server does not build it with `toJSON`, so its fields differ from
 * those of later hooks: it has `local_sip_address` instead of `fs_sip_address`, and also `sip`, `caller_name`,
 * `has_recording`, `service_provider_sid` and `defaults`.
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

/** The speech settings of a call, as the first call hook has them. */
export interface SpeechDefaults {
  synthesizer: { vendor?: string | undefined, language?: string | undefined, voice?: string | undefined }
  recognizer: { vendor?: string | undefined, language?: string | undefined }
}

/** The call hook of a call that Jambonz placed: a plain leg, `defaults`, and `env_vars` when there are any. */
export function outboundCallHookPayload (
  leg: Leg,
  defaults: SpeechDefaults,
  envVars?: Record<string, unknown>
): Payload {
  return defined({ ...legPayload(leg), env_vars: envVars, defaults })
}

/**
 * A leg as the REST API shows it. Jambonz keeps its calls as flat hashes, so what is an object is missing there:
 * `customerData` above all (realtimedb-helpers, update-call-status).
 */
export function storedPayload (leg: Leg): Payload {
  const flat = Object.entries(legPayload(leg)).filter(([, value]) => typeof value !== 'object')
  return { service_url: `http://${leg.fsSipAddress}`, ...Object.fromEntries(flat) }
}

/** The outcome of a dial. All fields are missing when the dial was stopped before its INVITE. */
export interface DialResult {
  callStatus?: CallStatus
  sipStatus?: number
  callSid?: string
  sbcCallid?: string
}

/** The action hook of a dial: the present state of the caller leg, and the outcome of the dialled leg. */
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
 * The refer hook of a dial. A header that the REFER lacks appears as the word `undefined`, because the SBC writes that
 * word when it forwards the REFER.
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
 * The `Jambonz-Signature` header for exactly the bytes that are sent.
 *
 * @param seconds seconds since the epoch
 */
export function signature (secret: string, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** A hook's URL and the retry rule that its fragment may carry (`#rc=2&rp=all`). */
export interface HookTarget {
  url: URL
  retries: number
  on: Set<string>
}

/**
 * Resolves a hook's URL as the feature server does. A path that begins with a slash goes to the host of the call hook,
 * **without** the call hook's own path prefix. No other relative URL can be sent.
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

/** The user part of a SIP or tel address, with or without angle brackets. Undefined for anything else. */
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

/** The X- headers of a message, named as in the `headers` of a leg. Undefined when there are none. */
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
