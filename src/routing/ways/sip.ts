import type { SipWay } from '../../calls/fold/way.ts'
import type { DialStrategy } from './strategy.ts'

/** Way `sip`: any SIP address, dialled as it is written. Who answers there must not transfer our caller. */
export const sip: DialStrategy<SipWay> = {
  open: () => ({}),
  dial ({ uri, auth }, _call, _attempt, { secretOf }) {
    const username = auth && secretOf(auth.username)
    const password = auth && secretOf(auth.password)
    return {
      target: [{ type: 'sip', sipUri: uri, ...(username && password ? { auth: { username, password } } : {}) }]
    }
  }
}
