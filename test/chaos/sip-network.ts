import { header, type SipMessage } from '../../src/sip/message.ts'
import type { Flow, OpenTransport, TransportEvents } from '../../src/sip/transport.ts'
import type { WorldClock } from './clock.ts'
import type { Fates, Side } from './faults.ts'
import type { Journal } from './journal.ts'
import type { Random } from './random.ts'

const SIP_HOST = '127.0.0.1'

/** SIP in memory: messages from and to the ports of `rough` meet the weather. */
export function createSipNetwork ({ clock, fates, journal, rough, callOf, randomFor }: {
  clock: WorldClock
  fates: Fates
  journal: Journal
  rough: ReadonlySet<number>
  callOf(text: string): number | undefined
  randomFor(n: number | undefined, side: Side): Random
}): OpenTransport {
  const agents = new Map<number, { events: TransportEvents, port: number }>()
  let nextPort = 5060

  return async (name, { port }, events) => {
    const own = port === 0 ? nextPort++ : port
    agents.set(own, { events, port: own })
    const flowFrom = (from: number, to: number): Flow => ({
      transport: name,
      remote: { host: SIP_HOST, port: to },
      get isOpen () {
        return agents.has(from)
      },
      send: message => transmit(from, to, message)
    })
    function transmit (from: number, to: number, message: SipMessage) {
      const n = callOf(`${header(message, 'from')} ${header(message, 'to')}`)
      const fate = rough.has(from) || rough.has(to) ? fates.sip(randomFor(n, 'sip')) : { delay: 5, lost: false }
      const what = message.kind === 'request'
        ? message.method
        : `${message.status} (${header(message, 'cseq')?.split(' ')[1]})`
      const deliver = () => agents.get(to)?.events.onMessage(message, flowFrom(to, from))
      if (message.kind === 'request' || message.status >= 200) {
        journal.note(
          n,
          `sip ${from}→${to} ${what}${fate.lost ? ' is lost' : slowness(fate.delay)}`
        )
      }
      if (!fate.lost) clock.schedule(fate.delay, deliver)
      if (fate.againAfter !== undefined) clock.schedule(fate.delay + fate.againAfter, deliver)
    }
    return {
      name,
      host: SIP_HOST,
      port: own,
      flowTo: async (_host, to) => flowFrom(own, to),
      close: async () => {
        agents.delete(own)
      }
    }
  }
}

const slowness = (delay: number): string => delay > 500 ? ` takes ${Math.round(delay)} ms` : ''
