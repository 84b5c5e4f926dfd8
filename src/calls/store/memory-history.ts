import type { Clock } from '../../clock.ts'
import type { Call } from '../fold/call.ts'
import { isOrderId } from '../fold/order.ts'
import type { Cause } from '../fold/vocabulary.ts'
import type { Searched } from './call-filter.ts'
import { keptUntil, packCall, unpackCall, type CallHistory, type StoreRules, type TimeRange } from './history.ts'
import { isAfter, type Position } from './registry.ts'

/** A call that was forgotten: what filters look at, and all of it, packed. */
interface Past extends Position {
  until: number
  searched: Searched
  /** Why it failed; undefined: it did not. */
  failed: Cause | undefined
  orderId: string | undefined
  packed: Uint8Array
}

/** Calls that are looked at in one go: this process does nothing else meanwhile. */
const AT_ONCE = 500

/** The history in the memory of this process. */
export class MemoryHistory implements CallHistory {
  readonly #rules: StoreRules
  readonly #clock: Clock
  /** By call_sid, those first that were forgotten first. */
  readonly #calls = new Map<string, Past>()
  readonly #orders = new Map<string, string>()
  /** In the order of the list from its end: the newest comes last. */
  readonly #list: Past[] = []

  constructor (rules: StoreRules, clock: Clock) {
    this.#rules = rules
    this.#clock = clock
  }

  async get (name: string): Promise<Call | undefined> {
    const past = this.#calls.get(this.#orders.get(name) ?? name)
    return past && this.#isKept(past) ? unpackCall(past.packed) : undefined
  }

  /** Takes a call over that is forgotten now. */
  add (callSid: string, call: Call): void {
    const { history, isFailure } = this.#rules
    const until = keptUntil(call, history)
    if (history.keptMs === 0 || until <= this.#clock.now()) return

    this.#drop(this.#calls.get(callSid))
    const past: Past = {
      callSid,
      received: call.at.received,
      until,
      searched: searchedOf(call),
      failed: isFailure(call) ? call.end?.cause : undefined,
      orderId: call.order?.id,
      // A copy: the buffer that was written into is larger.
      packed: new Uint8Array(packCall(call))
    }
    this.#calls.set(callSid, past)
    if (past.orderId !== undefined && isOrderId(past.orderId)) this.#orders.set(past.orderId, callSid)
    this.#list.splice(this.#indexOf(past), 0, past)
    this.#dropOld()
  }

  /**
   * Returns the calls that fit, newest first.
   * @param isHidden tells of a call that is in the store all the same
   */
  async read (
    fits: (call: Searched) => boolean,
    wanted: number,
    from: Position | undefined,
    isHidden: (callSid: string) => boolean
  ): Promise<Call[]> {
    const calls: Call[] = []
    let looked = 0
    for (let next = this.#before(from); next && calls.length < wanted; next = this.#before(next)) {
      if (this.#isKept(next) && !isHidden(next.callSid) && fits(next.searched)) calls.push(unpackCall(next.packed))
      if (++looked % AT_ONCE === 0) await new Promise(resolve => setImmediate(resolve))
    }
    return calls
  }

  /** The calls that were received in a time, and why they failed. */
  * received ({ since, until }: TimeRange): Generator<Cause | undefined> {
    for (let i = this.#list.length - 1; i >= 0 && this.#list[i]!.received >= since; i--) {
      const past = this.#list[i]!
      if (past.received < until && this.#isKept(past)) yield past.failed
    }
  }

  #isKept ({ until }: Past): boolean {
    return until > this.#clock.now()
  }

  /** The call that comes after a place in the list. */
  #before (place: Position | undefined): Past | undefined {
    return this.#list[(place ? this.#indexOf(place) : this.#list.length) - 1]
  }

  /** Where a call stands, or would stand. */
  #indexOf (place: Position): number {
    let [low, high] = [0, this.#list.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (isAfter(this.#list[middle]!, place)) low = middle + 1
      else high = middle
    }
    return low
  }

  #dropOld (): void {
    for (const past of this.#calls.values()) {
      if (this.#calls.size <= this.#rules.history.most && this.#isKept(past)) return
      this.#drop(past)
    }
  }

  #drop (past: Past | undefined): void {
    if (!past) return
    this.#calls.delete(past.callSid)
    if (past.orderId !== undefined) this.#orders.delete(past.orderId)
    this.#list.splice(this.#indexOf(past), 1)
  }
}

/** What filters look at, without the rest of the call. */
function searchedOf ({ phase, facts, app, at, end, route, order, attempts, earlier, late }: Call): Searched {
  const roomsIn = (attempts: ReadonlyArray<{ room?: string }>) =>
    attempts.flatMap(({ room }) => room === undefined ? [] : [{ room }])
  return {
    phase,
    facts: { from: facts.from, to: facts.to, direction: facts.direction },
    app: { agent: app.agent },
    at: { received: at.received },
    ...(end && { end: { cause: end.cause } }),
    ...(route?.name !== undefined && { route: { name: route.name } }),
    ...(order && {
      order: { placedBy: order.placedBy, ...(order.reference !== undefined && { reference: order.reference }) }
    }),
    attempts: attempts.map(({ agent, room }) => ({
      ...(agent !== undefined && { agent }),
      ...(room !== undefined && { room })
    })),
    earlier: earlier.map(({ attempts }) => ({ attempts: roomsIn(attempts) })),
    ...(late?.rooms && { late: { rooms: late.rooms } })
  }
}
