/** Splits a comma separated setting. */
export const commaList = (text: string | undefined): string[] =>
  (text ?? '').split(',').map(item => item.trim()).filter(item => item !== '')
