/** Receives what other processes tell. */
export interface FeedListener {
  message(text: string): void
  /** Something may have been missed: the connection was made, or made again. */
  gap(): void
  /** It is not possible to listen, for a reason that may stay. */
  failed(error: unknown): void
}

/**
 * Tells news to the other processes that share a store, without a promise that they hear them. What must not be lost
 * stands in the calls.
 */
export interface Feed {
  /**
   * Tells the other processes. Never rejects: what cannot be told is lost.
   * @returns how many processes listen, this one included; undefined when that is not known
   */
  tell(text: string): Promise<number | undefined>
  /** @returns stops listening */
  listen(listener: FeedListener): () => void
}

/** Of a store that only this process uses: there is nobody else. */
export const silentFeed: Feed = {
  tell: async () => 0,
  listen: () => () => {}
}
