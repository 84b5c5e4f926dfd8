import { open, stat, type FileHandle } from 'node:fs/promises'
import type { RoutesProblem } from '../routes.ts'
import { LARGEST_FILE, readRoutes, tooLarge, type ReadRoutes, type RoutesContext } from './read-routes.ts'

/** Reads the routes file at a path. Never rejects: a file that cannot be read is a problem like any other. */
export async function readRoutesFile (path: string, context: RoutesContext = {}): Promise<ReadRoutes> {
  const text = await textOf(path)
  return typeof text === 'string' ? readRoutes(text, context) : { problems: [text] }
}

/** Text of a file; otherwise why there is none. */
async function textOf (path: string): Promise<string | RoutesProblem> {
  let file: FileHandle | undefined
  try {
    // Opening a named pipe would wait for its writer.
    const stats = await stat(path)
    if (stats.isDirectory()) return unreadable('This is a folder. Name the file in it, such as routes.yaml.')
    if (!stats.isFile()) return unreadable('This is not a regular file.')
    if (stats.size > LARGEST_FILE) return tooLarge()
    file = await open(path)
    return await decode(file)
  } catch (error) {
    return unreadable(reasonOf(error as NodeJS.ErrnoException))
  } finally {
    await file?.close()
  }
}

async function decode (file: FileHandle): Promise<string | RoutesProblem> {
  // The file may grow while it is read.
  const { buffer, bytesRead } = await file.read(Buffer.alloc(LARGEST_FILE + 1), 0, LARGEST_FILE + 1, 0)
  if (bytesRead > LARGEST_FILE) return tooLarge()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead))
  } catch {
    return unreadable('The file is not text in UTF-8.')
  }
}

function reasonOf ({ code }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'There is no such file.'
    case 'EACCES':
    case 'EPERM':
      return 'This process may not read the file. Check its permissions.'
    default:
      return `The file cannot be read (${code ?? 'unknown error'}).`
  }
}

const unreadable = (message: string): RoutesProblem =>
  ({ severity: 'error', line: 1, column: 1, path: '', message })
