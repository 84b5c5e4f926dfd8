/**
 * What LiveKit's 404 says that it lacks for a call, by its reason phrase (livekit/sip pkg/sip/inbound.go: `No trunk
 * found` and `Does not match any SIP Trunks` when no trunk fits, `Does not match Trunks or Dispatch Rules` when the
 * evaluation of rules rejects the call). Undefined for other phrases, which say nothing.
 */
export function lackedBy (phrase = ''): 'trunk' | 'rule' | undefined {
  if (/^(?:No trunk found|Does not match any SIP Trunks)$/i.test(phrase.trim())) return 'trunk'
  return /^Does not match Trunks or Dispatch Rules$/i.test(phrase.trim()) ? 'rule' : undefined
}
