import type { Finding } from '../../finding.ts'
import type { Leg } from '../leg.ts'
import { lostAfterRefusal } from '../moved-call.ts'
import { nameOf, type Naming } from '../parties.ts'
import { lostBye, unacknowledged } from './contact.ts'

/** A BYE over UDP that is sent again this often got no answer (RFC 3261 17.1.2.2). */
const UNANSWERED_REPEATS = 3
/** A file that goes on for this long after a BYE would hold its answer, milliseconds. */
const UNANSWERED_MS = 4000

/**
 * Hang-ups that did not go as they should.
 * @param endAt when the files end
 */
export function byeFindings (leg: Leg, naming: Naming, endAt: number): Finding[] {
  const { byes } = leg
  return [...byes.flatMap(bye => {
    const who = nameOf(leg, bye.from, naming)
    if (bye.status !== undefined) return bye.status < 300 ? [] : [refused(who, bye.status)]
    // What is said of its Contact says it, too.
    if (!sawBoth(leg) || leg.role === 'carrier-out' || leg.role === 'livekit-out') return []
    const goesOn = bye.at !== undefined && endAt - bye.at >= UNANSWERED_MS
    return bye.repeats >= UNANSWERED_REPEATS || goesOn ? [unanswered(who, bye.repeats)] : []
  }), ...crossed(leg)]
}

/** Whether the capture has the messages of both sides. */
const sawBoth = ({ at, messages }: Leg): boolean =>
  (at.trying ?? at.ringing ?? at.final) !== undefined && messages.some(({ message }) => message.kind === 'request')

/**
 * How a call ended, or that its answer was never acknowledged. A hang-up that the other side did not know, or did not
 * answer, is no good end.
 * @param endAt when the files end
 */
export function afterBye (finding: Finding, leg: Leg | undefined, endAt: number): Finding {
  if (!leg || finding.severity !== 'ok') return finding
  const unheard = unacknowledged(leg)
  if (unheard) return unheard
  if (lostAfterRefusal(leg)) return { ...finding, severity: 'warning' }
  const [bye] = leg.byes
  if (bye?.status !== 481 && !lostBye(leg, endAt)) return finding
  return {
    ...finding,
    severity: 'warning',
    seen: bye?.status === 481
      ? `${finding.seen} The other side no longer knew the call by then (481).`
      : `${finding.seen} The BYE was not answered.`
  }
}

function refused (who: string, status: number): Finding {
  const isUnknown = status === 481
  return {
    code: 'bye-refused',
    severity: 'warning',
    seen: `${who} hung up, and its BYE was answered ${status}: ` +
      (isUnknown ? 'the other side no longer knew the call.' : 'the other side did not take it.'),
    todo: isUnknown
      ? 'Find out how the call ended on the other side before: a BYE that got lost, a restart, or a time limit there'
      : 'Check on the other side that the call has ended there, too'
  }
}

const unanswered = (who: string, repeats: number): Finding => ({
  code: 'bye-unanswered',
  severity: 'failed',
  seen: `${who} hung up, and its BYE${repeats > 0 ? `, sent ${repeats + 1} times,` : ''} was not answered.`,
  todo: 'The BYE goes to the Contact of the other side: check that this address can be reached from here, and is ' +
    'not a private one'
})

/** Both sides hung up at the same time. */
function crossed ({ byes }: Leg): Finding[] {
  const [first, second] = byes
  if (!first?.from || !second?.from || first.from === second.from) return []
  return [{
    code: 'not-told-apart',
    severity: 'skipped',
    seen: 'Both sides sent a BYE: who hung up first depends on where it was captured.'
  }]
}
