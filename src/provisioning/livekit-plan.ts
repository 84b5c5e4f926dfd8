import { SIPCodec, SIPMediaConfig } from '@livekit/protocol'
import { SIPInboundTrunkInfo, type SIPDispatchRuleInfo, type SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding } from '../finding.ts'
import { differences, fieldsOf, type FieldChange } from './livekit-fields.ts'
import { reviewProject } from './livekit-review.ts'
import {
  ENCRYPTION,
  encryptionOf,
  fitsDial,
  hasOfferedCodec,
  OFFERED_CODECS,
  CODEC_RATE
} from '../livekit/media-config.ts'
import { callLimitS, desiredRule, desiredTrunk, isOurs, marked, type ProvisionSettings } from './livekit-wish.ts'

/** What a LiveKit project has. */
export interface ProvisionState {
  trunks: SIPInboundTrunkInfo[]
  rules: SIPDispatchRuleInfo[]
  outbound: SIPOutboundTrunkInfo[]
}

interface AnyChange {
  id: string
  name: string
  fields: FieldChange[]
  why?: string
}
/** One request to LiveKit; `id` is empty for what is not made yet. */
export type Change =
  | AnyChange & { what: 'trunk', do: 'create' | 'update' | 'delete', object: SIPInboundTrunkInfo }
  | AnyChange & { what: 'rule', do: 'create' | 'update' | 'delete', object: SIPDispatchRuleInfo }

export interface Plan {
  /** In the order in which they are to be made. Empty when something is in the way. */
  changes: Change[]
  /** What is in the way: nothing is changed until it is out of it. */
  conflicts: Finding[]
  /** What would still be wrong with the project after the changes, of ours or of others. */
  findings: Finding[]
  trunkId?: string
  ruleId?: string
  /** What the trunk has after the changes. */
  credentials: { username: string, password: string }
}

export interface PlanOptions {
  /** Takes over a trunk or rule of others that is in the way, or a pair of ours with another prefix. */
  adopt?: boolean
}

/** Stands for the id of a trunk that is yet to be made. */
export const NEW_TRUNK = '<the new trunk>'

/**
 * What is to be done so that a project has our trunk and our rule, once each: creates what is missing, updates what
 * drifted, deletes a second one of ours. Properties without a wish of ours (allowed addresses, attributes, …) are kept.
 * The same state always gives the same plan, whoever asks, so that two runs at once choose the same pair.
 */
