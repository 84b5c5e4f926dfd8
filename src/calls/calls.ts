import type { Clock } from '../clock.ts'
import { CallEndedError, CallNotFoundError, NoCallControlError, StoreUnavailableError } from '../errors.ts'
import { Admission } from './admission.ts'
import { Commits } from './commits.ts'
import { currentAttempt, type Attempt, type Call, type Reply } from './fold/call.ts'
import { isOrderId, type OrderMark } from './fold/order.ts'
import type { CallEvent, EventOf } from './fold/events.ts'
import { mayBeInForeignRoom } from './fold/foreign-room.ts'
import type { Rules } from './fold/rules.ts'
import { HookReplies, type AnswerableEvent, type AnsweredCall, type ReceivedHook } from './hook-replies.ts'
import type { Observer } from './observer.ts'
import type { Registrar, RoomFormat, Rooms } from './ports.ts'
import { createRecovery, type Recovery } from './recovery.ts'
import { CallRegistrar } from './call-registrar.ts'
import { Joining } from './joining.ts'
import { Preparations } from './preparations.ts'
import { PresenceCheck } from './presence.ts'
import { RoomMaker } from './room-maker.ts'
import type { Registry } from './store/registry.ts'
import { noWarmPools, type WarmPools } from './warm/pools.ts'

export type { AnswerableEvent, AnsweredCall, ReceivedHook }

export interface CallsOptions {
  registry: Registry
  rules: Rules
  rooms: Rooms
  roomFormat: RoomFormat
  registrar: Registrar
  /** Rooms with waiting agents. Absent: there are none. */
  warmPools?: WarmPools
  clock: Clock
  /** How long to wait for a room, or for Retell, while Jambonz waits, milliseconds. */
  prepareTimeoutMs: number
  callHookDeadlineMs: number
  /** How long to try to hand over buffered events when the process ends, milliseconds. */
  handOverMs: number
  /** The most calls that may be active at the same time; 0: no limit. */
  maxCalls: number
  /** SIP status of a call that is one too many. */
  capacityStatus: number
  observer: Observer
}

/** The use cases of calls: events in, replies out. All state is in the registry. */
export interface Calls {
  /**
   * Commits an event to a call and returns what the call is now; undefined when there is nothing to keep. While the
   * store is gone an event from outside is buffered, and the call is what this process knows of it.
   * @throws {StoreUnavailableError} for the events of our own duties, which are done again
   */
  apply(callSid: string, event: CallEvent): Promise<Call | undefined>
  /**
   * Takes a call hook and finds its reply, making the room on the way. Never rejects and never takes longer than the
   * deadline.
   */
  receive(hook: ReceivedHook): Promise<{ call?: Call, reply: Reply }>
  /** Takes any other hook that is answered with verbs, and finds its reply. Undefined: there is nothing to say. */
  answer(event: AnswerableEvent, callSid: string): Promise<AnsweredCall | undefined>
  /**
   * Takes an event of LiveKit about a room.
   * @param metadata the room's, where the event has it
   * @returns whose room it is: the call's or, as `pool`, nobody's yet. Undefined: that is not known
   */
  hear(event: EventOf<'livekit'>, metadata: string | undefined): Promise<{ callSid: string } | 'pool' | undefined>
  /**
   * Ends a call because somebody asks for it.
   * @param by name of the key, or `agent`: the call's own
   * @throws {CallNotFoundError}
   * @throws {CallEndedError}
   * @throws {NoCallControlError} when only Jambonz's REST API could end it, which is not configured
   */
  hangUp(callSid: string, by?: string): Promise<Call>
  /**
   * Jambonz named the call of an order.
   * @returns the call under its call_sid; undefined when nothing is known of the order
   * @throws {StoreUnavailableError}
   */
  named(callSid: string, order: OrderMark): Promise<Call | undefined>
  /** Makes the room of an attempt that nobody waits for yet. Never rejects. */
  makeRoomAhead(call: Call, attempt: Attempt): Promise<void>
  /** Returns a call by its call_sid, or by the id of its order; also one of the history, which has ended. */
  find(callSid: string): Promise<Call | undefined>
  /** What this process last knew of a call; another replica may know more. */
  recent(callSid: string): Call | undefined
  /** Follows the calls again that only LiveKit still knows. */
  recover(): Promise<void>
  /** From now on new calls are declined: nobody would be here to follow them. */
  drain(): void
  /** Whether another call of this application has sent status events. */
  sendsStatuses(applicationSid: string | undefined): boolean
  /** Sets the listener that is called with every call that may have duties due now. */
  onDue(listener: (callSid: string) => void): void
  /** How many events are buffered until the store is back. */
  readonly waiting: number
  /** Some of the buffered events tell how calls are going: nothing may be judged by the time without them. */
  readonly holding: boolean
  /** Hands over the buffered events, if that is possible. */
  close(): Promise<void>
}

