import type { CarrierWay } from '../../calls/fold/way.ts'
import { referHookOf } from './refer-hook.ts'
import type { DialStrategy } from './strategy.ts'

/**
 * Way `carrier`: a carrier of Jambonz leads to LiveKit or Retell, and the number decides what happens there. The agent
 * is not a stranger: it may transfer the caller. It sends no early media, so the caller hears our ring tone.
 */
export const carrier: DialStrategy<CarrierWay> = {
  open: ({ number }) => ({ number }),
  dial: (way, call, attempt, config) => ({
    target: [{ type: 'phone', number: way.number, trunk: way.carrier }],
    referHook: referHookOf(call, attempt, config),
    ...(config.ringbackTone ? { dialMusic: config.ringbackTone } : {})
  })
}
