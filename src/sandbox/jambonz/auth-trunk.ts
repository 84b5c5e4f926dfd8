import { randomUUID } from 'node:crypto'
import { parseUri } from '../../sip/address.ts'
import { formatChallenge, parseAnswer, verifyAnswer } from '../../sip/digest.ts'
import { header } from '../../sip/message.ts'
import { createUserAgent } from '../../sip/user-agent.ts'
import type { IncomingCall, UserAgent } from '../../sip/user-agent.ts'
import type { Network } from '../network.ts'
import type { Carrier, Carriers } from './carriers.ts'
import type { JambonzContext } from './context.ts'
import { inboundCall } from './inbound.ts'

/**
 * Admits calls from addresses that are no carrier's gateway. Jambonz finds the account by the host of the request URI,
 * which must be the account's SIP realm, and challenges the caller. It refuses an unknown host with 404 and wrong
 * credentials with 403 (sbc-inbound lib/middleware.js).
 */
export class AuthTrunks {
  readonly #realm: string
  readonly #carriers: Carriers
  /** The nonce of each Call-ID that was challenged. */
  readonly #nonces = new Map<string, string>()

  constructor (realm: string, carriers: Carriers) {
    this.#realm = realm
    this.#carriers = carriers
  }

  /** The trunk of a call; undefined when the call was answered with a challenge or refused. */
  admit (call: IncomingCall): Carrier | undefined {
    const realm = parseUri(call.request.uri).host
    if (realm !== this.#realm) {
      call.respond(404, 'Not Found')
      return undefined
    }

    const given = header(call.request, 'Authorization')
    const nonce = this.#nonces.get(call.callId)
    if (given === undefined || nonce === undefined) {
      this.#challenge(call, realm)
      return undefined
    }

    this.#nonces.delete(call.callId)
    const trunk = this.#trunkOf(given, realm, nonce)
    if (trunk === undefined) call.respond(403, 'Forbidden')
    return trunk
  }

  #challenge (call: IncomingCall, realm: string): void {
    const nonce = randomUUID()
    this.#nonces.set(call.callId, nonce)
    call.respond(401, 'Unauthorized', {
      headers: { 'WWW-Authenticate': formatChallenge({ realm, nonce, qop: ['auth'] }) }
    })
  }

  #trunkOf (authorization: string, realm: string, nonce: string): Carrier | undefined {
    const answer = parseAnswer(authorization)
    const trunk = answer && this.#carriers.authTrunk(answer.username)
    if (answer === undefined || trunk === undefined) return undefined

    const { inbound_auth_username: username, inbound_auth_password: password } = trunk
    if (username === null || password === null) return undefined
    return verifyAnswer(answer, { username, password, realm, nonce, method: 'INVITE' }) ? trunk : undefined
  }
}

/** Takes calls for the account's SIP realm, when it has one. */
export async function openRealm (
  context: JambonzContext,
  carriers: Carriers,
  openTransport: Network['openSip']
): Promise<UserAgent | undefined> {
  const { sipRealm } = context.options
  if (sipRealm === undefined) return undefined

  const { host, clock } = context
  const realmSide = await createUserAgent({ host, transport: 'tcp', name: 'jambonz-sandbox', clock, openTransport })
  const trunks = new AuthTrunks(sipRealm, carriers)
  realmSide.onInvite(call => {
    const trunk = trunks.admit(call)
    if (trunk !== undefined) inboundCall(context, call, trunk.name).catch(() => call.respond(500))
  })
  return realmSide
}
