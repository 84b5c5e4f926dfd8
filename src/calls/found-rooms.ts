import type { Clock } from '../clock.ts'
import type { CallerFacts } from './fold/call.ts'
import type { EventOf, SipAttributes } from './fold/events.ts'
import { MOST_ATTEMPTS } from './fold/new-call.ts'
import { roomNameOf, tokenOfRoom } from './fold/room-name.ts'
import type { Rules } from './fold/rules.ts'
import type { FoundWarmRoom } from './fold/warm.ts'
import type { Way } from './fold/way.ts'
import type { RoomFormat, RoomMetadata, Rooms } from './ports.ts'

export interface FoundRoomsOptions {
  rooms: Pick<Rooms, 'callers'>
  roomFormat: Pick<RoomFormat, 'readMetadata' | 'readWarmRoom'>
  rules: Rules
  clock: Clock
}

/**
 * Tells whose a room is by what LiveKit shows of it. Whoever is in a room may change its metadata, so they count only
 * where the room has the name that is derived for its call, or where their seal is about the room's own name.
 */
export class FoundRooms {
  readonly #options: FoundRoomsOptions

  constructor (options: FoundRoomsOptions) {
    this.#options = options
  }

  /** Whether a room has a name that we give, followed by a token. */
  isNamed (room: string): boolean {
    return this.#tokenOf(room) !== undefined
  }

  /** The room that a token leads into. */
  named (token: string): string {
    return roomNameOf(this.#options.rules.roomPrefix, token)
  }

  /** The room of an attempt that has no warm one. */
  derived (callSid: string, attempt: number): string {
    return this.named(this.#options.rules.tokenOf(callSid, attempt))
  }

  /** Whether a room waits for a call: then its pool looks after it. */
  isWaiting (room: string, metadata: string | undefined): boolean {
    return metadata !== undefined && this.#options.roomFormat.readWarmRoom(room, metadata) !== undefined
  }

  byMetadata (room: string, text: string): EventOf<'found'> | undefined {
    const { rules, roomFormat, clock } = this.#options
    const metadata = roomFormat.readMetadata(text)
    const token = this.#tokenOf(room)
    if (!metadata || token === undefined) return undefined

    const { callSid, attempt, warm } = metadata
    const named = warm?.room ?? this.derived(callSid, attempt)
    if (named !== room) return undefined
    return foundByMetadata(metadata, rules, clock.now(), warm && { ...warm, token })
  }

  /** By the room's metadata, and by the SIP participant of an event about it. */
  byEvent ({ room, participant }: EventOf<'livekit'>, metadata: string | undefined): EventOf<'found'> | undefined {
    // Not every event tells the kind. Attributes of other participants prove nothing: they write them themselves.
    const isLeg = participant?.kind === undefined || participant.kind === 'SIP'
    const legs = isLeg && participant?.sip ? [participant.sip] : []
    return (metadata === undefined ? undefined : this.byMetadata(room, metadata)) ?? this.#byLegs(room, metadata, legs)
  }

  /** By the room's metadata, else by the SIP participants that are in it. */
  async read (room: string, metadata: string): Promise<EventOf<'found'> | undefined> {
    return this.byMetadata(room, metadata) ??
      this.#byLegs(room, metadata, await this.#options.rooms.callers(room))
  }

  /**
   * A room that a SIP leg made has no metadata of ours, and one that has just been claimed does not say so yet. The
   * leg's X-LK-Call header says whose it is.
   */
  #byLegs (
    room: string,
    metadata: string | undefined,
    legs: readonly SipAttributes[]
  ): EventOf<'found'> | undefined {
    for (const { callSid } of legs) {
      const event = callSid === undefined ? undefined : this.#byDerivedName(room, callSid)
      if (event) return event
    }
    return metadata === undefined ? undefined : this.#byLegInWarmRoom(room, metadata, legs)
  }

  #byDerivedName (room: string, callSid: string): EventOf<'found'> | undefined {
    const { rules, clock } = this.#options
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      if (this.derived(callSid, attempt) === room) return foundByLeg(callSid, attempt, rules, clock.now())
    }
    return undefined
  }

  /** Only who was dialled by us knows the token of a room that waits, and comes in through the dispatch rule. */
  #byLegInWarmRoom (room: string, metadata: string, legs: readonly SipAttributes[]): EventOf<'found'> | undefined {
    const { roomFormat, rules, clock } = this.#options
    const token = this.#tokenOf(room)
    const waiting = roomFormat.readWarmRoom(room, metadata)
    if (token === undefined || waiting === undefined) return undefined

    const callers = legs.filter(({ dispatched, called }) => dispatched === true && called === token)
    const [callSid, another] = new Set(callers.map(({ callSid }) => callSid))
    if (callSid === undefined || another !== undefined) return undefined
    const { agent, ...made } = waiting
    return foundByLeg(callSid, undefined, { ...rules, ruleAgent: agent }, clock.now(), { ...made, room, token })
  }

  #tokenOf (room: string): string | undefined {
    return tokenOfRoom(this.#options.rules.roomPrefix, room)
  }
}

/** The call that a room's metadata tells of. */
export function foundByMetadata (
  metadata: RoomMetadata,
  rules: Rules,
  at: number,
  warm?: FoundWarmRoom
): EventOf<'found'> {
  const { callSid, attempt, agent, route, ways, order, receivedAt, openedAt, ...caller } = metadata
  const { direction, from, to, withheld, applicationSid } = caller

  return {
    kind: 'found',
    at,
    callSid,
    attempt,
    facts: { direction, from, to, withheld, applicationSid, callerName: '', headers: {} },
    app: { ...rules.app, agent },
    route: { name: route, ways },
    ...(order === undefined ? {} : { order }),
    ...(warm === undefined ? {} : { warm }),
    receivedAt,
    openedAt
  }
}

/**
 * The call of a room whose metadata do not tell it, by the SIP leg in it.
 * @param attempt undefined: the room's name does not tell
 */
export function foundByLeg (
  callSid: string,
  attempt: number | undefined,
  rules: Pick<Rules, 'ruleAgent' | 'app'>,
  at: number,
  warm?: FoundWarmRoom
): EventOf<'found'> {
  const ways: Way[] = [{ strategy: 'room', agent: rules.ruleAgent }]
  const times = { at, receivedAt: at, openedAt: at }
  const known = { ...(attempt === undefined ? {} : { attempt }), ...(warm === undefined ? {} : { warm }) }

  return { kind: 'found', callSid, facts: UNKNOWN, app: rules.app, route: { ways }, ...known, ...times }
}

/** What is known of a caller when there is no metadata. */
const UNKNOWN: CallerFacts = { direction: 'inbound', from: '', to: '', callerName: '', withheld: false, headers: {} }