export function planProvision (
  wish: ProvisionSettings,
  state: ProvisionState,
  { adopt = false }: PlanOptions = {}
): Plan {
  const oursTrunks = preferred(
    state.trunks.filter(isOurs),
    trunk => state.rules.some(rule => isOurs(rule) && rule.trunkIds.includes(trunk.sipTrunkId)),
    trunk => trunk.sipTrunkId
  )
  const wildcard = state.trunks.find(trunk => !isOurs(trunk) && inTheWay(trunk, oursTrunks[0]))
  const trunk = oursTrunks[0] ?? (adopt ? wildcard : undefined)
  const conflicts = wildcard && wildcard !== trunk ? [trunkConflict(wildcard, oursTrunks[0])] : []

  const bound = state.rules.filter(rule => trunk !== undefined && rule.trunkIds.includes(trunk.sipTrunkId))
  const theirs = bound.find(rule => !isOurs(rule) && sameKey(rule))
  // A rule that also serves other trunks is not only ours to take.
  const adoptable = adopt && theirs?.trunkIds.length === 1 ? theirs : undefined
  const oursRules = preferred(state.rules.filter(isOurs), rule => bound.includes(rule), rule => rule.sipDispatchRuleId)
  const rule = oursRules.find(rule => bound.includes(rule)) ?? adoptable ?? oursRules[0]
  if (theirs && theirs !== rule) conflicts.push(ruleConflict(theirs, adopt))
  const prefix = rule && isOurs(rule) ? prefixOf(rule) : undefined
  if (!adopt && prefix !== undefined && prefix !== wish.livekitRoomPrefix) {
    conflicts.push(prefixConflict(prefix, wish.livekitRoomPrefix))
  }

  const keeps = wish.keepCredentials === true && trunk !== undefined && isOurs(trunk) && trunk.authUsername !== '' &&
    trunk.authPassword !== ''
  const credentials = keeps
    ? { username: trunk.authUsername, password: trunk.authPassword }
    : { username: wish.livekitSipUsername, password: wish.livekitSipPassword }
  const settings = { ...wish, livekitSipUsername: credentials.username, livekitSipPassword: credentials.password }
  const changes: Change[] = conflicts.length > 0
    ? []
    : [
        ...oursRules.filter(other => other !== rule).map(object => deletion(object, 'a second rule of ours')),
        ...oursTrunks.filter(other => other !== trunk).map(object => deletion(object, 'a second trunk of ours')),
        ...trunkChange(settings, trunk),
        ...ruleChange(settings, rule, trunk?.sipTrunkId ?? NEW_TRUNK)
      ]
  return {
    changes,
    conflicts,
    // What is in the way is told already.
    findings: reviewProject(afterwards(state, changes)).flatMap(object => object.findings).filter((
      { severity, code }
    ) => severity !== 'ok' && !conflicts.some(conflict => conflict.code === code)),
    ...(trunk && { trunkId: trunk.sipTrunkId }),
    ...(rule && { ruleId: rule.sipDispatchRuleId }),
    credentials
  }
}

/** Deletes everything of ours, rules first. With another prefix it is another bridge's pair: only with `adopt`. */
export function planDeletion (
  state: ProvisionState,
  livekitRoomPrefix: string | undefined,
  { adopt = false }: PlanOptions = {}
): Pick<Plan, 'changes' | 'conflicts'> {
  const rules = state.rules.filter(isOurs)
  const other = rules.map(prefixOf).find(prefix =>
    prefix !== undefined && livekitRoomPrefix !== undefined && prefix !== livekitRoomPrefix
  )
  if (other !== undefined && !adopt) {
    return {
      changes: [],
      conflicts: [{
        ...prefixConflict(other, livekitRoomPrefix ?? ''),
        todo:
          'If another bridge uses this project, leave its pair alone. If it is this bridge\'s of before, delete it ' +
          `all the same: a bridge with prefix "${other}" gets no more calls then`,
        command: 'bridge provision --delete --adopt'
      }]
    }
  }
  return { changes: [...rules, ...state.trunks.filter(isOurs)].map(object => deletion(object)), conflicts: [] }
}

/** The first is the one that stays. By what is bound, then by id: no clock, so that everybody chooses alike. */
function preferred<T> (objects: T[], isBound: (object: T) => boolean, id: (object: T) => string): T[] {
  return objects.toSorted((a, b) => Number(isBound(b)) - Number(isBound(a)) || (id(a) < id(b) ? -1 : 1))
}

/**
 * LiveKit allows one trunk without numbers for the same allowed callers; addresses and credentials do not count
 * (livekit/protocol sip.go, ValidateTrunks).
 */
function inTheWay (trunk: SIPInboundTrunkInfo, ours: SIPInboundTrunkInfo | undefined): boolean {
  const callers = ours?.allowedNumbers ?? []
  return trunk.numbers.length === 0 &&
    (callers.length === 0
      ? trunk.allowedNumbers.length === 0
      : trunk.allowedNumbers.some(number => callers.includes(number)))
}

/** LiveKit refuses a second rule for the same trunk, callers, numbers and PIN; ours has none of the latter three. */
function sameKey (rule: SIPDispatchRuleInfo): boolean {
  return rule.inboundNumbers.length === 0 && rule.numbers.length === 0 && (rule.rule?.rule.value?.pin ?? '') === ''
}