/** See {@link Calls}. */
export function createCalls (options: CallsOptions): Calls {
  return new CallService(options)
}

class CallService implements Calls {
  readonly #registry: Registry
  readonly #rules: Rules
  readonly #clock: Clock
  readonly #observer: Observer
  readonly #handOverMs: number
  readonly #admission: Admission
  readonly #commits: Commits
  readonly #recovery: Recovery
  readonly #replies: HookReplies
  readonly #joining: Joining
  readonly #preparations: Preparations
  readonly #warmPools: WarmPools
  readonly #prepareTimeoutMs: number
  #onDue: (callSid: string) => void = () => {}

  constructor (options: CallsOptions) {
    const { registry, rules, rooms, roomFormat, clock, observer, warmPools = noWarmPools } = options
    this.#warmPools = warmPools
    this.#registry = registry
    this.#rules = rules
    this.#clock = clock
    this.#observer = observer
    this.#handOverMs = options.handOverMs
    this.#admission = new Admission(options)
    this.#commits = new Commits({
      registry,
      rules,
      clock,
      observer,
      admission: this.#admission,
      locate: (callSid, dialled) => this.#recovery.locate(callSid, dialled)
    })
    this.#recovery = createRecovery({
      rooms,
      roomFormat,
      registry,
      rules,
      hasPools: () => warmPools.any(),
      clock,
      observer,
      apply: (callSid, event) => this.apply(callSid, event)
    })
    this.#joining = new Joining({ registry, clock, observer, apply: (callSid, event) => this.apply(callSid, event) })
    this.#preparations = this.#createPreparations(options)
    this.#prepareTimeoutMs = options.prepareTimeoutMs
    this.#replies = new HookReplies({
      commits: this.#commits,
      admission: this.#admission,
      rooms,
      preparations: this.#preparations,
      warmPools,
      clock,
      observer,
      deadlineMs: options.callHookDeadlineMs,
      onDue: callSid => this.#onDue(callSid)
    })
  }

  get waiting (): number {
    return this.#commits.outage.waiting
  }

  get holding (): boolean {
    return this.#commits.outage.holding
  }

  async apply (callSid: string, event: CallEvent): Promise<Call | undefined> {
    const call = await this.#commits.apply(callSid, event)
    if (call) this.#joining.after(call, event)
    return call
  }

  async receive (hook: ReceivedHook): Promise<{ call?: Call, reply: Reply }> {
    const answered = await this.#replies.receive(hook)
    if (answered.call) this.#joining.after(answered.call, { ...hook, kind: 'call-hook' })
    return answered
  }

  answer (event: AnswerableEvent, callSid: string): Promise<AnsweredCall | undefined> {
    return this.#replies.answer(event, callSid)
  }

  async hear (
    event: EventOf<'livekit'>,
    metadata: string | undefined
  ): Promise<{ callSid: string } | 'pool' | undefined> {
    const { outage } = this.#commits
    this.#joining.heard(event)
    try {
      const known = await this.#callByRoom(event)
      if (known === undefined && await this.#warmPools.hear(event)) return 'pool'
      // A call may have taken the room from its pool just now.
      const callSid = known ?? await this.#callByRoom(event) ?? await this.#callWithoutRoom(event, metadata)
      if (callSid !== undefined) await this.apply(callSid, event)
      // The event may be about a call that some replica is about to hand over.
      else if (outage.settling) return this.#keepRoomEvent(event, metadata)

      return callSid === undefined ? undefined : { callSid }
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      outage.notice()
      return this.#keepRoomEvent(event, metadata)
    }
  }

  async hangUp (callSid: string, by?: string): Promise<Call> {
    const known = await this.find(callSid)
    if (!known) throw new CallNotFoundError(callSid)
    if (known.late) throw new StoreUnavailableError('the buffered events of this call are being handed over')
    if (known.phase === 'ended') throw new CallEndedError(callSid)

    const isInRoom = currentAttempt(known)?.room !== undefined
    if (!isInRoom && !this.#rules.callControl) throw new NoCallControlError(callSid)
    const call = await this.apply(known.callSid, { kind: 'hangup', by, at: this.#clock.now() })
    // An order whose call was named just now goes on under its call_sid.
    if (!call && isOrderId(known.callSid)) return this.hangUp(callSid, by)
    return call ?? known
  }

  named (callSid: string, order: OrderMark): Promise<Call | undefined> {
    return this.#commits.named(callSid, order, this.#clock.now())
  }

  async makeRoomAhead (call: Call, attempt: Attempt): Promise<void> {
    const prepared = await this.#preparations.prepare(call, attempt, this.#prepareTimeoutMs)
    try {
      if (prepared) await this.apply(call.callSid, { ...prepared, attempt: attempt.n, at: this.#clock.now() })
    } finally {
      this.#preparations.forget(call, attempt)
    }
  }

  async find (callSid: string): Promise<Call | undefined> {
    const named = isOrderId(callSid) ? await this.#registry.findByName(callSid) : undefined
    return await this.#registry.get(named ?? callSid) ?? this.#registry.history.get(callSid)
  }

  recent (callSid: string): Call | undefined {
    return this.#commits.outage.recent(callSid)
  }

  recover (): Promise<void> {
    return this.#recovery.findAll()
  }

  drain (): void {
    this.#admission.drain()
  }

  sendsStatuses (applicationSid: string | undefined): boolean {
    return this.#commits.sendsStatuses(applicationSid)
  }

  onDue (listener: (callSid: string) => void): void {
    this.#onDue = listener
  }

  async close (): Promise<void> {
    this.#recovery.stop()
    await this.#commits.outage.close(this.#handOverMs)
  }

  async #callByRoom ({ room }: EventOf<'livekit'>): Promise<string | undefined> {
    return await this.#registry.findByName(room) ?? this.#commits.outage.callOfRoom(room)
  }

  #keepRoomEvent (event: EventOf<'livekit'>, metadata: string | undefined): { callSid: string } | undefined {
    const { outage } = this.#commits
    const callSid = outage.keepRoomEvent(event, this.#recovery.foundBy(event, metadata)?.callSid)
    return callSid === undefined ? undefined : { callSid }
  }

  /**
   * The call of a room that no record names. The call may be on its way to the store, or LiveKit alone knows it still.
   */
  async #callWithoutRoom (
    event: EventOf<'livekit'>,
    metadata: string | undefined
  ): Promise<string | undefined> {
    const { outage } = this.#commits
    const found = this.#recovery.foundBy(event, metadata)
    if (found && outage.holds(found.callSid)) return found.callSid
    if (found && await this.#registry.get(found.callSid)) {
      // The record does not know of a room that is the call's for sure.
      if (found.warm) await this.apply(found.callSid, found)
      return found.callSid
    }
    const inForeignRoom = await this.#callInForeignRoom(event)
    if (inForeignRoom !== undefined) return inForeignRoom
    if (event.what === 'room_finished' || outage.settling) return undefined

    return this.#recovery.findByRoom(event, metadata)
  }

  /** The call whose leg an event shows in a room that is not ours. */
  async #callInForeignRoom ({ participant }: EventOf<'livekit'>): Promise<string | undefined> {
    const callSid = participant?.kind === 'SIP' ? participant.sip?.callSid : undefined
    const call = callSid === undefined ? undefined : await this.#registry.get(callSid)

    return call && mayBeInForeignRoom(call) ? callSid : undefined
  }

  #createPreparations (options: CallsOptions): Preparations {
    const { registry, rooms, roomFormat, registrar, clock, observer, prepareTimeoutMs } = options
    const onSettled = (callSid: string, attempt: number) => this.#roomSettled(callSid, attempt)
    return new Preparations({
      maker: new RoomMaker({ rooms, warmPools: this.#warmPools, roomFormat, clock, observer, onSettled }),
      registrar: new CallRegistrar({ registrar, clock, observer }),
      presence: new PresenceCheck({ registry, rooms, clock, observer }),
      timeoutMs: prepareTimeoutMs
    })
  }

  #roomSettled (callSid: string, attempt: number): void {
    this.apply(callSid, { kind: 'room-settled', attempt, at: this.#clock.now() }).then(
      () => this.#onDue(callSid),
      error => this.#observer.failed(callSid, 'createRoom', error)
    )
  }
}
