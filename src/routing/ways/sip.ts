import type { SipWay } from '../../calls/fold/way.ts'
import { forPerson } from './for-person.ts'
import type { DialStrategy } from './strategy.ts'

/** Way `sip`: any SIP address, dialled as it is written. Who answers there must not transfer our caller. */
export const sip: DialStrategy<SipWay> = {
  open: () => ({}),
  dial ({ uri, auth, from, headers, screen }, call, _attempt, config) {
    const { secretOf } = config
    const username = auth && secretOf(auth.username)
    const password = auth && secretOf(auth.password)
    return {
      target: [{ type: 'sip', sipUri: uri, ...(username && password ? { auth: { username, password } } : {}) }],
      ...(from === undefined ? {} : { callerId: from }),
      ...forPerson(call, { headers, screen }, config)
    }
  }
}
