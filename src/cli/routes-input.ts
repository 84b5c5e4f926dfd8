import { createSecretOf, given } from '../config.ts'
import { LARGEST_FILE, readRoutes, type ReadRoutes } from '../routing/file/read-routes.ts'
import { decodeRoutes, readRoutesText, type RoutesText } from '../routing/file/read-text.ts'
import type { RoutesIo } from './routes.ts'

/** The arguments cannot be understood. The message says what to write. */
export class RoutesUsageError extends Error {}

/** A routes file as a command reads it. */
export interface RoutesInput extends ReadRoutes {
  /** What to call it in messages. */
  name: string
}

/**
 * Reads the routes file that the arguments name, or the settings.
 * @throws {RoutesUsageError} when neither names one
 */
export async function readRoutesInput (positionals: readonly string[], io: RoutesIo): Promise<RoutesInput> {
  const [file = given('ROUTES_FILE', io.env), ...more] = positionals
  if (more.length > 0) throw new RoutesUsageError(`Too many words: ${more.join(' ')}`)
  if (file === undefined) throw new RoutesUsageError('Which file? Name it, or set ROUTES_FILE. - is standard input.')

  const name = file === '-' ? '<stdin>' : file
  const found = file === '-' ? await readStream(io.stdin) : await readRoutesText(file)
  if ('problem' in found) return { name, problems: [found.problem] }
  return { name, ...readRoutes(found.text, { secretOf: createSecretOf(io.env) }) }
}

async function readStream (stream: AsyncIterable<Uint8Array>): Promise<RoutesText> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > LARGEST_FILE) break
  }
  return decodeRoutes(Buffer.concat(chunks))
}
