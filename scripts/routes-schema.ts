import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { RoutesFileSchema } from '../src/routing/file/schema.ts'
import { project } from '../test/fixtures/paths.ts'

/*
 * Writes routes.schema.json, with which editors check a routes file. With --check it only reports whether the file is
 * up to date.
 */

/** Where the schema lies. */
export const SCHEMA_FILE = fileURLToPath(project('routes.schema.json'))

/** The schema as text: the same schema gives the same bytes. */
export const schemaDocument = (): string =>
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...RoutesFileSchema }, null, 2)}\n`

function isCurrent (): boolean {
  try {
    return readFileSync(SCHEMA_FILE, 'utf8') === schemaDocument()
  } catch {
    return false
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--check')) {
    writeFileSync(SCHEMA_FILE, schemaDocument())
    console.log('routes.schema.json written')
  } else if (!isCurrent()) {
    console.error('routes.schema.json is stale. Write it again with: npm run schema')
    process.exitCode = 1
  }
}
