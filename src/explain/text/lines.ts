import { StringDecoder } from 'node:string_decoder'

/** Longer lines are cut: nothing that a call is told by is that long. */
export const MAX_LINE = 256 * 1024

/** The lines of a byte stream, in UTF-8 or UTF-16 with a byte order mark, whatever ends them. */
export async function * linesOf (
  chunks: AsyncIterable<Buffer>
): AsyncGenerator<{ line: string, number: number, cut: boolean }> {
  let decoder: { write(chunk: Buffer): string } | undefined
  let rest = ''
  let number = 0
  let cut = false
  for await (const chunk of chunks) {
    decoder ??= new StringDecoder(chunk[0] === 0xff && chunk[1] === 0xfe ? 'utf16le' : 'utf8')
    const parts = (rest + decoder.write(chunk)).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      yield {
        line: part.slice(0, MAX_LINE).replace(/\r$/, '').replace(/^\ufeff/, ''),
        number: ++number,
        cut: cut || part.length > MAX_LINE
      }
      cut = false
    }
    if (rest.length > MAX_LINE) {
      rest = rest.slice(0, MAX_LINE)
      cut = true
    }
  }
  if (rest !== '') yield { line: rest.replace(/\r$/, '').replace(/^\ufeff/, ''), number: ++number, cut }
}
