import type { SipMessage } from '../../sip/message.ts'

/** How long a digit sounds when live call control does not say, milliseconds (feature-server `_lccDtmf`). */
const DEFAULT_DURATION_MS = 250

/** A digit of live call control. */
export interface Dtmf {
  /** `0`-`9`, `*` or `#`. Of several digits only the first sounds, and anything else is silent. */
  digit: string
  /** Milliseconds. */
  duration?: number
}

/**
 * The INFO that carries a digit between Jambonz and a phone. The SBC takes such an INFO from a carrier, and plays a
 * digit to it as RTP events (sbc-outbound call-session). No media flows in the sandbox, so INFO serves both directions.
 */
export function digitInfo ({ digit, duration = DEFAULT_DURATION_MS }: Dtmf): {
  headers: Record<string, string>
  body: string
} {
  return {
    headers: { 'Content-Type': 'application/dtmf-relay', 'X-Reason': 'Dtmf' },
    body: `Signal=${digit}\r\nDuration=${duration}\r\n`
  }
}

/** The digit in an INFO. Undefined when it carries none. */
export function digitIn ({ body }: SipMessage): string | undefined {
  return /^Signal=\s*([0-9*#])/m.exec(body)?.[1]
}
