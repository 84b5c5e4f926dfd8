/** What a terminal can show. */
export interface TerminalStyle {
  colour: boolean
  /** Plain ASCII, for terminals without box drawing. */
  ascii: boolean
}

/** What a stream and the environment allow: no colours without a terminal or with NO_COLOR (no-color.org). */
export function styleFor (stream: { isTTY?: boolean }, env: Record<string, string | undefined>): TerminalStyle {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return {
    colour: isTerminal(stream, env) && !env['NO_COLOR'],
    // An unset locale says nothing; the ones that say something else than UTF-8 mean it.
    ascii: env['TERM'] === 'dumb' || (locale !== '' && !/utf-?8/i.test(locale))
  }
}

/** Whether what is written can be written over. */
export const isTerminal = (stream: { isTTY?: boolean }, env: Record<string, string | undefined>): boolean =>
  stream.isTTY === true && env['TERM'] !== 'dumb'
