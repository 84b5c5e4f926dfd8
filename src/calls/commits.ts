import type { Clock } from '../clock.ts'
import { CapacityError, StoreUnavailableError } from '../errors.ts'
import { LruMap } from '../lru-map.ts'
import type { Admission } from './admission.ts'
import { advance } from './fold/advance.ts'
import { isFinal, type Call } from './fold/call.ts'
import type { CallEvent, EventOf } from './fold/events.ts'
import type { OrderMark } from './fold/order.ts'
import type { Rules } from './fold/rules.ts'
import type { Observer } from './observer.ts'
import { Outage } from './outage.ts'
import type { Registry } from './store/registry.ts'

export interface CommitsOptions {
  registry: Registry
  rules: Rules
  clock: Clock
  observer: Observer
  admission: Admission
  /** What LiveKit knows of a call that nobody here knows. Never rejects. */
  locate(callSid: string, dialled?: string): Promise<EventOf<'found'> | undefined>
}

/** Receives what an update makes of a call before that is written; it may not be written in the end. */
export type Propose = (call: Call | undefined) => void

const ignore: Propose = () => {}
const UNKNOWN = Symbol('unknown call')
/** How often the naming of an order's call begins again because its record changed meanwhile. */
const MOST_NAMINGS = 4
/** How many applications this process remembers to have seen statuses of. */
const MOST_APPLICATIONS = 10_000

/** The one way into the store: an event is committed to its call, or buffered while the store is gone. */
export class Commits {
  readonly outage: Outage
  readonly #registry: Registry
  readonly #rules: Rules
  readonly #observer: Observer
  readonly #admission: Admission
  readonly #locate: CommitsOptions['locate']
  readonly #applications = new LruMap<string, true>(MOST_APPLICATIONS)

  constructor ({ registry, rules, clock, observer, admission, locate }: CommitsOptions) {
    this.#registry = registry
    this.#rules = rules
    this.#observer = observer
    this.#admission = admission
    this.#locate = locate
    this.outage = new Outage({
      commit: (callSid, event) => this.#commit(callSid, event),
      findByName: room => registry.findByName(room),
      rules,
      clock,
      observer
    })
  }

  /**
   * See {@link Calls.apply}.
   * @throws {CapacityError} for an order that is one call too many
   */
  async apply (callSid: string, event: CallEvent, propose?: Propose): Promise<Call | undefined> {
    const isOurs = OUR_EVENTS.has(event.kind)
    if (!isOurs && this.outage.holds(callSid)) return this.#keep(callSid, event)

    try {
      return await this.#commit(callSid, event, propose)
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      this.outage.notice()
      if (isOurs) throw error

      return this.#keep(callSid, event)
    }
  }

  /** Whether this process has seen a status of the application. */
  sendsStatuses (applicationSid: string | undefined): boolean {
    return applicationSid !== undefined && this.#applications.has(applicationSid)
  }

  /**
   * Jambonz named the call of an order: its record goes on under its call_sid. Whoever hears of the name first does it,
   * and doing it again changes nothing. While the store is gone, what this process knows of the order is buffered.
   */
  async named (callSid: string, mark: OrderMark, at: number): Promise<Call | undefined> {
    try {
      return await this.#name(callSid, mark, at)
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      this.outage.notice()
      return this.#keepNamed(callSid, mark, at)
    }
  }

