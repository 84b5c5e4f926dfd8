/*
 * Events that wait for delivery to the user's systems. Each receiver gets every event, and the events of one call in
 * order: an event waits until the earlier ones of its call at that receiver are done.
 */

/** An event as it is sent, whoever receives it. */
export interface NewEvent {
  /** The same on every repeat, and unique to the event. */
  id: string
  /** What the order is kept for: events with the same call are delivered one after another. */
  callSid: string
  type: string
  /** The request's body. */
  body: string
}

/** An event that waits for one receiver. Times are milliseconds since the epoch. */
export interface WaitingEvent extends Omit<NewEvent, 'body'> {
  receiver: string
  queuedAt: number
  /** Deliveries that were begun. */
  tries: number
  /** Not to be delivered before. While somebody delivers it: until when nobody else does. */
  due: number
}

/** An event that its taker delivers now. */
export interface TakenEvent extends WaitingEvent {
  body: string
  /** Names the taker. It is void when the lease is over and somebody else has taken the event. */
  lease: string
}

/** An event that is given up. */
export type DroppedEvent = Pick<WaitingEvent, 'id' | 'receiver' | 'callSid' | 'type'>

export interface AddOptions {
  /** Milliseconds since the epoch. */
  now: number
  /** How many events may wait, over all receivers. The oldest ones make room for new ones. */
  most: number
  /** An event that was added before is added again, unless it still waits. */
  again?: boolean
}

export interface Added {
  /** The receivers that it waits for now and did not wait for before. */
  receivers: string[]
  dropped: DroppedEvent[]
}

export interface TakeOptions {
  receiver: string
  /** Milliseconds since the epoch. */
  now: number
  /** Without a word of the taker others may take the events after this, milliseconds. */
  leaseMs: number
  /** The name of the taker, unique to this call of the method. */
  lease: string
  limit: number
}

export interface Taken {
  /** The longest due first. */
  events: TakenEvent[]
  /** When there is next something to take, milliseconds since the epoch. Absent: nothing waits. */
  next?: number
}

export interface WaitingPage {
  /** In the order in which they were added. */
  events: WaitingEvent[]
  /** Where the next page begins; absent on the last one. */
  next?: string
}

/**
 * Every store passes the same contract tests. A store outside this process rejects with {@link StoreUnavailableError}
 * while it cannot be used; the request may have been carried out nevertheless. Each method is one atomic step.
 */
export interface EventQueue {
  /**
   * Adds an event for each receiver, behind the others of its call. One that was added within {@link REMEMBERED_MS} is
   * not added again, whatever has become of it.
   */
  add(event: NewEvent, receivers: readonly string[], options: AddOptions): Promise<Added>
  /** Takes events that are due, at most one of each call. Nobody else gets them, or later ones of their calls. */
  take(options: TakeOptions): Promise<Taken>
  /** The event was delivered, or is not to be: whoever took it, it waits no more. */
  done(event: Pick<WaitingEvent, 'id' | 'receiver'>): Promise<void>
  /** The event was not delivered. It is due again then, unless somebody else has taken it meanwhile. */
  failed(event: Pick<TakenEvent, 'id' | 'receiver' | 'lease'>, due: number): Promise<void>
  /** Drops events that were added at `before` or earlier, at most {@link MOST_DROPPED}. */
  expire(before: number): Promise<DroppedEvent[]>
  /** Whether an event waits for any of the receivers. */
  holds(id: string, receivers: readonly string[]): Promise<boolean>
  /** @throws {InvalidCursorError} when `cursor` was not returned by this method */
  list(page: { limit: number, cursor?: string }): Promise<WaitingPage>
  /** Counts the events that wait. `oldestAt`: when the oldest one was added, milliseconds since the epoch. */
  stats(): Promise<{ waiting: number, oldestAt?: number }>
}

/**
 * For this time an event that was added is recognised. A duty that is repeated because its outcome could not be written
 * down comes back much earlier.
 */
export const REMEMBERED_MS = 900_000
/** How many events one step drops. */
export const MOST_DROPPED = 100

export const encodePlace = (place: number): string => Buffer.from(`event ${place}`).toString('base64url')

/** @returns undefined when the text is not a cursor */
export function decodePlace (cursor: string): number | undefined {
  const place = /^event (\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1]
  return place !== undefined && encodePlace(Number(place)) === cursor ? Number(place) : undefined
}
