import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Order } from '../calls/fold/order.ts'
import type { Way } from '../calls/fold/way.ts'

/** What a room says of how its call goes on. */
export interface SealedPlan {
  callSid: string
  attempt: number
  route?: string | undefined
  way: Way
  plan: Way[]
  /** The order that the call is placed for. */
  order?: Order | undefined
  /** Of a warm room: which one. Nothing else shows that such a room is this call's. */
  warm?: { room: string, madeAt: number, departureS: number } | undefined
}

/** What a warm room says of itself before a call has it. */
export interface SealedRoom {
  name: string
  agent: string
  madeAt: number
  departureS: number
}

/**
 * Proves that the plan in a room's metadata is ours. Agents may change those metadata, and a plan decides what is
 * dialled: a number that the policy never saw, or a SIP address that gets credentials. An order decides who is called a
 * machine and hung up, and under which reference the user's systems hear of the call.
 */
export interface PlanSeal {
  seal(plan: SealedPlan): string
  verify(plan: SealedPlan, seal: string): boolean
  /** The seal of a warm room that no call has yet. */
  sealRoom(room: SealedRoom): string
  verifyRoom(room: SealedRoom, seal: string): boolean
}

/** Makes the seal of everybody who has the API secret: all replicas, also after a restart. */
export function createPlanSeal (apiSecret: string): PlanSeal {
  const key = Buffer.from(hkdfSync('sha256', apiSecret, '', 'jambonz-livekit-bridge plan v1', 32))
  // JSON that was written and read again has its properties in the same order.
  const digestOf = (sealed: unknown[]): Buffer => createHmac('sha256', key).update(JSON.stringify(sealed)).digest()
  const isSealed = (sealed: unknown[], seal: string): boolean => {
    const given = Buffer.from(seal, 'base64url')
    const right = digestOf(sealed)
    return given.length === right.length && timingSafeEqual(given, right)
  }

  return {
    seal: plan => digestOf(listOf(plan)).toString('base64url'),
    verify: (plan, seal) => isSealed(listOf(plan), seal),
    sealRoom: room => digestOf(listOfRoom(room)).toString('base64url'),
    verifyRoom: (room, seal) => isSealed(listOfRoom(room), seal)
  }
}

const listOfRoom = ({ name, agent, madeAt, departureS }: SealedRoom): unknown[] => [name, agent, madeAt, departureS]

/** What is sealed, in lists of different lengths: no seal is good for anything else. */
function listOf ({ callSid, attempt, route, way, plan, order, warm }: SealedPlan): unknown[] {
  const always = [callSid, attempt, route ?? null, way, plan]
  if (warm !== undefined) return [...always, order ?? null, [warm.room, warm.madeAt, warm.departureS]]
  return order === undefined ? always : [...always, order]
}
