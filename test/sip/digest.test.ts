import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  answerChallenge,
  digestResponse,
  formatChallenge,
  parseAnswer,
  parseChallenge,
  verifyAnswer
} from '../../src/sip/digest.ts'
import { fixture } from '../fixtures/paths.ts'

interface Recording {
  sip: Array<{ headers: Record<string, string> }>
}
const read = (name: string) =>
  (JSON.parse(readFileSync(fixture(`livekit/${name}.json`), 'utf8')) as Recording).sip

await t.test('the answer equals the one that LiveKit accepted', async t => {
  const sip = read('answered-caller-hangs-up')
  const challengeText = sip.find(m => m.headers['proxy-authenticate'])?.headers['proxy-authenticate'] ?? ''
  const sent = sip.find(m => m.headers['proxy-authorization'])?.headers['proxy-authorization'] ?? ''
  const challenge = parseChallenge(challengeText)
  const answer = parseAnswer(sent)
  if (!challenge || !answer) return t.fail('recording has no digest')
  t.equal(
    answerChallenge(challenge, { username: 'jambonz', password: 'trunk-password', method: 'INVITE', uri: answer.uri }),
    sent
  )
  t.equal(formatChallenge(challenge), challengeText)
  const expected = {
    username: 'jambonz',
    password: 'trunk-password',
    realm: 'LiveKit',
    nonce: challenge.nonce,
    method: 'INVITE'
  }
  t.ok(verifyAnswer(answer, expected))
  for (const wrong of [{ username: 'x' }, { password: 'x' }, { realm: 'x' }, { nonce: 'x' }, { method: 'BYE' }]) {
    t.notOk(verifyAnswer(answer, { ...expected, ...wrong }))
  }
})

await t.test('the example of RFC 2617 3.5', async t => {
  const challenge = parseChallenge(
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
      'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
  )
  t.same(challenge?.qop, ['auth', 'auth-int'])
  t.equal(
    digestResponse({
      username: 'Mufasa',
      realm: 'testrealm@host.com',
      password: 'Circle Of Life',
      method: 'GET',
      uri: '/dir/index.html',
      nonce: challenge?.nonce ?? '',
      qop: 'auth',
      nc: '00000001',
      cnonce: '0a4f113b'
    }),
    '6629fae49393a05397450978507c4ef1'
  )
  const text = challenge &&
    answerChallenge(challenge, {
      username: 'Mufasa',
      password: 'Circle Of Life',
      method: 'GET',
      uri: '/dir/index.html',
      cnonce: '0a4f113b'
    })
  t.match(
    text,
    /response="6629fae49393a05397450978507c4ef1".*qop=auth, nc=00000001.*opaque="5ccc069c403ebaf9f0171e9517f40e41"/
  )
  const answer = parseAnswer(text ?? '')
  t.ok(
    answer &&
      verifyAnswer(answer, {
        username: 'Mufasa',
        password: 'Circle Of Life',
        realm: 'testrealm@host.com',
        nonce: challenge?.nonce ?? '',
        method: 'GET'
      })
  )
})

await t.test('challenges without MD5 or qop=auth, or with a field missing, get no answer', async t => {
  const input = { username: 'a', password: 'b', method: 'INVITE', uri: 'sip:x' }
  t.equal(answerChallenge({ realm: 'r', nonce: 'n', algorithm: 'SHA-256' }, input), undefined)
  t.equal(answerChallenge({ realm: 'r', nonce: 'n', qop: ['auth-int'] }, input), undefined)
  t.equal(parseChallenge('Basic realm="x"'), undefined)
  t.equal(parseChallenge('Digest realm="x"'), undefined)
  t.equal(parseAnswer('Digest username="x"'), undefined)
  t.equal(parseAnswer(''), undefined)
})
