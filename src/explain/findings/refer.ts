import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import type { Side } from '../dialog.ts'
import { referRefusalOf } from '../knowledge/refer-refusals.ts'
import type { Leg } from '../leg.ts'
import { TARGET_FAILED } from '../moved-call.ts'
import { inSentence, nameOf, type Naming } from '../parties.ts'
import { quote } from '../quote.ts'
import { transfersOf, type Outcome, type Transfer } from '../transfer.ts'

/** A file that goes on for this long after a REFER would hold its answer, milliseconds. */
const UNANSWERED_MS = 4000

/**
 * What became of the REFERs on this leg.
 * @param endAt when the files end
 */
export const referFindings = (leg: Leg, naming: Naming, endAt: number): Finding[] =>
  transfersOf(leg).map(transfer => FINDINGS[transfer.outcome](transfer, leg, { naming, endAt }))

interface Circumstances {
  naming: Naming
  endAt: number
}

type Describe = (transfer: Transfer, leg: Leg, circumstances: Circumstances) => Finding

const FINDINGS: Readonly<Record<Outcome, Describe>> = {
  refused,
  unanswered: ({ refer }, leg, { endAt }) => {
    const goesOn = refer.at !== undefined && endAt - refer.at >= UNANSWERED_MS
    if (!goesOn && !leg.byes.some(({ status }) => status !== undefined)) {
      return { code: 'refer-accepted', severity: 'skipped', seen: 'The file ends after a REFER, before its answer.' }
    }
    return {
      code: 'refer-unanswered',
      severity: 'failed',
      seen: 'A REFER was never answered.',
      todo: 'Check that the other side is still in the call, and that nothing on the way blocks REFER'
    }
  },
  failed: ({ refer }) => ({
    code: 'refer-failed',
    severity: 'failed',
    seen: `The REFER was accepted, and the call to its target failed (${refer.notified}).`,
    todo: TARGET_FAILED
  }),
  done: ({ refer }) => accepted(refer.status, `target ${refer.notified}`),
  followed: ({ refer }, leg, { naming }) => accepted(
    refer.status,
    `its outcome was not reported; ${inSentence(nameOf(leg, otherSide(refer.from), naming))} hung up at once, as one ` +
      'does that has moved the call'
  ),
  unreported: ({ refer }) => ({
    code: 'refer-accepted',
    severity: 'skipped',
    seen: `The REFER was accepted (${refer.status ?? 'its answer is not in the file'}), and ` +
      (refer.notified === undefined
        ? 'these files do not show its outcome: no NOTIFY reports it.'
        : `the last report of the call to its target is ${refer.notified}: these files do not show whether it was ` +
          'answered.')
  })
}

const accepted = (status: number | undefined, outcome: string): Finding => ({
  code: 'refer-accepted',
  severity: 'ok',
  seen: `The REFER was accepted (${status ?? 'as its NOTIFY shows'}, ${outcome}).`
})

const otherSide = (side: Side | undefined): Side | undefined => side && (side === 'caller' ? 'called' : 'caller')

function refused ({ refer }: Transfer, leg: Leg, { naming }: Circumstances): Finding {
  const { status = 0, twilioError } = refer
  const who = nameOf(leg, otherSide(refer.from), naming)
  const { says, todo } = referRefusalOf(status, refuserOf(who, twilioError))
  const words = twilioError === undefined ? '' : `, X-Twilio-Error "${quote(twilioError)}"`
  return {
    code: 'refer-refused',
    severity: 'failed',
    seen: `${who} refused the REFER (${status}${words}): ${says}. ${afterwards(leg, refer.statusAt, naming)}`,
    todo
  }
}

function refuserOf (who: string, twilioError: string | undefined): 'jambonz' | 'twilio' | 'anybody' {
  if (twilioError !== undefined) return 'twilio'
  return who === 'Jambonz' ? 'jambonz' : 'anybody'
}

/** How a call went on that was not transferred. */
function afterwards (leg: Leg, refusedAt: number | undefined, naming: Naming): string {
  const [bye] = leg.byes
  if (!bye) return 'The call went on.'
  const later = bye.at === undefined || refusedAt === undefined ? 'later' : `${duration(bye.at - refusedAt)} later`
  return `The call went on, and ${inSentence(nameOf(leg, bye.from, naming))} hung up ${later}.`
}
