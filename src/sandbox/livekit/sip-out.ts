import type { Clock } from '../../clock.ts'
import type { UserAgent } from '../../sip/user-agent.ts'
import type { Json } from './json.ts'
import type { Provisioning } from './provisioning.ts'
import type { RoomManager } from './room-manager.ts'
import type { SipSide } from './sip-side.ts'
import { diallingOf } from './dialling.ts'
import { field } from './json.ts'
import { OutboundCall } from './outbound-call.ts'

/** Makes calls for CreateSIPParticipant through the project's outbound trunks. */
export class SipOut {
  readonly #options: {
    ua: UserAgent
    provisioning: Provisioning
    rooms: RoomManager
    sip: SipSide
    clock: Clock
  }

  readonly #calls = new Set<OutboundCall>()

  constructor (options: { ua: UserAgent, provisioning: Provisioning, rooms: RoomManager, sip: SipSide, clock: Clock }) {
    this.#options = options
  }

  /**
   * CreateSIPParticipant: the participant joins, then the INVITE is sent. Resolves at once, or with
   * `wait_until_answered` when the callee has answered.
   *
   * @throws {TwirpError} when LiveKit refuses the request, and when it waits and the callee was not reached
   */
  async create (request: Json): Promise<Json> {
    const { ua, provisioning, rooms, sip, clock } = this.#options
    const dialling = diallingOf(request, id => provisioning.outboundTrunk(id))
    const room = rooms.open({ name: dialling.room })
    const outbound = new OutboundCall({ dialling, ua, rooms, room, clock })
    this.#calls.add(outbound)
    sip.adopt(outbound.participant, outbound.call, dialling.trunk)
    if (field(request, 'wait_until_answered') === true) await outbound.answered

    return {
      participant_id: outbound.participant.sid,
      participant_identity: dialling.identity,
      room_name: dialling.room,
      sip_call_id: dialling.callId
    }
  }

  /** Stops all waiting, without a message to the callees. */
  stop (): void {
    for (const call of this.#calls) call.stop()
  }
}
