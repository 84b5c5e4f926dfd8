import type { Json } from './json.ts'

/*
 * Applications in JavaScript often keep the fields of Jambonz' webhooks under names of their own style.
 */

/** Fields of Jambonz' webhooks (feature-server lib/session/call-info.js, lib/utils/http-requestor.js). */
const NAMES: readonly string[] = [
  'call_sid',
  'parent_call_sid',
  'dial_call_sid',
  'call_status',
  'dial_call_status',
  'sip_status',
  'dial_sip_status',
  'sip_reason',
  'call_id',
  'sbc_callid',
  'account_sid',
  'application_sid',
  'caller_name',
  'call_termination_by',
  'originating_sip_ip',
  'originating_sip_trunk_name',
  'trace_id',
  'refer_status',
  'final_referred_call_status',
  'refer_details',
  'env_vars',
  'verb_id'
]

const CAMEL = new Map(NAMES.map(name => [name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), name]))

/** Fields that Jambonz' own log lines do not have beside their callSid. */
const TELLING = ['callStatus', 'dialCallStatus', 'direction', 'referStatus', 'parentCallSid', 'dialCallSid']

/** The body of a hook whose names were turned to camelCase, as Jambonz wrote it; undefined for anything else. */
export function hookFromCamelCase (record: Json): Json | undefined {
  const isOne = typeof record['callSid'] === 'string' && record['call_sid'] === undefined &&
    record['msg'] === undefined && TELLING.some(name => typeof record[name] === 'string')
  if (!isOne) return undefined

  const entries = Object.entries(record).filter(([, value]) => value !== null)
  return Object.fromEntries(entries.map(([name, value]) => [CAMEL.get(name) ?? name, value]))
}
