import type { End } from '../../calls/fold/call.ts'
import { endOf } from '../../calls/fold/end.ts'
import type { Finding } from '../../finding.ts'
import { MEDIA_STATUSES } from '../knowledge/media-statuses.ts'
import type { Leg } from '../leg.ts'
import { quote } from '../quote.ts'
import { isToMediaServer } from '../roles.ts'

const ONLY_INSIDE: Finding = {
  code: 'carrier-leg-only',
  severity: 'skipped',
  seen: 'Only a leg between feature-server and its media server (FreeSWITCH) is in these files: it shows neither ' +
    'what the caller got nor how the call ended.',
  todo: 'Capture on the SBC, where the other legs of the call pass, or add its webhooks or logs'
}

/** What became of a leg on which feature-server asked its media server for an endpoint. */
export function mediaServerFindings ({ final }: Leg): Finding[] {
  if (!isRefusal(final)) return []

  const { status, reason } = final
  return [{
    code: 'media-server-failed',
    severity: 'failed',
    seen: `Jambonz's media server (FreeSWITCH) did not accept the call: it answered feature-server with ${
      `${status} ${quote(reason)}`.trim()
    }.`,
    todo: MEDIA_STATUSES.has(status)
      ? "Compare the codecs and the encryption in that INVITE's SDP with those of FreeSWITCH's profile, and look at " +
        "FreeSWITCH's log"
      : "Look at FreeSWITCH's log at that moment, and see that it is up and not at its limits"
  }]
}

/** What is concluded of a call of which no other legs were seen. */
export function judgeMediaServer (legs: readonly Leg[]): { findings: Finding[], end?: End } {
  if (legs.length === 0 || !legs.every(isToMediaServer)) return { findings: [] }

  const refusal = legs.map(({ final }) => final).find(isRefusal)
  return {
    findings: [ONLY_INSIDE],
    ...(refusal && { end: endOf('media-server-failed', { sipStatus: refusal.status }) })
  }
}

/** A request that was cancelled (487) was not refused. */
const isRefusal = (final: Leg['final']): final is NonNullable<Leg['final']> =>
  final !== undefined && final.status >= 300 && final.status !== 487
