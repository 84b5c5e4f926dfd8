import type { Attempt, Call } from '../calls/fold/call.ts'
import type { Dial } from '../jambonz/verbs.ts'
import type { VerbConfig } from '../jambonz/verb-config.ts'
import { phone } from './phone.ts'
import { room } from './room.ts'
import type { OpenContext } from './strategy.ts'
import type { Way } from './way.ts'

/** Opens an attempt of a way. */
export function openWay (way: Way, context: OpenContext): Partial<Attempt> {
  switch (way.strategy) {
    case 'room':
      return room.open(way, context)
    case 'phone':
      return phone.open(way, context)
  }
}

/** What an attempt's dial has of its strategy. */
export const dialOf = (call: Call, attempt: Attempt, config: VerbConfig): Pick<Dial, 'target'> & Partial<Dial> =>
  ({ room, phone })[attempt.strategy].dial(call, attempt, config)
