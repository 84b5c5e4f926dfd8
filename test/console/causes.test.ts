import t from 'tap'
import { CAUSES } from '../../src/calls/fold/vocabulary.ts'
import { CATALOGUE } from '../../src/diagnosis/causes-catalogue.ts'
import { consoleModule } from '../fixtures/console-modules.ts'

const { CAUSE_GROUPS, causeInWords } = await consoleModule('causes.js')

await t.test('every cause can be looked for, where people look for it', async t => {
  const groups = Object.entries<any>(CAUSE_GROUPS).map(([name, { causes }]) => [name, Object.keys(causes)] as const)
  t.same(groups.flatMap(([, causes]) => causes).sort(), [...CAUSES].sort(), 'each once')
  for (const [name, causes] of groups) {
    for (const cause of causes) {
      const { severity } = CATALOGUE[cause as keyof typeof CATALOGUE]
      t.equal(severity === 'ok', name === 'expected', cause)
    }
  }
})

await t.test('each has words of its own; one of a newer bridge stands as it is', async t => {
  const words = CAUSES.map(cause => causeInWords(cause))
  t.equal(new Set(words).size, CAUSES.length)
  t.same(CAUSES.filter(cause => causeInWords(cause) === cause), [])
  t.equal(causeInWords('alien-landing'), 'alien-landing')
})
