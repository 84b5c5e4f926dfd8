import type { RoutingRule, RoutingTrunk } from '../../livekit/dispatch-matching.ts'
import type { Json } from './json.ts'
import { field, isJson, newId, object, text, texts } from './json.ts'
import { deletedTrunkJson, outboundTrunkJson, ruleJson, targetOf, trunkJson, updated } from './provisioning-json.ts'
import { TwirpError } from './twirp-error.ts'

/** The trunks and dispatch rules of a project, stored as the API replies them. */
export class Provisioning {
  readonly #trunks = new Map<string, Json>()
  readonly #outboundTrunks = new Map<string, Json>()
  readonly #rules = new Map<string, Json>()
  readonly #methods: Record<string, (request: Json) => Json> = {
    CreateSIPInboundTrunk: request => this.#createTrunk(object(request, 'trunk')),
    UpdateSIPInboundTrunk: request => this.#updateTrunk(request),
    ListSIPInboundTrunk: request => ({ items: trunksIn(this.#trunks, request) }),
    DeleteSIPTrunk: request => this.#deleteTrunk(text(request, 'sip_trunk_id')),
    CreateSIPOutboundTrunk: request => this.#createOutboundTrunk(object(request, 'trunk')),
    UpdateSIPOutboundTrunk: request => this.#updateOutboundTrunk(request),
    ListSIPOutboundTrunk: request => ({ items: trunksIn(this.#outboundTrunks, request) }),
    CreateSIPDispatchRule: request => this.#createRule(request),
    UpdateSIPDispatchRule: request => this.#updateRule(request),
    ListSIPDispatchRule: request => ({ items: this.#listRules(request) }),
    DeleteSIPDispatchRule: request => this.#deleteRule(text(request, 'sip_dispatch_rule_id'))
  }

  /**
   * The reply of a method of the SIP service. Undefined for a method that is not about trunks and rules.
   *
   * @throws {TwirpError} as LiveKit's API does
   */
  call (method: string, request: Json): Json | undefined {
    return Object.hasOwn(this.#methods, method) ? this.#methods[method]?.(request) : undefined
  }

  /** The inbound trunks, for the matching of calls. */
  trunks (): Array<RoutingTrunk & { json: Json }> {
    return [...this.#trunks.values()].map(json => ({
      json,
      sipTrunkId: text(json, 'sip_trunk_id'),
      numbers: texts(json, 'numbers'),
      allowedAddresses: texts(json, 'allowed_addresses'),
      allowedNumbers: texts(json, 'allowed_numbers')
    }))
  }

  outboundTrunk (id: string): Json | undefined {
    return this.#outboundTrunks.get(id)
  }

  /** The dispatch rules, for the matching of calls. */
  rules (): Array<RoutingRule & { json: Json }> {
    return [...this.#rules.values()].map(json => ({
      json,
      sipDispatchRuleId: text(json, 'sip_dispatch_rule_id'),
      target: targetOf(json),
      trunkIds: texts(json, 'trunk_ids'),
      inboundNumbers: texts(json, 'inbound_numbers'),
      numbers: texts(json, 'numbers')
    }))
  }

  #createTrunk (source: Json): Json {
    const trunk = trunkJson(source)
    this.#checkTrunk({ ...trunk, sip_trunk_id: '' })
    return store(this.#trunks, 'sip_trunk_id', { ...trunk, sip_trunk_id: newId('ST_') })
  }

  #updateTrunk (request: Json): Json {
    const id = text(request, 'sip_trunk_id')
    const old = this.#trunks.get(id)
    if (!old) throw new TwirpError('not_found', 'requested sip trunk does not exist')
    const trunk = { ...trunkJson(changed(old, request)), sip_trunk_id: id }
    this.#checkTrunk(trunk)
    return store(this.#trunks, 'sip_trunk_id', trunk)
  }

  /** An unknown id gets the same reply. */
  #deleteTrunk (id: string): Json {
    this.#trunks.delete(id)
    this.#outboundTrunks.delete(id)
    return deletedTrunkJson(id)
  }

  #createOutboundTrunk (source: Json): Json {
    const trunk = { ...outboundTrunkJson(source), sip_trunk_id: newId('ST_') }
    return store(this.#outboundTrunks, 'sip_trunk_id', trunk)
  }

  #updateOutboundTrunk (request: Json): Json {
    const id = text(request, 'sip_trunk_id')
    const old = this.#outboundTrunks.get(id)
    if (!old) throw new TwirpError('not_found', 'requested sip trunk does not exist')
    const trunk = { ...outboundTrunkJson(changed(old, request)), sip_trunk_id: id }
    return store(this.#outboundTrunks, 'sip_trunk_id', trunk)
  }

  #createRule (request: Json): Json {
    const nested = field(request, 'dispatch_rule')
    const rule = ruleJson(isJson(nested) ? nested : request)
    this.#checkRule(rule)
    return store(this.#rules, 'sip_dispatch_rule_id', { ...rule, sip_dispatch_rule_id: newId('SDR_') })
  }

  #updateRule (request: Json): Json {
    const id = text(request, 'sip_dispatch_rule_id')
    const old = this.#rules.get(id)
    if (!old) throw new TwirpError('not_found', 'requested sip dispatch rule does not exist')
    const rule = { ...ruleJson(changed(old, request)), sip_dispatch_rule_id: id }
    this.#checkRule(rule)
    return store(this.#rules, 'sip_dispatch_rule_id', rule)
  }

  #listRules (request: Json): Json[] {
    const ids = texts(request, 'dispatch_rule_ids')
    const trunkIds = texts(request, 'trunk_ids')
    return [...this.#rules.values()].filter(rule =>
      (ids.length === 0 || ids.includes(text(rule, 'sip_dispatch_rule_id'))) &&
      (trunkIds.length === 0 || overlap(texts(rule, 'trunk_ids'), trunkIds))
    )
  }

  #deleteRule (id: string): Json {
    const rule = this.#rules.get(id)
    if (!rule) throw new TwirpError('not_found', 'requested sip dispatch rule does not exist')
    this.#rules.delete(id)
    return rule
  }

  /** @throws {TwirpError} for a trunk that LiveKit refuses */
  #checkTrunk (trunk: Json): void {
    const isOpenToAll = texts(trunk, 'numbers').length === 0 && texts(trunk, 'allowed_addresses').length === 0 &&
      text(trunk, 'auth_username') === ''
    if (isOpenToAll) {
      throw new TwirpError(
        'invalid_argument',
        'for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers'
      )
    }

    const other = [...this.#trunks.values()].find(other =>
      other.sip_trunk_id !== trunk.sip_trunk_id &&
      ['numbers', 'allowed_numbers'].every(name => overlap(texts(other, name), texts(trunk, name)))
    )
    if (other) throw conflictingTrunks(trunk, other)
  }

