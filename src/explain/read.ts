import { createGunzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import type { Finding } from '../finding.ts'
import { createByteSource } from './capture/byte-source.ts'
import { isCapture, readCapture } from './capture/read-capture.ts'
import type { Keep } from './keep.ts'
import { shellWord } from './shell-word.ts'
import { encodingOf } from './text/encoding.ts'
import { emptyFile, readText } from './text/read-text.ts'

/** A file or standard input, by the name that findings have for it. */
interface Input {
  name: string
  chunks: AsyncIterable<Buffer>
}

/**
 * Reads whatever it is, by its first bytes, into `keep`. What was wrong with it comes as findings; it never throws for
 * what a file holds or for one that cannot be read.
 */
export async function readInput ({ name, chunks }: Input, keep: Keep): Promise<Finding[]> {
  try {
    return await readBytes(name, chunks, keep)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return [unreadable(name, code, message)]
  }
}

async function readBytes (name: string, chunks: AsyncIterable<Buffer>, keep: Keep): Promise<Finding[]> {
  const source = createByteSource(chunks)
  const start = await source.peek(4096)
  if (start.length === 0) {
    return [emptyFile(name)]
  }
  if (start[0] === 0x1f && start[1] === 0x8b) return readBytes(name, unzip(source.rest()), keep)
  if (isCapture(start)) return readCapture(name, start, source, keep)
  const encoding = encodingOf(start)
  if (encoding === undefined) {
    return [{
      code: 'not-a-capture',
      severity: 'failed',
      seen: `${name} is neither a pcap or pcapng file nor a text${kindOf(start)}.`,
      todo: 'Give a capture of tcpdump, Wireshark or sngrep, or a text log',
      command: `file ${shellWord(name)}`
    }]
  }
  return readText(name, encoding, source.rest(), keep)
}

function unzip (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // Its errors come out of the iteration, as codes of zlib.
  return pipeline(Readable.from(chunks, { objectMode: false }), createGunzip(), () => {}) as AsyncIterable<Buffer>
}

const KINDS: ReadonlyArray<[string, string]> = [
  ['504b0304', 'a ZIP archive: unpack it first'],
  ['425a68', 'bzip2: unpack it first'],
  ['fd377a585a00', 'xz: unpack it first'],
  ['28b52ffd', 'zstd: unpack it first'],
  ['7f454c46', 'a program'],
  ['474d4255', 'a capture of Microsoft Network Monitor: convert it with editcap -F pcap'],
  ['58435000', 'a NetXray or Sniffer capture: convert it with editcap -F pcap'],
  ['1c0001a', 'an Ixia capture: convert it with editcap -F pcap']
]

const kindOf = (start: Buffer): string =>
  KINDS.filter(([magic]) => start.toString('hex', 0, 16).startsWith(magic)).map(([, name]) => ` (${name})`)[0] ?? ''

function unreadable (name: string, code: string, message: string): Finding {
  switch (code) {
    case 'ENOENT':
      return {
        code: 'file-not-found',
        severity: 'failed',
        seen: `There is no file ${name}.`,
        todo: 'Check the path',
        command: `ls -l ${shellWord(name)}`
      }
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'file-unreadable',
        severity: 'failed',
        seen: `${name} may not be read by this user.`,
        todo: 'tcpdump writes its files as another user: make the file readable',
        command: `sudo chmod a+r ${shellWord(name)}`
      }
    case 'EISDIR':
      return {
        code: 'file-unreadable',
        severity: 'failed',
        seen: `${name} is a directory.`,
        todo: 'Name the files in it',
        command: `bridge explain ${shellWord(name.replace(/\/$/, ''))}/*`
      }
    default:
      return code.startsWith('Z_')
        ? {
            code: 'capture-truncated',
            severity: 'warning',
            seen: `${name} is compressed, and damaged or cut off (${code}): what came out of it was read.`,
            todo: 'Copy the file again',
            command: `gzip -t ${shellWord(name)}`
          }
        : {
            code: 'file-unreadable',
            severity: 'failed',
            seen: `${name} cannot be read: ${message}.`,
            todo: 'Check the file and the disk'
          }
  }
}
