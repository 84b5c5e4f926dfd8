import { currentAttempt, type Call, type Voicemail } from './call.ts'
import { note } from './duties.ts'
import type { EventOf } from './events.ts'
import { hangUpCallee } from './on-order.ts'
import type { Rules } from './rules.ts'
import { oweTellAgent } from './warm.ts'

/** It is known who answered: a person, or a machine. The first verdict stands. */
export function onVoicemail (draft: Call, event: EventOf<'voicemail'>, rules: Rules): void {
  const { at, verdict, by, key, reason, greetingOver } = event
  if (isKnown(draft, event)) return
  const what = greetingOver ? 'voicemail greeting over' : 'voicemail'
  note(draft, at, { from: toldBy(event), what, status: verdict, by: key ?? by, detail: reason })
  if (verdict === 'unknown') return

  draft.voicemail ??= { verdict, by, at, ...(reason === undefined ? {} : { reason }) }
  if (greetingOver) draft.voicemail.greetingOverAt ??= at
  if (draft.phase === 'ended' || draft.closing || draft.hangupAt !== undefined) return
  if (draft.voicemail.verdict === 'machine' && draft.order?.onMachine === 'hangup') {
    draft.hangupFor = 'machine'
    hangUpCallee(draft, at, rules)
    return
  }
  if (by === 'jambonz') tellAgent(draft, at)
}

/** Who told the verdict. */
function toldBy ({ by, key }: EventOf<'voicemail'>): 'livekit' | 'jambonz' | 'operator' {
  if (key !== undefined) return 'operator'
  return by === 'agent' ? 'livekit' : 'jambonz'
}

/** What the agent of an order says of who answered, if it was asked to find out. */
export function agentSaid (
  draft: Call,
  { at, voicemail: verdict }: { at: number, voicemail?: Voicemail['verdict'] },
  rules: Rules
): void {
  if (verdict === undefined || draft.order?.voicemail !== 'agent') return
  onVoicemail(draft, { kind: 'voicemail', at, verdict, by: 'agent' }, rules)
}

/** When a call whose agent is to find out who answered is looked at, milliseconds after the answer. */
const VERDICT_LOOKS = [5000, 15_000, 30_000]

/** When the next look may find what the agent found out; undefined: nothing more is expected. */
export function nextVerdictLook ({ order, voicemail, at }: Call, now: number): number | undefined {
  if (order?.voicemail !== 'agent' || voicemail || at.connected === undefined) return undefined
  const { connected } = at
  return VERDICT_LOOKS.map(after => connected + after).find(due => due > now)
}

/** Whether nothing new is said. A person has no greeting that could be over. */
function isKnown ({ voicemail }: Call, { greetingOver }: EventOf<'voicemail'>): boolean {
  if (!voicemail) return false
  return !greetingOver || voicemail.verdict === 'human' || voicemail.greetingOverAt !== undefined
}

/** The room says who answered. One that is made later says so from the beginning. */
function tellAgent (draft: Call, at: number): void {
  const attempt = currentAttempt(draft)
  if (attempt?.room === undefined || attempt.foreign || attempt.end || attempt.made === 'failed') return
  oweTellAgent(draft, attempt, at)
}
