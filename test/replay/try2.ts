import { readRecording } from './read.ts'
import { isPlayable } from './recording.ts'
import { playInProcess } from './session.ts'
const file = readRecording(process.argv[2]!)
if (isPlayable(file)) {
  const p = await playInProcess(file)
  for (const { call } of p.calls) {
    const c = call as any
    for (const e of c.events) console.log(Date.parse(e.first) - p.started, e.from, e.what, e.leg ?? '', e.status ?? '', e.sipStatus ?? '', e.reason ?? '', e.detail ?? '', e.count)
    console.log(JSON.stringify(c.end), JSON.stringify(c.at), JSON.stringify(c.duties))
  }
  for (const a of p.api) console.log('API', a.at - p.started, a.method, a.status)
  for (const w of p.webhooks) console.log('WH', w.happened - p.started, w.taken! - p.started, w.body['event'], (w.body as any).participant?.kind, (w.body as any).participant?.disconnectReason, (w.body as any).room.sid)
  console.log(p.problems, p.roomsLeft, p.stillKept)
}
