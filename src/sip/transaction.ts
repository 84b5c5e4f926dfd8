import type { Clock } from '../clock.ts'
import type { SipMessage, SipRequest, SipResponse } from './message.ts'
import type { Flow } from './transport.ts'
import { cseq, header, headerList, splitList } from './message.ts'
import { parseParams } from './address.ts'
import { ackFor, localResponse } from './build.ts'

/** Round-trip estimate, ms (RFC 3261 17.1.1.1). */
export const T1 = 500
/** Longest retransmission interval of non-INVITE requests and INVITE finals, ms. */
export const T2 = 4000
/** Timers B, F, H and J: how long a transaction waits or remembers, ms. */
export const TRANSACTION_TIMEOUT = 64 * T1
/** How long a call that is answered with silence is remembered, ms: longer than any caller tries. */
const SILENCE = 300_000

export interface ClientHandlers {
  onProvisional?(response: SipResponse): void
  /** Once: the final response, or a local 408 (no answer within 32 s) or 503 (the connection broke). */
  onFinal(response: SipResponse): void
}

export interface ClientTransaction {
  readonly request: SipRequest
  readonly flow: Flow
  readonly hasProvisional: boolean
  /** Sends the ACK of a 2xx, now and for every repetition of that 2xx (RFC 3261 13.2.2.4). */
  acknowledge(ack: SipRequest, flow: Flow): void
}

export interface ServerTransaction {
  readonly request: SipRequest
  readonly flow: Flow
  readonly isFinal: boolean
  respond(response: SipResponse): void
  /** Stops repeating the final response: its ACK came. */
  acknowledged(): void
  /** Answers nothing any more, not even repetitions. */
  silence(): void
  readonly isSilent: boolean
}

export interface TransactionLayer {
  receive(message: SipMessage, flow: Flow): void
  request(request: SipRequest, flow: Flow, handlers: ClientHandlers): ClientTransaction
  /** The INVITE that a CANCEL means: same branch (RFC 3261 9.2). */
  inviteOf(cancel: SipRequest): ServerTransaction | undefined
  /** The connection broke, with the system's error when there is one. */
  flowClosed(flow: Flow, error?: Error): void
  close(): void
}

interface Client {
  tx: ClientTransaction
  onResponse(response: SipResponse): void
  fail(status: number, reason: string, error?: Error): void
  stop(): void
}
interface Server {
  tx: ServerTransaction
  again(): void
  stop(): void
}

/**
 * Transactions of RFC 3261 17, simplified: timers A, B, E, F, G and H run; requests and finals are repeated over UDP
 * only.
 */
