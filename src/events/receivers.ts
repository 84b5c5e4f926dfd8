import { createHash } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { commaList } from '../comma-list.ts'

/** A system of the user's that receives events. */
export interface Receiver {
  /** The same after a restart, and on every replica: what waits for it is found by this. */
  id: string
  url: string
  /** All that logs, metrics and replies show of the URL. */
  origin: string
  /** Each adds a signature: one of them is enough for the receiver. */
  secrets: string[]
}

/** What is wrong with the settings of events, one sentence each. Values never appear in it. */
export type ReceiverProblems = string[]

interface EventSettings {
  EVENTS_URL?: string | undefined
  EVENTS_SECRET?: string | undefined
  EVENTS_ALLOW_PRIVATE: boolean
}

/** A key of this many bytes is long enough, and not longer than HMAC-SHA256 can use (Standard Webhooks). */
const [SHORTEST_KEY, LONGEST_KEY] = [24, 64]
const LONGEST_URL = 2048
const EXAMPLE = 'Example: EVENTS_URL=https://example.com/hooks/calls ' +
  'EVENTS_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

/**
 * The receivers that the settings name, in their order.
 * @throws {TypeError} when the settings are none that {@link receiverProblems} finds nothing in
 */
export function receiversOf (settings: EventSettings): Receiver[] {
  const urls = commaList(settings.EVENTS_URL)
  const secrets = commaList(settings.EVENTS_SECRET)
  return urls.map((url, i) => ({
    id: createHash('sha256').update(url).digest('base64url').slice(0, 16),
    url,
    origin: new URL(url).origin,
    secrets: (secrets.length === 1 ? secrets[0]! : secrets[i]!).split(/\s+/)
  }))
}

/** What keeps the settings of events from being used. */
export function receiverProblems (settings: EventSettings): ReceiverProblems {
  const urls = commaList(settings.EVENTS_URL)
  const secrets = commaList(settings.EVENTS_SECRET)
  if (urls.length === 0 && secrets.length === 0) return []
  if (urls.length === 0) return [`EVENTS_URL must be set too: EVENTS_SECRET alone sends nothing. ${EXAMPLE}`]
  return [...urlProblems(urls, settings.EVENTS_ALLOW_PRIVATE), ...secretProblems(secrets, urls.length)]
}

function urlProblems (urls: readonly string[], allowPrivate: boolean): string[] {
  const problems = urls.flatMap((url, i) => {
    const problem = urlProblem(url, allowPrivate)
    return problem === undefined ? [] : [`EVENTS_URL: ${nth(i, urls)} ${problem}. ${EXAMPLE}`]
  })
  return new Set(urls).size < urls.length ? [...problems, 'EVENTS_URL names a URL twice'] : problems
}

function urlProblem (text: string, allowPrivate: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:\/\//i.test(text)) return 'is no URL that begins with https://'
  if (text.length > LONGEST_URL) return `is longer than ${LONGEST_URL} characters`
  if (url.username || url.password) return 'has a user name or password in it, which is not sent. Events are signed'
  if (url.hash) return 'has a fragment (#…), which is not sent'
  if (url.protocol === 'http:' && !allowPrivate) {
    return 'begins with http://, and events hold phone numbers. Use https://; only with EVENTS_ALLOW_PRIVATE=true, ' +
      'for receivers in your own network, http:// is allowed'
  }
  return undefined
}

function secretProblems (secrets: readonly string[], urls: number): string[] {
  if (secrets.length === 0) return [`EVENTS_SECRET must be set too: every event is signed. ${EXAMPLE}`]
  const problems: string[] = []
  if (secrets.length !== 1 && secrets.length !== urls) {
    problems.push(
      `EVENTS_SECRET has ${secrets.length} secrets for ${urls} URL${urls === 1 ? '' : 's'} in EVENTS_URL: write one ` +
        'for each, or one for all. Two secrets of one receiver are separated by a space'
    )
  }
  const hasWrong = secrets.some(item => item.split(/\s+/).some(secret => !isSecret(secret)))
  if (hasWrong) {
    problems.push(
      `EVENTS_SECRET: a secret is whsec_ and ${SHORTEST_KEY} to ${LONGEST_KEY} random bytes in base64. Make one ` +
        'with: echo "whsec_$(openssl rand -base64 32)"'
    )
  }
  return problems
}

function isSecret (secret: string): boolean {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1]
  if (encoded === undefined) return false
  const key = Buffer.from(encoded, 'base64')
  // The library decodes strictly: what it cannot use must not be found out with the first event.
  if (key.length < SHORTEST_KEY || key.length > LONGEST_KEY || key.toString('base64') !== encoded) return false
  return new Webhook(secret) !== undefined
}

const nth = (i: number, urls: readonly string[]): string => urls.length === 1 ? 'the URL' : `URL number ${i + 1}`
