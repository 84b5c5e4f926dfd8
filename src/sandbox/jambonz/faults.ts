import type { CreateCall } from './create-call.ts'

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
  /** No feature server is up: createCall is answered with 480. */
  noFeatureServer?: boolean
  /** What becomes of createCall instead of its answer; also for each request. */
  createCall?: CreateCallFault | ((request: CreateCall) => CreateCallFault | undefined)
  /**
   * The order of createCall's answer and the first status event. By default both are sent at once and either may arrive
   * first. `after-status` waits for the reply to the event, and `before-status` holds the event back.
   */
  createCallAnswers?: 'before-status' | 'after-status'
  /**
   * The BYE is lost when Jambonz hangs up within 10 ms of the called party's answer: Jambonz reports `completed`, and
   * the called party stays connected to nothing. Seen 2 times in 22 calls on a loaded machine.
   */
  earlyByeLost?: boolean
  /** The last status event after live call control with `no-answer` is lost, as on a loaded machine. */
  noAnswerStatusLost?: boolean
}

/** A createCall that goes wrong. */
export interface CreateCallFault {
  /** Whether the call is placed all the same. */
  isPlaced: boolean
  /** `hang`: no answer ever comes. `break`: the connection dies. 500: the API server reports an error. */
  answer: 'hang' | 'break' | 500
}
