import type { Json } from './json.ts'

/*
 * Applications in JavaScript often keep the fields of Jambonz's webhooks under names of their own style.
 */

/** Fields of Jambonz's webhooks (feature-server lib/session/call-info.js, lib/utils/http-requestor.js). */
export const HOOK_NAMES: ReadonlySet<string> = new Set([
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
])

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const pascalCase = (name: string): string => camelCase(`_${name}`)

const CAMEL = new Map([...HOOK_NAMES].map(name => [camelCase(name), name]))
/** Go's structs. The short names are those of every telephone service. */
const PASCAL = new Map([...HOOK_NAMES, 'from', 'to', 'direction'].map(name => [pascalCase(name), name]))

/** Fields that Jambonz's own log lines do not have beside their callSid. */
const TELLING = ['call_status', 'dial_call_status', 'direction', 'refer_status', 'parent_call_sid', 'dial_call_sid']
/** Jambonz's ids are UUIDs; Twilio's webhooks, in PascalCase too, have others. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-/i

/** The body of a hook whose names were changed, as Jambonz wrote it; undefined for anything else. */
export function hookFromOtherCase (record: Json): Json | undefined {
  if (record['call_sid'] !== undefined || record['msg'] !== undefined) return undefined
  if (typeof record['callSid'] === 'string') return renamed(record, CAMEL)

  const sid = record['CallSid']
  return typeof sid === 'string' && UUID.test(sid) ? renamed(record, PASCAL) : undefined
}

/** Fields that typed languages keep as enums. */
const ENUMS: readonly string[] = ['call_status', 'dial_call_status', 'direction', 'Direction']

/** The word that Jambonz writes for an enum: `NO_ANSWER`, `InProgress`. */
const asWord = (value: unknown): unknown =>
  typeof value === 'string' && /^[A-Z][A-Za-z_]{2,30}$/.test(value)
    ? value.replace(/([a-z])(?=[A-Z])/g, '$1-').replaceAll('_', '-').toLowerCase()
    : value

function renamed (record: Json, names: ReadonlyMap<string, string>): Json | undefined {
  const entries = Object.entries(record).filter(([, value]) => value !== null)
  const body = Object.fromEntries(entries.map(([name, value]) => {
    const own = names.get(name) ?? name
    return [own, ENUMS.includes(own) ? asWord(value) : value]
  }))
  return TELLING.some(name => typeof body[name] === 'string') ? body : undefined
}
