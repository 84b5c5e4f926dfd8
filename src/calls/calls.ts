import { within, type Clock } from '../clock.ts'
import {
  CallEndedError,
  CallNotFoundError,
  HookDeadlineError,
  NoCallControlError,
  StoreUnavailableError
} from '../errors.ts'
import { createAdmission } from './admission.ts'
import { advance } from './fold/advance.ts'
import { findHook } from './fold/attempts.ts'
import { currentAttempt, isFinal, type Attempt, type Call, type HookName, type Reply } from './fold/call.ts'
import type { ActionEvent, CallEvent, CallHookEvent, EventOf, ReferCompleteEvent, ReferEvent } from './fold/events.ts'
import type { Observer } from './observer.ts'
import { createOutage } from './outage.ts'
import type { RoomFormat, Rooms } from './ports.ts'
import { createRecovery } from './recovery.ts'
import type { Registry } from './store/registry.ts'
import { createRoomMaker } from './room-maker.ts'
import { UNAVAILABLE } from './fold/call.ts'
import type { Rules } from './fold/rules.ts'

export interface CallsOptions {
  registry: Registry
  rules: Rules
  rooms: Rooms
  roomFormat: RoomFormat
  clock: Clock
  livekitTimeoutMs: number
  callHookDeadlineMs: number
  /** How long to try to hand over kept events when the process ends, milliseconds. */
  handOverMs: number
  /** 0: no limit. */
  maxCalls: number
  capacityStatus: number
  observer: Observer
}

/** A call hook with the time of its arrival. */
export type ReceivedHook = Omit<CallHookEvent, 'kind' | 'refuse'> & { at: number }

export interface Calls {
  /**
   * Commits an event to a call and tells what the call is now; undefined when there is nothing to keep. While the store
   * is gone an event from outside is kept for it, and the call is what this process knows of it.
   * @throws {StoreUnavailableError} for the events of our own duties, which are done again
   */
  apply(callSid: string, event: CallEvent): Promise<Call | undefined>
  /**
   * Takes a call hook and finds its reply, making the room on the way. Never rejects and never takes longer than the
   * deadline.
   */
  receive(hook: ReceivedHook): Promise<{ call?: Call, reply: Reply }>
  /** Takes any other hook that is answered with verbs, and finds its reply. Undefined: there is nothing to say. */
  answer(
    event: CallEvent & (ActionEvent | ReferEvent | ReferCompleteEvent),
    callSid: string
  ): Promise<{ call: Call, reply: Reply } | undefined>
  /**
   * Takes an event of LiveKit about a room.
   * @param metadata the room's, where the event has it
   * @returns the call that it was about, as far as that is known
   */
  hear(event: EventOf<'livekit'>, metadata: string | undefined): Promise<string | undefined>
  /**
   * An operator ends a call.
   * @throws {CallNotFoundError}
   * @throws {CallEndedError}
   * @throws {NoCallControlError} when only Jambonz's REST API could end it, which is not configured
   */
  hangUp(callSid: string): Promise<Call>
  /** What this process last knew of a call; another replica may know more. */
  recent(callSid: string): Call | undefined
  /** Follows again what only LiveKit still knows of. */
  recover(): Promise<void>
  /** From now on new calls are declined: nobody would be here to follow them. */
  drain(): void
  /** Whether another call of this application has sent status events. */
  sendsStatuses(applicationSid: string | undefined): boolean
  /** Is called with a call that may have duties due now. */
  onDue(listener: (callSid: string) => void): void
  /** Events that wait for the store. */
  readonly waiting: number
  /** Some of them tell how calls are going: nothing is to be judged without them. */
  readonly holding: boolean
  /** Hands over what waits, if it can be. */
  close(): Promise<void>
}

