/**
 * Text as one word of a shell command, for commands that people copy from a report. A file may be named by somebody
 * else, and its name must not run anything.
 */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
