/** Final statuses that are about the media of a call alone (RFC 3261 sections 21.4.13, 21.4.26, 21.6.4). */
export const MEDIA_STATUSES: ReadonlySet<number> = new Set([415, 488, 606])
/** The same from carriers, some of which answer 406 for media, too. */
export const CARRIER_MEDIA_STATUSES: ReadonlySet<number> = new Set([406, ...MEDIA_STATUSES])
