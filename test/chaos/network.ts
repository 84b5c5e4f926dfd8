import type { FastifyInstance } from 'fastify'
import type { HttpReply, HttpRequest, Network, Served } from '../../src/sandbox/network.ts'
import { header, type SipMessage } from '../../src/sip/message.ts'
import type { Flow, OpenTransport, TransportEvents } from '../../src/sip/transport.ts'
import type { WorldClock } from './clock.ts'
import type { Fates, Side } from './faults.ts'
import type { Journal } from './journal.ts'
import { createRandom, type Random } from './random.ts'

export interface WorldNetworkOptions {
  seed: number
  clock: WorldClock
  fates: Fates
  journal: Journal
  /** Which call a message is about. */
  callOf(text: string): number | undefined
  /** Told of every request as it reaches its server. */
  onArrival(side: Exclude<Side, 'sip'>, request: HttpRequest, n: number | undefined): void
  /** Told of every answer of the bridge, with the milliseconds that it took. */
  onAnswer(path: string, status: number, ms: number, n: number | undefined): void
}

/** HTTP and SIP in memory, over which messages are lost, late, doubled and overtaken. */
export interface WorldNetwork {
  /** What a double is made with; `host` names its HTTP server. */
  at(host: string): Network
  /** Connects the bridge. */
  serveBridge(app: FastifyInstance): void
  /** Port on which SIP messages meet the weather, beside all else, where it is fine. */
  rough: Set<number>
  /** `fetch` and `AbortSignal.timeout` for the bridge, whose SDKs know no other door. */
  fetch: typeof fetch
  timeout: typeof AbortSignal.timeout
  /** Requests that the bridge has not answered yet. */
  unanswered(): string[]
}

const SIP_HOST = '127.0.0.1'
export const BRIDGE_URL = 'http://bridge.test'

