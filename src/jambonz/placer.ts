import type { Order } from '../calls/fold/order.ts'
import { PlacementRefusedError, type CallPlacer, type Placement } from '../calls/ports.ts'
import type { Clock } from '../clock.ts'
import { LruMap } from '../lru-map.ts'
import { accountPath, type JambonzAccess } from './api.ts'
import { findInList, type ListedCall } from './call-list.ts'
import { createCallBody, placementOf, type CreateCallContext } from './create-call.ts'
import { NoApplicationError, rowsOf, type OutboundSetup } from './outbound.ts'
import { NoAnswerError, type RestAnswer } from './rest-request.ts'
import { RestQueueError, type RestQueue } from './rest-queue.ts'
import { JambonzRestError, restError } from './rest.ts'

export interface PlacerOptions extends Pick<CreateCallContext, 'publicUrl' | 'basic' | 'tags'> {
  access: JambonzAccess
  queue: Pick<RestQueue, 'ask'>
  setup: Pick<OutboundSetup, 'application' | 'forgetApplication'>
  clock: Clock
  /** Whether the bridge follows a call already. */
  isKnown: (callSid: string) => Promise<boolean>
}

/** Jambonz may take its time: it reserves media before it answers. */
const CREATE_TIMEOUT_MS = 10_000
const LIST_TIMEOUT_MS = 10_000
/** All who look for a call within this time share one list, milliseconds. */
const SHARED_LIST_MS = 2000
/** How long an order whose call has no name may be mistaken for another one, milliseconds. */
const NAMELESS_MS = 15 * 60_000
const MOST_NAMELESS = 10_000

/** Places calls over Jambonz' REST API. */
export function createPlacer (options: PlacerOptions): CallPlacer {
  return new JambonzPlacer(options)
}

class JambonzPlacer implements CallPlacer {
  readonly #options: PlacerOptions
  /** Orders whose call has no name yet, by their numbers. */
  readonly #nameless = new LruMap<string, Map<string, number>>(MOST_NAMELESS)
  #list: { calls: Promise<ListedCall[]>, at: number } | undefined

  constructor (options: PlacerOptions) {
    this.#options = options
  }

  async place (order: Order, commit: () => Promise<boolean>): Promise<Placement> {
    const { setup } = this.#options
    let applicationSid: string | undefined
    try {
      applicationSid = await setup.application()
    } catch (error) {
      if (!(error instanceof JambonzRestError) && !(error instanceof NoApplicationError)) throw error
      return { outcome: 'not-sent', detail: error.message }
    }
    this.#addNameless(order)
    const placement = await this.#create(order, applicationSid, commit)
    if (placement.outcome !== 'unknown') this.#forgetNameless(order)
    if (placement.outcome === 'refused' && isAboutApplication(placement)) setup.forgetApplication()
    return placement
  }

  async find (order: Order): Promise<string | undefined> {
    const { tags, setup, isKnown } = this.#options
    this.#addNameless(order)
    const [list, applicationSid] = await Promise.all([
      this.#sharedList(),
      setup.application().catch(() => undefined)
    ])
    // The answer to createCall may have come meanwhile.
    const nameless = this.#nameless.get(pairOf(order))
    if (!nameless?.has(order.id)) return undefined
    const isRivalled = nameless.size > 1
    const callSid = await findInList(list, { order, tags, applicationSid, isKnown, isRivalled })
    if (callSid !== undefined) this.#forgetNameless(order)
    return callSid
  }

  async #create (
    order: Order,
    applicationSid: string | undefined,
    commit: () => Promise<boolean>
  ): Promise<Placement> {
    const { access, queue, publicUrl, basic, tags } = this.#options
    try {
      const answer = await queue.ask({
        kind: 'order',
        method: 'POST',
        path: `${accountPath(access.accountSid)}/Calls`,
        body: createCallBody(order, { publicUrl, basic, tags, applicationSid }),
        timeoutMs: CREATE_TIMEOUT_MS,
        notAfter: order.notAfter,
        commit
      })
      return placementOf(answer, [access.apiKey])
    } catch (error) {
      if (error instanceof RestQueueError) {
        this.#forgetNameless(order)
        throw new PlacementRefusedError(error.reason, error.retryInMs)
      }
      if (!(error instanceof NoAnswerError)) {
        this.#forgetNameless(order)
        throw error
      }
      return { outcome: error.left ? 'unknown' : 'not-sent', detail: error.code }
    }
  }

  #sharedList (): Promise<ListedCall[]> {
    const now = this.#options.clock.now()
    if (!this.#list || now - this.#list.at >= SHARED_LIST_MS) this.#list = { calls: this.#readList(), at: now }
    return this.#list.calls
  }

  async #readList (): Promise<ListedCall[]> {
    const { access, queue } = this.#options
    const answer: RestAnswer = await queue.ask({
      kind: 'list',
      method: 'GET',
      path: `${accountPath(access.accountSid)}/Calls`,
      timeoutMs: LIST_TIMEOUT_MS
    }).catch((error: unknown) => {
      throw restError(error)
    })
    const rows = answer.status === 200 ? rowsOf(answer.text) : undefined
    if (!rows) throw new JambonzRestError(answer.status)
    return rows as ListedCall[]
  }

  #addNameless (order: Order): void {
    const orders = this.#nameless.get(pairOf(order)) ?? new Map<string, number>()
    const now = this.#options.clock.now()
    for (const [id, until] of orders) if (until <= now) orders.delete(id)
    orders.set(order.id, now + NAMELESS_MS)
    this.#nameless.set(pairOf(order), orders)
  }

  #forgetNameless (order: Order): void {
    const orders = this.#nameless.get(pairOf(order))
    orders?.delete(order.id)
    if (orders?.size === 0) this.#nameless.delete(pairOf(order))
  }
}

const pairOf = ({ from, to }: Order): string => `${from} ${to}`

/** Jambonz says `application_sid not found …` (validateCreateCall). */
const isAboutApplication = ({ status, detail }: { status: number, detail: string }): boolean =>
  status === 400 && /application_sid/.test(detail)
