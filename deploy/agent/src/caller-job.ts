import { setTimeout as sleep } from 'node:timers/promises'
import { log, type JobContext } from '@livekit/agents'
import { RoomEvent, type RemoteParticipant } from '@livekit/rtc-node'
import { HoldMusic, type Line } from './audio.ts'
import { CallApi, type Mode, type Transfer } from './call-api.ts'
import { callSidOf, type Job } from './call.ts'
import { callDirectly } from './call-directly.ts'
import { DONE, REFUSED, sound, tonesOf } from './earcons.ts'
import { refusalOf } from './news.ts'
import { People } from './people.ts'
import { answered, isOnPhone, jobOf } from './room.ts'
import { Transfers } from './transfers.ts'

const LONGEST_CALL_MS = 60_000

/** Which key of the caller does what with the first person of PEOPLE. A model does the same by its tools. */
const MODES: Record<string, Mode> = { 1: 'consult', 2: 'add', 3: 'blind', 4: 'screen' }
const CANCEL = '0'
const SEND_DIGITS = '5'
const CALL_DIRECTLY = '*'
const HANG_UP = '#'

/** Talks with the caller. */
export async function talkWithCaller (ctx: JobContext, job: Job, line: Line): Promise<void> {
  const logger = log()
  const { tones, over: hangUp, ended } = line
  const over = hangUp.signal
  let caller: RemoteParticipant | undefined
  let isOut = false

  const music = new HoldMusic(ctx.agent!)
  over.addEventListener('abort', () => music.stop())
  const transfers = new Transfers({
    api: apiOf(job),
    people: People.read(process.env.PEOPLE),
    over,
    onNews (transfer) {
      logger.info({ mode: transfer.mode, state: transfer.state, reason: transfer.reason }, 'transfer')
      if (isHeld(transfer) && !over.aborted) music.start()
      else music.stop()
      sound(tones, tonesOf(transfer))
    }
  })
  listen()

  // Until the caller arrives this can take as long as the phone rings. If nobody arrives, it ends with the room.
  const first = await ctx.waitForParticipant().catch(() => undefined)
  // In place of an agent that is gone, this one may meet a person beside the caller.
  caller = [...ctx.room.remoteParticipants.values()].find(participant => isOnPhone(participant, job))
  caller ??= first
  if (caller) {
    logger.info(
      { callSid: callSidOf(job, caller.attributes), attempt: job.call?.attempt, degraded: !job.call },
      'caller is here'
    )
    await answered(ctx.room, caller, over)
    // The room's metadata of a warm agent may have come only now.
    job = jobOf(ctx, caller)
    transfers.api ??= apiOf(job)
    await greet()
    await untilOver()
  }

  hangUp.abort()
  await ended
  // To hang up, delete the room. If the agent only left, the caller would stay on the line in silence. An agent that is
  // out of the room already was removed, because caller and person talk: it must not delete the room under them.
  if (!isOut) await ctx.deleteRoom()

  function listen (): void {
    ctx.room.on(RoomEvent.DtmfReceived, (_code, digit, participant) => {
      if (isCaller(participant)) pressed(digit)
    })
    ctx.room.on(RoomEvent.DataReceived, (payload, sender, _kind, topic) => transfers.heard(payload, sender, topic))
    ctx.room.on(RoomEvent.Disconnected, () => {
      isOut = true
      hangUp.abort()
    })
    ctx.room.on(RoomEvent.ParticipantDisconnected, participant => {
      // A caller who is put through to a person leaves this room, and comes back when that fails.
      if (isCaller(participant) && !isAway(transfers.open)) hangUp.abort()
    })
  }

  /** A caller who comes back has the same identity. A person who has joined has another one. */
  function isCaller (participant: RemoteParticipant): boolean {
    return isOnPhone(participant, job) && participant.identity === (caller ?? participant).identity
  }

  /** The caller may have been with a person, or with an agent that is gone. */
  async function greet (): Promise<void> {
    const { lastTransfer } = job
    if (!lastTransfer) sound(tones, DONE)
    else if (lastTransfer.result) sound(tones, tonesOf({ ...lastTransfer, state: 'finished' } as Transfer))
    else await transfers.resume(lastTransfer.id).catch(() => sound(tones, DONE))
  }

  /** A call of this example is short. Nobody who talks with a person is cut off. */
  async function untilOver (): Promise<void> {
    do await sleep(LONGEST_CALL_MS, undefined, { signal: over }).catch(() => {})
    while (!over.aborted && (transfers.open || ctx.room.remoteParticipants.size > 1))
  }

  /** Digits and phone numbers may be private, so neither is logged. */
  function pressed (digit: string): void {
    const [person] = transfers.people.names
    const mode = MODES[digit]
    if (digit === HANG_UP) hangUp.abort()
    else if (digit === CALL_DIRECTLY) tell(callDirectly(ctx, job).then(frequencies => sound(tones, frequencies)))
    else if (person && mode) tell(transfers.begin(mode, person, `${job.call?.callerName || 'Somebody'} asks for you.`))
    else if (person && digit === CANCEL) tell(transfers.cancel())
    else if (person && digit === SEND_DIGITS) tell(transfers.sendDigits('123'))
    else tones.add(400 + 40 * '0123456789*ABCD'.indexOf(digit), 150)
  }

  /** Tells the caller that something was refused. */
  function tell (asked: Promise<unknown>): void {
    asked.catch(error => {
      logger.warn({ code: error.code, why: refusalOf(error) }, 'refused')
      sound(tones, REFUSED)
    })
  }
}

const apiOf = ({ control }: Job): CallApi | undefined => control && new CallApi(control)

/** While a person is called or consulted, the caller waits. */
const isHeld = ({ mode, state }: Transfer): boolean => ['consult', 'add'].includes(mode) && state !== 'finished'

/** The caller has left this room for the person's phone, and may come back. */
const isAway = (transfer: Transfer | undefined): boolean =>
  transfer !== undefined && ['blind', 'screen', 'refer'].includes(transfer.mode)
