import type { Strategy } from './strategy.ts'

/**
 * Strategy `phone`: a number that a carrier of Jambonz dials. No ring tone of ours, which would cover the carrier's
 * early media, and no referHook: whoever answers must not transfer our caller.
 */
export const phone: Strategy<{ strategy: 'phone', number: string }> = {
  open: ({ number }) => ({ number }),
  dial: (_call, attempt) => ({ target: [{ type: 'phone', number: attempt.number! }] })
}
