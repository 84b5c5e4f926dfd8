import type { Call } from '../../src/calls/fold/call.ts'
import { outcomeOf, transfersOf, type Transfer } from '../../src/calls/fold/transfers.ts'
import type { CallEventPayload } from '../../src/events/event-schemas.ts'
import type { JambonzDouble } from '../../src/sandbox/jambonz.ts'
import type { WorldClock } from './clock.ts'
import type { Weather } from './faults.ts'
import { DIAL_TIMEOUT_S, type Plan } from './mix.ts'
import type { Watch } from './watch.ts'
import { isPerson, type Witness } from './witness.ts'

export interface TransferRules {
  /** The record of a call was written. */
  changed(call: Call): void
  /** Somebody hears nobody, for so long by now. */
  isAlone(callSid: string, ms: number): void
  /** An event reached the user's system. */
  told(event: CallEventPayload): void
  /** At the end of time. */
  finish(): void
}

/** A person's leg must be gone this long after the bridge knew that the caller is: with Jambonz well, and otherwise. */
const RELEASED_MS: Record<Weather, number> = { calm: 5000, mild: 40_000, rough: 40_000, wild: 60_000 }
/**
 * Nobody hears nobody for longer, milliseconds: on a fine day no longer than an agent may take to come, or a carrier to
 * say what came of a REFER; otherwise, until that was noticed as well.
 */
const ALONE_MS = { calm: (DIAL_TIMEOUT_S + 3) * 1000, else: 45_000 }

/** What must hold of people to whom calls are handed. */
export function createTransferRules ({ add, clock, plans, jambonz, watch, witness, numberOf, weather }: {
  add(rule: string, n: number | undefined, what: string): void
  clock: WorldClock
  plans: Map<number, Plan>
  jambonz: JambonzDouble
  watch: Watch
  witness: () => Witness
  numberOf(callSid: string): number | undefined
  weather: Weather
}): TransferRules {
  const decided = new Map<string, string>()
  const released = new Set<string>()
  const lonely = new Set<string>()
  /** Outcomes that were told, by transfer and id of the event. */
  const told = new Map<string, Map<string, string>>()
  const personLegs = () => jambonz.calls().filter(({ leg }) => isPerson(leg))
  const personCalls = () => [...watch.calls.values()].filter(({ order }) => order?.transfer !== undefined)
  const callsFor = (id: string) => personCalls().filter(({ order }) => order?.transfer?.id === id)

  /** The result is decided once, and it is true when it is. */
  function checkDecision (call: Call, { request, outcome, person }: Transfer) {
    if (!request || !outcome) return
    const text = `${outcome.result} ${outcome.reason}`
    const before = decided.get(request.id)
    const n = numberOf(call.callSid)
    if (before !== undefined && before !== text) {
      add('a transfer has one result', n, `${request.mode}: ${text} after ${before}`)
    }
    decided.set(request.id, text)
    if (before !== undefined || request.mode === 'refer') return

    witness().look()
    const sids = callsFor(request.id).map(({ callSid }) => callSid)
    const met = request.order
      ? sids.some(sid => witness().met(sid, call.callSid))
      : witness().wasDialledThrough(call.callSid)
    if (outcome.result === 'bridged' && !met) {
      add('a result is true', n, `${request.mode}: bridged, but ${person?.callSid ?? 'person'} never met the caller`)
    }
    if (weather === 'calm' && outcome.result !== 'bridged' && met && request.order) {
      add('a result is true', n, `${request.mode}: ${text}, but they have talked`)
    }
  }

  /** A caller is gone: so must be the people who were called for them. */
  function watchRelease (call: Call) {
    if (call.phase !== 'ended' || released.has(call.callSid)) return
    released.add(call.callSid)
    clock.schedule(RELEASED_MS[weather], () => {
      const sids = new Set(personCalls().filter(({ order }) => order?.transfer?.callSid === call.callSid)
        .map(({ callSid }) => callSid))
      for (const { leg, ended } of personLegs()) {
        if (ended || !sids.has(leg.callSid) || watch.calls.get(call.callSid)?.phase !== 'ended') continue
        add('a person is let go when the caller is gone', numberOf(leg.callSid), `${leg.callSid} is ${leg.callStatus}`)
      }
    })
  }

  function checkTold (n: number | undefined, { request, outcome }: Transfer) {
    const { id, mode } = request!
    const events = [...told.get(id) ?? []]
    if (events.length !== 1) {
      add('each result is told once', n, `${mode} ${outcome?.result}: ${events.length} events`)
    }
    for (const [, text] of events) {
      if (text !== decided.get(id)) add('each result is told once', n, `told ${text}, and it was ${decided.get(id)}`)
    }
  }

  function checkPersonCalls () {
    for (const { leg, ended } of personLegs()) {
      const n = numberOf(leg.callSid)
      const record = watch.calls.get(leg.callSid)
      if (!ended) add('a person is let go when the caller is gone', n, `${leg.callSid} is ${leg.callStatus} for ever`)
      const purpose = record?.order?.transfer
      if (!purpose) {
        add('every person is called for a transfer', n, `${leg.callSid} is not known to be`)
        continue
      }
      const transfer = transfersOf(watch.calls.get(purpose.callSid) ?? {}).find(({ request }) =>
        request?.id === purpose.id)
      if (!transfer) add('every person is called for a transfer', n, `${leg.callSid}: nobody knows of ${purpose.id}`)
      if (callsFor(purpose.id).length > 1) add('a person is called once', n, `for ${purpose.id}`)
    }
  }

  /** On a fine day everybody knows what comes of it. */
  function checkPlan (call: Call, n: number | undefined) {
    const { kind, handOver } = plans.get(n ?? -1) ?? {}
    if (weather !== 'calm' || !handOver?.results || call.order?.transfer) return
    const results = transfersOf(call).map(one => outcomeOf(one)).map(out => `${out?.result} ${out?.reason}`)
    if (String(results) !== String(handOver.results)) {
      add('on a fine day the result is known', n, `${kind}: ${results} instead of ${handOver.results}`)
    }
  }

  return {
    changed (call) {
      for (const transfer of transfersOf(call)) checkDecision(call, transfer)
      watchRelease(call)
    },
    isAlone (callSid, ms) {
      if (ms < (weather === 'calm' ? ALONE_MS.calm : ALONE_MS.else) || lonely.has(callSid)) return
      lonely.add(callSid)
      add('nobody talks to nobody', numberOf(callSid), `${callSid} has heard nobody for ${ms} ms`)
    },
    told ({ id, type, data: { transfer } }) {
      if (type !== 'call.transfer_finished' || transfer?.id == null) return
      const events = told.get(transfer.id) ?? new Map<string, string>()
      told.set(transfer.id, events)
      const text = `${transfer.outcome} ${transfer.reason}`
      const before = events.get(id)
      if (before !== undefined && before !== text) {
        add('each result is told once', numberOf(callSidIn(id)), `${text} after ${before}`)
      }
      events.set(id, text)
    },
    finish () {
      checkPersonCalls()
      for (const call of watch.calls.values()) {
        const n = numberOf(call.callSid)
        checkPlan(call, n)
        for (const transfer of transfersOf(call)) {
          if (!transfer.request) continue
          if (!transfer.outcome) add('a transfer has one result', n, `${transfer.request.mode} is ${transfer.state}`)
          checkTold(n, transfer)
        }
      }
    }
  }
}

/** The call_sid in the id of an event. */
const callSidIn = (eventId: string): string => eventId.split(':')[0]!
