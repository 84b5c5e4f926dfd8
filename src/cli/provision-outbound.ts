import { jambonzAccess, type JambonzAccess } from '../jambonz/api.ts'
import { generateCredentials } from '../provisioning/livekit-credentials.ts'
import { explained } from '../provisioning/livekit-error.ts'
import { interrupted, type ProvisionClient } from '../provisioning/livekit.ts'
import type { ProvisionState } from '../provisioning/livekit-plan.ts'
import {
  planPair,
  planPairDeletion,
  type PairChange,
  type PairPlan,
  type PairState,
  type PairWish
} from '../provisioning/outbound-pair.ts'
import { createCarrierRest, type CarrierRest } from '../provisioning/outbound-pair-rest.ts'
import { reviewPair } from '../provisioning/outbound-review.ts'
import { problemFindings } from '../routing/file/problem-findings.ts'
import { ownNumbers } from '../routing/own-numbers.ts'
import { consents, type ProvisionRun } from './provision-run.ts'

/**
 * `bridge provision --outbound`: makes, lists or deletes what agents call out with.
 * @returns whether everything is as it should be then, or would be
 * @throws {ProvisionError | ApplicationError} what was done until then was told to the report
 */
export async function provisionPair (run: ProvisionRun, project: ProvisionState): Promise<boolean> {
  const { flags, settings, report } = run
  const access = jambonzAccess(settings)
  const { PUBLIC_URL: publicUrl, JAMBONZ_APPLICATION_SID: applicationSid } = settings
  if (!access || publicUrl === undefined) {
    report.find([{
      code: 'application-skipped',
      severity: 'failed',
      seen: 'Jambonz cannot be asked: its REST settings, or PUBLIC_URL, are not set',
      todo: 'Set PUBLIC_URL, JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY'
    }])
    return false
  }
  report.jambonz(access.baseUrl, access.accountSid)
  const rest = createCarrierRest(access, { publicUrl, applicationSid })
  const pair = { run, rest, wish: wishOf(run, access), state: { ...await rest.read(), trunks: project.outbound } }
  if (flags.list) return listPair(pair)
  return await (flags.delete ? deletePair : makePair)(pair)
}

interface Pair {
  run: ProvisionRun
  rest: CarrierRest
  wish: PairWish
  state: PairState
}

function wishOf ({ flags, settings, routes }: ProvisionRun, { accountSid }: JambonzAccess): PairWish {
  return {
    carrierName: settings.LIVEKIT_OUTBOUND_TRUNK,
    accountSid,
    numbers: ownNumbers(routes.table),
    fresh: generateCredentials(),
    rotate: flags.rotate === true
  }
}

function listPair ({ run: { report }, wish, state }: Pair): boolean {
  const findings = reviewPair(wish, state)
  report.find(findings)
  return !findings.some(({ severity }) => severity === 'failed')
}

async function makePair (pair: Pair): Promise<boolean> {
  const { run, wish, state } = pair
  const { flags, report } = run
  const plan = planPair(wish, state)
  report.show(plan.changes)
  report.find([...problemFindings(run.routes), ...plan.obstacles])
  if (plan.obstacles.length > 0) {
    report.say('Nothing was changed.')
    return false
  }
  if (plan.changes.length === 0) {
    report.say('Everything is as it should be.')
    return true
  }
  if (flags.plan) {
    report.say('Nothing was changed: --plan.')
    return true
  }
  if (!await consents(run, 'Make these changes in LiveKit and in Jambonz?')) return false
  await applyPair(pair, plan)
  report.applied()
  return true
}

/** Jambonz comes first: it takes a password before LiveKit sends it. */
async function applyPair ({ run: { sip, report, signal }, rest }: Pair, { changes, renewed }: PairPlan): Promise<void> {
  let isHalfDone = false
  try {
    for (const change of changes) {
      if (signal?.aborted) throw interrupted()
      report.done(change, await made(change, sip, rest))
      isHalfDone = true
    }
  } catch (error) {
    if (isHalfDone && renewed) {
      report.say(
        'Jambonz has the new password, and LiveKit may not: agents cannot call out until this has run again, with ' +
          '--rotate.'
      )
    }
    throw error
  }
}

async function deletePair ({ run, rest, wish, state }: Pair): Promise<boolean> {
  const { flags, report, sip } = run
  const changes = planPairDeletion(wish, state)
  report.show(changes)
  if (changes.length === 0) {
    report.say('The bridge has no outbound trunk and no carrier for it.')
    return true
  }
  if (flags.plan) return true
  if (!await consents(run, 'Delete them in LiveKit and in Jambonz? Agents can then call nobody.')) return false
  for (const change of changes) {
    if (run.signal?.aborted) throw interrupted()
    report.done(change, await made(change, sip, rest))
  }
  report.applied()
  return true
}

/** @returns the id of what was changed */
async function made (change: PairChange, sip: ProvisionClient, rest: CarrierRest): Promise<string> {
  if (change.what === 'carrier') return await rest.apply(change)
  try {
    return await madeInLiveKit(change, sip)
  } catch (error) {
    throw explained(error)
  }
}

async function madeInLiveKit (
  { do: what, id, object }: PairChange & { what: 'outbound-trunk' },
  sip: ProvisionClient
): Promise<string> {
  switch (what) {
    case 'delete':
      await sip.deleteSipTrunk(id)
      return id
    case 'update':
      return (await sip.updateSipOutboundTrunk(id, object)).sipTrunkId
    case 'create': {
      const { name, address, numbers, metadata, transport, authUsername, authPassword, includeHeaders } = object
      const options = { metadata, transport, authUsername, authPassword, includeHeaders }
      return (await sip.createSipOutboundTrunk(name, address, numbers, options)).sipTrunkId
    }
  }
}
