import t from 'tap'
import { SettingsError, loadSettings } from '../../src/config.ts'
import { pauseAfter, readRetryAfter } from '../../src/events/pauses.ts'
import { receiversOf } from '../../src/events/receivers.ts'
import { ENV } from '../fixtures/build.ts'

const secretOf = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`
const [SECRET, OTHER] = [secretOf(32), secretOf(24)]

function problemsOf (env: Record<string, string>): string[] {
  try {
    loadSettings({ ...ENV, ...env })
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}

await t.test('settings that are right', async t => {
  const right: Array<Record<string, string>> = [
    {},
    { EVENTS_URL: 'https://example.com/hooks', EVENTS_SECRET: SECRET },
    { EVENTS_URL: 'https://example.com:8443/a?key=1', EVENTS_SECRET: `${SECRET} ${OTHER}` },
    { EVENTS_URL: 'https://a.example.com/, https://b.example.com/', EVENTS_SECRET: SECRET },
    { EVENTS_URL: 'https://a.example.com/,https://b.example.com/', EVENTS_SECRET: `${SECRET},${OTHER} ${SECRET}` },
    { EVENTS_URL: 'http://10.0.0.1/', EVENTS_SECRET: secretOf(64), EVENTS_ALLOW_PRIVATE: 'true' }
  ]
  for (const env of right) t.same(problemsOf(env), [], JSON.stringify(env))
})

await t.test('settings that are wrong: what, where, and what to do, without a value', async t => {
  const url = 'https://example.com/hooks'
  const wrong: Array<[Record<string, string>, RegExp]> = [
    [{ EVENTS_URL: url }, /^EVENTS_SECRET must be set too: every event is signed.*Example/],
    [{ EVENTS_SECRET: SECRET }, /^EVENTS_URL must be set too/],
    [{ EVENTS_URL: 'example.com', EVENTS_SECRET: SECRET }, /^EVENTS_URL: the URL is no URL that begins with https/],
    [{ EVENTS_URL: 'ftp://example.com', EVENTS_SECRET: SECRET }, /the URL is no URL/],
    [{ EVENTS_URL: `${url},https://`, EVENTS_SECRET: SECRET }, /^EVENTS_URL: URL number 2 is no URL/],
    [{ EVENTS_URL: 'http://example.com/', EVENTS_SECRET: SECRET }, /begins with http.*EVENTS_ALLOW_PRIVATE=true/],
    [{ EVENTS_URL: 'https://me:hush@example.com/', EVENTS_SECRET: SECRET }, /has a user name or password/],
    [{ EVENTS_URL: `${url}#top`, EVENTS_SECRET: SECRET }, /has a fragment/],
    [{ EVENTS_URL: `${url},${url}`, EVENTS_SECRET: SECRET }, /^EVENTS_URL names a URL twice/],
    [{ EVENTS_URL: url, EVENTS_SECRET: `${SECRET},${OTHER}` }, /has 2 secrets for 1 URL in EVENTS_URL.*one for each/],
    [{ EVENTS_URL: url, EVENTS_SECRET: 'hush' }, /^EVENTS_SECRET: a secret is whsec_ and 24 to 64 .*openssl rand/],
    [{ EVENTS_URL: url, EVENTS_SECRET: secretOf(23) }, /24 to 64/],
    [{ EVENTS_URL: url, EVENTS_SECRET: secretOf(65) }, /24 to 64/],
    [{ EVENTS_URL: url, EVENTS_SECRET: `${SECRET} whsec_!!!` }, /24 to 64/],
    [{ EVENTS_URL: url, EVENTS_SECRET: SECRET.replace(/=+$/, '') }, /24 to 64/]
  ]
  for (const [env, expected] of wrong) {
    const problems = problemsOf(env)
    t.equal(problems.length, 1, JSON.stringify(problems))
    t.match(problems[0], expected)
    t.notMatch(problems[0], /hush|example\.com\/hooks#|BwcHBwcH/)
  }
})

await t.test('receivers and their secrets', async t => {
  const [a, b] = ['https://a.example.com/path?token=1', 'https://b.example.com:8443/'] as const
  const read = (EVENTS_SECRET: string) =>
    receiversOf({ EVENTS_URL: `${a}, ${b}`, EVENTS_SECRET, EVENTS_ALLOW_PRIVATE: false })
  t.match(read(SECRET), [
    { url: a, origin: 'https://a.example.com', secrets: [SECRET] },
    { url: b, origin: 'https://b.example.com:8443', secrets: [SECRET] }
  ])
  t.match(read(`${SECRET} ${OTHER},${OTHER}`), [{ secrets: [SECRET, OTHER] }, { secrets: [OTHER] }])
  const ids = read(SECRET).map(({ id }) => id)
  t.same(read(OTHER).map(({ id }) => id), ids, 'what waits for a receiver waits on when its secret changes')
  t.equal(new Set(ids).size, 2)
  for (const id of ids) t.match(id, /^[\w-]{16}$/)
})

await t.test('pauses', async t => {
  t.equal(pauseAfter(1, undefined, 0), 5000)
  t.equal(pauseAfter(1, undefined, 1), 6000)
  t.equal(pauseAfter(99, undefined, 0), 3 * 3_600_000)
  t.equal(pauseAfter(5, 2000, 0.5), 2000, 'the receiver knows better')
  t.equal(pauseAfter(1, 0, 0), 1000)
  t.equal(pauseAfter(1, 1e12, 0), 3_600_000)
})

await t.test('Retry-After', async t => {
  const now = Date.UTC(2026, 10, 21, 10)
  t.equal(readRetryAfter('120', now), 120_000)
  t.equal(readRetryAfter('Sat, 21 Nov 2026 10:01:00 GMT', now), 60_000)
  t.equal(readRetryAfter('Sat, 21 Nov 2026 09:00:00 GMT', now), 0)
  for (const text of [undefined, '', 'soon', '-1', '1.5', ['1', '2'], '12345678901']) {
    t.equal(readRetryAfter(text, now), undefined, String(text))
  }
})
