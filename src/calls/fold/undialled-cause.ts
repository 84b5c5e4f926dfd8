import { isDialled } from './attempt-facts.ts'
import type { Attempt, Call } from './call.ts'
import { endOf, type Verdict } from './end.ts'
import { hungUpCause } from './hung-up-cause.ts'

/*
 * Why an attempt ended that dialled nobody: an announcement, or a decline that the route asked for.
 */

/** How such an attempt ended. */
export function causeWithoutDial (call: Call, attempt: Attempt): Verdict {
  if (attempt.way.strategy === 'decline') {
    return endOf('declined', { by: 'bridge', sipStatus: attempt.way.status, detail: 'the route declines' })
  }
  const caller = call.caller.final
  if (attempt.action) return afterAnnouncement(attempt.action)
  if (call.hangupAt !== undefined) return hungUpCause(call)
  if (!caller) return endOf('lost', { detail: 'how the announcement ended was not heard' })
  if (caller.by === 'caller') {
    return endOf(caller.callStatus === 'completed' ? 'caller-hung-up' : 'caller-gave-up', {
      sipStatus: caller.sipStatus
    })
  }
  if (caller.callStatus !== 'completed') return endOf('media-server-failed', { sipStatus: caller.sipStatus })
  if (call.plan.length === 0) return endOf('announced')

  return endOf('lost', { detail: 'Jambonz ended the call during the announcement' })
}

/** Jambonz asks what is next. Without a media server it could not answer the caller, and skipped the announcement. */
function afterAnnouncement ({ callerStatus }: NonNullable<Attempt['action']>): Verdict {
  if (callerStatus === 'in-progress' || callerStatus === 'completed') return endOf('announced')
  return endOf('media-server-failed', { detail: 'the caller was not answered for the announcement' })
}

/**
 * Why a call ended whose last attempt dialled nobody. What the caller did counts first, then why nobody could be
 * reached before.
 */
export function causeBehind (call: Call, attempt: Attempt): Verdict {
  const own = causeWithoutDial(call, attempt)
  // How an announcement ended may not have been heard. Then nothing else is known to have ended the call.
  if (call.caller.final && own.cause !== 'announced' && own.cause !== 'declined') return own
  const before = call.attempts.slice(0, call.attempts.indexOf(attempt))
  const failed = before.slice(before.findLastIndex(({ end }) => end?.cause === 'redirected') + 1).findLast(isDialled)
  if (!failed) return own
  // Its own cause may still be waited for.
  if (!failed.end) return { ...own, missing: 'agent-leg' }

  return failed.end
}
