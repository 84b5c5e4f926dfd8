/** A server-sent event (WHATWG HTML, 9.2.5): what it is called, and data as JSON. */
export const eventFrame = (event: string, data: unknown): Buffer =>
  Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)

/** A comment: it shows to proxies and to whoever reads that the connection lives. */
export const ALIVE = Buffer.from(': alive\n\n')

/** So often something is sent at least, milliseconds. Proxies cut connections that are silent. */
export const ALIVE_MS = 15_000

/** The headers of a reply that is a stream of events. Proxies must not gather it. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no'
} as const
