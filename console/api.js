/*
 * Requests to the operator API of the bridge that serves this page.
 */

import { serverEvents } from './sse.js'
import { heardClock } from './time.js'

/** @import { Connection, ServerEvent, Session } from './types.js' */

/** The bridge's own address, below whatever path an ingress serves it. */
const BRIDGE = new URL('../', import.meta.url)

/** How long a stream may be silent, milliseconds. The bridge sends a comment every 15 s. */
const SILENCE_MS = 20_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 10_000

/** What the bridge, or the way to it, had against a request. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code?: string, body?: any }} [details] `status` 0: there was no answer
   */
  constructor (message, { status = 0, code = 'NO_ANSWER', body } = {}) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.body = body
  }

  /** The token is wrong, or is no longer accepted. */
  get isRefusedToken () {
    return this.status === 401
  }
}

/**
 * @typedef {object} Api
 * @property {(path: string, options?: { signal?: AbortSignal }) => Promise<any>} get
 *   JSON of a GET; the path is relative to the bridge: `calls?limit=50`. Throws {@link ApiError}
 * @property {(path: string, body?: object, options?: RequestOptions) => Promise<any>} post
 * @property {(path: string, name: string, options?: DownloadOptions) => Promise<void>} download saves the answer as a
 *   file, under the name that the bridge gives it, else under `name`. Throws {@link ApiError} when it is not complete
 * @property {(path: string, options?: RequestOptions) => AsyncGenerator<ServerEvent>} events
 *   server-sent events of one answer, such as the checks of the doctor
 * @property {(path: string, onEvent: (event: string, data: any) => void) => () => void} live
 *   a stream that is opened again whenever it breaks; returns what closes it. `connection` says how it stands
 * @property {ConnectionState} connection how the newest live stream stands
 *
 * @typedef {{ method?: string, body?: object, headers?: Record<string, string>, signal?: AbortSignal }} RequestOptions
 * @typedef {{ signal?: AbortSignal, onProgress?: (bytes: number) => void }} DownloadOptions
 */

/**
 * @param {string} token
 * @param {{ onRefused: (error: ApiError) => void }} options `onRefused`: the token is no longer good
 * @returns {Api}
 */
export function createApi (token, { onRefused }) {
  const connection = createConnectionState()

  /**
   * @param {string} path
   * @param {RequestOptions} [options]
   */
  async function request (path, { method = 'GET', body, headers = {}, signal } = {}) {
    const response = await ask(path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal
    })
    if (response.ok) return response
    const error = await errorOf(response)
    if (error.isRefusedToken) onRefused(error)
    throw error
  }

  /** @type {Api} */
  const api = {
    connection,
    get: async (path, options) => jsonOf(await request(path, options)),
    post: async (path, body, options) => jsonOf(await request(path, { method: 'POST', body, ...options })),
    async download (path, name, { signal, onProgress } = {}) {
      const response = await request(path, { signal })
      save(await wholeOf(response, onProgress), fileNameOf(response) ?? name)
    },
    async * events (path, options) {
      const response = await request(path, options)
      if (response.body) yield * serverEvents(response.body)
    },
    live: (path, onEvent) => follow({ path, onEvent, connection, request })
  }
  return api
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function ask (path, init) {
  try {
    return await fetch(new URL(path, BRIDGE), { cache: 'no-store', credentials: 'same-origin', ...init })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError('The bridge does not answer.')
  }
}

/** @param {Response} response */
async function errorOf (response) {
  const body = await response.json().catch(() => undefined)
  const message = body?.message ?? `The bridge answered ${response.status} ${response.statusText}`.trim()
  return new ApiError(message, { status: response.status, code: body?.code ?? 'HTTP', body })
}

/** @param {Response} response */
async function jsonOf (response) {
  try {
    return response.status === 204 ? undefined : await response.json()
  } catch {
    throw new ApiError('The answer is not from the bridge.', { status: response.status, code: 'NO_JSON' })
  }
}

/**
 * The body of an answer that may be long.
 * @param {Response} response
 * @param {(bytes: number) => void} [onProgress]
 */