export function createTransactions (options: {
  clock: Clock
  send(message: SipMessage, flow: Flow): void
  onRequest(tx: ServerTransaction): void
  /** The ACK of a 2xx, which has a branch of its own. */
  onAck(ack: SipRequest): void
}): TransactionLayer {
  const { clock, send } = options
  const clients = new Map<string, Client>()
  const servers = new Map<string, Server>()

  function request (message: SipRequest, flow: Flow, handlers: ClientHandlers): ClientTransaction {
    const key = `${branchOf(message)} ${message.method}`
    const isInvite = message.method === 'INVITE'
    let state: 'calling' | 'proceeding' | 'completed' = 'calling'
    let ack: { message: SipRequest, flow: Flow } | undefined
    let cancelRepeat = () => {}
    let cancelTimeout = () => {}

    function finish (response: SipResponse): void {
      state = 'completed'
      stop()
      // Kept for a while, so that repeated finals find it (timers D and K).
      cancelTimeout = clock.schedule(TRANSACTION_TIMEOUT, () => clients.delete(key))
      handlers.onFinal(response)
    }
    function repeat (after: number): void {
      if (flow.transport !== 'udp') return
      cancelRepeat = clock.schedule(after, () => {
        send(message, flow)
        repeat(isInvite ? after * 2 : Math.min(after * 2, T2))
      })
    }
    function stop (): void {
      cancelRepeat()
      cancelTimeout()
    }

    const tx: ClientTransaction = {
      request: message,
      flow,
      get hasProvisional () {
        return state !== 'calling'
      },
      acknowledge (ackMessage, ackFlow) {
        ack = { message: ackMessage, flow: ackFlow }
        send(ackMessage, ackFlow)
      }
    }
    clients.set(key, {
      tx,
      stop,
      fail (status, reason, error) {
        if (state !== 'completed') finish(localResponse(message, status, reason, error))
      },
      onResponse (response) {
        if (state === 'completed') {
          if (ack && response.status >= 200) send(ack.message, ack.flow)
          return
        }
        if (response.status < 200) {
          state = 'proceeding'
          if (isInvite) stop()
          handlers.onProvisional?.(response)
          return
        }
        if (isInvite && response.status >= 300) tx.acknowledge(ackFor(message, response), flow)
        finish(response)
      }
    })
    send(message, flow)
    repeat(T1)
    cancelTimeout = clock.schedule(TRANSACTION_TIMEOUT, () => clients.get(key)?.fail(408, 'Request Timeout'))
    return tx
  }

  function serve (message: SipRequest, flow: Flow): void {
    const key = serverKey(message)
    const known = servers.get(key)
    if (message.method === 'ACK') {
      if (known && known.tx.isFinal) known.tx.acknowledged()
      else options.onAck(message)
      return
    }
    if (known) return known.again()

    let last: SipResponse | undefined
    let silent = false
    let cancelRepeat = () => {}
    let cancelRemoval = () => {}
    const forget = (after: number) => {
      cancelRemoval = clock.schedule(after, () => {
        cancelRepeat()
        servers.delete(key)
      })
    }
    function repeat (response: SipResponse, after: number): void {
      cancelRepeat = clock.schedule(after, () => {
        send(response, flow)
        repeat(response, Math.min(after * 2, T2))
      })
    }
    const tx: ServerTransaction = {
      request: message,
      flow,
      get isFinal () {
        return last !== undefined && last.status >= 200
      },
      get isSilent () {
        return silent
      },
      respond (response) {
        if (silent || tx.isFinal) return
        last = response
        send(response, flow)
        if (response.status < 200) return
        if (message.method === 'INVITE' && flow.transport === 'udp') repeat(response, T1)
        forget(TRANSACTION_TIMEOUT)
      },
      acknowledged: () => cancelRepeat(),
      silence () {
        silent = true
        cancelRepeat()
        cancelRemoval()
        forget(SILENCE)
      }
    }
    servers.set(key, {
      tx,
      again () {
        if (last && !silent) send(last, flow)
      },
      stop () {
        cancelRepeat()
        cancelRemoval()
      }
    })
    options.onRequest(tx)
  }

  return {
    request,
    receive (message, flow) {
      if (message.kind === 'request') {
        // Without these no answer can be addressed (RFC 3261 8.1.1).
        if (!['via', 'from', 'to', 'call-id', 'cseq'].every(name => header(message, name))) return
        if (cseq(message).method !== message.method) return
        return serve(withReceived(message, flow), flow)
      }
      if (header(message, 'via') === undefined || header(message, 'cseq') === undefined) return
      clients.get(`${branchOf(message)} ${cseq(message).method}`)?.onResponse(message)
    },
    inviteOf: cancel => servers.get(serverKey({ ...cancel, method: 'INVITE' }))?.tx,
    flowClosed (flow, error) {
      for (const client of [...clients.values()]) {
        if (client.tx.flow === flow) client.fail(503, 'Connection closed', error)
      }
    },
    close () {
      for (const client of [...clients.values()]) client.fail(503, 'User agent closed')
      for (const entry of [...clients.values(), ...servers.values()]) entry.stop()
      clients.clear()
      servers.clear()
    }
  }
}

function branchOf (message: SipMessage): string {
  return parseParams((headerList(message, 'via')[0] ?? '').split(';').slice(1).join(';')).branch ?? ''
}

/** RFC 3261 17.2.3: branch, sent-by, and the method, for which an ACK counts as its INVITE. */
function serverKey (message: SipRequest): string {
  const [sentBy = ''] = (headerList(message, 'via')[0] ?? '').split(';')
  const method = message.method === 'ACK' ? 'INVITE' : message.method
  return [branchOf(message), sentBy.trim().split(/\s+/)[1] ?? '', header(message, 'call-id'), method].join(' ')
}

/** The request with `received` and `rport` in its top Via (RFC 3581 4). */
function withReceived (message: SipRequest, flow: Flow): SipRequest {
  const at = message.headers.findIndex(h => ['via', 'v'].includes(h.name.toLowerCase()))
  const via = message.headers[at]
  if (!via) return message
  const [top = '', ...others] = splitList(via.value)
  const marked = `${top.replace(/;\s*rport(?=\s*(;|$))/i, `;rport=${flow.remote.port}`)};received=${flow.remote.host}`
  const headers = [...message.headers]
  headers[at] = { name: via.name, value: [marked, ...others].join(', ') }
  return { ...message, headers }
}
