import { cleanText } from './clean-text.ts'

/** What a terminal can show. */
export interface TerminalStyle {
  colour: boolean
  /** Whether to print ASCII only, for terminals that cannot draw lines. */
  ascii: boolean
}

/**
 * What a stream and the environment allow. Without a terminal, or with NO_COLOR, there are no colours (no-color.org).
 */
export function styleFor (stream: { isTTY?: boolean }, env: Record<string, string | undefined>): TerminalStyle {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return {
    colour: isTerminal(stream, env) && !env['NO_COLOR'],
    // A locale that is not set says nothing. One that names another encoding than UTF-8 means it.
    ascii: env['TERM'] === 'dumb' || (locale !== '' && !/utf-?8/i.test(locale))
  }
}

/** Whether printed lines can be overwritten. */
export const isTerminal = (stream: { isTTY?: boolean }, env: Record<string, string | undefined>): boolean =>
  stream.isTTY === true && env['TERM'] !== 'dumb'

/** What ASCII has for the signs that this program prints. */
const ASCII_SIGNS: Readonly<Record<string, string>> = {
  '…': '...',
  '→': '->',
  '×': 'x',
  '–': '-',
  '’': "'"
}

/**
 * Text for a terminal, without colours and line ends of its own. Everything that callers, carriers, agents or files
 * chose must pass through here before it is printed. With `ascii`, the signs of this program
 * become ASCII, and any other character `?`.
 */
export function plain (text: string, { ascii = false }: Partial<TerminalStyle> = {}): string {
  const clean = cleanText(text)
  return ascii ? clean.replace(/[^\x20-\x7e]/gu, char => ASCII_SIGNS[char] ?? '?') : clean
}
