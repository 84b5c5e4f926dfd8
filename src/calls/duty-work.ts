import type { Calls } from './calls.ts'
import type { Attempt, Call, Duty } from './fold/call.ts'
import { markOf } from './fold/caller-leg.ts'
import { EVERY_AGENT } from './fold/on-person-news.ts'
import { areSilent, awaitsWarmAgent, MADE_AGAIN, TOLD } from './fold/warm.ts'
import { TransferWork, type TransferWorkOptions } from './transfer-work.ts'
import {
  LiveKitError,
  type CallPlacer,
  type Look,
  type Outbox,
  type RoomFormat,
  type Rooms
} from './ports.ts'

export interface DutyWorkOptions extends Omit<TransferWorkOptions, 'commits' | 'rooms'> {
  commits: Pick<Calls, 'apply' | 'find' | 'makeRoomAhead' | 'named'>
  rooms: Rooms
  roomFormat: RoomFormat
  /** Absent without the Jambonz REST settings. */
  placer?: Pick<CallPlacer, 'find'>
  /** Absent where nobody receives events of calls. */
  outbox?: Outbox
}

/** Failed deletions after which an empty room counts as deleted. */
const EMPTY_IS_GONE_AFTER = 5

/** A live agent gives a sign of life within some milliseconds, and the way to its worker, milliseconds. */
const ANSWERS_WITHIN_MS = 1000

/** Does what a call owes to LiveKit and Jambonz, and reports the outcome to the call. */
export class DutyWork {
  readonly #options: DutyWorkOptions
  readonly #transfers: TransferWork

  constructor (options: DutyWorkOptions) {
    this.#options = options
    this.#transfers = new TransferWork(options)
  }

  /** Does one duty that was claimed. @throws {StoreUnavailableError} when the outcome could not be written down */
  async perform (call: Call, duty: Duty): Promise<void> {
    const { callControl, outbox, observer } = this.#options
    try {
      switch (duty.kind) {
        case 'delete-room':
          await this.#report(call, duty, 'done', await this.#deleteRoom(duty))
          return
        case 'make-room':
          await this.#report(call, duty, 'done', await this.#makeRoom(call, Number(duty.target)))
          return
        case 'find-call':
          // Not to be listed proves nothing: it is looked for again.
          if (!await this.#findCall(call)) await this.#report(call, duty, 'failed')
          return
        case 'publish':
          await outbox?.publish(call, duty.target)
          break
        case 'hang-up':
          await callControl?.hangUp(call.callSid, duty.target as 'completed' | 'no-answer')
          break
        case 'look':
          await this.#look(call, Number(duty.target))
          return
        case 'redispatch':
          await this.#redispatch(call, duty)
          break
        case 'remove-agent':
          await this.#removeAgent(call, duty.target)
          break
        case 'tell-agent':
          await this.#report(call, duty, 'done', await this.#tellAgent(call, Number(duty.target)))
          return
        case 'redirect':
        case 'call-person':
        case 'tell-person':
        case 'check-person':
        case 'tell-call':
        case 'send-message':
          await this.#report(call, duty, 'done', await this.#transfers.perform(call, duty))
          return
      }
      await this.#report(call, duty, 'done')
    } catch (error) {
      observer.failed(call.callSid, duty.kind, error)
      await this.#report(call, duty, 'failed', error instanceof LiveKitError ? error.failure : undefined)
    }
  }

  async #report ({ callSid }: Call, { id, claim }: Duty, outcome: 'done' | 'failed', detail?: string): Promise<void> {
    const { commits, clock } = this.#options
    await commits.apply(callSid, { kind: 'duty', id, claim, outcome, detail, at: clock.now() })
  }

