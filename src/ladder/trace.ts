/** Who takes part in a call, left to right as a ladder shows them. */
export type Party = 'caller' | 'jambonz' | 'bridge' | 'livekit' | 'agent'

/** One message on its way: a SIP message, an HTTP request or reply, or what happens in a room. */
export interface Step {
  /** Milliseconds since the epoch. */
  at: number
  from: Party
  to: Party
  /** Short, as a ladder shows it: `INVITE`, `180 Ringing`, `POST /status agent-leg ringing`, `CreateRoom`. */
  what: string
  via: 'sip' | 'http' | 'room'
}

export type Trace = (step: Step) => void
