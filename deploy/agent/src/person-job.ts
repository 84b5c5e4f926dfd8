import { setTimeout as sleep } from 'node:timers/promises'
import { log, type JobContext } from '@livekit/agents'
import { RoomEvent } from '@livekit/rtc-node'
import type { Line } from './audio.ts'
import { CallApi } from './call-api.ts'
import type { Consultation, Control } from './call.ts'
import { DONE, REFUSED, sound } from './earcons.ts'
import { answered } from './room.ts'

/** A person who says neither yes nor no is not waited for any longer: the caller waits too. */
const LONGEST_CONSULTATION_MS = 30_000
const TAKE = '1'

/**
 * Talks with a person to whom a caller may be handed, in a room of their own, before the two are brought together. A
 * real agent says `transfer.brief`, which this one cannot, and lets its model decide by the tools of `personTools`.
 */
export async function talkWithPerson (
  ctx: JobContext,
  { transfer, control }: { transfer: Consultation, control: Control },
  { tones, over: { signal: over }, ended }: Line
): Promise<void> {
  const logger = log()
  const api = new CallApi(control)
  let isDecided = false

  // The bridge deletes this room when the person has joined the caller, has hung up, or is not wanted any more. So this
  // agent never deletes it: a person who cannot be joined comes back here.
  ctx.room.on(RoomEvent.DtmfReceived, (_code, digit) => decide(digit === TAKE))

  // The agent is here while the phone still rings.
  const person = await ctx.waitForParticipant().catch(() => undefined)
  if (person) {
    await answered(ctx.room, person, over)
    sound(tones, [392, 523])
    await sleep(LONGEST_CONSULTATION_MS, undefined, { signal: over }).catch(() => {})
    decide(false)
  }
  if (!over.aborted) await new Promise(resolve => over.addEventListener('abort', resolve, { once: true }))
  await ended

  /** The person takes the call, or does not. The first answer counts. */
  function decide (takes: boolean): void {
    if (isDecided || over.aborted) return
    isDecided = true
    sound(tones, takes ? DONE : REFUSED)
    const asked = takes ? api.complete(transfer.id) : api.cancel(transfer.id)
    asked.catch(error => {
      // For example because the caller has hung up: then the bridge ends this call too.
      logger.warn({ code: error.code }, 'not decided')
      isDecided = false
    })
  }
}
