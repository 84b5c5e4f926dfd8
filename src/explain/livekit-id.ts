/**
 * Whether it is LiveKit's own id of a SIP call. LiveKit also uses it as its tag in SIP (livekit/sip pkg/sip/inbound.go,
 * outbound.go).
 */
export const isLiveKitId = (id: string | undefined): boolean => id?.startsWith('SCL_') === true
