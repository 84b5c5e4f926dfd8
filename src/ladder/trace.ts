/** Far ends of a call that are not in a LiveKit room of ours, named by the way that leads there. */
export type FarEnd = 'retell' | 'carrier' | 'phone' | 'sip'

/** The parties of a call. `person`: somebody to whom a caller is handed. */
export type Party = 'caller' | 'callee' | 'person' | 'jambonz' | 'bridge' | 'livekit' | 'agent' | FarEnd

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
