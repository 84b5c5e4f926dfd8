import type { RoutingTarget } from '../../livekit/dispatch-matching.ts'
import type { Json } from './json.ts'
import { field, filled, isJson, list, object, text, textMap, texts } from './json.ts'

const TRUNK: Json = {
  sip_trunk_id: '',
  name: '',
  metadata: '',
  numbers: [],
  allowed_addresses: [],
  allowed_numbers: [],
  auth_username: '',
  auth_password: '',
  auth_realm: '',
  headers: {},
  headers_to_attributes: {},
  attributes_to_headers: {},
  include_headers: 'SIP_NO_HEADERS',
  ringing_timeout: null,
  max_call_duration: null,
  krisp_enabled: false,
  media_encryption: 'SIP_MEDIA_ENCRYPT_DISABLE',
  media: null,
  created_at: null,
  updated_at: null
}

const OUTBOUND_TRUNK: Json = {
  sip_trunk_id: '',
  name: '',
  metadata: '',
  address: '',
  destination_country: '',
  transport: 'SIP_TRANSPORT_AUTO',
  numbers: [],
  auth_username: '',
  auth_password: '',
  headers: {},
  headers_to_attributes: {},
  attributes_to_headers: {},
  include_headers: 'SIP_NO_HEADERS',
  media_encryption: 'SIP_MEDIA_ENCRYPT_DISABLE',
  media: null,
  from_host: '',
  created_at: null,
  updated_at: null
}

const RULE: Json = {
  sip_dispatch_rule_id: '',
  rule: null,
  trunk_ids: [],
  hide_phone_number: false,
  inbound_numbers: [],
  numbers: [],
  name: '',
  metadata: '',
  attributes: {},
  room_preset: '',
  room_config: null,
  media: null,
  krisp_enabled: false,
  media_encryption: 'SIP_MEDIA_ENCRYPT_DISABLE',
  created_at: null,
  updated_at: null
}

const ROOM_CONFIG: Json = {
  name: '',
  empty_timeout: 0,
  departure_timeout: 0,
  max_participants: 0,
  metadata: '',
  egress: null,
  min_playout_delay: 0,
  max_playout_delay: 0,
  sync_streams: false,
  agents: [],
  tags: {}
}

const AGENT: Json = { agent_name: '', metadata: '', restart_policy: 'JRP_ON_FAILURE', deployment: '', attributes: {} }
const MEDIA: Json = { only_listed_codecs: false, codecs: [], encryption: null, media_timeout: null }

const TARGETS: Record<string, Json> = {
  dispatch_rule_direct: { room_name: '', pin: '' },
  dispatch_rule_individual: { room_prefix: '', pin: '', no_randomness: false },
  dispatch_rule_callee: { room_prefix: '', pin: '', randomize: false }
}

const DELETED_TRUNK: Json = {
  sip_trunk_id: '',
  kind: 'TRUNK_LEGACY',
  inbound_addresses: [],
  outbound_address: '',
  outbound_number: '',
  transport: 'SIP_TRANSPORT_AUTO',
  inbound_numbers_regex: [],
  inbound_numbers: [],
  inbound_username: '',
  inbound_password: '',
  outbound_username: '',
  outbound_password: '',
  name: '',
  metadata: ''
}

/** An inbound trunk with every field of the API's reply. */
export function trunkJson (source: Json): Json {
  const media = field(source, 'media')
  return { ...filled(TRUNK, source), media: isJson(media) ? filled(MEDIA, media) : null }
}

/** A dispatch rule with every field of the API's reply. */
export function ruleJson (source: Json): Json {
  const rule = object(source, 'rule')
  const target = Object.entries(TARGETS).flatMap(([name, template]) =>
    isJson(field(rule, name)) ? [{ [name]: filled(template, object(rule, name)) }] : []
  )
  const media = field(source, 'media')
  const config = field(source, 'room_config')
  return {
    ...filled(RULE, source),
    rule: target[0] ?? null,
    media: isJson(media) ? filled(MEDIA, media) : null,
    room_config: isJson(config) ? roomConfigJson(config) : null
  }
}

function roomConfigJson (config: Json): Json {
  const agents = list(config, 'agents').filter(isJson)
  return {
    ...filled(ROOM_CONFIG, config),
    agents: agents.map(agent => ({ ...filled(AGENT, agent), attributes: textMap(agent, 'attributes') }))
  }
}

/** An outbound trunk with every field of the API's reply. */
export function outboundTrunkJson (source: Json): Json {
  return filled(OUTBOUND_TRUNK, source)
}

/** The reply to the deletion of a trunk, as livekit-server writes it for every trunk. */
export function deletedTrunkJson (sipTrunkId: string): Json {
  return { ...DELETED_TRUNK, sip_trunk_id: sipTrunkId }
}

/** Applies an update message. Plain fields are replaced; `ListUpdate` fields set, add or remove entries. */
export function updated (old: Json, update: Json): Json {
  return Object.fromEntries(
    Object.entries(old).map(([name, value]) => {
      const change = field(update, name)
      if (change === undefined || change === null) return [name, value]
      if (!Array.isArray(value) || !isJson(change)) return [name, change]
      const set = texts(change, 'set')
      if (set.length > 0 || change.clear === true) return [name, set]
      const kept = value.filter(entry => !texts(change, 'remove').includes(String(entry)))
      return [name, [...new Set([...kept, ...texts(change, 'add')])]]
    })
  )
}

/** How a dispatch rule chooses the room. */
export function targetOf (rule: Json): RoutingTarget {
  const target = object(rule, 'rule')
  const direct = field(target, 'dispatch_rule_direct')
  if (isJson(direct)) return { type: 'direct', roomName: text(direct, 'room_name'), pin: text(direct, 'pin') }
  const individual = field(target, 'dispatch_rule_individual')
  if (isJson(individual)) {
    return {
      type: 'individual',
      roomPrefix: text(individual, 'room_prefix'),
      pin: text(individual, 'pin'),
      noRandomness: individual.no_randomness === true
    }
  }
  const callee = object(target, 'dispatch_rule_callee')
  return {
    type: 'callee',
    roomPrefix: text(callee, 'room_prefix'),
    pin: text(callee, 'pin'),
    randomize: callee.randomize === true
  }
}
