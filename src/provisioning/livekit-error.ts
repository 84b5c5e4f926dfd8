import { FindingError, type Finding } from '../finding.ts'
import { livekitFinding } from '../livekit/finding.ts'

/**
 * LiveKit did not take the trunk or the rule, or could not be asked. The finding says what to do and never carries
 * credentials.
 */
export class ProvisionError extends FindingError {
  constructor (finding: Omit<Finding, 'severity'>, cause?: unknown) {
    super({ severity: 'failed', ...finding }, cause)
    this.name = 'ProvisionError'
  }
}

/** What a failed request to LiveKit's SIP service means. @param url LIVEKIT_URL, to name host and port */
export function explained (error: unknown, url?: string): ProvisionError {
  if (error instanceof ProvisionError) return error
  const finding = livekitFinding(error, url)
  // The text of LiveKit's own error contains the token when it does not take the key.
  const secret = ['livekit-key-refused', 'livekit-key-without-sip', 'clock-skew'].includes(finding.code)
  return new ProvisionError(finding, secret ? undefined : error)
}

/** Somebody interrupted the run between two changes. */
export const interrupted = (): ProvisionError =>
  new ProvisionError({
    code: 'interrupted',
    seen: 'Interrupted before everything was made',
    todo: 'Run it again: it goes on where it stopped',
    command: 'bridge provision'
  })