function prefixOf (info: SIPDispatchRuleInfo): string | undefined {
  const rule = info.rule?.rule
  return rule?.case === 'dispatchRuleCallee' ? rule.value.roomPrefix : undefined
}

function trunkChange (settings: ProvisionSettings, current: SIPInboundTrunkInfo | undefined): Change[] {
  const desired = desiredTrunk(settings)
  if (!current) {
    return [{ what: 'trunk', do: 'create', id: '', name: desired.name, object: desired, fields: fieldsOf(desired) }]
  }
  // An update replaces the whole object, so it starts from a copy of what is there.
  const next = current.clone()
  next.metadata = marked(current.metadata)
  next.numbers = desired.numbers
  next.authUsername = desired.authUsername
  next.authPassword = desired.authPassword
  next.includeHeaders = desired.includeHeaders
  next.ringingTimeout = longer(current.ringingTimeout, desired.ringingTimeout)
  if (next.maxCallDuration && next.maxCallDuration.seconds > 0n) {
    const { maxCallDuration } = new SIPInboundTrunkInfo({ maxCallDuration: { seconds: BigInt(callLimitS(settings)) } })
    next.maxCallDuration = longer(current.maxCallDuration, maxCallDuration)
  }
  next.media ??= new SIPMediaConfig()
  next.media.mediaTimeout = longer(current.media?.mediaTimeout, desired.media?.mediaTimeout)
  if (!fitsDial(encryptionOf(current) ?? ENCRYPTION.disable, settings.livekitSipSrtp === true)) {
    next.media.encryption = ENCRYPTION.allow
    if (next.mediaEncryption !== ENCRYPTION.disable) next.mediaEncryption = ENCRYPTION.allow
  }
  admitOfferedCodecs(next.media)
  const fields = differences(current, next)
  if (fields.length === 0) return []
  return [{
    what: 'trunk',
    do: 'update',
    id: current.sipTrunkId,
    name: current.name,
    object: next,
    fields,
    ...(!isOurs(current) && { why: 'taken over' })
  }]
}

/** A list of codecs without any that Jambonz offers gets these; what else is in it stays. */
function admitOfferedCodecs (media: SIPMediaConfig): void {
  if (hasOfferedCodec(media)) return
  media.codecs.push(...OFFERED_CODECS.map(({ name }) => new SIPCodec({ name, rate: CODEC_RATE })))
}

/** What an operator made even longer stays. */
const longer = <T extends { seconds: bigint }>(current: T | undefined, desired: T | undefined): T | undefined =>
  current && (!desired || current.seconds >= desired.seconds) ? current : desired

function ruleChange (settings: ProvisionSettings, current: SIPDispatchRuleInfo | undefined, trunkId: string): Change[] {
  const desired = desiredRule(settings, trunkId)
  if (!current) {
    return [{ what: 'rule', do: 'create', id: '', name: desired.name, object: desired, fields: fieldsOf(desired) }]
  }
  const next = current.clone()
  next.metadata = marked(current.metadata)
  next.trunkIds = desired.trunkIds
  next.rule = desired.rule
  next.numbers = desired.numbers
  next.inboundNumbers = desired.inboundNumbers
  // Only the agent's name is our wish: metadata that an operator gave to the rule's agent stays.
  const named = current.roomConfig?.agents.map(agent => agent.agentName)
  if (named?.length !== 1 || named[0] !== settings.livekitAgentName) {
    if (next.roomConfig) next.roomConfig.agents = desired.roomConfig?.agents ?? []
    else next.roomConfig = desired.roomConfig
  }
  // What the rule does not set is the trunk's.
  if (next.media) {
    admitOfferedCodecs(next.media)
    const { mediaTimeout } = next.media
    const least = desiredTrunk(settings).media?.mediaTimeout
    if (mediaTimeout && least && mediaTimeout.seconds < least.seconds) delete next.media.mediaTimeout
  }
  if (!fitsDial(encryptionOf(current) ?? ENCRYPTION.allow, settings.livekitSipSrtp === true)) {
    if (next.media) delete next.media.encryption
    next.mediaEncryption = ENCRYPTION.disable
  }
  const fields = differences(current, next)
  if (fields.length === 0) return []
  return [{
    what: 'rule',
    do: 'update',
    id: current.sipDispatchRuleId,
    name: current.name,
    object: next,
    fields,
    ...(!isOurs(current) && { why: 'taken over' })
  }]
}

