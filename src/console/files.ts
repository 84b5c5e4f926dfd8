import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/*
 * The files of the console page: those in the project's folder `console`, and the modules that they are built on.
 */

export type Encoding = 'br' | 'gzip'

export interface ConsoleFile {
  /** Value of Content-Type. */
  type: string
  /** Changes with the content. */
  etag: string
  plain: Buffer
  encoded: Record<Encoding, Buffer>
}

export interface ConsoleFiles {
  /**
   * A file of the page by its name, such as `app.js`. Undefined when there is none.
   * @throws {Error} when a file cannot be read
   */
  page(name: string): Promise<ConsoleFile | undefined>
  /** The same for a module that comes from another package, such as `preact.js`. */
  vendor(name: string): Promise<ConsoleFile | undefined>
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/** Nothing that leads out of the folder is such a name. */
const PAGE_NAME = /^[a-z][a-z-]*\.(?:html|css|js|svg)$/

const VENDOR: Record<string, string> = {
  'preact.js': 'preact',
  'hooks.js': 'preact/hooks',
  'htm.js': 'htm'
}

/**
 * Reads and compresses each file when it is first asked for, so that the service starts no later for it. A file that
 * has changed is read again.
 */
export function createConsoleFiles (folder: URL = consoleFolder()): ConsoleFiles {
  const known = new Map<string, { mtimeMs: number, file: Promise<ConsoleFile> }>()

  async function read (url: URL, edit: (text: string) => string = text => text): Promise<ConsoleFile | undefined> {
    const stats = await stat(url).catch(noFile)
    if (!stats?.isFile()) return undefined

    const before = known.get(url.href)
    if (before?.mtimeMs === stats.mtimeMs) return before.file
    const file = readFile(url, 'utf8').then(text => pack(edit(text), TYPES[extname(url.pathname)] ?? TYPES['.js']!))
    known.set(url.href, { mtimeMs: stats.mtimeMs, file })
    file.catch(() => known.delete(url.href))
    return file
  }

  return {
    page: async name => PAGE_NAME.test(name) ? read(new URL(name, folder)) : undefined,
    vendor: async name => {
      const specifier = Object.hasOwn(VENDOR, name) ? VENDOR[name] : undefined
      return specifier === undefined ? undefined : read(new URL(import.meta.resolve(specifier)), forBrowsers)
    }
  }
}

/** The folder `console` beside `src`, also when this runs from `dist` or from where tests are compiled to. */
function consoleFolder (): URL {
  const folder = ['../../console/', '../../../console/']
    .map(path => new URL(path, import.meta.url))
    .find(url => existsSync(new URL('index.html', url)))
  if (!folder) throw new Error('The folder "console" of this package is missing. Install the package again.')
  return folder
}

/** A browser does not know where "preact" is, and would look for source maps that are not served. */
const forBrowsers = (text: string): string =>
  text.replace(/from\s*"preact"/g, 'from"./preact.js"').replace(/^\/\/# sourceMappingURL=.*$/gm, '')

const toBrotli = promisify<Buffer, object, Buffer>(brotliCompress)
const toGzip = promisify<Buffer, object, Buffer>(gzip)

async function pack (text: string, type: string): Promise<ConsoleFile> {
  const plain = Buffer.from(text)
  const [br, gz] = await Promise.all([
    toBrotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
    toGzip(plain, { level: 9 })
  ])
  // Weak, because the compressed forms share it.
  const etag = `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  return { type, etag, plain, encoded: { br, gzip: gz } }
}

function noFile (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
