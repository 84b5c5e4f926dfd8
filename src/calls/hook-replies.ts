import { isDeepStrictEqual } from 'node:util'
import { within, type Clock } from '../clock.ts'
import { HookDeadlineError } from '../errors.ts'
import type { Admission } from './admission.ts'
import type { Commits } from './commits.ts'
import { findHook } from './fold/attempts.ts'
import { UNAVAILABLE, type Attempt, type Call, type HookName, type Reply } from './fold/call.ts'
import type {
  ActionEvent,
  CallEvent,
  CallHookEvent,
  ReferCompleteEvent,
  ReferEvent
} from './fold/events.ts'
import type { RedirectEvent, ScreenDigitEvent, ScreenEvent } from './fold/transfer-events.ts'
import type { Observer } from './observer.ts'
import type { Rooms } from './ports.ts'
import type { Preparations, Prepared } from './preparations.ts'
import type { WarmPools } from './warm/pools.ts'

/** A call hook with the time of its arrival. */
export type ReceivedHook = Omit<CallHookEvent, 'kind'> & { at: number }

/** Any other hook that is answered with verbs. */
export type AnswerableEvent =
  & CallEvent
  & (ActionEvent | ReferEvent | ReferCompleteEvent | RedirectEvent | ScreenEvent | ScreenDigitEvent)

export interface AnsweredCall {
  call: Call
  reply: Reply
}

export interface HookRepliesOptions {
  commits: Commits
  admission: Admission
  rooms: Rooms
  preparations: Preparations
  warmPools: Pick<WarmPools, 'settle'>
  clock: Clock
  observer: Observer
  deadlineMs: number
  /** A call may have duties due now. */
  onDue(callSid: string): void
}

/** Finds the reply to each hook that Jambonz waits for, and has done what the replies need to be dialled. */
export class HookReplies {
  readonly #options: HookRepliesOptions

  constructor (options: HookRepliesOptions) {
    this.#options = options
  }

  /** See {@link Calls.receive}. */
  async receive (hook: ReceivedHook): Promise<{ call?: Call, reply: Reply }> {
    const { clock, deadlineMs, observer } = this.#options
    try {
      const replyBy = clock.now() + deadlineMs
      return await within(clock, deadlineMs, this.#connect(hook, replyBy), () => new HookDeadlineError())
    } catch (error) {
      observer.failed(hook.callSid, 'call hook', error)
      this.#decline(hook)
      return { reply: { kind: 'decline', ...UNAVAILABLE } }
    }
  }

  /** See {@link Calls.answer}. */
  async answer (event: AnswerableEvent, callSid: string): Promise<AnsweredCall | undefined> {
    const { commits, clock, deadlineMs } = this.#options
    const replyBy = clock.now() + deadlineMs
    const call = await commits.apply(callSid, event)
    if (!call || !findHook(call, event.kind, event.hash)) return undefined

    const reply = this.#replyTo(call, event.kind, event.hash, replyBy)
    return within(clock, deadlineMs, reply, () => new HookDeadlineError())
  }

  async #connect (hook: ReceivedHook, replyBy: number): Promise<AnsweredCall> {
    const { commits, admission } = this.#options
    const begun: Begun[] = []
    const propose = (call: Call | undefined) => this.#prepareProposed(call, hook, replyBy, begun)
    const event = { ...hook, kind: 'call-hook' as const, refuse: hook.refuse ?? admission.refusal(false) }
    // What the attempt needs is done beside the write, unless the write itself tells whether the call is let in.
    try {
      const call = await commits.apply(hook.callSid, event, admission.limit === undefined ? propose : undefined)
      return await this.#replyTo(call, 'call-hook', hook.hash, replyBy, begun)
    } finally {
      this.#forget(begun)
    }
  }

