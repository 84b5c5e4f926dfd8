import type { Clock } from '../clock.ts'
import type { Step } from '../ladder/trace.ts'
import type { Look, Rooms } from '../livekit/rooms.ts'

/** What was seen of a room while a probe called into it; what was once there stays. */
export interface Watched {
  look?: Look
  /** From the beginning of the watch, milliseconds, as exact as the looks are frequent. */
  agentJoinedMs?: number
  agentAudioMs?: number
  /** When each look began and ended, and whether the caller was there: a call may be in another room. */
  looks?: Array<{ from: number, until: number, sip: boolean }>
}

const EVERY_MS = 150

/** Looks into a room again and again. A look that fails is made up for by the next. */
export function watchRoom (
  options: {
    rooms: Pick<Rooms, 'look'>
    name: string
    caller: { callSid: string, token: string }
    clock: Clock
    onStep(step: Step): void
  }
): { seen: Watched, stop(): Promise<void> } {
  const { rooms, clock } = options
  const began = clock.now()
  const seen: Watched & Required<Pick<Watched, 'looks'>> = { looks: [] }
  const ending = new AbortController()
  let wake = () => {}

  const happened = (what: string) => {
    options.onStep({ at: clock.now(), from: 'agent', to: 'livekit', what, via: 'room' })
    return clock.now() - began
  }

  async function look (): Promise<void> {
    const from = clock.now()
    const now = await rooms.look(options.name, options.caller).catch(() => undefined)
    if (!now) return
    seen.looks.push({ from, until: clock.now(), sip: now.sip !== undefined })
    if (now.agent && seen.agentJoinedMs === undefined) seen.agentJoinedMs = happened('is seen')
    if (now.agent?.audio && seen.agentAudioMs === undefined) seen.agentAudioMs = happened('is seen with audio')
    const agent = now.agent ?? seen.look?.agent
    const sip = now.sip ?? seen.look?.sip
    seen.look = {
      ...now,
      exists: now.exists || seen.look?.exists === true,
      ...(agent && { agent: { ...agent, audio: seen.agentAudioMs !== undefined } }),
      ...(sip && { sip })
    }
  }

  const watching = (async () => {
    while (!ending.signal.aborted) {
      await look()
      if (!ending.signal.aborted) {
        await new Promise<void>(resolve => {
          wake = resolve
          clock.schedule(EVERY_MS, resolve)
        })
      }
    }
  })()

  return {
    seen,
    async stop () {
      ending.abort()
      wake()
      await watching
    }
  }
}
