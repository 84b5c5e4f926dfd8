import type { VoicemailEvent } from '../calls/fold/events.ts'
import type { Order } from '../calls/fold/order.ts'
import type { OrderTags } from './order-tag.ts'
import type { Amd } from './payloads.ts'
import { HOOK_RETRY } from './verb-config.ts'

/*
 * Answering machine detection by Jambonz. It listens to the callee from the answer on, beside everything else. It needs
 * speech credentials: without them it reports nothing at all (feature-server lib/utils/amd-utils.js).
 */

/** `amd` of createCall. */
export interface AmdRequest {
  actionHook: string
}

/** What createCall asks of answering machine detection for an order; undefined: nothing. */
export const amdOf = (
  { voicemail }: Pick<Order, 'voicemail'>,
  { publicUrl }: { publicUrl: string }
): AmdRequest | undefined =>
  voicemail === 'jambonz' ? { actionHook: `${publicUrl}/amd${HOOK_RETRY}` } : undefined

/** What an event of the detection means to the call; undefined: nothing. */
export function voicemailEvent (
  { type, reason, customerData }: Amd,
  orders: Pick<OrderTags, 'read'>
): VoicemailEvent | undefined {
  const about = { kind: 'voicemail' as const, by: 'jambonz' as const, order: orders.read(customerData) }
  switch (type) {
    case 'amd_human_detected':
      return { ...about, verdict: 'human', reason }
    case 'amd_machine_detected':
      return { ...about, verdict: 'machine', reason }
    case 'amd_machine_stopped_speaking':
      return { ...about, verdict: 'machine', greetingOver: true }
    case 'amd_no_speech_detected':
      return { ...about, verdict: 'unknown', reason: 'no speech' }
    case 'amd_decision_timeout':
      return { ...about, verdict: 'unknown', reason: 'not decided in time' }
    // A beep alone proves no machine.
    case 'amd_tone_detected':
    case 'amd_stopped':
    case undefined:
      return undefined
  }
}
