import { runOptions } from './options.ts'
import { complaint, summary } from './report.ts'
import { runWorld } from './world.ts'

/*
 * The long run, with the environment of options.ts. Exits with 1 when a rule is broken.
 */

const PROGRESS_EVERY_MS = 5000

const { seeds, ...options } = runOptions(process.env, { calls: 800, seeds: [1, 2, 3, 4] })
for (const seed of seeds) {
  let told = Date.now()
  const outcome = await runWorld({
    ...options,
    seed,
    onProgress (text) {
      if (Date.now() - told < PROGRESS_EVERY_MS) return
      told = Date.now()
      console.log(`  seed ${seed}: ${text}`)
    }
  })
  console.log(summary(outcome))
  if (outcome.broken.length === 0) continue
  process.exitCode = 1
  console.log(complaint(outcome, options.calls))
}
