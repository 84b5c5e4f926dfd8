import type { FastifyInstance } from 'fastify'
import type { HttpReply, HttpRequest, Network, Served } from '../../src/sandbox/network.ts'
import type { WorldClock } from './clock.ts'
import type { Fates, Side } from './faults.ts'
import type { Journal } from './journal.ts'
import { nameOf, shortened } from './names.ts'
import { createRandom, type Random } from './random.ts'
import { createSipNetwork } from './sip-network.ts'

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
  /**
   * Sends a request to a server of this network or to the bridge.
   * @throws an error with undici's or the system's `code`
   */
  ask(side: Exclude<Side, 'sip'>, request: HttpRequest, timeoutMs: number): Promise<HttpReply>
  /** `fetch` and `AbortSignal.timeout` for the bridge, whose SDKs know no other door. */
  fetch: typeof fetch
  timeout: typeof AbortSignal.timeout
  /** Requests that the bridge has not answered yet. */
  unanswered(): string[]
}

export const BRIDGE_URL = 'http://bridge.test'

export function createWorldNetwork (options: WorldNetworkOptions): WorldNetwork {
  const { seed, clock, fates, journal } = options
  const servers = new Map<string, (request: HttpRequest) => Promise<Served>>()
  const randoms = new Map<string, Random>()
  const timeouts = new WeakMap<AbortSignal, number>()
  const pending = new Map<number, string>()
  const rough = new Set<number>()
  let app: FastifyInstance | undefined
  let requests = 0

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
      ...request.body !== '' && { payload: request.body }
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

  async function ask (
    side: Exclude<Side, 'sip'>,
    request: HttpRequest,
    timeoutMs: number
  ): Promise<HttpReply> {
    const { origin, pathname, search } = new URL(request.url)
    if (origin === BRIDGE_URL) return exchange(side, timeoutMs, request, toBridge)
    const handler = servers.get(origin)
    if (!handler) throw Object.assign(new Error(`nobody serves ${origin}`), { code: 'ENOTFOUND' })
    return exchange(side, timeoutMs, { ...request, url: pathname + search }, handler)
  }

  const openSip = createSipNetwork({ clock, fates, journal, rough, callOf: options.callOf, randomFor })

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
    ask,
    async fetch (input, init = {}) {
      const { href, pathname } = new URL(input instanceof Request ? input.url : input)
      const headers = Object.fromEntries(new Headers(init.headers).entries())
      const timeoutMs = (init.signal && timeouts.get(init.signal)) ?? 300_000
      try {
        const request = { method: init.method ?? 'GET', url: href, headers, body: String(init.body ?? '') }
        const side = pathname.startsWith('/twirp/') ? 'livekit-api' : 'jambonz-api'
        const { status, headers: replied, body } = await ask(side, request, timeoutMs)
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
