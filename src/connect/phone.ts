import type { Attempt } from '../calls/call.ts'

/** Strategy `phone`: a number that a carrier of Jambonz dials. */
export function phoneTarget (attempt: Attempt): { type: 'phone', number: string } {
  return { type: 'phone', number: attempt.number! }
}
