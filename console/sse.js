/*
 * Server-sent events from the body of a response. EventSource cannot send a token in a header.
 */

/** @import { ServerEvent } from './types.js' */

/**
 * The events of a stream, as the HTML standard reads them (9.2.6). Yields a comment as an event without a name.
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<ServerEvent, void, void>}
 */
export async function * serverEvents (body) {
  const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = `${rest}${value}`.replace(/\r\n/g, '\n').split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield eventOf(block)
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/**
 * @param {string} block
 * @returns {ServerEvent}
 */
function eventOf (block) {
  let event = 'message'
  /** @type {string[]} */
  const data = []
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? []
    if (name === 'event') event = value ?? ''
    if (name === 'data') data.push(value ?? '')
  }
  return data.length === 0 ? { event: '', data: '' } : { event, data: data.join('\n') }
}
