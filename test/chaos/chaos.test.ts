import t from 'tap'
import { runOptions } from './options.ts'
import { complaint, summary } from './report.ts'
import { runWorld } from './world.ts'

// A few calls of every kind in all weathers; run.ts does the same with thousands.
const { seeds, ...options } = runOptions(process.env, { calls: 56, seeds: [0, 3] })

for (const seed of seeds) {
  await t.test(`whatever happens to the messages of ${options.calls} calls, seed ${seed}`, async t => {
    let told = Date.now()
    const outcome = await runWorld({
      ...options,
      seed,
      onProgress (text) {
        if (Date.now() - told < 5000) return
        told = Date.now()
        t.comment(text)
      }
    })
    t.comment(summary(outcome))
    if (outcome.broken.length > 0) t.fail(complaint(outcome, options.calls))
    else t.pass('all rules hold')
  })
}

await t.test('the same seed gives the same run', async t => {
  const [one, other] = [await runWorld({ seed: 3, calls: 8 }), await runWorld({ seed: 3, calls: 8 })]
  t.equal(one.fingerprint, other.fingerprint)
  t.same(one.causes, other.causes)
})
