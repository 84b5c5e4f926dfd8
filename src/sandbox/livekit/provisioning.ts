import type { Json } from './json.ts'
import type { RoutingRule, RoutingTarget, RoutingTrunk } from '../../livekit/dispatch-matching.ts'
import { field, filled, isJson, list, newId, number, object, text, textMap, texts } from './json.ts'
import { TwirpError } from './twirp-error.ts'

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

/** Trunks and rules of the project, kept as the API writes them. */
export interface Provisioning {
  /** The reply of a SIP service method, undefined for one that is not about trunks and rules. @throws TwirpError */
  call(method: string, request: Json): Json | undefined
  trunks(): Array<RoutingTrunk & { json: Json }>
  rules(): Array<RoutingRule & { json: Json }>
}

export function createProvisioning (): Provisioning {
  const trunks = new Map<string, Json>()
  const outboundTrunks = new Map<string, Json>()
  const rules = new Map<string, Json>()

  function checkTrunk (trunk: Json): void {
    if (
      texts(trunk, 'numbers').length === 0 && texts(trunk, 'allowed_addresses').length === 0 &&
      text(trunk, 'auth_username') === ''
    ) {
      throw new TwirpError(
        'invalid_argument',
        'for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers'
      )
    }
    for (const other of trunks.values()) {
      if (
        other.sip_trunk_id === trunk.sip_trunk_id || !overlap(texts(other, 'numbers'), texts(trunk, 'numbers')) ||
        !overlap(texts(other, 'allowed_numbers'), texts(trunk, 'allowed_numbers'))
      ) continue
      const same = texts(trunk, 'numbers').length === 0
        ? '<any>'
        : JSON.stringify(texts(trunk, 'numbers').filter(n => texts(other, 'numbers').includes(n)))
      throw new TwirpError(
        'invalid_argument',
        `Conflicting inbound SIP Trunks: "${text(trunk, 'sip_trunk_id') || '<new>'}" and "${
          text(other, 'sip_trunk_id')
        }", using the same number(s) ${same} without AllowedNumbers set`
      )
    }
  }

  function checkRule (rule: Json): void {
    if (rule.rule === null) throw new TwirpError('invalid_argument', 'missing rule')
    for (const other of rules.values()) {
      if (other.sip_dispatch_rule_id === rule.sip_dispatch_rule_id) continue
      const clash = ['trunk_ids', 'inbound_numbers', 'numbers'].every(name =>
        overlap(texts(rule, name), texts(other, name))
      ) && targetOf(rule).pin === targetOf(other).pin
      if (clash) {
        throw new TwirpError(
          'invalid_argument',
          'Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in dispatch ' +
            `rule "${text(other, 'sip_dispatch_rule_id')}" "${text(other, 'name')}"`
        )
      }
    }
  }

  const methods: Record<string, (request: Json) => Json> = {
    CreateSIPInboundTrunk (request) {
      const trunk = trunkJson(object(request, 'trunk'))
      checkTrunk({ ...trunk, sip_trunk_id: '' })
      return keep(trunks, 'sip_trunk_id', { ...trunk, sip_trunk_id: newId('ST_') })
    },
    UpdateSIPInboundTrunk (request) {
      const id = text(request, 'sip_trunk_id')
      const old = trunks.get(id)
      if (!old) throw new TwirpError('not_found', 'requested sip trunk does not exist')
      const replace = field(request, 'replace')
      const trunk = {
        ...(isJson(replace) ? trunkJson(replace) : trunkJson(updated(old, object(request, 'update')))),
        sip_trunk_id: id
      }
      checkTrunk(trunk)
      return keep(trunks, 'sip_trunk_id', trunk)
    },
    ListSIPInboundTrunk (request) {
      const ids = texts(request, 'trunk_ids')
      return {
        items: [...trunks.values()].filter(trunk => ids.length === 0 || ids.includes(text(trunk, 'sip_trunk_id')))
      }
    },
    // An unknown id is deleted with the same success.
    DeleteSIPTrunk (request) {
      trunks.delete(text(request, 'sip_trunk_id'))
      outboundTrunks.delete(text(request, 'sip_trunk_id'))
      return {
        sip_trunk_id: text(request, 'sip_trunk_id'),
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
    },
    // Kept and listed, for whoever looks at a project; nothing dials through them.
    CreateSIPOutboundTrunk (request) {
      return keep(outboundTrunks, 'sip_trunk_id', {
        ...filled(OUTBOUND_TRUNK, object(request, 'trunk')),
        sip_trunk_id: newId('ST_')
      })
    },
    ListSIPOutboundTrunk (request) {
      const ids = texts(request, 'trunk_ids')
      return {
        items: [...outboundTrunks.values()].filter(trunk =>
          ids.length === 0 || ids.includes(text(trunk, 'sip_trunk_id'))
        )
      }
    },
    CreateSIPDispatchRule (request) {
      const nested = field(request, 'dispatch_rule')
      const rule = ruleJson(isJson(nested) ? nested : request)
      checkRule(rule)
      return keep(rules, 'sip_dispatch_rule_id', { ...rule, sip_dispatch_rule_id: newId('SDR_') })
    },
    UpdateSIPDispatchRule (request) {
      const id = text(request, 'sip_dispatch_rule_id')
      const old = rules.get(id)
      if (!old) throw new TwirpError('not_found', 'requested sip dispatch rule does not exist')
      const replace = field(request, 'replace')
      const rule = {
        ...(isJson(replace) ? ruleJson(replace) : ruleJson(updated(old, object(request, 'update')))),
        sip_dispatch_rule_id: id
      }
      checkRule(rule)
      return keep(rules, 'sip_dispatch_rule_id', rule)
    },
    ListSIPDispatchRule (request) {
      const ids = texts(request, 'dispatch_rule_ids')
      const trunkIds = texts(request, 'trunk_ids')
      return {
        items: [...rules.values()].filter(rule =>
          (ids.length === 0 || ids.includes(text(rule, 'sip_dispatch_rule_id'))) &&
          (trunkIds.length === 0 || overlap(texts(rule, 'trunk_ids'), trunkIds))
        )
      }
    },
    DeleteSIPDispatchRule (request) {
      const rule = rules.get(text(request, 'sip_dispatch_rule_id'))
      if (!rule) throw new TwirpError('not_found', 'requested sip dispatch rule does not exist')
      rules.delete(text(rule, 'sip_dispatch_rule_id'))
      return rule
    }
  }

  return {
    call: (method, request) => Object.hasOwn(methods, method) ? methods[method]?.(request) : undefined,
    trunks: () =>
      [...trunks.values()].map(json => ({
        json,
        sipTrunkId: text(json, 'sip_trunk_id'),
        numbers: texts(json, 'numbers'),
        allowedAddresses: texts(json, 'allowed_addresses'),
        allowedNumbers: texts(json, 'allowed_numbers')
      })),
    rules: () =>
      [...rules.values()].map(json => ({
        json,
        sipDispatchRuleId: text(json, 'sip_dispatch_rule_id'),
        target: targetOf(json),
        trunkIds: texts(json, 'trunk_ids'),
        inboundNumbers: texts(json, 'inbound_numbers'),
        numbers: texts(json, 'numbers')
      }))
  }
}

function keep (store: Map<string, Json>, idName: string, json: Json): Json {
  store.set(text(json, idName), json)
  return json
}

/** Two lists clash when they share an entry or when neither says anything. */
function overlap (a: string[], b: string[]): boolean {
  return a.length === 0 && b.length === 0 ? true : a.some(entry => b.includes(entry))
}

function trunkJson (source: Json): Json {
  const media = field(source, 'media')
  return { ...filled(TRUNK, source), media: isJson(media) ? filled(MEDIA, media) : null }
}

function ruleJson (source: Json): Json {
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
    room_config: isJson(config)
      ? {
          ...filled(ROOM_CONFIG, config),
          agents: list(config, 'agents').filter(isJson).map(agent => ({
            ...filled(AGENT, agent),
            attributes: textMap(agent, 'attributes')
          }))
        }
      : null
  }
}

/** Applies an update message: plain fields replace, `ListUpdate` fields set, add or remove. */
function updated (old: Json, update: Json): Json {
  return Object.fromEntries(
    Object.entries(old).map(([name, value]) => {
      const change = field(update, name)
      if (change === undefined || change === null) return [name, value]
      if (!Array.isArray(value) || !isJson(change)) return [name, change]
      const set = texts(change, 'set')
      if (set.length > 0 || change.clear === true) return [name, set]
      return [name, [
        ...new Set([
          ...value.filter(entry => !texts(change, 'remove').includes(String(entry))),
          ...texts(change, 'add')
        ])
      ]]
    })
  )
}

function targetOf (rule: Json): RoutingTarget {
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

/** A protobuf duration (`"40s"`) in milliseconds; 0 when it is not set. */
export function durationMs (json: Json, name: string): number {
  const value = field(json, name)
  return typeof value === 'string' ? Math.round(number({ value: value.replace(/s$/, '') }, 'value') * 1000) : 0
}