  /**
   * Makes the room ahead of the callee's answer, or makes one again that had waited for its call and is gone, unless
   * that is wanted no more.
   * @returns one of {@link MADE_AGAIN} when it was made again
   */
  async #makeRoom (call: Call, n: number): Promise<string | undefined> {
    const attempt = call.attempts.find(attempt => attempt.n === n)
    if (!attempt || attempt.end) return undefined
    if (attempt.at.replied === undefined) {
      await this.#options.commits.makeRoomAhead(call, attempt)
      return undefined
    }
    return awaitsWarmAgent(attempt) ? await this.#makeAgain(call, attempt) : undefined
  }

  /** LiveKit does nothing for a room that exists by now, and drops the agent that was asked for. */
  async #makeAgain (call: Call, attempt: Attempt): Promise<string> {
    const { rooms, roomFormat } = this.#options
    const request = roomFormat.request(call, attempt)
    await rooms.create(request)
    const [room] = await rooms.list([request.name])
    if (room?.metadata === request.metadata) return MADE_AGAIN.made

    await rooms.setMetadata(request.name, request.metadata)
    return MADE_AGAIN.byRule
  }

  /** @returns whether the call of an order is known by its name, or Jambonz lists it */
  async #findCall ({ order }: Call): Promise<boolean> {
    const { commits, placer } = this.#options
    if (!order) return false
    const known = await commits.find(order.id)
    const isNamed = known !== undefined && known.callSid !== order.id
    const callSid = isNamed ? known.callSid : await placer?.find(order)
    if (callSid === undefined) return false
    await commits.named(callSid, { id: order.id, order })
    return true
  }

  /**
   * Deletes a room. LiveKit may refuse that for ever (500 "could not find object", 503 of a node that died). Everybody
   * in the room is removed then, so that no agent waits there alone, and in the end an empty room is as good as none.
   */
  async #deleteRoom ({ target: room, tries }: Duty): Promise<'deleted' | 'absent'> {
    const { rooms } = this.#options
    try {
      return await rooms.delete(room) ? 'deleted' : 'absent'
    } catch (error) {
      const isEmpty = await rooms.evict(room).catch(() => false)
      if (isEmpty && tries >= EMPTY_IS_GONE_AFTER) return 'absent'
      throw error
    }
  }

  /** @returns what was seen, or undefined when LiveKit could not be asked; and what that makes of the call */
  async #look (call: Call, n: number): Promise<{ seen?: Look, call?: Call | undefined }> {
    const { commits, rooms, clock, observer } = this.#options
    const attempt = call.attempts.find(attempt => attempt.n === n)
    const room = attempt?.room ?? attempt?.visits
    if (attempt === undefined || room === undefined) return {}
    const askedAt = clock.now()
    const seen = await rooms.look(room, markOf(call, attempt)).catch((error: unknown) => {
      observer.failed(call.callSid, 'look', error)
    })
    const times = { at: clock.now(), askedAt }
    const after = await commits.apply(
      call.callSid,
      seen
        ? { kind: 'look', attempt: n, outcome: 'seen', ...times, ...seen }
        : { kind: 'look', attempt: n, outcome: 'unreachable', exists: false, ...times }
    )

    return { ...(seen ? { seen } : {}), call: after }
  }

  /** Dispatches the agent of an attempt again, if it is really not there and nobody else does it. */
  async #redispatch (call: Call, duty: Duty): Promise<void> {
    const { rooms, roomFormat, clock } = this.#options
    const n = Number(duty.target)
    const { seen, call: after } = await this.#look(call, n)
    const attempt = after?.attempts.find(attempt => attempt.n === n)
    if (!seen) throw new LiveKitError('look', 'unreachable')
    if (!attempt?.room || !seen.exists || seen.company || (seen.agent && !areSilent(attempt, seen, clock.now()))) return

    const { room } = attempt
    // The metadata of a call that was only found again is incomplete: the first dispatch still has all of it.
    const metadata = attempt.found ? undefined : roomFormat.jobMetadata(call, attempt)
    await rooms.redispatch(room, { name: attempt.agent!, metadata }, async () => {
      if (!await this.#begin(call, duty)) return false
      for (const silent of agentsOf(seen)) await rooms.remove(room, silent).catch(() => false)
      return true
    })
  }

  /** Marks an at-most-once duty as begun. @returns whether it is ours to do */
  async #begin ({ callSid }: Call, { id, claim }: Duty): Promise<boolean> {
    const { commits, clock } = this.#options
    const call = await commits.apply(callSid, { kind: 'duty-begun', id, claim: claim!, at: clock.now() })

    return call?.duties.some(duty => duty.id === id && duty.claim === claim && duty.begun !== undefined) === true
  }

  /**
   * Writes into the room what the agent does not know yet: who calls, or who answered.
   * @returns one of {@link TOLD} when the room is gone, or the agent dead
   */
  async #tellAgent (call: Call, n: number): Promise<string | undefined> {
    const { rooms, roomFormat } = this.#options
    const attempt = call.attempts.find(attempt => attempt.n === n)
    if (!attempt?.room || attempt.end) return undefined
    const request = roomFormat.request(call, attempt)
    const answering = this.#isAlive(attempt)
    // LiveKit takes some seconds to say that nobody can answer in a room that is gone. The caller's leg is on its way.
    if (await rooms.setMetadata(attempt.room, request.metadata)) {
      return await answering === false ? TOLD.dead : undefined
    }
    return awaitsWarmAgent(attempt) ? TOLD.gone : undefined
  }

  /** Whether the agent is alive that waited in the room. Undefined: it has never answered such a question. */
  async #isAlive ({ room, view: { agent } }: Attempt): Promise<boolean | undefined> {
    if (room === undefined || !agent?.answers || agent.left) return undefined
    return this.#options.rooms.answers(room, agent.identity, ANSWERS_WITHIN_MS)
  }

  /** Removes a second agent, unless it is the only one by now, or every agent, unless the caller would be alone. */
  async #removeAgent (call: Call, target: string): Promise<void> {
    const [n, ...words] = target.split(' ')
    const identity = words.join(' ')
    const { room } = call.attempts.find(attempt => attempt.n === Number(n)) ?? {}
    if (room === undefined) return
    const { seen } = await this.#look(call, Number(n))
    if (identity === EVERY_AGENT) {
      if (!seen) throw new LiveKitError('look', 'unreachable')
      const agents = seen.company ? agentsOf(seen) : []
      for (const agent of agents) await this.#options.rooms.remove(room, agent)
      return
    }
    if (seen?.moreAgents?.includes(identity)) await this.#options.rooms.remove(room, identity)
  }
}

/** Identities of the agents in a room. */
const agentsOf = ({ agent, moreAgents = [] }: Look): string[] => agent ? [agent.identity, ...moreAgents] : []
