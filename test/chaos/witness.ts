import type { JambonzDouble, Leg } from '../../src/sandbox/jambonz.ts'
import type { LiveKitDouble } from '../../src/sandbox/livekit.ts'
import { list, object, text, type Json } from '../../src/sandbox/livekit/json.ts'
import type { WorldClock } from './clock.ts'
import { PERSONS } from './mix.ts'

/** Sees who hears whom. */
export interface Witness {
  /** Looks now as well, and not only every so often. */
  look(): void
  /** Whether the person of this call has talked with the caller of that one. */
  met(personSid: string, callerSid: string): boolean
  /** Whether a caller has talked with a person over the caller's own leg. */
  wasDialledThrough(callerSid: string): boolean
  /** The caller with whom the person of this call talks now. */
  companyOf(personSid: string): string | undefined
}

const EVERY_MS = 250

/**
 * Watches all calls.
 * @param onAlone is told of everybody who hears nobody, with the milliseconds for which this lasts by now
 */
export function createWitness ({ clock, jambonz, livekit, until, onAlone }: {
  clock: WorldClock
  jambonz: JambonzDouble
  livekit: LiveKitDouble
  /** Nobody is watched any longer, milliseconds since the epoch. */
  until: number
  onAlone: (callSid: string, ms: number) => void
}): Witness {
  const meetings = new Set<string>()
  const dialledThrough = new Set<string>()
  const alone = new Map<string, number>()
  let together = new Map<string, string>()

  function look () {
    together = new Map()
    const rooms = livekit.rooms().map(({ participants }) => participants)
    const roomOf = new Map(rooms.flatMap(members =>
      members.filter(isActive).map(member => [callIdOf(member), members] as const)))
    const talks = jambonz.talks()
    const sidOf = new Map(talks.map(({ leg, dialled }) => [dialled.sbcCallid, leg.callSid]))
    const persons = new Set(talks.filter(({ leg }) => isPerson(leg)).map(({ leg }) => leg.callSid))
    const heard = new Map<string, boolean>()
    for (const { leg, dialled } of talks) {
      if (dialled.to.startsWith(PERSONS)) dialledThrough.add(leg.callSid)
      const members = roomOf.get(dialled.sbcCallid ?? '')
      const others = members?.filter(member => callIdOf(member) !== dialled.sbcCallid) ?? []
      heard.set(leg.callSid, !members || others.some(other => isAgent(other) || isActive(other)))
      if (!persons.has(leg.callSid)) continue
      for (const other of others.filter(isActive)) {
        const sid = sidOf.get(callIdOf(other))
        if (sid === undefined || persons.has(sid)) continue
        together.set(leg.callSid, sid)
        meetings.add(`${leg.callSid} ${sid}`)
      }
    }
    lookForAlone(heard)
  }

  function lookForAlone (heard: ReadonlyMap<string, boolean>) {
    const now = clock.now()
    for (const { leg, ended } of jambonz.calls()) {
      if (ended || leg.callStatus !== 'in-progress' || heard.get(leg.callSid)) {
        alone.delete(leg.callSid)
        continue
      }
      const since = alone.get(leg.callSid) ?? now
      alone.set(leg.callSid, since)
      onAlone(leg.callSid, now - since)
    }
  }

  function watch () {
    look()
    if (clock.now() < until) clock.schedule(EVERY_MS, watch)
  }
  watch()

  return {
    look,
    met: (personSid, callerSid) => meetings.has(`${personSid} ${callerSid}`),
    wasDialledThrough: callerSid => dialledThrough.has(callerSid),
    companyOf (personSid) {
      look()
      return together.get(personSid)
    }
  }
}

/** Whether it is the leg that Jambonz has called for a transfer. */
export const isPerson = ({ direction, to }: Readonly<Leg>): boolean =>
  direction === 'outbound' && to.startsWith(PERSONS)

const callIdOf = (participant: Json): string => text(object(participant, 'attributes'), 'sip.callIDFull')

const isAgent = (participant: Json): boolean =>
  participant['kind'] === 'AGENT' && list(participant, 'tracks').length > 0

const isActive = (participant: Json): boolean => object(participant, 'attributes')['sip.callStatus'] === 'active'
