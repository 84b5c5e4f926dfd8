import type { Call } from '../../calls/fold/call.ts'
import { isTransferWay } from '../../calls/fold/transfers.ts'
import { screenHookOf } from '../../jambonz/transfer-hooks.ts'
import type { VerbConfig } from '../../jambonz/verb-config.ts'
import type { Dial } from '../../jambonz/verbs.ts'

/** What a dial has besides, when a caller who has talked already is handed to a person. */
export function forPerson (
  call: Call,
  { headers, screen }: { headers?: Record<string, string> | undefined, screen?: string | undefined },
  config: VerbConfig
): Partial<Dial> {
  return {
    ...(headers ? { headers: { ...headers, 'X-LK-Call': call.callSid } } : {}),
    // Nobody may hear what the caller hears before the person has taken the call, so the caller hears a tone.
    ...(screen === undefined ? {} : { confirmHook: screenHookOf(call, screen, config) }),
    ...(isTransferWay(call) && config.ringbackTone ? { dialMusic: config.ringbackTone } : {})
  }
}
