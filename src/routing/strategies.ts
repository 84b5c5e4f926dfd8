import type { Attempt, Call } from '../calls/fold/call.ts'
import type { Strategy, Way } from '../calls/fold/way.ts'
import type { Rules } from '../calls/fold/rules.ts'
import type { VerbConfig } from '../jambonz/verb-config.ts'
import type { Announcement, Dial } from '../jambonz/verbs.ts'
import { carrier } from './ways/carrier.ts'
import { decline } from './ways/decline.ts'
import { join } from './ways/join.ts'
import { phone } from './ways/phone.ts'
import { play } from './ways/play.ts'
import { retell } from './ways/retell.ts'
import { room } from './ways/room.ts'
import { say } from './ways/say.ts'
import { sip } from './ways/sip.ts'
import type { AnnounceStrategy, DialStrategy, Naming, Strategy as Module } from './ways/strategy.ts'

const STRATEGIES = { room, phone, carrier, retell, sip, say, play, decline, join }

/** Makes the function that opens an attempt of a way. */
export function createOpenWay (naming: Naming): Rules['openWay'] {
  return (way, context) => moduleOf(way).open(way, context, naming)
}

/** What an attempt's dial has of its way. Undefined: the way dials nobody. */
export function dialOf (
  call: Call,
  attempt: Attempt,
  config: VerbConfig
): (Pick<Dial, 'target'> & Partial<Dial>) | undefined {
  const strategy = moduleOf(attempt.way)
  return 'dial' in strategy ? strategy.dial(attempt.way, call, attempt, config) : undefined
}

/** What the caller of an attempt hears. Undefined: the way announces nothing. */
export function announcementOf ({ way }: Attempt): Announcement | undefined {
  const strategy = moduleOf(way)
  return 'verb' in strategy ? strategy.verb(way) : undefined
}

type AnyModule = Module<Way> | DialStrategy<Way> | AnnounceStrategy<Way>

/** The module of a way takes that way's own type, which the union cannot say. */
const moduleOf = (way: Way): AnyModule => STRATEGIES[way.strategy] as AnyModule

STRATEGIES satisfies Record<Strategy, unknown>
