import { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from '@livekit/protocol'
import type { ConfigObject, ConfigSeen, Place } from '../seen.ts'
import { columnName } from './columns.ts'
import { isObject, type Json } from './json.ts'
import { readNested } from './nested.ts'

/*
 * Trunks and dispatch rules of LiveKit as JSON: answers of the API, what `lk sip … list -j` prints, and files for
 * `lk sip … create`, with names in camelCase or snake_case.
 */

/** The trunks and rules in a record; undefined when there are none. */
export function readConfig (record: Json, place: Place): ConfigSeen[] | undefined {
  const found = readNested(record, configIn)
  return found.length === 0 ? undefined : found.map(config => ({ kind: 'config', place, form: 'json', ...config }))
}

function configIn (record: Json): ConfigObject | undefined {
  const wrapped = WRAPPERS.map(name => record[name]).find(isObject)
  const object = wrapped ?? record
  const rule = ruleIn(object)
  if (rule) {
    const json = readable({ ...object, rule }, RULE_TYPE)
    return { list: 'rules', object: SIPDispatchRuleInfo.fromJson(json, TOLERANT) }
  }
  if (!isTrunk(object, wrapped !== undefined)) return undefined

  return typeof object['address'] === 'string'
    ? { list: 'outbound', object: SIPOutboundTrunkInfo.fromJson(readable(object, OUTBOUND_TYPE), TOLERANT) }
    : { list: 'inbound', object: SIPInboundTrunkInfo.fromJson(readable(object, INBOUND_TYPE), TOLERANT) }
}

/** What requests wrap a trunk or a rule in. */
const WRAPPERS = ['trunk', 'dispatchRule', 'dispatch_rule']
const TOLERANT = { ignoreUnknownFields: true }

type Message = { fromJson(json: never, options: typeof TOLERANT): unknown }
const INBOUND_TYPE = SIPInboundTrunkInfo as unknown as Message
const OUTBOUND_TYPE = SIPOutboundTrunkInfo as unknown as Message
const RULE_TYPE = SIPDispatchRuleInfo as unknown as Message

/** Properties of trunks that other things seldom have. */
const TRUNK_NAMES = new Set([
  'siptrunkid',
  'allowedaddresses',
  'allowednumbers',
  'authusername',
  'authpassword',
  'krispenabled',
  'includeheaders',
  'headerstoattributes',
  'attributestoheaders',
  'ringingtimeout',
  'maxcallduration',
  'mediaencryption'
])
const COMMON_NAMES = new Set(['name', 'metadata', 'numbers', 'address', 'transport', 'headers', 'media'])

function isTrunk (object: Json, isWrapped: boolean): boolean {
  const names = Object.keys(object).map(columnName)
  const id = object['sipTrunkId'] ?? object['sip_trunk_id']
  // A request to dial names its trunk too.
  const isTrunkId = typeof id === 'string' && /^ST_/.test(id) && (names.includes('numbers') || names.includes('name'))
  const known = names.filter(name => TRUNK_NAMES.has(name)).length
  if (isTrunkId) return true
  if (isWrapped && names.includes('numbers')) return true
  if (known === 0 && !(names.includes('numbers') && listOf(object['numbers']).every(isWhole))) return false
  if (typeof object['address'] === 'string' && /\s/.test(object['address'])) return false

  return isWrapped || known > 1 || names.every(name => TRUNK_NAMES.has(name) || COMMON_NAMES.has(name))
}

/** A whole number of a phone, or the sign for any. */
const isWhole = (value: unknown): boolean => typeof value === 'string' && /^(?:\*|\+?[\d\-() ]{5,30})$/.test(value)

const listOf = (value: unknown): unknown[] => Array.isArray(value) ? value : [value]

/** What decides the room, in the form of the API; undefined for an object that is no rule. */
function ruleIn (object: Json): Json | undefined {
  const rule = isObject(object['rule']) ? object['rule'] : object
  const inner = isObject(rule['rule']) ? rule['rule'] : rule
  const kinds = Object.entries(inner).filter(([name, value]) => KINDS.includes(columnName(name)) && isObject(value))
  const [kind] = kinds
  if (kind) return { [kind[0]]: kind[1] }
  // The SDK for Node holds it as `{ case, value }`, and takes `{ type, roomPrefix }`.
  const { case: name, value, type, ...rest } = inner
  if (typeof name === 'string' && KINDS.includes(columnName(name)) && isObject(value)) return { [name]: value }
  if (rule !== object && typeof type === 'string' && KINDS.includes(`dispatchrule${type}`)) {
    return { [`dispatchRule${type.charAt(0).toUpperCase()}${type.slice(1)}`]: rest }
  }
  const id = object['sipDispatchRuleId'] ?? object['sip_dispatch_rule_id']
  return typeof id === 'string' && /^SDR_/.test(id) ? {} : undefined
}

const KINDS = ['dispatchruledirect', 'dispatchruleindividual', 'dispatchrulecallee']
/** Properties that are lists. Some people write one entry without brackets. */
const LISTS = ['numbers', 'allowednumbers', 'allowedaddresses', 'trunkids', 'inboundnumbers']

/** Those properties that the type of a message can read. */
function readable (object: Json, type: Message): never {
  const read: Json = {}
  for (const [name, value] of Object.entries(object)) {
    if (value === null || value === undefined) continue
    const property = { [name]: LISTS.includes(columnName(name)) ? listOf(value).map(String) : value }
    if (isReadable(property as never, type)) Object.assign(read, property)
  }
  return read as never
}

function isReadable (json: never, type: Message): boolean {
  try {
    type.fromJson(json, TOLERANT)
    return true
  } catch {
    return false
  }
}
