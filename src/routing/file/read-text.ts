import { open, stat, type FileHandle } from 'node:fs/promises'
import type { RoutesProblem } from '../routes.ts'
import { LARGEST_FILE, TOO_LARGE } from './read-routes.ts'

/** The text of a routes file, or why there is none. */
export type RoutesText = { text: string } | { problem: RoutesProblem }

/** Reads the text of a routes file. Never rejects. */
export async function readRoutesText (file: string): Promise<RoutesText> {
  let handle: FileHandle | undefined
  try {
    const wrong = wrongKind(await stat(file))
    if (wrong !== undefined) return unreadable(wrong)

    handle = await open(file)
    return decodeRoutes(await readUpTo(handle, LARGEST_FILE + 1))
  } catch (error) {
    return unreadable(reasonOf(error as NodeJS.ErrnoException))
  } finally {
    await handle?.close()
  }
}

/** Reads until the file ends, which may grow meanwhile. One read may return only a part of it. */
async function readUpTo (handle: FileHandle, most: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(most)
  let length = 0
  while (length < most) {
    const { bytesRead } = await handle.read(buffer, length, most - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

/** The text that the bytes of a routes file spell, or why they spell none. */
export function decodeRoutes (bytes: Uint8Array): RoutesText {
  if (bytes.length > LARGEST_FILE) return unreadable(TOO_LARGE)
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return unreadable('The file is not UTF-8 text. Save it as UTF-8.')
  }
}

/** What is not a file of text must not be opened: a pipe would be waited for without end. */
function wrongKind (info: { isDirectory(): boolean, isFile(): boolean, size: number }): string | undefined {
  if (info.isDirectory()) return 'This is a folder. Name the file in it, such as routes.yaml.'
  if (!info.isFile()) return 'This is a pipe or a device, not a file.'
  return info.size > LARGEST_FILE ? TOO_LARGE : undefined
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file.',
  ENOTDIR: 'There is no such file.',
  EACCES: 'This process may not read the file. Check its owner and permissions.',
  EPERM: 'This process may not read the file. Check its owner and permissions.',
  ELOOP: 'The file is a link that leads back to itself.'
}

const reasonOf = ({ code = 'unknown error' }: NodeJS.ErrnoException): string =>
  REASONS[code] ?? `The file cannot be read (${code}).`

/** A problem of the file as a whole. */
const unreadable = (message: string): { problem: RoutesProblem } =>
  ({ problem: { severity: 'error', line: 0, column: 0, path: '', message } })
