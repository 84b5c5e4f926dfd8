/** An address that somebody entered, without user and password in front of its host. For texts. */
export const withoutUser = (address: string): string => address.replace(/^(sips?:)?[^@]*@/i, '$1…@')
