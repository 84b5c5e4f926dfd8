import type { Outcome } from './world.ts'

/** At most so many broken rules are told in full. */
const TOLD = 5

/** One line about a run. */
export function summary (outcome: Outcome): string {
  const { seed, weather, installation, causes, transfers, starts, worldSeconds, fingerprint, broken } = outcome
  const without = [
    !installation.statusHook && 'status hook',
    !installation.webhooks && 'webhooks',
    !installation.rest && 'REST'
  ].filter(Boolean)
  return `seed ${seed}: ${broken.length === 0 ? 'all rules hold' : `${broken.length} RULES BROKEN`} (${weather}${
    without.length > 0 ? `, without ${without.join(', ')}` : ''
  }; ${worldSeconds} s; ${fingerprint}): ${listed(causes)}; starts: ${listed(starts)}; transfers: ${
    listed(transfers)
  }`
}

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts).toSorted(([, a], [, b]) => b - a).map(([what, n]) => `${n} ${what}`).join(', ')

/** Every broken rule, with the call's story and how to see it again. */
export function complaint ({ seed, weather, broken }: Outcome, calls: number): string {
  const command = (only: string) =>
    `CHAOS_SEED=${seed} CHAOS_CALLS=${calls} CHAOS_WEATHER=${weather}${only} npm run chaos`
  const rules = broken.map(({ rule, call, what }) => `  ${rule}: ${call === undefined ? '' : `call ${call} `}${what}`)
  const stories = broken.filter(({ story }) => story.length > 0).slice(0, TOLD).map(({ rule, call, what, story }) =>
    [
      `${rule}: call ${call} ${what}`,
      `  alone, if it does not need the others: ${command(` CHAOS_ONLY=${call}`)}`,
      ...story.map(line => `  ${line}`)
    ].join('\n')
  )
  return [`Rules broken with seed ${seed}. Again: ${command('')}`, ...rules, ...stories].join('\n')
}
