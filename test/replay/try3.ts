import { isPlausible, momentsOf } from './away.ts'
import { evidenceOf } from './evidence.ts'
import { readRecordings } from './read.ts'
import { isPlayable } from './recording.ts'
import { playInProcess } from './session.ts'
import { randomOf } from './variant.ts'
import { objection } from './verdicts.ts'

const runs = Number(process.env['RUNS'] ?? 6)
let n = 0
for (const dir of process.argv.slice(2)) {
  for (const file of readRecordings(dir)) {
    if (!isPlayable(file) || file.causes.includes('*') || file.causes.length === 0) continue
    const random = randomOf(file.name.length * 7 + file.hooks.length)
    const moments = momentsOf(file)
    for (let i = 0; i < runs; i++) {
      const from = moments[Math.floor(random() * moments.length)]!
      const to = from + [300, 2000, 6000, 9000][Math.floor(random() * 4)]!
      if (!isPlausible(file, { from, to })) continue
      for (const store of ['lost', 'survives'] as const) {
        const away = { from, to, store, redeliveredAfter: [50, 1000, 4000, 10_000][Math.floor(random() * 4)]! }
        n++
        const p = await playInProcess(file, { name: 'away', away })
        const { call, endedBefore } = p.calls.at(-1) as any
        const e = evidenceOf(p, call)
        const o = !call && endedBefore && store === 'lost' ? undefined : objection(call?.end?.cause, file.causes, e)
        if (o || p.problems.length || p.roomsLeft.length) console.log(JSON.stringify({ file: file.name, away, right: file.causes, got: call?.end?.cause ?? call?.phase, detail: call?.end?.detail, objection: o, evidence: Object.fromEntries(Object.entries(e).filter(([, v]) => v !== undefined)), problems: p.problems, rooms: p.roomsLeft.length }))
      }
    }
  }
}
console.log(n, 'played')
