import type { Clock } from '../clock.ts'
import { within } from '../clock.ts'
import type { Finding } from '../finding.ts'
import type { Step } from '../ladder/trace.ts'
import { createUserAgent, type SipResponse, type TlsOptions } from '../sip/user-agent.ts'
import { networkErrorFinding } from './network-error.ts'
import type { Target } from './target.ts'

export interface ReachOptions {
  target: Target
  own: string
  remote: string
  /** Longest wait, milliseconds. */
  limitMs: number
  clock: Clock
  tls?: TlsOptions | undefined
  onStep(step: Step): void
}

/**
 * Sends OPTIONS and reports whether anybody answers. That proves little: LiveKit answers 200 for every host and user,
 * and asks for no credentials.
 */
export async function probeReach (
  { target, own, remote, limitMs, clock, tls, onStep }: ReachOptions
): Promise<Finding> {
  let sentAt: number | undefined
  const ua = await createUserAgent({
    host: own,
    transport: target.transport,
    name: 'jambonz-livekit-bridge probe',
    clock,
    ...(tls && { tls }),
    onMessage ({ at, dir, message }) {
      if (dir === '>') sentAt ??= at
      onStep({
        at,
        from: dir === '>' ? 'bridge' : 'livekit',
        to: dir === '>' ? 'livekit' : 'bridge',
        what: message.kind === 'request' ? message.method : `${message.status} ${message.reason}`.trim(),
        via: 'sip'
      })
    }
  })
  try {
    const response = await within(clock, limitMs, ua.options(target.uri), () => new Error('late')).catch((): Pick<
      SipResponse,
      'status' | 'reason' | 'local'
    > => ({ status: 408, reason: '', local: { code: '', message: '' } }))
    if (response.local) {
      return networkErrorFinding(response.local, {
        host: target.host,
        port: target.port,
        remote,
        transport: target.transport,
        sent: sentAt !== undefined,
        status: response.status
      })
    }
    const took = sentAt === undefined ? '' : ` after ${clock.now() - sentAt} ms`
    return {
      code: 'options-answered',
      // Any answer is one of a SIP server: what it says to OPTIONS is its own affair.
      severity: 'ok',
      seen: `${target.host} answered OPTIONS over ${target.transport} with ${response.status}${took}. That proves ` +
        `little: something there speaks SIP. LiveKit answers every OPTIONS with 200${
          response.status === 200 ? '' : ', so this is something in front of it or in its place'
        }, also on a host that belongs to no project, and looks at neither trunk, rule nor credentials.`,
      todo: 'Make a call to know more',
      command: 'bridge probe'
    }
  } finally {
    await ua.close()
  }
}
