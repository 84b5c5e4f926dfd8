import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../src/app.ts'
import { loadSettings } from '../src/config.ts'
import type { Rooms } from '../src/livekit/rooms.ts'
import { project } from '../test/fixtures/paths.ts'

/*
 * Writes openapi.json from the routes themselves; with --check it only tells whether the checked-in file is up to date.
 */

/** Where the document lies. */
export const OPENAPI_FILE = fileURLToPath(project('openapi.json'))

const SETTINGS = {
  PUBLIC_URL: 'https://bridge.example.com',
  LIVEKIT_URL: 'wss://livekit.example.com',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret',
  LIVEKIT_SIP_HOST: 'sip.example.com',
  LIVEKIT_AGENT_NAME: 'my-agent',
  JAMBONZ_WEBHOOK_SECRET: 'wh_secret_abc',
  OPERATOR_TOKEN: 'at-least-16-random-characters'
}

const notAsked = async (): Promise<never> => {
  throw new Error('The document asks nothing of LiveKit')
}
const nobody: Rooms = {
  create: notAsked,
  delete: notAsked,
  evict: notAsked,
  look: notAsked,
  view: notAsked,
  list: notAsked,
  callers: notAsked,
  jobs: notAsked,
  setMetadata: notAsked,
  sendData: notAsked,
  answers: notAsked,
  isHosted: notAsked,
  redispatch: notAsked,
  remove: notAsked,
  ping: notAsked
}

/** The document of a running service as text: the same routes give the same bytes. */
export const openapiOf = (app: FastifyInstance): string => `${JSON.stringify(app.swagger(), null, 2)}\n`

/** The document of this version. */
export async function openapiDocument (): Promise<string> {
  const app = await buildApp({ settings: loadSettings(SETTINGS), rooms: nobody })
  try {
    await app.ready()
    return openapiOf(app)
  } finally {
    await app.close()
  }
}

/** What keeps the checked-in document from being up to date; undefined: nothing. */
export function staleness (checkedIn: string | undefined, document: string): string | undefined {
  if (checkedIn === undefined) return 'openapi.json is missing. Write it with: npm run openapi'
  if (checkedIn === document) return undefined
  const lines = document.split('\n')
  const line = checkedIn.split('\n').findIndex((text, n) => text !== lines[n]) + 1
  return `openapi.json is stale: it differs from the routes${
    line > 0 ? ` from line ${line} on` : ''
  }. Write it again with: npm run openapi`
}

/** The checked-in document; undefined when there is none. */
export function readOpenapi (file = OPENAPI_FILE): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const document = await openapiDocument()
  if (process.argv.includes('--check')) {
    const problem = staleness(readOpenapi(), document)
    if (problem) {
      console.error(problem)
      process.exitCode = 1
    }
  } else {
    writeFileSync(OPENAPI_FILE, document)
    console.log('openapi.json written')
  }
}
