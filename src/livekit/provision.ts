import { ServerError, SIPDispatchRuleInfo, SIPInboundTrunkInfo, type SipClient } from 'livekit-server-sdk'

/** What the trunk and the rule are made of; the names are those of the settings. */
export interface ProvisionSettings {
  livekitSipUsername: string
  livekitSipPassword: string
  livekitRoomPrefix: string
  /** The rule's default agent: it answers when the bridge could not create the room. */
  livekitAgentName: string
  /** How long the agent leg may ring, seconds. */
  dialTimeoutS: number
}

/** The part of the SDK's client that provisioning needs. */
export type ProvisionClient = Pick<SipClient,
  'listSipInboundTrunk' | 'createSipInboundTrunk' | 'updateSipInboundTrunk' |
  'listSipDispatchRule' | 'createSipDispatchRule' | 'updateSipDispatchRule'>

/** What happened to one object; `changed` names the properties that differed. */
export interface ProvisionedObject { id: string, did: 'created' | 'updated' | 'nothing', changed: string[] }
export interface Provisioned { trunk: ProvisionedObject, rule: ProvisionedObject }

/**
 * LiveKit did not take the trunk or the rule. The message says what to do and never carries credentials:
 * LiveKit's own text for a bad key contains the token, so for 401 neither that text nor the error is passed on.
 */
export class ProvisionError extends Error {
  readonly reason: 'trunk-conflict' | 'rule-conflict' | 'not-allowed' | 'no-redis' | 'unreachable' | 'refused'
  constructor (reason: ProvisionError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ProvisionError'
    this.reason = reason
  }
}

const OWNER = 'jambonz-livekit-bridge'
const NAME = 'jambonz-bridge'
/** LiveKit has no unique names: our trunk and our rule are the ones whose metadata says this. */
export const MARKER = JSON.stringify({ managed_by: OWNER })

/** Rings longer than Jambonz's dial, so that the dial timeout alone decides (LiveKit answers 486 after its own). */
const RINGING_MARGIN_S = 15
/** LiveKit's default of 15 s without RTP would end a call that is on hold. */
const MEDIA_TIMEOUT_S = 120
/** `SIPHeaderOptions.SIP_X_HEADERS`, an enum that the SDK does not export. Never ALL: that hands agents a withheld caller's identity and the trunk's digest. */
const SIP_X_HEADERS = 1

/**
 * The inbound trunk that Jambonz's INVITE must match: any dialled user, proven by user name and password.
 * @throws {Error} when one of the two is missing: LiveKit accepts such a trunk but challenges nobody.
 */
export function desiredTrunk (settings: ProvisionSettings): SIPInboundTrunkInfo {
  const { livekitSipUsername, livekitSipPassword, dialTimeoutS } = settings
  if (!livekitSipUsername || !livekitSipPassword) {
    throw new Error('LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD must both be set: without them anybody who finds the trunk could call your agents')
  }
  return new SIPInboundTrunkInfo({
    name: NAME,
    metadata: MARKER,
    numbers: [],
    authUsername: livekitSipUsername,
    authPassword: livekitSipPassword,
    includeHeaders: SIP_X_HEADERS,
    ringingTimeout: { seconds: BigInt(dialTimeoutS + RINGING_MARGIN_S) },
    media: { mediaTimeout: { seconds: BigInt(MEDIA_TIMEOUT_S) } }
  })
}

/**
 * The rule that puts a call to `sip:<token>@…` into the room `<prefix>_<token>`; the underscore is LiveKit's.
 * Bound to the trunk: a rule without trunk ids takes calls that no trunk has authenticated.
 */
export function desiredRule (settings: ProvisionSettings, trunkId: string): SIPDispatchRuleInfo {
  return new SIPDispatchRuleInfo({
    name: NAME,
    metadata: MARKER,
    trunkIds: [trunkId],
    rule: { rule: { case: 'dispatchRuleCallee', value: { roomPrefix: settings.livekitRoomPrefix, pin: '', randomize: false } } },
    numbers: [],
    inboundNumbers: [],
    // Takes effect only when the SIP leg makes the room, so it never doubles the agent of a room that exists.
    roomConfig: { agents: [{ agentName: settings.livekitAgentName }] }
  })
}

/**
 * Brings LiveKit to the desired trunk and rule: finds ours by the marker, creates what is missing, updates what
 * drifted. Properties without a wish of ours (allowed addresses, attributes, encryption, …) are kept. Run twice
 * in a row, the second run changes nothing.
 * @throws {ProvisionError}
 */
export async function ensureProvisioned (sip: ProvisionClient, settings: ProvisionSettings): Promise<Provisioned> {
  const trunk = await ensureTrunk(sip, desiredTrunk(settings))
  const rule = await ensureRule(sip, desiredRule(settings, trunk.id))
  return { trunk, rule }
}

