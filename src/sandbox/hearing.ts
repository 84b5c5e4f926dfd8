import type { JambonzDouble, Leg } from './jambonz.ts'
import type { LiveKitDouble } from './livekit.ts'
import type { Json } from './livekit/json.ts'
import { list, object, text } from './livekit/json.ts'

/** Somebody in a room. */
interface Member {
  /** The number of a phone, or the name of an agent. */
  name: string
  isPhone: boolean
  /** The others in the room hear this member. */
  isAudible: boolean
}

/**
 * Whom each phone in a call hears now: phones by their numbers and agents by their names, in alphabetical order. No
 * media flows in the sandbox, so this follows from who is connected with whom. A phone whose call was answered and that
 * hears nobody has an empty list.
 */
export function hearing ({ jambonz, livekit }: {
  jambonz: Pick<JambonzDouble, 'calls' | 'talks'>
  livekit: Pick<LiveKitDouble, 'rooms'>
}): Record<string, string[]> {
  const talks = jambonz.talks()
  const participants = livekit.rooms().flatMap(room => room.participants)
  const isOfLiveKit = ({ sbcCallid }: Leg) => participants.some(participant => callIdOf(participant) === sbcCallid)
  const heard = new Map<string, Set<string>>()
  const hears = (name: string, others: string[]) => {
    const known = heard.get(name) ?? new Set()
    heard.set(name, new Set([...known, ...others]))
  }

  for (const { leg, ended } of jambonz.calls()) {
    if (!ended && leg.callStatus === 'in-progress' && !isOfLiveKit(leg)) hears(phoneOf(leg), [])
  }
  for (const { leg, dialled } of talks) {
    if (isOfLiveKit(leg) || isOfLiveKit(dialled)) continue
    hears(phoneOf(leg), [dialled.to])
    hears(dialled.to, [phoneOf(leg)])
  }

  /** The phone at the other end of a participant's call. */
  const phoneIn = (participant: Json): string | undefined => {
    const callId = callIdOf(participant)
    const towards = talks.find(({ dialled }) => dialled.sbcCallid === callId)
    return towards ? phoneOf(towards.leg) : talks.find(({ leg }) => leg.sbcCallid === callId)?.dialled.to
  }
  for (const { participants } of livekit.rooms()) {
    const members = participants.flatMap(participant => memberOf(participant, phoneIn) ?? [])
    for (const member of members.filter(({ isPhone }) => isPhone)) {
      hears(member.name, members.filter(other => other !== member && other.isAudible).map(({ name }) => name))
    }
  }
  return Object.fromEntries([...heard].sort(([a], [b]) => a < b ? -1 : 1).map(([name, all]) => [name, [...all].sort()]))
}

function memberOf (participant: Json, phoneIn: (participant: Json) => string | undefined): Member | undefined {
  const isAudible = list(participant, 'tracks').length > 0
  const attributes = object(participant, 'attributes')
  if (participant['kind'] === 'AGENT') return { name: text(attributes, 'lk.agent.name'), isPhone: false, isAudible }

  const phone = attributes['sip.callStatus'] === 'active' ? phoneIn(participant) : undefined
  return phone === undefined ? undefined : { name: phone, isPhone: true, isAudible }
}

const callIdOf = (participant: Json): string => text(object(participant, 'attributes'), 'sip.callIDFull')

/** The number of the phone that calls Jambonz, or that Jambonz has called. */
const phoneOf = ({ direction, from, to }: Leg): string => direction === 'inbound' ? from : to
