import { within, type Clock } from '../clock.ts'
import { roomRequest } from '../connect/room.ts'
import { CallEndedError, CallNotFoundError, HookDeadlineError, NoCallControlError } from '../errors.ts'
import { LiveKitError, type Rooms } from '../livekit/rooms.ts'
import { advance } from './advance.ts'
import { findHook } from './attempts.ts'
import { currentAttempt, type Attempt, type Call, type HookName, type Reply } from './call.ts'
import type { ActionEvent, CallEvent, CallHookEvent, ReferCompleteEvent, ReferEvent, RoomEvent } from './events.ts'
import type { Registry } from './registry.ts'
import { UNAVAILABLE } from '../jambonz/verbs.ts'
import type { Rules } from './rules.ts'

export interface CallsOptions {
  registry: Registry
  rules: Rules
  rooms: Rooms
  clock: Clock
  livekitTimeoutMs: number
  callHookDeadlineMs: number
  /** 0: no limit. */
  maxCalls: number
  capacityStatus: number
  observer: Observer
}

/** Is told of everything that happens to calls: logs and metrics are made of it. */
export interface Observer {
  changed (before: Call | undefined, after: Call | undefined, event: CallEvent): void
  failed (callSid: string, what: string, error: unknown): void
}

/** A call hook with the time of its arrival. */
export type ReceivedHook = Omit<CallHookEvent, 'kind' | 'refuse'> & { at: number }

export interface Calls {
  /** Commits an event to a call and tells what the call is now; undefined when there is nothing to keep. */
  apply (callSid: string, event: CallEvent): Promise<Call | undefined>
  /** Takes a call hook and finds its reply, making the room on the way. Never rejects and never takes longer than the deadline. */
  receive (hook: ReceivedHook): Promise<{ call?: Call, reply: Reply }>
  /** Takes any other hook that is answered with verbs, and finds its reply. Undefined: there is nothing to say. */
  answer (event: CallEvent & (ActionEvent | ReferEvent | ReferCompleteEvent), callSid: string): Promise<{ call: Call, reply: Reply } | undefined>
  /**
   * An operator ends a call.
   * @throws {CallNotFoundError}
   * @throws {CallEndedError}
   * @throws {NoCallControlError} when only Jambonz's REST API could end it, which is not configured
   */
  hangUp (callSid: string): Promise<Call>
  /** From now on new calls are declined: nobody would be here to follow them. */
  drain (): void
  /** Whether another call of this application has sent status events. */
  sendsStatuses (applicationSid: string | undefined): boolean
  /** Is called with a call that may have duties due now. */
  onDue (listener: (callSid: string) => void): void
}

