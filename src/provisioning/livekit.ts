import { setTimeout as sleep } from 'node:timers/promises'
import type { SipClient } from 'livekit-server-sdk'
import type { FindingCode } from '../finding-codes.ts'
import { explained, interrupted, ProvisionError } from './livekit-error.ts'
import { NOTHING } from './livekit-fields.ts'
import {
  NEW_TRUNK,
  planProvision,
  type Change,
  type Plan,
  type PlanOptions,
  type ProvisionState
} from './livekit-plan.ts'
import type { ProvisionSettings } from './livekit-wish.ts'

export { interrupted, ProvisionError } from './livekit-error.ts'
export type { ProvisionSettings } from './livekit-wish.ts'

/** The part of the SDK's client that provisioning needs. */
export type ProvisionClient = Pick<
  SipClient,
  | 'listSipInboundTrunk'
  | 'createSipInboundTrunk'
  | 'updateSipInboundTrunk'
  | 'deleteSipTrunk'
  | 'listSipOutboundTrunk'
  | 'createSipOutboundTrunk'
  | 'updateSipOutboundTrunk'
  | 'listSipDispatchRule'
  | 'createSipDispatchRule'
  | 'updateSipDispatchRule'
  | 'deleteSipDispatchRule'
>

export interface ApplyOptions {
  /** Receives each change once LiveKit has taken it; `id` is the object's. */
  onChange?: (change: Change, id: string) => void
  /** No further change is begun after it. */
  signal?: AbortSignal
}

/** What happened to one object; `changed` names the properties that differed. */
export interface ProvisionedObject {
  id: string
  did: 'created' | 'updated' | 'nothing'
  changed: string[]
}
export interface Provisioned {
  trunk: ProvisionedObject
  rule: ProvisionedObject
}

/** A run makes at most two objects and repairs some. One that needs more rounds is working against another run. */
const MAX_ROUNDS = 12
/** Failures that another run or the network may have caused. */
const PASSING: ReadonlySet<FindingCode> = new Set([
  'trunk-conflict',
  'rule-conflict',
  'livekit-object-gone',
  'livekit-unreachable',
  'livekit-failed'
])
/** A pause keeps two runs that met from meeting again at once. */
const PAUSE_MS = 100

/**
 * Everything that a project has for SIP.
 * @param url LIVEKIT_URL, for the text of an error
 * @throws {ProvisionError}
 */
export async function readState (sip: ProvisionClient, url?: string): Promise<ProvisionState> {
  try {
    const [trunks, rules, outbound] = await Promise.all([
      sip.listSipInboundTrunk(),
      sip.listSipDispatchRule(),
      sip.listSipOutboundTrunk()
    ])
    return { trunks, rules, outbound }
  } catch (error) {
    throw explained(error, url)
  }
}

/**
 * Brings a project to the plan: one change, then another look, until nothing is left. So it goes on where an
 * interrupted run stopped, and what another run makes at the same time counts as made; if both made a pair, both keep
 * the same one.
 * @returns the last plan, which has no changes left to make
 * @throws {ProvisionError} what was changed until then was told to `onChange`
 */
export async function applyProvision (
  sip: ProvisionClient,
  settings: ProvisionSettings,
  options: PlanOptions & ApplyOptions = {}
): Promise<Plan> {
  return await untilDone(sip, state => planProvision(settings, state, options), options)
}

/**
 * Makes changes as long as the plan has some.
 * @throws {ProvisionError}
 */
