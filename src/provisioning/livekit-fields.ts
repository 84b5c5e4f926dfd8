import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from 'livekit-server-sdk'

/** One property; passwords are named, never shown. */
export interface FieldChange {
  name: string
  from?: string
  to: string
}

type Info = SIPInboundTrunkInfo | SIPDispatchRuleInfo | SIPOutboundTrunkInfo
/** The API's own names, which are also those of LiveKit's documents and of the `lk` tool. */
const json = (info: Info) => info.toJson({ useProtoFieldName: true }) as Record<string, unknown>
/** How a property that is not set is shown. */
export const NOTHING = '(none)'
/** Of people, or wide enough to hold some. */
const COUNTED = ['numbers', 'inbound_numbers', 'allowed_numbers']

/**
 * No passwords, no phone numbers, and nothing that somebody wrote for an agent: what is changed is shown to more people
 * than may know these.
 */
function shown (name: string, value: unknown): string {
  if (value === undefined) return NOTHING
  if (name === 'auth_password') return '(not shown)'
  if (COUNTED.includes(name) && Array.isArray(value)) return `${value.length} number${value.length === 1 ? '' : 's'}`
  return JSON.stringify(value, (key, inner: unknown) => key === 'pin' || key === 'metadata' ? '(not shown)' : inner)
}

const IDS = ['sip_trunk_id', 'sip_dispatch_rule_id']

/** What an object that is to be made has. */
export function fieldsOf (info: Info): FieldChange[] {
  return Object.entries(json(info)).filter(([name]) => !IDS.includes(name)).map(([name, value]) => ({
    name,
    to: shown(name, value)
  }))
}

/**
 * What an update changes. JSON is the comparison because LiveKit leaves out defaults in some replies and spells them
 * out in others.
 */
export function differences (before: Info, after: Info): FieldChange[] {
  const [was, is] = [json(before), json(after)]
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter(name => JSON.stringify(was[name]) !== JSON.stringify(is[name]))
    .map(name => ({
      name,
      from: shown(name, was[name]),
      to: name === 'auth_password' && was[name] !== undefined ? '(another, not shown)' : shown(name, is[name])
    }))
}