  /** @throws {TwirpError} for a rule that LiveKit refuses */
  #checkRule (rule: Json): void {
    if (rule.rule === null) throw new TwirpError('invalid_argument', 'missing rule')
    const other = [...this.#rules.values()].find(other =>
      other.sip_dispatch_rule_id !== rule.sip_dispatch_rule_id &&
      ['trunk_ids', 'inbound_numbers', 'numbers'].every(name => overlap(texts(rule, name), texts(other, name))) &&
      targetOf(rule).pin === targetOf(other).pin
    )
    if (other) {
      throw new TwirpError(
        'invalid_argument',
        'Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in dispatch ' +
          `rule "${text(other, 'sip_dispatch_rule_id')}" "${text(other, 'name')}"`
      )
    }
  }
}

function conflictingTrunks (trunk: Json, other: Json): TwirpError {
  const numbers = texts(trunk, 'numbers')
  const shared = numbers.length === 0
    ? '<any>'
    : JSON.stringify(numbers.filter(number => texts(other, 'numbers').includes(number)))
  const ids = `"${text(trunk, 'sip_trunk_id') || '<new>'}" and "${text(other, 'sip_trunk_id')}"`
  return new TwirpError(
    'invalid_argument',
    `Conflicting inbound SIP Trunks: ${ids}, using the same number(s) ${shared} without AllowedNumbers set`
  )
}

/** What an update request makes of a trunk or a rule: a replacement, or the old one with changed fields. */
function changed (old: Json, request: Json): Json {
  const replacement = field(request, 'replace')
  return isJson(replacement) ? replacement : updated(old, object(request, 'update'))
}

function trunksIn (trunks: Map<string, Json>, request: Json): Json[] {
  const ids = texts(request, 'trunk_ids')
  return [...trunks.values()].filter(trunk => ids.length === 0 || ids.includes(text(trunk, 'sip_trunk_id')))
}

function store (map: Map<string, Json>, idName: string, json: Json): Json {
  map.set(text(json, idName), json)
  return json
}

/** Two lists overlap when they share an entry, or when both are empty. */
function overlap (a: string[], b: string[]): boolean {
  if (a.length === 0 && b.length === 0) return true
  return a.some(entry => b.includes(entry))
}
