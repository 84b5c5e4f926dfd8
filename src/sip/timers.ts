/** T1, the estimate of the round-trip time, in milliseconds (RFC 3261 17.1.1.1). */
export const T1_MS = 500
/** T2, the longest interval between retransmissions of non-INVITE requests and INVITE finals, in milliseconds. */
export const T2_MS = 4000
/** Timers B, F, H and J in milliseconds: how long a transaction waits for the far end, or remembers what it sent. */
export const TRANSACTION_TIMEOUT_MS = 64 * T1_MS