async function ensureTrunk (sip: ProvisionClient, desired: SIPInboundTrunkInfo): Promise<ProvisionedObject> {
  const current = (await asking(sip.listSipInboundTrunk())).find(isOurs)
  if (!current) {
    const created = await asking(sip.createSipInboundTrunk(desired.name, desired.numbers, {
      metadata: desired.metadata,
      authUsername: desired.authUsername,
      authPassword: desired.authPassword,
      includeHeaders: desired.includeHeaders,
      ringingTimeout: Number(desired.ringingTimeout?.seconds),
      media: desired.media
    }))
    return { id: created.sipTrunkId, did: 'created', changed: [] }
  }
  // An update replaces the whole object, so it starts from a copy of what is there.
  const next = current.clone()
  next.numbers = desired.numbers
  next.authUsername = desired.authUsername
  next.authPassword = desired.authPassword
  next.includeHeaders = desired.includeHeaders
  next.ringingTimeout = desired.ringingTimeout
  if (next.media) next.media.mediaTimeout = desired.media?.mediaTimeout
  else next.media = desired.media
  const changed = differences(current, next)
  if (changed.length > 0) await asking(sip.updateSipInboundTrunk(current.sipTrunkId, next))
  return { id: current.sipTrunkId, did: changed.length > 0 ? 'updated' : 'nothing', changed }
}

async function ensureRule (sip: ProvisionClient, desired: SIPDispatchRuleInfo): Promise<ProvisionedObject> {
  const ours = (await asking(sip.listSipDispatchRule())).filter(isOurs)
  // A rule left behind by a trunk that is gone must not be preferred to the one that holds the trunk.
  const current = ours.find(rule => rule.trunkIds.includes(String(desired.trunkIds[0]))) ?? ours[0]
  if (!current) {
    const created = await asking(sip.createSipDispatchRule({ type: 'callee', roomPrefix: prefixOf(desired), randomize: false }, {
      name: desired.name,
      metadata: desired.metadata,
      trunkIds: desired.trunkIds,
      roomConfig: desired.roomConfig
    }))
    return { id: created.sipDispatchRuleId, did: 'created', changed: [] }
  }
  const next = current.clone()
  next.trunkIds = desired.trunkIds
  next.rule = desired.rule
  next.numbers = desired.numbers
  next.inboundNumbers = desired.inboundNumbers
  // Only the agent's name is our wish: metadata that an operator gave to the rule's agent stays.
  const named = current.roomConfig?.agents.map(agent => agent.agentName)
  if (named?.length !== 1 || named[0] !== desired.roomConfig?.agents[0]?.agentName) {
    if (next.roomConfig) next.roomConfig.agents = desired.roomConfig?.agents ?? []
    else next.roomConfig = desired.roomConfig
  }
  const changed = differences(current, next)
  if (changed.length > 0) await asking(sip.updateSipDispatchRule(current.sipDispatchRuleId, next))
  return { id: current.sipDispatchRuleId, did: changed.length > 0 ? 'updated' : 'nothing', changed }
}

function isOurs (object: { metadata: string }): boolean {
  try {
    return (JSON.parse(object.metadata) as { managed_by?: unknown } | null)?.managed_by === OWNER
  } catch {
    return false
  }
}

function prefixOf (info: SIPDispatchRuleInfo): string {
  const rule = info.rule?.rule
  return rule?.case === 'dispatchRuleCallee' ? rule.value.roomPrefix : ''
}

/** Names of the properties that differ. JSON is the comparison because LiveKit leaves out defaults in some replies and spells them out in others. */
function differences (before: SIPInboundTrunkInfo | SIPDispatchRuleInfo, after: SIPInboundTrunkInfo | SIPDispatchRuleInfo): string[] {
  const was = before.toJson() as Record<string, unknown>
  const is = after.toJson() as Record<string, unknown>
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(key => JSON.stringify(was[key]) !== JSON.stringify(is[key]))
}

async function asking<T> (request: Promise<T>): Promise<T> {
  try {
    return await request
  } catch (error) {
    throw explained(error)
  }
}

/** Texts and statuses as livekit-server 1.13 sends them. */
function explained (error: unknown): ProvisionError {
  if (!(error instanceof ServerError)) {
    return new ProvisionError('unreachable', 'LiveKit does not answer: check LIVEKIT_URL and that the server runs', error)
  }
  if (error.status === 401 || error.status === 403) {
    return new ProvisionError('not-allowed', 'LiveKit refuses the API key: check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, the clock of this machine, and that the key may administer SIP')
  }
  const id = /"((?:ST|SDR)_[A-Za-z0-9]+)"/.exec(error.message)?.[1] ?? 'unknown'
  if (error.message.includes('Conflicting inbound SIP Trunks')) {
    return new ProvisionError('trunk-conflict', `LiveKit allows one inbound trunk without numbers, and this project has another one: ${id}. ` +
      'Delete it, or give it the numbers it is for, or let the bridge take it over (its user name and password are then replaced) ' +
      `by setting its metadata to ${MARKER}; or use a LiveKit project of its own for the bridge`, error)
  }
  if (error.message.includes('Dispatch rule for the same trunk')) {
    return new ProvisionError('rule-conflict', `The bridge's trunk already has a dispatch rule that is not the bridge's: ${id}. ` +
      `Delete it, bind it to another trunk, or let the bridge take it over by setting its metadata to ${MARKER}`, error)
  }
  if (error.message.includes('redis required')) {
    return new ProvisionError('no-redis', 'LiveKit runs without Redis, which its SIP service needs: set redis.address in its configuration', error)
  }
  if (error.status >= 500) return new ProvisionError('unreachable', `LiveKit cannot do it now (${error.status}): ${error.message}`, error)
  return new ProvisionError('refused', `LiveKit refuses (${error.status}): ${error.message}`, error)
}