export async function untilDone<T extends Pick<Plan, 'changes' | 'conflicts'>> (
  sip: ProvisionClient,
  planned: (state: ProvisionState) => T,
  { onChange, signal }: ApplyOptions = {}
): Promise<T> {
  let last: { failure: ProvisionError, key: string } | undefined
  const written = new Set<string>()
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const plan = planned(await readState(sip))
    const [conflict] = plan.conflicts
    if (conflict) throw new ProvisionError(conflict)
    const again = (change: Change) =>
      change.do === 'update' && written.has(change.id) &&
      change.fields.every(({ name }) => name === 'auth_username' || name === 'auth_password')
    // A LiveKit that took the password and does not show it: there is nothing that could be compared.
    const change = plan.changes.find(change => !(again(change) && isHidden(change)))
    if (!change) return plan
    // Another run's pair on top of this one's: whose lines are true then is for people to settle.
    if (again(change)) {
      throw new ProvisionError({
        code: 'unsettled',
        seen: 'Somebody else has just given the trunk another user name or password',
        todo: 'Let the other one finish, then run it again: the pair that this run made does not count any more',
        command: 'bridge provision'
      })
    }
    if (signal?.aborted) throw interrupted()
    const key = `${change.do} ${change.what} ${change.id}`
    try {
      const id = await makeChange(sip, change)
      if (change.do !== 'delete' && change.what === 'trunk') written.add(id)
      onChange?.(change, id)
      last = undefined
    } catch (error) {
      const failure = explained(error)
      // The object came or went since the look, or the answer was lost: the next look tells. Twice the same is no
      // accident.
      const { code } = failure.finding
      if ((last?.key === key && last.failure.finding.code === code) || !PASSING.has(code)) throw failure
      last = { failure, key }
      await sleep(PAUSE_MS * (1 + Math.random()))
    }
  }
  throw last?.failure ??
    new ProvisionError({
      code: 'unsettled',
      seen: 'Trunk or rule keep changing',
      todo: 'Somebody else changes them at the same time: let one finish, then run it again',
      command: 'bridge provision'
    })
}

/** Only the password differs, and LiveKit shows none. */
const isHidden = ({ fields }: Change): boolean =>
  fields.every(({ name, from }) => name === 'auth_password' && from === NOTHING)

/**
 * {@link applyProvision} without questions, for a caller who owns the whole project: another prefix is taken over.
 * @throws {ProvisionError}
 */
export async function ensureProvisioned (sip: ProvisionClient, settings: ProvisionSettings): Promise<Provisioned> {
  const did: Record<Change['what'], ProvisionedObject> = {
    trunk: { id: '', did: 'nothing', changed: [] },
    rule: { id: '', did: 'nothing', changed: [] }
  }
  const planned = (state: ProvisionState) => {
    const plan = planProvision(settings, state)
    return plan.conflicts.length > 0 && plan.conflicts.every(({ code }) => code === 'prefix-conflict')
      ? planProvision(settings, state, { adopt: true })
      : plan
  }
  const plan = await untilDone(sip, planned, {
    onChange (change, id) {
      if (change.do !== 'delete') {
        did[change.what] = {
          id,
          did: change.do === 'create' ? 'created' : 'updated',
          changed: change.do === 'create' ? [] : change.fields.map(field => field.name)
        }
      }
    }
  })
  return { trunk: { ...did.trunk, id: plan.trunkId ?? '' }, rule: { ...did.rule, id: plan.ruleId ?? '' } }
}

/** @returns the object's id */
async function makeChange (sip: ProvisionClient, change: Change): Promise<string> {
  if (change.do === 'delete') {
    await (change.what === 'trunk' ? sip.deleteSipTrunk(change.id) : sip.deleteSipDispatchRule(change.id))
    return change.id
  }
  if (change.what === 'trunk') {
    const { object } = change
    if (change.do === 'update') return (await sip.updateSipInboundTrunk(change.id, object)).sipTrunkId
    return (await sip.createSipInboundTrunk(object.name, object.numbers, {
      metadata: object.metadata,
      authUsername: object.authUsername,
      authPassword: object.authPassword,
      includeHeaders: object.includeHeaders,
      ringingTimeout: Number(object.ringingTimeout?.seconds),
      media: object.media
    })).sipTrunkId
  }
  const { object } = change
  // The trunk's change comes first, and then a new plan is made.
  if (object.trunkIds.includes(NEW_TRUNK)) throw new Error('A rule needs its trunk')
  if (change.do === 'update') return (await sip.updateSipDispatchRule(change.id, object)).sipDispatchRuleId
  const rule = object.rule?.rule
  if (rule?.case !== 'dispatchRuleCallee') throw new Error('Only Callee rules are made')
  return (await sip.createSipDispatchRule({ type: 'callee', roomPrefix: rule.value.roomPrefix, randomize: false }, {
    name: object.name,
    metadata: object.metadata,
    trunkIds: object.trunkIds,
    roomConfig: object.roomConfig
  })).sipDispatchRuleId
}
