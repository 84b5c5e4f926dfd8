import { randomUUID } from 'node:crypto'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { parseUri } from '../sip/address.ts'
import { formatChallenge, parseAnswer, verifyAnswer } from '../sip/digest.ts'
import { header } from '../sip/message.ts'
import { createUserAgent } from '../sip/user-agent.ts'
import type { IncomingCall } from '../sip/user-agent.ts'
import { ANSWERED_BY } from './jambonz/amd.ts'
import type { AnsweredBy } from './jambonz/amd.ts'
import { digitIn, digitInfo } from './jambonz/dtmf.ts'
import { sandboxSdp } from './jambonz/media.ts'
import { socketNetwork } from './network.ts'
import type { Network } from './network.ts'

/** What the far end does with a call. */
export interface FarEndBehaviour {
  /** The final status: 200 answers, 486 is busy, and so on. Without one it rings for ever. */
  status?: number
  /** Milliseconds of ringing before the final status. Without it the far end does not ring. */
  ringMs?: number
  /** It announces with early media (183) instead of ringing. */
  earlyMedia?: boolean
  /** Who answers, for Jambonz' answering machine detection; by default somebody who says nothing. */
  answeredBy?: AnsweredBy
  /** Digits that are pressed one after the other, milliseconds from the answer to the first. */
  presses?: { digits: string, afterMs: number }
  /** Milliseconds from the answer to hanging up. Without it the far end waits for the caller to hang up. */
  hangUpAfterMs?: number
}

export interface FarEnd {
  /** `host:port`, as a gateway of the Jambonz double or in a SIP URI. */
  readonly host: string
  /** The calls that have arrived, in order. Calls that were refused for their credentials are not among them. */
  readonly calls: readonly IncomingCall[]
  /** What phones do that `phones` does not name. It may change at any time. */
  behaviour: FarEndBehaviour
  /** What the phone of a number does. It may change at any time. */
  readonly phones: Record<string, FarEndBehaviour>
  /** The digits that a call has brought so far. */
  digits(call: IncomingCall): string
  close(): Promise<void>
}

const REALM = 'far-end'

/**
 * A carrier, or any SIP host, with phones behind it.
 *
 * @throws {Error} when it cannot listen
 */
export async function createFarEnd (options: {
  behaviour: FarEndBehaviour
  phones?: Record<string, FarEndBehaviour>
  /** The far end asks for these credentials (RFC 3261 22.2). */
  auth?: { username: string, password: string }
  transport?: 'udp' | 'tcp'
  clock?: Clock
  network?: Network
  host?: string
}): Promise<FarEnd> {
  const { auth, clock = systemClock, network = socketNetwork, transport = 'udp', host = '127.0.0.1' } = options
  const agent = await createUserAgent({ host, transport, name: 'far end', clock, openTransport: network.openSip })
  const nonce = randomUUID()
  const calls: IncomingCall[] = []
  const digits = new Map<IncomingCall, string>()
  const farEnd: FarEnd = {
    host: `${agent.host}:${agent.port}`,
    calls,
    behaviour: options.behaviour,
    phones: { ...options.phones },
    digits: call => digits.get(call) ?? '',
    close: () => agent.close()
  }

  function isAdmitted (call: IncomingCall): boolean {
    if (auth === undefined) return true
    const given = header(call.request, 'Authorization')
    if (given === undefined) {
      call.respond(401, 'Unauthorized', { headers: { 'WWW-Authenticate': formatChallenge({ realm: REALM, nonce }) } })
      return false
    }
    const answer = parseAnswer(given)
    if (answer && verifyAnswer(answer, { ...auth, realm: REALM, nonce, method: 'INVITE' })) return true
    call.respond(403, 'Forbidden')
    return false
  }

  async function press (call: IncomingCall, keys: string): Promise<void> {
    for (const digit of keys) {
      const { headers, body } = digitInfo({ digit })
      await call.send('INFO', { headers, body })
    }
  }

  function finish (call: IncomingCall, { status, hangUpAfterMs, presses, answeredBy }: FarEndBehaviour): void {
    if (status === undefined || call.state === 'ended') return
    if (status >= 300) return call.respond(status)

    call.respond(status, undefined, {
      body: sandboxSdp(host),
      ...answeredBy !== undefined && { headers: { [ANSWERED_BY]: answeredBy } }
    })
    if (presses !== undefined) clock.schedule(presses.afterMs, () => { press(call, presses.digits).catch(() => {}) })
    if (hangUpAfterMs !== undefined) clock.schedule(hangUpAfterMs, () => { call.bye().catch(() => {}) })
  }

  agent.onInvite(call => {
    if (!isAdmitted(call)) return
    calls.push(call)
    call.onInfo(info => digits.set(call, farEnd.digits(call) + (digitIn(info) ?? '')))
    const behaviour = farEnd.phones[parseUri(call.request.uri).user] ?? farEnd.behaviour
    const { status, ringMs } = behaviour
    if (ringMs === undefined && status !== undefined) return finish(call, behaviour)

    if (behaviour.earlyMedia === true) call.respond(183, 'Session Progress', { body: sandboxSdp(host) })
    else call.respond(180)
    if (ringMs !== undefined) clock.schedule(ringMs, () => finish(call, behaviour))
  })
  return farEnd
}
