import type { Clock } from '../clock.ts'
import type { Call } from './fold/call.ts'
import { agentCallName, besideName } from './fold/names.ts'
import type { CallEvent, EventOf, SipAttributes } from './fold/events.ts'
import { peopleIn } from './fold/on-joins.ts'
import type { Observer } from './observer.ts'
import type { Registry } from './store/registry.ts'

export interface JoiningOptions {
  registry: Pick<Registry, 'get' | 'findByName'>
  clock: Clock
  observer: Observer
  apply(callSid: string, event: CallEvent): Promise<Call | undefined>
}

/**
 * Brings the calls that agents make together with the calls in whose rooms their legs are. Each of the two is written
 * down before the other one is looked for, so whichever comes second finds the first.
 */
export class Joining {
  readonly #options: JoiningOptions

  constructor (options: JoiningOptions) {
    this.#options = options
  }

  /** An event was committed to a call. Never throws: what is looked for is looked for behind it. */
  after (call: Call, event: CallEvent): void {
    const { observer } = this.#options
    this.#join(call, event).catch(error => observer.failed(call.callSid, 'join', error))
  }

  /** LiveKit told of a room, whoever's it is. Never throws. */
  heard (event: EventOf<'livekit'>): void {
    const { what, participant } = event
    if (what !== 'participant_left' || participant?.kind !== 'SIP' || !participant.sip) return
    // Whoever came through a dispatch rule called in: LiveKit did not call them for an agent.
    if (participant.sip.dispatched) return
    this.#left(participant.sip, participant.reason ?? '').catch(error =>
      this.#options.observer.failed('', 'join', error))
  }

  /** The leg of an agent's call left its room. */
  async #left (sip: SipAttributes, reason: string): Promise<void> {
    const { apply, clock } = this.#options
    const person = await this.#agentCallOf(sip)
    if (person && person.phase !== 'ended') await apply(person.callSid, { kind: 'leg-left', reason, at: clock.now() })
  }

  async #join (call: Call, event: CallEvent): Promise<void> {
    if (event.kind === 'call-hook') {
      if (call.facts.direction === 'agent') await this.#findRoom(call)
      return
    }
    if (event.kind !== 'livekit' && event.kind !== 'look') return
    for (const sip of peopleIn(call, event)) await this.#findPerson(call, sip)
  }

  /** Looks for the call in whose room the leg of an agent's call is. */
  async #findRoom (call: Call): Promise<void> {
    const { registry } = this.#options
    for (const id of call.sipCallIds ?? []) {
      const roomCall = await registry.findByName(besideName(id))
      if (roomCall !== undefined) {
        await this.#tell(call.callSid, roomCall)
        return
      }
    }
    if (call.joins !== undefined) await this.#tell(call.callSid, call.joins)
  }

  /** Looks for the call that an agent makes with a leg in the room of a call. */
  async #findPerson (roomCall: Call, sip: SipAttributes): Promise<void> {
    const person = await this.#agentCallOf(sip)
    if (person && person.callSid !== roomCall.callSid) await this.#tell(person.callSid, roomCall.callSid)
  }

  async #agentCallOf ({ jambonzCallSid, callIds = [] }: SipAttributes): Promise<Call | undefined> {
    const { registry } = this.#options
    const names = callIds.map(id => () => registry.findByName(agentCallName(id)))
    for (const find of [async () => jambonzCallSid, ...names]) {
      const callSid = await find()
      const call = callSid === undefined ? undefined : await registry.get(callSid)
      if (call?.facts.direction === 'agent') return call
    }
    return undefined
  }

  /** Either call gets to know of the other one. */
  async #tell (person: string, roomCall: string): Promise<void> {
    const { apply, clock } = this.#options
    await apply(person, { kind: 'joins', callSid: roomCall, at: clock.now() })
    await apply(roomCall, { kind: 'person', callSid: person, at: clock.now() })
  }
}
