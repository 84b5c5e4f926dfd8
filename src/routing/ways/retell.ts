import type { RetellWay } from '../../calls/fold/way.ts'
import { referHookOf } from './refer-hook.ts'
import type { DialStrategy } from './strategy.ts'

/**
 * Way `retell`: the call is registered with Retell first, and the id that Retell gives is the SIP user that is dialled
 * (docs.retellai.com, "Dial to SIP URI"). An id is valid for five minutes and for one call.
 */
export const retell: DialStrategy<RetellWay> = {
  open: ({ agent }) => ({ agent }),
  dial: (_way, call, attempt, config) => ({
    target: [{ type: 'sip', sipUri: `sip:${attempt.token}@${config.retellSipHost};transport=tcp` }],
    referHook: referHookOf(call, attempt, config),
    ...(config.ringbackTone ? { dialMusic: config.ringbackTone } : {})
  })
}
