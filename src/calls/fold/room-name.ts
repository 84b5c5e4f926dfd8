/*
 * A room of ours is named by LIVEKIT_ROOM_PREFIX and a token, which is also the SIP user that leads into the room.
 */

/** What a token looks like, derived or random. */
const TOKEN = /^c[a-z2-7]{26}$/

export const isToken = (text: string): boolean => TOKEN.test(text)

/** The room that a token leads into. */
export const roomNameOf = (prefix: string, token: string): string => `${prefix}_${token}`

/** The token in the name of a room; undefined: the name is not one that we give. */
export function tokenOfRoom (prefix: string, room: string): string | undefined {
  const token = room.slice(prefix.length + 1)
  return isToken(token) && room === roomNameOf(prefix, token) ? token : undefined
}
