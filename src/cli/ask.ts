import { createInterface } from 'node:readline/promises'

/**
 * Asks for consent on the terminal; anything but y or yes is a no, and so is Ctrl-C.
 * @param signal its end is a no too
 * @returns undefined where there is no terminal, so that nobody waits for an answer that cannot come
 */
export function terminalAsk (
  signal?: AbortSignal,
  input: NodeJS.ReadStream = process.stdin,
  output: NodeJS.WriteStream = process.stderr
): ((question: string) => Promise<boolean>) | undefined {
  if (!input.isTTY || !output.isTTY) return undefined
  return async question => {
    const lines = createInterface({ input, output })
    try {
      const answer = await new Promise<string>((resolve, reject) => {
        const no = () => resolve('')
        lines.on('SIGINT', no).on('close', no)
        signal?.addEventListener('abort', no, { once: true })
        lines.question(`${question} [y/N] `).then(resolve, reject)
      })
      return /^y(es)?$/i.test(answer.trim())
    } finally {
      lines.close()
    }
  }
}
