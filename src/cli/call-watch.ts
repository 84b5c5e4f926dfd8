import type { CallView } from '../calls/view.ts'
import type { DiagnosisView } from '../diagnosis/diagnosis-view.ts'
import { cleanDeep } from '../clean-deep.ts'
import { createLiveLadder, type LadderOptions, type LiveLadder } from '../ladder/ladder.ts'
import { partiesOf } from '../ladder/parties.ts'
import type { Step } from '../ladder/trace.ts'
import { get, type OperatorApi } from './calls-client.ts'
import { poll } from './calls-follow.ts'
import { outcomeLines, USUAL_COLUMNS } from './calls-print.ts'
import { stepsOf } from '../ladder/steps.ts'
import type { CallIo } from './call.ts'

export interface WatchIo extends CallIo {
  json: boolean
  ladder: LadderOptions
}

/**
 * Draws a call while it goes on, and says in the end how it ended.
 * @returns the exit code: 0 when callee and agent were connected
 */
export async function watchCall (callSid: string, api: OperatorApi, io: WatchIo): Promise<number> {
  const path = `/calls/${encodeURIComponent(callSid)}`
  const signal = io.signal ?? new AbortController().signal
  const draw = io.json ? () => {} : drawerOf(io)
  let last: CallView | undefined
  let ended = false

  await poll({ err: io.err, signal, ...(io.wait && { wait: io.wait }) }, async () => {
    last = cleanDeep(await get<CallView>(path, api))
    ended = last.phase === 'ended'
    draw(last)
    return ended
  })
  if (!last || !ended) {
    io.err(`The call goes on: bridge calls ${last?.callSid ?? callSid} --follow`)
    return 1
  }
  await tellOutcome(last, await get<DiagnosisView>(`${path}/diagnosis`, api), io)
  return last.at.connected === undefined ? 1 : 0
}

async function tellOutcome (call: CallView, diagnosis: DiagnosisView, io: WatchIo): Promise<void> {
  if (io.json) {
    io.out(JSON.stringify({ call, diagnosis }))
    return
  }
  io.out('')
  for (const line of outcomeLines(call.phase, diagnosis, io.columns ?? USUAL_COLUMNS)) io.out(line)
}

/** Draws what of a call was not drawn yet. */
function drawerOf ({ write, ladder: options }: WatchIo): (call: CallView) => void {
  const drawn = new Set<string>()
  let ladder: LiveLadder | undefined

  return call => {
    ladder ??= createLiveLadder(write, { ...options, parties: partiesOf([], call.direction) })
    for (const [key, step] of keyed(stepsOf(call))) {
      if (drawn.has(key)) continue
      drawn.add(key)
      ladder.step(step)
    }
    if (call.phase === 'ended') ladder.end()
  }
}

/** Steps with keys that stay the same, however the list grows: of equal ones the first is the first. */
function keyed (steps: readonly Step[]): Array<[key: string, step: Step]> {
  const counts = new Map<string, number>()
  return steps.map(step => {
    const same = JSON.stringify(step)
    const count = (counts.get(same) ?? 0) + 1
    counts.set(same, count)
    return [`${same}#${count}`, step]
  })
}
