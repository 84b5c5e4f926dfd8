import fc from 'fast-check'
import t from 'tap'
import { applicationOf, envVarsSchema } from '../../src/jambonz/env-vars.ts'

await t.test('what the application asks for wins', async t => {
  t.same(
    applicationOf({
      env_vars: {
        LIVEKIT_AGENT_NAME: 'greeter',
        AGENT_METADATA: '{"tenant":"acme"}',
        FALLBACK_NUMBER: '+15551230009',
        OTHER: 'x'
      }
    }),
    { agent: 'greeter', metadata: '{"tenant":"acme"}', fallbackNumber: '+15551230009' }
  )
})

await t.test('a hook without variables says nothing, one with none that matter asks for nothing', async t => {
  t.equal(applicationOf({}), undefined)
  t.same(applicationOf({ env_vars: {} }), {})
  t.same(
    applicationOf({ env_vars: { LIVEKIT_AGENT_NAME: '', AGENT_METADATA: '  ', FALLBACK_NUMBER: null } }),
    {},
    'empty is unset'
  )
})

await t.test('a fallback number that cannot be dialled is left out', async t => {
  for (const number of ['sip:bob@example.com', 'call me', '+', '+1 555 123', 'x'.repeat(40)]) {
    t.same(applicationOf({ env_vars: { FALLBACK_NUMBER: number } }), {}, number)
  }
  t.same(
    applicationOf({ env_vars: { FALLBACK_NUMBER: 15551230009 } }),
    { fallbackNumber: '15551230009' },
    'the portal may store a number'
  )
  t.same(applicationOf({ env_vars: { FALLBACK_NUMBER: ' +15551230009 ' } }), { fallbackNumber: '+15551230009' })
})

await t.test('metadata is passed verbatim', async t => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).filter(text => text.trim() !== ''),
      metadata => applicationOf({ env_vars: { AGENT_METADATA: metadata } })?.metadata === metadata
    )
  )
  t.pass('for all of them')
})

await t.test('whatever the variables are, nothing but text comes out', async t => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('LIVEKIT_AGENT_NAME', 'AGENT_METADATA', 'FALLBACK_NUMBER'), fc.anything()),
      vars =>
        Object.values(applicationOf({ env_vars: vars })!).every(value => typeof value === 'string' && value !== '')
    )
  )
  t.pass('for all of them')
})

await t.test('the portal is told of every variable', async t => {
  const schema = envVarsSchema({ LIVEKIT_AGENT_NAME: 'my-agent' })
  t.same(Object.keys(schema), ['LIVEKIT_AGENT_NAME', 'AGENT_METADATA', 'FALLBACK_NUMBER'])
  t.equal(schema.LIVEKIT_AGENT_NAME.default, 'my-agent')
  for (const { type, description, required } of Object.values(schema)) {
    t.match({ type, description, required }, { type: 'string', description: /\w+/, required: false })
  }
})
