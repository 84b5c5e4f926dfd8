/*
 * A prefix that nobody knows, in front of each line of a SIP message: it is the same on all of them but for its digits.
 */

/** Longest prefix that is looked for, characters. */
const MAX_PREFIX = 200

/** Removes what is like `prefix` from the beginning of a line; undefined where the line begins otherwise. */
export type RemovePrefix = (line: string) => string | undefined

export function likePrefix (prefix: string): RemovePrefix {
  if (prefix === '') return line => line
  if (prefix.length > MAX_PREFIX) return () => undefined

  const words = prefix.trimEnd()
  const space = prefix.slice(words.length)
  const shape = words.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&').replace(/\s+/g, '\\s+').replace(/\d+/g, '\\d+')
  // Editors remove the white space at the end of a line that has nothing else behind its prefix.
  const pattern = new RegExp(`^${shape}(?:${space.replace(/\t/g, '\\t')}|\\s*$)`)
  return line => {
    const match = pattern.exec(line.slice(0, 2 * MAX_PREFIX))
    return match ? line.slice(match[0].length) : undefined
  }
}
