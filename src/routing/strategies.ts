import type { Attempt, Call } from '../calls/fold/call.ts'
import type { Dial } from '../jambonz/verbs.ts'
import type { VerbConfig } from '../jambonz/verb-config.ts'
import { phone } from './phone.ts'
import { room } from './room.ts'
import type { OpenContext, Way } from '../calls/fold/way.ts'
import type { Rules } from '../calls/fold/rules.ts'
import type { Naming } from './strategy.ts'

/** Makes the function that opens an attempt of a way. */
export function createOpenWay (naming: Naming): Rules['openWay'] {
  return (way: Way, context: OpenContext) => {
    switch (way.strategy) {
      case 'room':
        return room.open(way, context, naming)
      case 'phone':
        return phone.open(way, context, naming)
    }
  }
}

/** What an attempt's dial has of its strategy. */
export const dialOf = (call: Call, attempt: Attempt, config: VerbConfig): Pick<Dial, 'target'> & Partial<Dial> =>
  ({ room, phone })[attempt.strategy].dial(call, attempt, config)