function deletion (object: SIPInboundTrunkInfo | SIPDispatchRuleInfo, why?: string): Change {
  const common = { do: 'delete' as const, name: object.name, fields: [], ...(why !== undefined && { why }) }
  return 'sipTrunkId' in object
    ? { ...common, what: 'trunk', id: object.sipTrunkId, object }
    : { ...common, what: 'rule', id: object.sipDispatchRuleId, object }
}

/** The project as it would be. */
function afterwards (state: ProvisionState, changes: Change[]): ProvisionState {
  const trunks = new Map(state.trunks.map(trunk => [trunk.sipTrunkId, trunk]))
  const rules = new Map(state.rules.map(rule => [rule.sipDispatchRuleId, rule]))
  for (const change of changes) {
    if (change.do === 'delete') (change.what === 'trunk' ? trunks : rules).delete(change.id)
    else if (change.what === 'rule') rules.set(change.id, change.object)
    else {
      const trunk = change.object.clone()
      trunk.sipTrunkId = change.id || NEW_TRUNK
      trunks.set(trunk.sipTrunkId, trunk)
    }
  }
  return { ...state, trunks: [...trunks.values()], rules: [...rules.values()] }
}

const titled = (id: string, name: string) => name === '' ? id : `${id} "${name}"`

function trunkConflict (trunk: SIPInboundTrunkInfo, ours: SIPInboundTrunkInfo | undefined): Finding {
  return {
    code: 'trunk-conflict',
    severity: 'failed',
    seen: `LiveKit allows one inbound trunk that takes every number, and ${
      titled(trunk.sipTrunkId, trunk.name)
    } of somebody else is one`,
    todo: ours
      ? `Delete it or give it the numbers it is for: with it and ${ours.sipTrunkId} LiveKit answers every call with 503`
      : 'Give it the numbers it is for, delete it, use a LiveKit project of its own for the bridge, or let the ' +
        'bridge take it over: its user name and password are then replaced, and its callers go to this bridge',
    ...(!ours && { command: 'bridge provision --adopt' })
  }
}

function ruleConflict (rule: SIPDispatchRuleInfo, adopting: boolean): Finding {
  const shared = rule.trunkIds.length > 1
  return {
    code: 'rule-conflict',
    severity: 'failed',
    seen: `Dispatch rule ${
      titled(rule.sipDispatchRuleId, rule.name)
    } of somebody else takes the calls of the bridge's trunk${
      shared ? ' and of other trunks' : ''
    }, and LiveKit allows one such rule`,
    todo: shared
      ? "Take the bridge's trunk out of its trunk_ids; it serves other trunks as well, so the bridge does not take " +
        'it over'
      : 'Delete it, bind it to another trunk, or let the bridge take it over',
    ...(!shared && !adopting && { command: 'bridge provision --adopt' })
  }
}

function prefixConflict (found: string, wished: string): Finding {
  return {
    code: 'prefix-conflict',
    severity: 'failed',
    seen: `The bridge's rule in this project has the prefix "${found}", LIVEKIT_ROOM_PREFIX is ` +
      `"${wished}": a project has one trunk for every number, hence one prefix`,
    todo: 'If another bridge uses this project, take a LiveKit project of its own. If it is this bridge under a new ' +
      `prefix, take the pair over: a bridge with prefix "${found}" gets no more calls then. Or set ` +
      `LIVEKIT_ROOM_PREFIX=${found}`,
    command: 'bridge provision --adopt'
  }
}
