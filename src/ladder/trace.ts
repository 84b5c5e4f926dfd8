/** Far ends of a call that are not in a LiveKit room of ours, named by the way that leads there. */
export const FAR_ENDS = ['retell', 'carrier', 'phone', 'sip'] as const
export type FarEnd = typeof FAR_ENDS[number]

/** The parties of a call. `person`: somebody to whom a caller is handed. */
export const ALL_PARTIES =
  ['caller', 'callee', 'person', 'jambonz', 'bridge', 'livekit', 'agent', ...FAR_ENDS] as const
export type Party = typeof ALL_PARTIES[number]

/** One message or event: a SIP message, an HTTP request or reply, or an event in a room. */
export interface Step {
  /** Milliseconds since the epoch. */
  at: number
  from: Party
  to: Party
  /** The text in a ladder: `INVITE`, `180 Ringing`, `POST /status agent-leg ringing`, `CreateRoom`. */
  what: string
  via: 'sip' | 'http' | 'room'
}

export type Trace = (step: Step) => void
