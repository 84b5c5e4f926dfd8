import type { Finding } from '../finding.ts'
import type { TransportName } from '../sip/user-agent.ts'

/** Where a request went, and how far it got. */
export interface Attempted {
  host: string
  port?: number | undefined
  /** The address of the host. */
  remote?: string | undefined
  transport?: TransportName | undefined
  /** There was a connection, and the request went out. */
  sent: boolean
  /** The status that the SIP stack made of the error. */
  status: number
}

/** What an error of the network means. */
export function networkErrorFinding (
  { code, message }: { code: string, message: string },
  { host, port, remote, transport = 'tcp', sent, status }: Attempted
): Finding {
  // Another try over the same transport would say the same.
  const tryOver = (...others: TransportName[]) =>
    `bridge probe --transport ${others.find(other => other !== transport)}`
  const where = remote === undefined || remote === host ? host : `${host} (${remote})`
  if (/^(ENOTFOUND|EAI_|ENODATA)/.test(code)) {
    return {
      code: 'sip-host-unresolved',
      severity: 'failed',
      seen: `No address is known for ${host} (${code}).`,
      todo:
        'Correct LIVEKIT_SIP_HOST. On LiveKit Cloud it is the project id without p_, before .sip.livekit.cloud; the ' +
        'list of projects shows it',
      command: 'lk project list --json'
    }
  }
  if (code === 'ECONNREFUSED') {
    return {
      code: 'sip-refused',
      severity: 'failed',
      seen: `${where} is reachable, but nothing listens on ${transport === 'udp' ? 'UDP' : 'TCP'} port ${
        port ?? (transport === 'tls' ? 5061 : 5060)
      } (ECONNREFUSED).`,
      todo:
        'Start livekit-sip, or correct the port and transport: LiveKit uses 5060 for UDP and TCP, 5061 for TLS. Try ' +
        'the other transports',
      command: tryOver('udp', 'tcp')
    }
  }
  if (/CERT|SSL|TLS|EPROTO|SELF_SIGNED|UNABLE_TO_|HOSTNAME|ISSUER/.test(code)) return tlsFinding(code, message, where)
  if (sent && status === 503) {
    return {
      code: 'sip-connection-closed',
      severity: 'failed',
      seen: `${where} took the connection and closed it without an answer${code ? ` (${code})` : ''}.`,
      todo:
        'Something other than SIP listens there, or it wants TLS: correct the port of LIVEKIT_SIP_HOST, or try the ' +
        'other transports',
      command: tryOver('tls', 'tcp')
    }
  }
  return {
    code: 'sip-unreachable',
    severity: 'failed',
    seen: `Nothing came back from ${where}${code ? ` (${code})` : ''}.`,
    todo: 'A firewall drops it, or the host is wrong: allow outgoing SIP to it (TCP and UDP 5060, TLS 5061), compare ' +
      "LIVEKIT_SIP_HOST with the project's SIP URI, and try another transport",
    command: tryOver('tcp', 'tls')
  }
}

function tlsFinding (code: string, message: string, where: string): Finding {
  if (/WRONG_VERSION|EPROTO|PACKET_LENGTH|HTTP_REQUEST|UNEXPECTED|HANDSHAKE_TIMEOUT/.test(code)) {
    return {
      code: 'tls-failed',
      severity: 'failed',
      seen: `${where} does not speak TLS on that port (${code}).`,
      todo: 'LiveKit takes TLS on port 5061 and TCP on 5060: correct the port of LIVEKIT_SIP_HOST, or dial over TCP',
      command: 'bridge probe --transport tcp'
    }
  }
  // OpenSSL's text names the names of a certificate, nothing secret.
  return {
    code: 'tls-failed',
    severity: 'failed',
    seen: `The TLS certificate of ${where} is not accepted: ${message.split('\n')[0] || code} (${code}).`,
    todo: 'Dial the name that the certificate was made for, renew it, or, with an authority of your own, name it in ' +
      'NODE_EXTRA_CA_CERTS',
    command: 'NODE_EXTRA_CA_CERTS=ca.pem bridge probe --transport tls'
  }
}
