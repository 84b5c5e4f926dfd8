import type { PhoneWay } from '../../calls/fold/way.ts'
import { forPerson } from './for-person.ts'
import type { DialStrategy } from './strategy.ts'

/**
 * Way `phone`: a number that a carrier of Jambonz dials. No ring tone of ours, which would cover the carrier's early
 * media, and no referHook: the person who answers must not transfer our caller.
 */
export const phone: DialStrategy<PhoneWay> = {
  open: ({ number }) => ({ number }),
  dial: ({ number, carrier, from, headers, screen }, call, _attempt, config) => ({
    target: [{ type: 'phone', number, ...(carrier === undefined ? {} : { trunk: carrier }) }],
    ...(from === undefined ? {} : { callerId: from }),
    ...forPerson(call, { headers, screen }, config)
  })
}
