import { isFinal, type Call } from './call.ts'
import { copy } from './copy.ts'
import { endNow, finishClosing } from './ending.ts'
import type { CallEvent } from './events.ts'
import { onDuty, onDutyBegun } from './on-duty.ts'
import { onStrayRoom } from './room-cleanup.ts'
import { collect, takeLate, waitsWith } from './late.ts'
import { foundCall, onFound } from './found.ts'
import { newCall } from './new-call.ts'
import {
  onCallHook,
  onDeclined,
  onHookAbandoned,
  onRegistration,
  onRoom,
  onRoomSettled
} from './on-call-hook.ts'
import { onAction } from './on-action.ts'
import { isNews, onNamed, onPlaced, onPlacement, onSending, orderedCall } from './on-order.ts'
import { onVoicemail } from './on-voicemail.ts'
import { onJoins, onLegLeft, onPerson } from './on-joins.ts'
import { oweMessage } from './messages.ts'
import { owePublications } from './publications.ts'
import { onStatus } from './on-status.ts'
import { onRefer, onReferComplete } from './on-refer.ts'
import { onLiveKit } from './on-livekit.ts'
import { onLook } from './on-look.ts'
import { onAway, onHangup, onWake } from './on-time.ts'
import { onCancelTransfer, onCompleteTransfer, onTransfer, settleTransfers } from './on-transfer.ts'
import { onPersonNews, settleLeavers } from './on-person-news.ts'
import { onMerge, onPresence, oweNews } from './on-merge.ts'
import { onDigits, onRefused } from './on-request.ts'
import { settleWarmStarts } from './warm.ts'
import { onRedirect, onScreen, onScreenDigit } from './on-redirect.ts'
import type { Rules } from './rules.ts'

/**
 * The state machine of a call, as a pure fold: what the call is after an event. Time and randomness come in the event.
 * Events may come in any order, twice, or never. What the call then owes to the outside stands in its duties.
 * @param call undefined: the call is not known yet
 * @returns undefined: nothing is to be kept of this call (any more)
 */
export function advance (call: Call | undefined, event: CallEvent, rules: Rules): Call | undefined {
  const fold = (before: Call | undefined, later: CallEvent) => advance(before, later, rules)
  if (event.kind === 'placed' && call && !isNews(call, event)) return call
  if (event.kind === 'handed-over') return collect(call, event, rules, fold)
  if (call?.late) {
    if (event.kind === 'wake' && event.at < call.late.until) return call
    // It says nothing of the call that could be taken with the others.
    if (event.kind === 'refused') return call
    if (waitsWith(call.late, event)) return { ...call, late: { ...call.late, events: [...call.late.events, event] } }
    return advance(takeLate(call, fold), event, rules)
  }
  if (event.kind === 'call-hook') return finish(call, onCallHook(call && copy(call), event, rules), event, rules)
  if (event.kind === 'placed') return finish(call, onPlaced(call && copy(call), event, rules), event, rules)
  if (!call) return startedBy(event, rules)
  return finish(call, apply(copy(call), event, rules), event, rules)
}

/**
 * A call that we do not know, because it is REST-originated or this process was not there, begins with its first event.
 */
function startedBy (event: CallEvent, rules: Rules): Call | undefined {
  switch (event.kind) {
    case 'status':
    case 'action':
    case 'refer':
    case 'redirect': {
      const draft = apply(newCall(event.callSid, event.at, event.facts, rules.app), event, rules)
      // What begins with its end leaves a tombstone, not a call that waits for evidence.
      if (draft && (draft.closing || isTerminal(event))) endNow(draft, event.at, rules)
      return finish(undefined, draft, event, rules)
    }
    case 'ordered':
      return finish(undefined, orderedCall(event, rules), event, rules)
    case 'found':
      return finish(undefined, foundCall(event, rules), event, rules)
    default:
      return undefined
  }
}

const isTerminal = (event: CallEvent): boolean => event.kind === 'status' && isFinal(event.callStatus)

function apply (draft: Call, event: CallEvent, rules: Rules): Call | undefined {
  switch (event.kind) {
    case 'room':
      onRoom(draft, event, rules)
      return draft
    case 'ordered':
    case 'placed':
      // The call is known already.
      return draft
    case 'sending':
      onSending(draft, event)
      return draft
    case 'placement':
      onPlacement(draft, event, rules)
      return draft
    case 'named':
      return onNamed(draft, event)
    case 'voicemail':
      onVoicemail(draft, event, rules)
      return draft
    case 'joins':
      onJoins(draft, event)
      return draft
    case 'person':
      onPerson(draft, event)
      return draft
    case 'leg-left':
      onLegLeft(draft, event)
      return draft
    case 'registration':
      onRegistration(draft, event, rules)
      return draft
    case 'room-settled':
      onRoomSettled(draft, event)
      return draft
    case 'declined':
      onDeclined(draft, event, rules)
      return draft
    case 'hook-abandoned':
      onHookAbandoned(draft, event)
      return draft
    case 'status':
      onStatus(draft, event, rules)
      return draft
    case 'action':
      onAction(draft, event, rules)
      return draft
    case 'refer':
      onRefer(draft, event, rules)
      return draft
    case 'refer-complete':
      onReferComplete(draft, event, rules)
      return draft
    case 'livekit':
      onLiveKit(draft, event, rules)
      return draft
    case 'look':
      onLook(draft, event, rules)
      return draft
    case 'away':
      onAway(draft, event, rules)
      return draft
    case 'stray-room':
      onStrayRoom(draft, event)
      return draft
    case 'duty-begun':
      onDutyBegun(draft, event)
      return draft
    case 'found':
      onFound(draft, event, rules)
      return draft
    case 'duty':
      onDuty(draft, event, rules)
      return draft
    case 'hangup':
      onHangup(draft, event, rules)
      return draft
    case 'refused':
      onRefused(draft, event)
      return draft
    case 'digits':
      onDigits(draft, event)
      return draft
    case 'transfer':
      onTransfer(draft, event, rules)
      return draft
    case 'complete-transfer':
      onCompleteTransfer(draft, event)
      return draft
    case 'cancel-transfer':
      onCancelTransfer(draft, event)
      return draft
    case 'person-news':
      onPersonNews(draft, event, rules)
      return draft
    case 'merge':
      onMerge(draft, event)
      return draft
    case 'presence':
      onPresence(draft, event, rules)
      return draft
    case 'redirect':
      onRedirect(draft, event, rules)
      return draft
    case 'screen':
      onScreen(draft, event)
      return draft
    case 'screen-digit':
      onScreenDigit(draft, event)
      return draft
    case 'wake':
      return onWake(draft, event, rules)
    // Of a newer version: it means nothing here, and changes nothing.
    default:
      return draft
  }
}

function finish (
  before: Call | undefined,
  draft: Call | undefined,
  event: CallEvent,
  rules: Rules
): Call | undefined {
  if (!draft) return undefined
  finishClosing(draft, event.at, rules)
  settleWarmStarts(draft)
  settleTransfers(draft, event.at)
  settleLeavers(draft, event.at, rules)
  oweNews(draft, event.at)
  oweMessage(before, draft, event.at)
  owePublications(before, draft, event.at, rules)
  // A tombstone stays for the whole retention after its last duty.
  if (draft.phase === 'ended' && draft.duties.length > 0) draft.expiresAt = event.at + rules.retentionS * 1000
  return draft
}