  /** The call is named first and its order's record removed then, so that a crash between the two loses nothing. */
  async #name (callSid: string, { id, order: told }: OrderMark, at: number): Promise<Call | undefined> {
    for (let tries = 1; ; tries++) {
      const requested = await this.#registry.get(id)
      const order = requested?.order ?? told
      if (!order) return undefined
      const givenUp = requested?.phase === 'ended' || undefined
      const { hangupAt, hangupFor } = requested ?? {}
      const call = await this.#update(callSid, { kind: 'placed', callSid, order, hangupAt, hangupFor, givenUp, at })
      const left = requested && await this.#update(id, { kind: 'named', callSid, hangupAt, at })
      // Otherwise somebody hung up, or gave up, between the two.
      if (left === undefined || givenUp || tries === MOST_NAMINGS) return call
    }
  }

  #keepNamed (callSid: string, { id, order: told }: OrderMark, at: number): Call | undefined {
    const requested = this.outage.recent(id)
    const order = requested?.order ?? told
    if (!order) return undefined
    const { hangupAt, hangupFor } = requested ?? {}
    return this.outage.keep(callSid, { kind: 'placed', callSid, order, hangupAt, hangupFor, at })
  }

  async #commit (callSid: string, event: CallEvent, propose: Propose = ignore): Promise<Call | undefined> {
    const mark = markOf(event)
    // What is handed over was not in the store yet, whatever this process knows of it.
    const isNamed = event.kind !== 'handed-over' && this.outage.recent(callSid)?.order !== undefined
    if (mark && !isNamed) await this.#name(callSid, mark, event.at)
    if (!mustBeKnown(event)) return this.#update(callSid, event, propose)

    const call = await this.#updateKnown(callSid, event, propose)
    if (call !== UNKNOWN) return call

    const found = await this.#locate(callSid, dialledIn(event))
    if (found) await this.#update(callSid, found)
    return this.#update(callSid, event, propose)
  }

  /** Updates a call only if the store knows it. */
  async #updateKnown (
    callSid: string,
    event: CallEvent,
    propose: Propose
  ): Promise<Call | undefined | typeof UNKNOWN> {
    let unknown = false
    const after = await this.#update(callSid, event, propose, call => {
      unknown = call === undefined
      return !unknown
    })
    return unknown ? UNKNOWN : after
  }

  /** @param wanted asked on each run whether the event is to be applied to the call at all */
  async #update (
    callSid: string,
    event: CallEvent,
    propose: Propose = ignore,
    wanted: (call: Call | undefined) => boolean = () => true
  ): Promise<Call | undefined> {
    const isNewCall = event.kind === 'call-hook' || event.kind === 'ordered'
    const limit = isNewCall ? this.#admission.limit : undefined
    let before: Call | undefined
    let applied = true
    const after = await this.#registry.update(callSid, (call, full) => {
      before = call
      // An order gets an error. A caller is declined.
      if (full && event.kind === 'ordered') throw new CapacityError()
      applied = wanted(call)
      if (!applied) return call

      const next = advance(call, full ? this.#refused(event) : event, this.#rules)
      propose(next)
      return next
    }, limit)
    if (applied) this.#committed(callSid, before, after, event)
    return after
  }

  #refused (event: CallEvent): CallEvent {
    return event.kind === 'call-hook' ? { ...event, refuse: event.refuse ?? this.#admission.refusal(true) } : event
  }

  #committed (callSid: string, before: Call | undefined, after: Call | undefined, event: CallEvent): void {
    this.outage.remember(callSid, after)
    const applicationSid = event.kind === 'status' ? after?.facts.applicationSid : undefined
    if (applicationSid !== undefined) this.#applications.set(applicationSid, true)
    this.#observer.changed(before, after, event)
  }

  async #keep (callSid: string, event: CallEvent): Promise<Call | undefined> {
    const mark = markOf(event)
    if (mark && !this.outage.recent(callSid)?.order) this.#keepNamed(callSid, mark, event.at)
    const isNew = () => (this.outage.recent(callSid)?.attempts.length ?? 0) === 0
    if (mustBeKnown(event) && isNew()) {
      // Another replica knows how the call goes on, and so does LiveKit's room.
      const found = await this.#locate(callSid, dialledIn(event))
      if (found && isNew()) this.outage.begin(callSid, found)
    }
    return this.outage.keep(callSid, event)
  }
}

/** Events of our own making: whoever makes them makes them again when they could not be committed. */
const OUR_EVENTS: ReadonlySet<CallEvent['kind']> = new Set([
  'wake',
  'look',
  'duty',
  'duty-begun',
  'away',
  'found',
  'handed-over',
  'hangup',
  'refused',
  'ordered',
  'sending',
  'transfer',
  'complete-transfer',
  'cancel-transfer',
  'person-news',
  'merge'
])

/** The order that a call is placed for, by a hook of its callee's leg, or by what is handed over of such hooks. */
function markOf (event: CallEvent): OrderMark | undefined {
  switch (event.kind) {
    case 'call-hook':
    case 'status':
    case 'action':
    case 'redirect':
      return event.order
    case 'handed-over': {
      const placed = event.events.find(({ kind }) => kind === 'placed') as EventOf<'placed'> | undefined
      return placed && { id: placed.order.id, order: placed.order }
    }
    default:
      return undefined
  }
}

/** The SIP user or number that a leg was dialled to, by a hook of that leg. */
const dialledIn = (event: CallEvent): string | undefined =>
  event.kind === 'status' || event.kind === 'refer' ? event.dialled : undefined

/** Whether a call cannot begin with this event: somebody must have known it before. */
function mustBeKnown (event: CallEvent): boolean {
  switch (event.kind) {
    case 'status':
      return event.leg === 'agent' || event.callStatus === 'in-progress' || isFinal(event.callStatus)
    case 'action':
    case 'refer':
    case 'redirect':
    case 'screen':
    case 'screen-digit':
    case 'person-news':
      return true
    case 'call-hook':
      return event.redirected === true
    default:
      return false
  }
}
