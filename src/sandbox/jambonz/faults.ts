/** Ways in which the double fails as a real Jambonz does. They may change at any time. */
export interface Faults {
  /**
   * The target answers the CANCEL of a leg late: the last status of that leg is lost, and the action hook carries the
   * status before it.
   */
  staleAfterCancel?: boolean
  /** Milliseconds that the media server takes before a dial can begin. */
  mediaDelayMs?: number
  /**
   * The media server is down for new callers: dials and announcements end before they begin, without an action hook.
   */
  noMediaServer?: boolean
  /** Jambonz has no speech credentials, or its media server fails while it speaks. */
  say?: 'no-credentials' | 'error'
  /** No file is at the URL that is to be played. */
  play?: 'not-found'
}
