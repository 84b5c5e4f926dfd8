import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Way } from '../calls/fold/way.ts'

/** What a room says of how its call goes on. */
export interface SealedPlan {
  callSid: string
  attempt: number
  route?: string | undefined
  way: Way
  plan: Way[]
}

/**
 * Proves that the plan in a room's metadata is ours. Agents may change those metadata, and a plan decides what is
 * dialled: a number that the policy never saw, or a SIP address that gets credentials.
 */
export interface PlanSeal {
  seal(plan: SealedPlan): string
  verify(plan: SealedPlan, seal: string): boolean
}

/** Makes the seal of everybody who has the API secret: all replicas, also after a restart. */
export function createPlanSeal (apiSecret: string): PlanSeal {
  const key = Buffer.from(hkdfSync('sha256', apiSecret, '', 'jambonz-livekit-bridge plan v1', 32))
  // JSON that was written and read again has its properties in the same order.
  const digestOf = ({ callSid, attempt, route, way, plan }: SealedPlan): Buffer =>
    createHmac('sha256', key).update(JSON.stringify([callSid, attempt, route ?? null, way, plan])).digest()

  return {
    seal: plan => digestOf(plan).toString('base64url'),
    verify (plan, seal) {
      const given = Buffer.from(seal, 'base64url')
      const right = digestOf(plan)
      return given.length === right.length && timingSafeEqual(given, right)
    }
  }
}