  #prepareProposed (call: Call | undefined, { hash }: ReceivedHook, replyBy: number, begun: Begun[]): void {
    const attempt = call && waitingAttempt(call, 'call-hook', hash)
    if (call && attempt) this.#begin(call, attempt, replyBy, begun)
  }

  /** @returns undefined when there is nothing to prepare */
  #begin (call: Call, attempt: Attempt, replyBy: number, begun: Begun[]): Begun | undefined {
    const { preparations, clock } = this.#options
    const known = begun.find(other => isSame(other.attempt, attempt))
    if (known) return known

    const done = preparations.prepare(call, attempt, replyBy - clock.now())
    if (!done) return undefined
    begun.push({ call, attempt, done })
    return begun.at(-1)
  }

  /**
   * Finds the reply to a hook that was committed, once what it waits for was done, or was not. A way that cannot be
   * prepared gives way to the next one, which may have to be prepared too.
   * @param begun what was begun for the call already
   */
  async #replyTo (
    known: Call | undefined,
    hook: HookName,
    hash: string,
    replyBy: number,
    begun: Begun[] = []
  ): Promise<AnsweredCall> {
    const { commits, clock } = this.#options
    let tried: number | undefined
    let call: Call | undefined = known
    try {
      while (call) {
        const reply = findHook(call, hook, hash)?.reply
        if (reply) {
          this.#settle(call, begun)
          return { call, reply }
        }

        const attempt: Attempt | undefined = waitingAttempt(call, hook, hash)
        if (!attempt || attempt.n === tried) break
        tried = attempt.n
        const prepared: Prepared | undefined = await this.#begin(call, attempt, replyBy, begun)?.done
        if (!prepared) break
        call = await commits.apply(call.callSid, { ...prepared, attempt: attempt.n, at: clock.now() })
      }
    } finally {
      this.#forget(begun)
    }

    this.#settle(call, begun)
    throw new Error(`The ${hook} hook has no reply and waits for nothing`)
  }

  #forget (begun: readonly Begun[]): void {
    for (const { call, attempt } of begun) this.#options.preparations.forget(call, attempt)
  }

  /** The call may have got another room than was found or made here: another replica was faster. */
  #settle (after: Call | undefined, begun: readonly Begun[]): void {
    const { observer } = this.#options
    for (const { call: { callSid }, attempt: { room }, done } of begun) {
      if (room === undefined) continue
      done.then(prepared => this.#settleRoom(callSid, after?.attempts ?? [], room, prepared))
        .catch(error => observer.failed(callSid, 'delete-room', error))
    }
  }

  async #settleRoom (
    callSid: string,
    attempts: readonly Attempt[],
    made: string,
    prepared: Prepared
  ): Promise<void> {
    const { warmPools, commits, onDue } = this.#options
    const isTaken = (room: string) => attempts.some(attempt => attempt.room === room)
    if (prepared.kind !== 'room' || prepared.warm === undefined) {
      if (!isTaken(made)) await this.#deleteStray(callSid, made)
      return
    }
    const left = await warmPools.settle(prepared.warm, isTaken(prepared.warm.room))
    if (left === undefined) return

    await commits.apply(callSid, left)
    onDue(callSid)
  }

  /** The deletion becomes a duty of the call, because the room may come back with its agent. */
  async #deleteStray (callSid: string, room: string): Promise<void> {
    const { commits, rooms, clock, onDue } = this.#options
    const call = await commits.apply(callSid, { kind: 'stray-room', room, at: clock.now() })
    if (call) onDue(callSid)
    else await rooms.delete(room)
  }

  /** Whatever went wrong, with the store too, must not keep Jambonz waiting: the call is declined behind the reply. */
  #decline ({ callSid, hash }: ReceivedHook): void {
    const { commits, clock, observer, onDue } = this.#options
    commits.apply(callSid, { kind: 'declined', at: clock.now(), hash, cause: 'bridge-error', ...UNAVAILABLE }).then(
      () => onDue(callSid),
      error => observer.failed(callSid, 'call hook', error)
    )
  }
}

/** What was begun for an attempt, perhaps before the store had it. */
interface Begun {
  call: Call
  attempt: Attempt
  done: Promise<Prepared>
}

/** The same attempt, and the same way of it: the store may have had another call than was proposed at first. */
const isSame = (one: Attempt, other: Attempt): boolean =>
  one.n === other.n && one.room === other.room && isDeepStrictEqual(one.way, other.way)

/** The attempt that a hook is waiting for. */
function waitingAttempt (call: Call, hook: HookName, hash: string): Attempt | undefined {
  const known = findHook(call, hook, hash)
  return known && !known.reply ? call.attempts.find(({ n }) => n === known.attempt) : undefined
}
