/** What verbs are made with, besides the call. */
export interface VerbConfig {
  publicUrl: string
  sipHost: string
  sipTransport: 'udp' | 'tcp' | 'tls'
  sipAuth?: { username: string, password: string }
  srtp: boolean
  dialTimeoutS: number
  timeLimitS: number
  /** Empty: none. */
  ringbackTone: string
}
