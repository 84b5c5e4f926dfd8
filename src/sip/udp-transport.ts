import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Socket } from 'node:dgram'
import type { Flow, SipTransport, TransportEvents } from './transport.ts'
import { parseMessage, serializeMessage } from './message.ts'

/** SIP over one UDP port. @throws the system's error when it cannot listen */
export async function openUdp (
  options: { host: string, port: number },
  events: TransportEvents
): Promise<SipTransport> {
  const { host } = options
  const family = host.includes(':') ? 6 : 4
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  let closed = false

  const flowTo = (remoteHost: string, remotePort: number): Flow => ({
    transport: 'udp',
    remote: { host: remoteHost, port: remotePort },
    get isOpen () {
      return !closed
    },
    send (message) {
      // A packet that cannot be sent is treated like a lost one: the retransmission timers handle it.
      if (!closed) socket.send(serializeMessage(message), remotePort, remoteHost, () => {})
    }
  })

  socket.on('message', (data, from) => {
    let message
    try {
      message = parseMessage(data)
    } catch {
      return
    }
    events.onMessage(message, flowTo(from.address, from.port))
  })
  await bind(socket, options)

  return {
    name: 'udp',
    host,
    port: socket.address().port,
    async flowTo (remoteHost, remotePort) {
      // This socket cannot send to an address of the other family.
      const address = isIP(remoteHost) ? remoteHost : (await lookup(remoteHost, { family })).address
      return flowTo(address, remotePort)
    },
    close: () =>
      new Promise(resolve => {
        if (closed) return resolve()
        closed = true
        socket.close(() => resolve())
      })
  }
}

function bind (socket: Socket, { host, port }: { host: string, port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve()
    })
  })
}
