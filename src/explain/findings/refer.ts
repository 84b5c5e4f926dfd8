import type { Finding } from '../../finding.ts'
import type { Leg } from '../legs.ts'

/** What became of a REFER on this leg. */
export function referFindings ({ refer }: Leg): Finding[] {
  if (!refer) return []

  const { status, notified } = refer
  if (status === undefined) {
    return [{
      code: 'refer-unanswered',
      severity: 'failed',
      seen: 'A REFER was never answered.',
      todo: 'Check that Jambonz is still in the call, and that nothing on the way blocks REFER'
    }]
  }
  if (status >= 300) return [refused(status)]
  if (notified !== undefined && notified >= 300) {
    return [{
      code: 'refer-failed',
      severity: 'failed',
      seen: `The REFER was accepted, and the call to its target failed (${notified}).`,
      todo: 'Dial the target by hand over the same carrier'
    }]
  }
  const outcome = notified === undefined ? 'its outcome was not reported' : `target ${notified}`
  return [{ code: 'refer-accepted', severity: 'ok', seen: `The REFER was accepted (${status}, ${outcome}).` }]
}

function refused (status: number): Finding {
  if (status === 501) {
    return {
      code: 'refer-refused',
      severity: 'failed',
      seen: 'Jambonz refused the REFER (501): the dial has no referHook.',
      todo: 'Give the dial a referHook'
    }
  }
  return {
    code: 'refer-refused',
    severity: 'failed',
    seen: `The REFER was refused (${status}); the call went on.`,
    todo: status === 603 || status === 405
      ? 'The far end takes no REFER: transfer by dialling instead'
      : 'Look at what the referHook was answered with'
  }
}
