import { dialledTodo, dialledWords } from './dialled.ts'
import { LIVEKIT_API_RULES } from './livekit-api.ts'
import type { LogRule } from './log-rule.ts'

/** Lines that applications write about calls in words of their own. */
export const APPLICATION_RULES: readonly LogRule[] = [
  {
    pattern:
      /\b(?:outbound dial|dial(?:ling|ed)?|outbound call|call)(?: to \S{1,80})? failed\b[^\n]{0,60}?\b([3-6]\d\d)\b|\bdial_sip_status['"]?[:=] ?['"]?([3-6]\d\d)\b/i,
    code: 'log-outdial-failed',
    severity: 'failed',
    says: ({ match }) => `The application saw its dial end with ${dialledWords(match.slice(1).find(Boolean) ?? '')}`,
    todo: ({ match }) => dialledTodo(match.slice(1).find(Boolean) ?? ''),
    isCommon: true,
    source: 'applications'
  },
  ...LIVEKIT_API_RULES
]