/** The use cases of calls: events in, replies out. All state is in the registry. */
export function createCalls (options: CallsOptions): Calls {
  const { registry, rules, rooms, roomFormat, clock, observer } = options
  const applications = rememberLast(10_000)
  const outage = createOutage({ commit, findByRoom: room => registry.findByRoom(room), rules, clock, observer })
  const recovery = createRecovery({ rooms, roomFormat, registry, rules, clock, observer, apply })
  const maker = createRoomMaker({
    rooms,
    roomFormat,
    clock,
    observer,
    timeoutMs: options.livekitTimeoutMs,
    onSettled: roomSettled
  })
  const admission = createAdmission(options)
  let due: (callSid: string) => void = () => {}

  /**
   * The one way into the store.
   * @param propose hears what the call will be, before it is
   * @returns UNKNOWN when nobody here knows the call and somebody should be asked
   */
  async function update (
    callSid: string,
    event: CallEvent,
    propose: (call: Call | undefined) => void,
    askFirst: boolean
  ): Promise<Call | undefined | typeof UNKNOWN> {
    let before: Call | undefined
    let unknown = false
    const after = await registry.update(callSid, call => {
      before = call
      unknown = askFirst && !call
      if (unknown) return undefined
      const next = advance(call, event, rules)
      propose(next)
      return next
    })
    if (unknown) return UNKNOWN
    outage.remember(callSid, after)
    if (event.kind === 'status' && after?.facts.applicationSid !== undefined) {
      applications.add(after.facts.applicationSid)
    }
    observer.changed(before, after, event)
    return after
  }

  async function commit (
    callSid: string,
    event: CallEvent,
    propose: (call: Call | undefined) => void = () => {}
  ): Promise<Call | undefined> {
    const call = await update(callSid, event, propose, mustBeOlder(event))
    if (call !== UNKNOWN) return call
    const found = await recovery.locate(callSid)
    if (found) await update(callSid, found, () => {}, false)
    return await update(callSid, event, propose, false) as Call | undefined
  }

  async function apply (
    callSid: string,
    event: CallEvent,
    propose?: (call: Call | undefined) => void
  ): Promise<Call | undefined> {
    if (!OURS.has(event.kind) && outage.holds(callSid)) return keep(callSid, event)
    try {
      return await commit(callSid, event, propose)
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      outage.notice()
      if (OURS.has(event.kind)) throw error
      return keep(callSid, event)
    }
  }

  async function keep (callSid: string, event: CallEvent): Promise<Call | undefined> {
    const isNew = () => (outage.recent(callSid)?.attempts.length ?? 0) === 0
    if (mustBeOlder(event) && isNew()) {
      // Another replica knows how it is to go on, and so does LiveKit's room.
      const found = await recovery.locate(callSid)
      if (found && isNew()) outage.begin(callSid, found)
    }
    return outage.keep(callSid, event)
  }

  async function connect (hook: ReceivedHook): Promise<{ call: Call, reply: Reply }> {
    // The room is made beside the registry write, which may be refused: then the room is not wanted.
    const proposed = new Map<string, Promise<unknown>>()
    const propose = (call: Call | undefined) => {
      if (!call) return
      const attempt = waitingAttempt(call, 'call-hook', hook.hash)
      if (!attempt?.room || proposed.has(attempt.room)) return
      proposed.set(attempt.room, maker.make(call, attempt))
    }
    try {
      const call = await admission.admit(
        hook.callSid,
        refuse => apply(hook.callSid, { ...hook, kind: 'call-hook', refuse }, propose)
      )
      for (const [room, made] of proposed) {
        if (!call?.attempts.some(attempt => attempt.room === room)) {
          made.then(() => rooms.delete(room)).catch(error => observer.failed(hook.callSid, 'delete-room', error))
        }
      }
      return await replyTo(call, 'call-hook', hook.hash)
    } finally {
      for (const room of proposed.keys()) maker.forget(room)
    }
  }

  /** The attempt whose room a hook is waiting for. */
  function waitingAttempt (call: Call, hook: HookName, hash: string): Attempt | undefined {
    const known = findHook(call, hook, hash)
    return known && !known.reply ? call.attempts.find(({ n }) => n === known.attempt) : undefined
  }

  /** The reply to a hook that was committed, once the room that it waits for is made, or is not. */
  async function replyTo (
    known: Call | undefined,
    hook: HookName,
    hash: string
  ): Promise<{ call: Call, reply: Reply }> {
    let tried: number | undefined
    let call: Call | undefined = known
    while (call) {
      const reply = findHook(call, hook, hash)?.reply
      if (reply) return { call, reply }
      const attempt: Attempt | undefined = waitingAttempt(call, hook, hash)
      if (!attempt?.room || attempt.n === tried) break
      tried = attempt.n
      const made = await maker.make(call, attempt)
      call = await apply(call.callSid, { kind: 'room', attempt: attempt.n, at: clock.now(), ...made })
      maker.forget(attempt.room)
    }
    throw new Error(`The ${hook} hook has no reply and waits for nothing`)
  }

  /**
   * The call of a room that no record names: it may just be on its way to the store, or only LiveKit knows it still.
   */
  async function unwritten (event: EventOf<'livekit'>, metadata: string | undefined): Promise<string | undefined> {
    const told = recovery.callOf(event.room, metadata)
    if (told !== undefined && (outage.holds(told) || await registry.get(told))) return told
    return event.what === 'room_finished' || outage.settling ? undefined : recovery.findByRoom(event.room, metadata)
  }

  function roomSettled (callSid: string, attempt: number) {
    apply(callSid, { kind: 'room-settled', attempt, at: clock.now() }).then(
      () => due(callSid),
      error => observer.failed(callSid, 'createRoom', error)
    )
  }

  return {
    apply,
    async receive (hook) {
      try {
        return await within(clock, options.callHookDeadlineMs, connect(hook), () => new HookDeadlineError())
      } catch (error) {
        observer.failed(hook.callSid, 'call hook', error)
        const failed = { hash: hook.hash, cause: 'bridge-error' as const, ...UNAVAILABLE }
        // Whatever is wrong, also with the registry, must not keep Jambonz waiting.
        apply(hook.callSid, { kind: 'declined', at: clock.now(), ...failed }).then(
          () => due(hook.callSid),
          error => observer.failed(hook.callSid, 'call hook', error)
        )
        return { reply: { kind: 'decline', ...UNAVAILABLE } }
      }
    },
    async answer (event, callSid) {
      const call = await apply(callSid, event)
      return call && findHook(call, event.kind, event.hash)
        ? within(
          clock,
          options.callHookDeadlineMs,
          replyTo(call, event.kind, event.hash),
          () => new HookDeadlineError()
        )
        : undefined
    },
    async hear (event, metadata) {
      try {
        const callSid = await registry.findByRoom(event.room) ?? outage.callOfRoom(event.room) ??
          await unwritten(event, metadata)
        if (callSid !== undefined) await apply(callSid, event)
        // It may be about a call that some replica is about to hand over.
        else if (outage.settling) return outage.keepRoomEvent(event, recovery.callOf(event.room, metadata))
        return callSid
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error
        outage.notice()
        return outage.keepRoomEvent(event, recovery.callOf(event.room, metadata))
      }
    },
    async hangUp (callSid) {
      const known = await registry.get(callSid)
      if (!known) throw new CallNotFoundError(callSid)
      if (known.late) throw new StoreUnavailableError('what was kept of this call is just being handed over')
      if (known.phase === 'ended') throw new CallEndedError(callSid)
      if (currentAttempt(known)?.room === undefined && !rules.callControl) throw new NoCallControlError(callSid)
      return await apply(callSid, { kind: 'hangup', at: clock.now() }) ?? known
    },
    recent: outage.recent,
    recover: recovery.findAll,
    drain: admission.drain,
    sendsStatuses: applicationSid => applicationSid !== undefined && applications.has(applicationSid),
    onDue (listener) {
      due = listener
    },
    get waiting () {
      return outage.waiting
    },
    get holding () {
      return outage.holding
    },
    async close () {
      recovery.stop()
      await outage.close(options.handOverMs)
    }
  }
}

const UNKNOWN = Symbol('unknown call')

/** Events of our own making: whoever makes them makes them again. */
const OURS: ReadonlySet<CallEvent['kind']> = new Set([
  'wake',
  'look',
  'duty',
  'redispatching',
  'redispatched',
  'found',
  'handed-over',
  'hangup'
])

/** No call begins like this: somebody must have known it. */
function mustBeOlder (event: CallEvent): boolean {
  switch (event.kind) {
    case 'status':
      return event.leg === 'agent' || event.callStatus === 'in-progress' || isFinal(event.callStatus)
    case 'action':
    case 'refer':
      return true
    case 'call-hook':
      return event.redirected === true
    default:
      return false
  }
}

/** A set that forgets its oldest members. */
function rememberLast (size: number): { add(item: string): void, has(item: string): boolean } {
  const items = new Set<string>()
  return {
    add (item) {
      items.delete(item)
      items.add(item)
      if (items.size > size) items.delete(items.values().next().value!)
    },
    has: item => items.has(item)
  }
}