export function createWorldNetwork (options: WorldNetworkOptions): WorldNetwork {
  const { seed, clock, fates, journal } = options
  const servers = new Map<string, (request: HttpRequest) => Promise<Served>>()
  const agents = new Map<number, { events: TransportEvents, port: number }>()
  const randoms = new Map<string, Random>()
  const timeouts = new WeakMap<AbortSignal, number>()
  const pending = new Map<number, string>()
  const rough = new Set<number>()
  let app: FastifyInstance | undefined
  let requests = 0
  let nextPort = 5060

  /** Every call has its own chances, so that they do not change when another call is left out. */
  function randomFor (n: number | undefined, side: Side): Random {
    const key = `${n}/${side}`
    const known = randoms.get(key)
    if (known) return known
    const made = createRandom(seed, 'network', key)
    randoms.set(key, made)
    return made
  }

  function exchange (
    side: Exclude<Side, 'sip'>,
    timeoutMs: number,
    request: HttpRequest,
    serve: (request: HttpRequest, n: number | undefined) => Promise<Served>
  ): Promise<HttpReply> {
    const n = options.callOf(request.url + request.body)
    const what = nameOf(request)
    const fate = fates.http(side, what, randomFor(n, side))
    const arrive = () => {
      options.onArrival(side, request, n)
      return serve(request, n)
    }
    return new Promise((resolve, reject) => {
      let over = false
      const end = (fn: () => void) => {
        if (over) return
        over = true
        cancel()
        fn()
      }
      const fail = (code: string) =>
        end(() => {
          journal.note(n, `${side} ${what}: ${code}`)
          reject(Object.assign(new Error(code), { code }))
        })
      const cancel = clock.schedule(timeoutMs, () => fail('UND_ERR_HEADERS_TIMEOUT'))
      const later = (ms: number, fn: () => void) => {
        clock.schedule(ms, fn)
      }
      if (fate.lost === 'request') {
        if (fate.breaks) later(fate.there, () => fail('ECONNRESET'))
        return
      }
      later(fate.there, () => {
        journal.note(
          n,
          `${side} ${what} arrives${fate.there > 500 ? ` ${Math.round(fate.there)} ms late` : ''}${
            fate.error ? `, refused with ${fate.error}` : ''
          }`
        )
        const served = fate.error === undefined
          ? arrive()
          : Promise.resolve<Served>({ status: fate.error, headers: {}, body: '' })
        served.then(reply => {
          if (reply === 'hang') return
          if (reply === 'refuse' || (fate.lost === 'reply' && fate.breaks)) {
            return later(fate.back, () =>
              fail('ECONNRESET'))
          }
          if (fate.lost === 'reply') return
          later(fate.back, () =>
            end(() => {
              if (fate.back > 500) journal.note(n, `${side} ${what}: reply ${Math.round(fate.back)} ms late`)
              resolve(reply)
            }))
        }, end)
      })
      if (fate.againAfter !== undefined) {
        later(fate.there + fate.againAfter, () => {
          journal.note(n, `${side} ${what} arrives again`)
          arrive().catch(() => {})
        })
      }
    })
  }

  /** The bridge's own server: the real routes, without a socket. */
  async function toBridge (request: HttpRequest, n: number | undefined): Promise<Served> {
    const id = ++requests
    const started = clock.now()
    const { pathname, search } = new URL(request.url)
    const work = app!.inject({
      method: request.method as 'POST',
      url: pathname + search,
      headers: request.headers as Record<string, string>,
      payload: request.body
    })
    // The check of a webhook's signature runs on a thread of its own, whose end would fall on any moment.
    if (pathname === '/livekit-events') clock.hold(Promise.resolve(work))
    pending.set(id, `${pathname} of call ${n}`)
    const reply = await work
    pending.delete(id)
    options.onAnswer(pathname, reply.statusCode, clock.now() - started, n)
    if (pathname !== '/livekit-events') {
      journal.note(n, `     ${pathname} ← ${reply.statusCode} ${shortened(reply.body)}`)
    }
    return {
      status: reply.statusCode,
      headers: { 'content-type': String(reply.headers['content-type'] ?? '') },
      body: reply.body
    }
  }

  const openSip: OpenTransport = async (name, { port }, events) => {
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
      const n = options.callOf(`${header(message, 'from')} ${header(message, 'to')}`)
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

  return {
    rough,
    at: host => ({
      client ({ timeoutMs, connections }) {
        let last: Promise<unknown> = Promise.resolve()
        let closed = false
        const send = async (request: HttpRequest): Promise<HttpReply> => {
          if (closed) throw Object.assign(new Error('client closed'), { code: 'UND_ERR_DESTROYED' })
          return await exchange(
            request.url.includes('/livekit-events') ? 'webhook' : 'hook',
            timeoutMs,
            request,
            toBridge
          )
        }
        return {
          send (request) {
            if (connections === undefined) return send(request)
            const result = last.then(() => send(request))
            last = result.catch(() => {})
            return result
          },
          async close () {
            closed = true
          }
        }
      },
      async serve (_options, handler) {
        const url = `http://${host}`
        servers.set(url, handler)
        return {
          url,
          async close () {
            servers.delete(url)
          }
        }
      },
      openSip
    }),
    serveBridge (bridge) {
      app = bridge
    },
    async fetch (input, init = {}) {
      const { origin, pathname, search } = new URL(input instanceof Request ? input.url : input)
      const handler = servers.get(origin)
      if (!handler) throw new TypeError(`nobody serves ${origin}`)
      const headers = Object.fromEntries(new Headers(init.headers).entries())
      const timeoutMs = (init.signal && timeouts.get(init.signal)) ?? 300_000
      try {
        const request = { method: init.method ?? 'GET', url: pathname + search, headers, body: String(init.body ?? '') }
        const { status, headers: replied, body } = await exchange(
          pathname.startsWith('/twirp/') ? 'livekit-api' : 'jambonz-api',
          timeoutMs,
          request,
          handler
        )
        return new Response(body, { status, headers: replied })
      } catch (error) {
        // As fetch rejects.
        if ((error as { code?: string }).code === 'UND_ERR_HEADERS_TIMEOUT') {
          throw new DOMException('The operation was aborted due to timeout', 'TimeoutError')
        }
        throw new TypeError('fetch failed', { cause: error })
      }
    },
    timeout (ms) {
      const { signal } = new AbortController()
      timeouts.set(signal, ms)
      return signal
    },
    unanswered: () => [...pending.values()]
  }
}

const slowness = (delay: number): string => delay > 500 ? ` takes ${Math.round(delay)} ms` : ''

/** What a request is about, in a few words. */
function nameOf ({ method, url, body }: HttpRequest): string {
  const path = url.replace(/^https?:\/\/[^/]+/, '').replace(/\?.*/, '')
  if (path.startsWith('/twirp/')) return path.split('/').pop()!
  if (method === 'PUT') return `PUT ${body}`
  const json = JSON.parse(body || '{}') as Record<string, any>
  if (path === '/livekit-events') {
    return [json.event, json.participant?.kind, json.participant?.disconnectReason].filter(Boolean).join(' ')
  }
  const status = [
    json.call_status,
    json.dial_call_status,
    json.dial_sip_status,
    json.refer_status,
    json.final_referred_call_status
  ].filter(Boolean).join('/')
  return `${path} ${json.parent_call_sid ? 'agent leg' : 'caller leg'} ${status}`
}

function shortened (body: string): string {
  return body.replace(/"(sipUri|auth|headers|actionHook|referHook)":("[^"]*"|\{[^}]*\}),?/g, '').slice(0, 160)
}
