/**
 * Control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls, and halves of characters:
 * whatever can begin a new line or header, move a terminal's cursor, or make a text read as another one.
 */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]+/gu

/**
 * Text that somebody else wrote, made safe to pass on in a SIP header, a log line or a terminal. Callers, carriers and
 * agents choose display names, numbers, URIs and reason phrases. Each run of unprintable characters becomes one space;
 * any other text stays exactly as it is.
 */
export function cleanText (text: string): string {
  const clean = text.replace(UNPRINTABLE, ' ')
  return clean === text ? text : clean.trim()
}
