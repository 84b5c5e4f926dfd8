/** One way to connect a call. A new strategy is a new member here and a file in src/routing. */
export type Way =
  | { strategy: 'room', agent: string }
  | { strategy: 'phone', number: string }

export type Strategy = Way['strategy']

/** What one Jambonz application asks of the bridge: its environment variables first, then the settings. */
export interface ApplicationConfig {
  agent: string
  /** Handed to the agent verbatim. */
  metadata: string
  fallbackNumber?: string
}

/** The ordered ways in which a call may be connected, and why a way that was asked for is not among them. */
export interface Plan {
  ways: Way[]
  refused?: 'fallback-is-called-number'
}

/** What an attempt is opened with. */
export interface OpenContext {
  callSid: string
  n: number
}
