/**
 * The SIP host on LiveKit Cloud that Retell's users and Jambonz' samples dialled until Retell switched it off on
 * 2026-09-30. Its successor is sip.retellai.com.
 */
export const RETIRED_RETELL_HOST = '5t4n6j0wnrl.sip.livekit.cloud'

/** What may stand in front of a host in a URI, a header, JSON or a list, and behind it. A region may be in it. */
const RETIRED = /(?<![a-z0-9._-])5t4n6j0wnrl(?:\.[a-z0-9-]+)?\.sip\.livekit\.cloud(?!\.?[a-z0-9-])/i

/**
 * Whether a text names {@link RETIRED_RETELL_HOST}: a host, with a port or not, a SIP URI with its parameters, or any
 * text that has one of these in it.
 */
export const namesRetiredRetellHost = (text: string): boolean => RETIRED.test(text)
