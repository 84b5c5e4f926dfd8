import t from 'tap'

/** What one file may take, milliseconds. */
const LIMIT_MS = Number(process.env['TAP_TIMEOUT'] ?? 30) * 1000

/**
 * Runs test files one after the other in this process. Each has the time limit that it has alone. A file that ends the
 * process is named.
 */
export async function runFiles (files: readonly string[]): Promise<void> {
  let current: string | undefined
  process.once('exit', code => {
    if (current !== undefined) console.error(`The process ended with exit code ${code} while ${current} ran.`)
  })

  for (const file of files) {
    current = file
    t.setTimeout(LIMIT_MS)
    t.jobs = 1
    await import(new URL(file, import.meta.url).href)
  }
  current = undefined
}
