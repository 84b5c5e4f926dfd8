import { readRecordings } from './read.ts'
import { isPlayable } from './recording.ts'
import { playInProcess } from './session.ts'

for (const dir of process.argv.slice(2)) {
  for (const file of readRecordings(dir)) {
    if (!isPlayable(file)) {
      console.log(file.name, file.why, file.detail)
      continue
    }
    const t = Date.now()
    const p = await playInProcess(file)
    const bad = p.calls.filter(({ call }) => !(file.causes.length === 0 || file.causes.includes('*') || file.causes.includes((call as any)?.end?.cause)))
    console.log(file.name, Date.now() - t, 'ms', p.calls.map(({ call }) => (call as any)?.end?.cause).join(), bad.length ? 'WRONG ' + file.causes : '', p.problems.join(), p.roomsLeft.join(), p.stillActive.length, p.stillKept.length)
  }
}
