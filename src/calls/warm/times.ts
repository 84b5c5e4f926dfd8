/** Times of the pools, milliseconds. */
export const WARM_TIMES = {
  /** Longest time that a claim waits for the store. */
  claim: 50,
  /**
   * No call gets a room that ends sooner: its leg must be in the room by then, and LiveKit may close the room up to a
   * second early.
   */
  usable: 15_000,
  /** A claim that nobody settled by then belongs to a process that is gone. */
  settles: 15_000,
  /** A room whose agent has not come by then leaves its pool. */
  agentComes: 20_000,
  /** No further rooms are made while an agent takes longer than this. */
  agentSlow: 5000,
  /** An agent that leaves sooner does not wait for calls. At most a quarter of the time for which rooms live. */
  stays: 30_000,
  /** From the making of a room to the looks for its agent, where LiveKit's events do not arrive. */
  looks: [1000, 2000, 4000, 8000, 16_000],
  /** From the joining of the agent to the first look at it. */
  firstLook: 2000,
  /** Between looks at a room that is ready: where LiveKit's events arrive, and where they do not. */
  look: 15_000,
  lookWithoutEvents: 10_000,
  /** An agent that lives gives a sign of life within some milliseconds, and the way to its worker. */
  answers: 1000,
  /** An agent that has given no sign of life for this long after it joined has an old SDK, and is not asked again. */
  asked: 60_000,
  /** Between two times at which all rooms of a pool are looked at, because one of its agents was lost. */
  suspects: 1000,
  /** Until the next try after LiveKit did not answer a look or a deletion. */
  again: 5000,
  /** A younger room is made this long before the end of an old one; sooner before it where rooms live for less. */
  renew: 60_000,
  /** A room more than wanted leaves when it is as old as this: the pool may want it again. */
  surplus: 60_000,
  /** Somebody who takes a room in hand has it alone for this long. */
  lease: 20_000,
  /** First and longest pause in which no rooms are made, because the last ones failed. */
  firstPause: 1000,
  longestPause: 30_000,
  /** A record whose room LiveKit cannot delete is forgotten this long after LiveKit should have closed the room. */
  forgotten: 60_000
} as const
