import type { Call } from './call.ts'
import { note } from './duties.ts'
import type { EventOf } from './events.ts'
import { hangUpCallee } from './on-order.ts'
import type { Rules } from './rules.ts'

/** It is known who answered: a person, or a machine. The first verdict stands. */
export function onVoicemail (draft: Call, { at, verdict, by, reason }: EventOf<'voicemail'>, rules: Rules): void {
  if (draft.voicemail) return
  draft.voicemail = { verdict, by, at, ...(reason === undefined ? {} : { reason }) }
  note(draft, at, { from: by === 'agent' ? 'livekit' : 'jambonz', what: 'voicemail', status: verdict, detail: reason })
  const isUnwanted = verdict === 'machine' && draft.order?.onMachine === 'hangup'
  if (!isUnwanted || draft.phase === 'ended' || draft.closing || draft.hangupAt !== undefined) return
  draft.hangupFor = 'machine'
  hangUpCallee(draft, at, rules)
}