async function wholeOf (response, onProgress) {
  /** @type {BlobPart[]} */
  const parts = []
  let bytes = 0
  try {
    const reader = response.body?.getReader()
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      parts.push(part.value)
      bytes += part.value.length
      onProgress?.(bytes)
    }
  } catch {
    throw new ApiError('The connection ended early, so the file is not complete. It was not saved.')
  }
  return new Blob(parts, { type: response.headers.get('content-type') ?? '' })
}

/** @param {Response} response */
const fileNameOf = response =>
  /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1]

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function save (blob, name) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The browser reads the address a moment after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/**
 * Keeps a stream open until it is closed. Each new stream begins with a picture of all, so nothing is lost between two.
 * @param {{
 *   path: string,
 *   onEvent: (event: string, data: any) => void,
 *   connection: ConnectionState,
 *   request: (path: string, options: RequestOptions) => Promise<Response>
 * }} options
 */
function follow ({ path, onEvent, connection, request }) {
  const closed = new AbortController()
  let retryMs = FIRST_RETRY_MS

  async function once () {
    const silence = createSilence(SILENCE_MS)
    const signal = AbortSignal.any([closed.signal, silence.signal])
    try {
      const response = await request(path, { signal, headers: { accept: 'text/event-stream' } })
      if (!response.body) throw new ApiError('The bridge does not answer.')
      for await (const { event, data } of serverEvents(response.body)) {
        if (closed.signal.aborted) return
        silence.heard()
        retryMs = FIRST_RETRY_MS
        connection.heard()
        if (event === '') continue
        const parsed = JSON.parse(data)
        if (event === 'bye') retryMs = parsed.retryMs ?? FIRST_RETRY_MS
        if (parsed.at !== undefined) heardClock(parsed.at)
        onEvent(event, parsed)
      }
    } finally {
      silence.stop()
    }
  }

  async function keepOpen () {
    connection.set({ state: 'connecting' })
    while (!closed.signal.aborted) {
      let problem = 'The bridge ended the connection.'
      try {
        await once()
      } catch (error) {
        problem = error instanceof ApiError ? error.message : 'The connection broke.'
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
          if (!closed.signal.aborted) connection.set({ state: 'lost', problem })
          return
        }
      }
      if (closed.signal.aborted) return
      connection.set({ state: 'lost', problem })
      await pause(retryMs * (0.75 + Math.random() / 2), closed.signal)
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
    }
  }

  keepOpen().catch(error => connection.set({ state: 'lost', problem: String(error) }))
  return () => {
    closed.abort()
    connection.set({ state: 'off' })
  }
}

/**
 * Aborts when nothing was heard for too long: a connection that died in a proxy says nothing.
 * @param {number} ms
 */
function createSilence (ms) {
  const controller = new AbortController()
  const abort = () => controller.abort()
  let timer = setTimeout(abort, ms)
  return {
    signal: controller.signal,
    heard () {
      clearTimeout(timer)
      timer = setTimeout(abort, ms)
    },
    stop () {
      clearTimeout(timer)
    }
  }
}

/**
 * Resolves after this time, at once when the network is back, or when `signal` aborts.
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause (ms, signal) {
  return new Promise(resolve => {
    const timer = setTimeout(done, ms)
    window.addEventListener('online', done)
    signal.addEventListener('abort', done)
    function done () {
      clearTimeout(timer)
      window.removeEventListener('online', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}

/** @typedef {ReturnType<typeof createConnectionState>} ConnectionState */

/** How the page stands with the bridge, for those who show it. */
function createConnectionState () {
  /** @type {Connection} */
  let value = { state: 'off' }
  /** @type {Set<() => void>} */
  const listeners = new Set()

  return {
    get value () {
      return value
    },
    /** @param {Omit<Connection, 'heardAt'>} change */
    set (change) {
      value = { heardAt: value.heardAt, ...change }
      for (const listener of listeners) listener()
    },
    heard () {
      const changes = value.state !== 'live'
      value = { state: 'live', heardAt: Date.now() }
      if (changes) for (const listener of listeners) listener()
    },
    /** @param {() => void} listener */
    subscribe (listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    }
  }
}

/**
 * Asks whose token it is.
 * @param {string} token
 * @returns {Promise<Session>}
 * @throws {ApiError}
 */
export async function whoIs (token) {
  const api = createApi(token, { onRefused () {} })
  return api.get('session')
}
