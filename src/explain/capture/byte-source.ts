/** Reads a stream of chunks in pieces of known size, holding no more than one piece and one chunk. */
export interface ByteSource {
  /** The next bytes without taking them; fewer at the end. */
  peek(length: number): Promise<Buffer>
  /** Exactly so many bytes; undefined when the stream ends before. */
  take(length: number): Promise<Buffer | undefined>
  /** Passes over bytes without keeping them; false when the stream ends before. */
  skip(length: number): Promise<boolean>
  /** All that is left, in chunks. */
  rest(): AsyncGenerator<Buffer>
}

export function createByteSource (chunks: AsyncIterable<Buffer>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]()
  let buffer: Buffer = Buffer.alloc(0)

  async function fill (length: number): Promise<boolean> {
    if (buffer.length >= length) return true
    const parts = [buffer]
    let have = buffer.length
    while (have < length) {
      const { value, done } = await iterator.next()
      if (done) break
      parts.push(value)
      have += value.length
    }
    buffer = Buffer.concat(parts)
    return have >= length
  }

  return {
    async peek (length) {
      await fill(length)
      return buffer.subarray(0, length)
    },
    async take (length) {
      if (!await fill(length)) return undefined
      const piece = buffer.subarray(0, length)
      buffer = buffer.subarray(length)
      return piece
    },
    async skip (length) {
      let left = length
      while (left > buffer.length) {
        left -= buffer.length
        const { value, done } = await iterator.next()
        buffer = done ? Buffer.alloc(0) : value
        if (done) return false
      }
      buffer = buffer.subarray(left)
      return true
    },
    async * rest () {
      if (buffer.length > 0) yield buffer
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    }
  }
}