/** The use cases of calls: events in, replies out. All state is in the registry. */
export function createCalls (options: CallsOptions): Calls {
  const { registry, rules, rooms, clock, observer } = options
  const making = new Map<string, Promise<Omit<RoomEvent, 'kind' | 'attempt'>>>()
  const applications = rememberLast(10_000)
  let due: (callSid: string) => void = () => {}
  let draining = false

  async function apply (callSid: string, event: CallEvent): Promise<Call | undefined> {
    let before: Call | undefined
    const after = await registry.update(callSid, call => {
      before = call
      return advance(call, event, rules)
    })
    if (event.kind === 'status' && after?.facts.applicationSid !== undefined) applications.add(after.facts.applicationSid)
    observer.changed(before, after, event)
    return after
  }

  async function connect (hook: ReceivedHook): Promise<{ call: Call, reply: Reply }> {
    return replyTo(await apply(hook.callSid, { ...hook, kind: 'call-hook', refuse: await refusal(hook.callSid) }), 'call-hook', hook.hash)
  }

  /** The reply to a hook that was committed, once the room that it waits for is made, or is not. */
  async function replyTo (known: Call | undefined, hook: HookName, hash: string): Promise<{ call: Call, reply: Reply }> {
    let tried: number | undefined
    for (let call = known; call;) {
      const { reply, attempt: n } = findHook(call, hook, hash) ?? {}
      if (reply) return { call, reply }
      const attempt: Attempt | undefined = call.attempts.find(attempt => attempt.n === n)
      if (!attempt?.room || attempt.n === tried) break
      tried = attempt.n
      const outcome = await makeRoom(call, attempt)
      call = await apply(call.callSid, { kind: 'room', attempt: attempt.n, at: clock.now(), ...outcome })
    }
    throw new Error(`The ${hook} hook has no reply and waits for nothing`)
  }

  async function refusal (callSid: string): Promise<CallHookEvent['refuse']> {
    if (draining) return { cause: 'draining', ...UNAVAILABLE }
    if (options.maxCalls === 0) return undefined
    const [{ phases }, known] = await Promise.all([registry.stats(), registry.get(callSid)])
    // A call whose statuses came before its call hook is among them.
    const itself = known && known.phase !== 'ended' ? 1 : 0
    const active = Object.entries(phases).reduce((sum, [phase, calls]) => phase === 'ended' ? sum : sum + calls, 0) - itself
    return active >= options.maxCalls ? { cause: 'capacity', status: options.capacityStatus, reason: 'Busy Here' } : undefined
  }

  /** Two hooks of one call that come at once share one request. */
  function makeRoom (call: Call, attempt: Attempt): Promise<Omit<RoomEvent, 'kind' | 'attempt'>> {
    const room = attempt.room!
    const known = making.get(room)
    if (known) return known
    const request = rooms.create(roomRequest(call, attempt, rules.dialTimeoutS))
    const outcome = within(clock, options.livekitTimeoutMs, request, () => new LiveKitError('createRoom', 'timeout'))
      .then(() => ({ outcome: 'created' as const }), (error: unknown) => {
        observer.failed(call.callSid, 'createRoom', error)
        const failure = error instanceof LiveKitError ? error.failure : 'failed'
        return { outcome: isUnknown(failure) ? 'timeout' as const : 'failed' as const, detail: failure }
      })
      .finally(() => making.delete(room))
    // What was given up on may still happen; the call hears when it cannot any more.
    const settle = async () => {
      if ((await outcome).outcome !== 'timeout') return
      await apply(call.callSid, { kind: 'room-settled', attempt: attempt.n, at: clock.now() })
      due(call.callSid)
    }
    request.then(settle, settle).catch(error => observer.failed(call.callSid, 'createRoom', error))
    making.set(room, outcome)
    return outcome
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
        apply(hook.callSid, { kind: 'declined', at: clock.now(), ...failed }).then(() => due(hook.callSid), error => observer.failed(hook.callSid, 'call hook', error))
        return { reply: { kind: 'decline', ...UNAVAILABLE } }
      }
    },
    async answer (event, callSid) {
      const call = await apply(callSid, event)
      return call && findHook(call, event.kind, event.hash) ? within(clock, options.callHookDeadlineMs, replyTo(call, event.kind, event.hash), () => new HookDeadlineError()) : undefined
    },
    async hangUp (callSid) {
      const known = await registry.get(callSid)
      if (!known) throw new CallNotFoundError(callSid)
      if (known.phase === 'ended') throw new CallEndedError(callSid)
      if (currentAttempt(known)?.room === undefined && !rules.callControl) throw new NoCallControlError(callSid)
      return await apply(callSid, { kind: 'hangup', at: clock.now() }) ?? known
    },
    drain () { draining = true },
    sendsStatuses: applicationSid => applicationSid !== undefined && applications.has(applicationSid),
    onDue (listener) { due = listener }
  }
}

/** The request may have reached LiveKit all the same. */
const isUnknown = (failure: string): boolean => failure === 'timeout' || failure === 'unreachable'

/** A set that forgets its oldest members. */
function rememberLast (size: number): { add (item: string): void, has (item: string): boolean } {
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
