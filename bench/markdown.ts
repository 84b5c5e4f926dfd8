/*
 * How figures are written.
 */

export const ms = (value: number): string => value.toFixed(1)
export const kib = (bytes: number): string => (bytes / 1024).toFixed(1)

/** A Markdown table that reads well as it is: texts to the left, figures to the right. */
export function table (head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map(row => row[column]!.length)))
  const line = (cells: string[]) =>
    `| ${
      cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join(
        ' | '
      )
    } |`
  return [
    line(head),
    `| ${widths.map((width, column) => column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`).join(' | ')} |`,
    ...rows.map(line)
  ].join('\n')
}
