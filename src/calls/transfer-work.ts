import type { Clock } from '../clock.ts'
import type { Calls } from './calls.ts'
import type { Call, Duty } from './fold/call.ts'
import { endOf } from './fold/end.ts'
import { newsOf } from './fold/on-merge.ts'
import { LEG_GONE, personOf } from './fold/on-transfer.ts'
import { isOrderId, orderIdOfTransfer, type Order } from './fold/order.ts'
import { findTransfer, openPurpose, openRequest, type NewsOfPerson, type Transfer } from './fold/transfers.ts'
import type { Observer } from './observer.ts'
import type { Placements } from './placements.ts'
import { PlacementRefusedError, type CallControl, type Rooms } from './ports.ts'
import { TransferMessages } from './transfer-messages.ts'

/** A person's call whose caller's call nobody knows is ended after this, milliseconds. */
const CALLER_UNKNOWN_MS = 20_000

export interface TransferWorkOptions {
  commits: Pick<Calls, 'apply' | 'find'>
  rooms: Pick<Rooms, 'sendData'>
  /** Absent without the Jambonz REST settings. */
  callControl?: CallControl
  /** Absent without the Jambonz REST settings. */
  placements?: Pick<Placements, 'place'>
  clock: Clock
  observer: Observer
  /** A call may have duties due now. */
  onDue?: (callSid: string) => void
}

/** Does what calls owe for transfers: to Jambonz, to the agent, and the two calls to each other. */
export class TransferWork {
  readonly #options: TransferWorkOptions
  readonly #messages: TransferMessages

  constructor (options: TransferWorkOptions) {
    this.#options = options
    this.#messages = new TransferMessages(options)
  }

  #onDue (callSid: string): void {
    this.#options.onDue?.(callSid)
  }

  /** @returns what there is to say of how it went */
  async perform (call: Call, duty: Duty): Promise<string | undefined> {
    switch (duty.kind) {
      case 'redirect':
        return this.#redirect(call, duty)
      case 'call-person':
        await this.#callPerson(call, duty.target)
        break
      case 'tell-person':
        await this.#tellPerson(call, duty)
        break
      case 'check-person':
        await this.#checkPerson(call, duty.target)
        break
      case 'tell-call':
        await this.#tellCall(call, duty)
        break
      case 'send-message':
        await this.#messages.send(call, duty.target)
        break
      default:
        throw new Error(`${duty.kind} is no duty of a transfer`)
    }
    return undefined
  }

  /** Somebody may hang up at the same moment: that Jambonz does not know the leg any more is no failure. */
  async #redirect ({ callSid }: Call, { target }: Duty): Promise<string | undefined> {
    const [transfer = '', n = '1'] = target.split(' ')
    const isKnown = await this.#options.callControl?.redirect(callSid, transfer, Number(n))
    return isKnown === false ? LEG_GONE : undefined
  }

  /** Places the person's call, once. What becomes of it, that call says itself. */
  async #callPerson (call: Call, id: string): Promise<void> {
    const { commits, placements, observer } = this.#options
    const transfer = findTransfer(call, id)
    const order = transfer?.request?.order
    if (!order || transfer.outcome || await commits.find(order.id)) return

    // Jambonz' limit may hold the order back for a while: only its being written down is waited for.
    await new Promise<void>((resolve, reject) => {
      const confirm = async () => {
        resolve()
        return this.#isWanted(call.callSid, id)
      }
      placements!.place(order, confirm).then(
        () => resolve(),
        error => {
          if (!isUnwanted(error)) observer.failed(call.callSid, 'order', error)
          // What was written down tells the rest. Otherwise nobody would.
          this.#notOrdered(call, order).then(resolve, reject)
        }
      )
    })
  }

  async #isWanted (callSid: string, id: string): Promise<boolean> {
    const call = await this.#options.commits.find(callSid)
    return call !== undefined && !call.closing && openRequest(call)?.request.id === id
  }

  /** The order could not be written down: there is no call that could say so. */
  async #notOrdered (call: Call, order: Order): Promise<void> {
    const { commits } = this.#options
    if (await commits.find(order.id)) return
    await this.#apply(call, this.#lost(call, order, 'not-placed'))
  }

  #lost (call: Call, { id: callSid, transfer, to }: Order, cause: 'not-placed' | 'lost'): NewsOfPerson {
    const purpose = openPurpose(transfer!)
    const n = Math.max(this.#options.clock.now(), (findTransfer(call, purpose.id)?.person?.n ?? 0) + 1)
    return { n, state: 'ended', callSid, purpose, to, end: endOf(cause) }
  }

  /** Has the person's call do something. */
  async #tellPerson (call: Call, { target }: Duty): Promise<void> {
    const { commits, clock } = this.#options
    const [what, id = ''] = target.split(' ')
    const transfer = findTransfer(call, id)
    const person = transfer && await this.#find(transfer)
    if (!person || person.phase === 'ended') return

    const at = clock.now()
    const isOver = call.phase === 'ended' || call.closing !== undefined
    const why = isOver && transfer.outcome?.reason !== 'cancelled' ? 'caller-gone' as const : 'cancelled' as const
    const told = await commits.apply(
      person.callSid,
      what === 'merge' ? { kind: 'merge', at } : { kind: 'hangup', for: why, at }
    )
    // It was named meanwhile, and goes on under its call_sid.
    if (!told && isOrderId(person.callSid)) throw new Error('the call of the person has just been named')
    this.#onDue(person.callSid)
  }

  async #find (transfer: Transfer): Promise<Call | undefined> {
    const { commits } = this.#options
    const id = transfer.request?.id
    const byOrder = id === undefined ? undefined : await commits.find(orderIdOfTransfer(id))
    const callSid = personOf(transfer)
    return byOrder ?? (callSid === undefined ? undefined : commits.find(callSid))
  }

  /** Looks at the person's call, should its news have been lost. */
  async #checkPerson (call: Call, id: string): Promise<void> {
    const transfer = findTransfer(call, id)
    if (!transfer) return
    const person = await this.#find(transfer)
    const news = person && newsOf(person, person.news?.n ?? 0)
    if (news) {
      await this.#apply(call, news)
      return
    }
    const isBeingCalled = call.duties.some(({ kind }) => kind === 'call-person')
    const order = transfer.request?.order
    if (isBeingCalled || !order) throw new Error('the call of the person is not known')
    await this.#apply(call, this.#lost(call, order, 'lost'))
  }

  /** The caller's call hears how the person's call stands. */
  async #tellCall (call: Call, duty: Duty): Promise<void> {
    const { commits, clock } = this.#options
    const news = newsOf(call, call.news?.n ?? 0)
    if (!news) return
    const at = clock.now()
    const told = await commits.apply(duty.target, { kind: 'person-news', news, at })
    if (told) {
      this.#onDue(told.callSid)
      return
    }
    // After a restart the caller's call may be found only later.
    if (at - duty.since >= CALLER_UNKNOWN_MS && call.phase !== 'ended') {
      await commits.apply(call.callSid, { kind: 'hangup', for: 'caller-gone', at })
      this.#onDue(call.callSid)
      return
    }
    if (call.phase !== 'ended') throw new Error('the call of the caller is not known')
  }

  async #apply (call: Call, news: NewsOfPerson): Promise<void> {
    const { commits, clock } = this.#options
    await commits.apply(call.callSid, { kind: 'person-news', news, at: clock.now() })
    this.#onDue(call.callSid)
  }
}

/** The transfer was taken back before anybody was called. */
const isUnwanted = (error: unknown): boolean =>
  error instanceof PlacementRefusedError && error.reason === 'not-wanted'
