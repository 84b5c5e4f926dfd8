import type { Call } from './fold/call.ts'
import { findTransfer } from './fold/transfers.ts'
import type { Rooms } from './ports.ts'
import { presentTransfer } from './transfer-view.ts'

/** The topic of the data messages that agents get. */
export const MESSAGE_TOPIC = 'bridge'

/** Version of the messages. Within a version fields are only added. */
const MESSAGE_VERSION = 1

/** Tells the agents in a call's room how a transfer stands. */
export class TransferMessages {
  readonly #rooms: Pick<Rooms, 'sendData'>

  constructor ({ rooms }: { rooms: Pick<Rooms, 'sendData'> }) {
    this.#rooms = rooms
  }

  /** @param target attempt number, and id of the transfer */
  async send (call: Call, target: string): Promise<void> {
    const [n, id = ''] = target.split(' ')
    const attempt = call.attempts.find(attempt => attempt.n === Number(n))
    const transfer = findTransfer(call, id)
    if (!attempt?.room || attempt.end || !transfer) return
    const message = { v: MESSAGE_VERSION, type: 'transfer', callSid: call.callSid, transfer: presentTransfer(transfer) }
    await this.#rooms.sendData(attempt.room, MESSAGE_TOPIC, JSON.stringify(message))
  }
}
