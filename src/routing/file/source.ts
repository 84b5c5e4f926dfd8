import type { Clock } from '../../clock.ts'
import { RoutesFileError } from './problems.ts'
import { readRoutesText, type RoutesText } from './read-text.ts'
import type { RoutesProblem, RoutesSource, RoutesTable, WrittenRoute } from '../routes.ts'
import { watchFile, type WatchOptions } from './watch-file.ts'

/** What the text of a routes file says. */
export interface RoutesReading {
  /** Absent where there is an error among the problems. */
  table?: RoutesTable | undefined
  written?: readonly WrittenRoute[] | undefined
  problems: readonly RoutesProblem[]
}

/** What became of a reading. `unchanged`: the file still says what it said before, right or wrong. */
export type ReadOutcome = 'ok' | 'failed' | 'unchanged'

export interface RoutesFileOptions {
  file: string
  /** Makes a table of the file's text. */
  read(text: string): RoutesReading
  clock: Clock
  /** The file was read, for the first time or again. */
  onRead(outcome: ReadOutcome, source: RoutesSource): void
  onWatching: WatchOptions['watching']
  watch?: WatchOptions['watch']
}

/** A routes file that is followed while the process runs. */
export interface RoutesFile extends RoutesSource {
  /** Reads the file again at once. Never rejects: what is wrong with it stands in `problems`. */
  reload(): Promise<void>
  close(): Promise<void>
}

/** Without a further change before the reading, milliseconds: most changes are several writes. */
export const SETTLE_MS = 250

/** The reading waits no longer for a file that changes again and again, milliseconds. */
const LONGEST_SETTLE_MS = 2000

/**
 * Reads a routes file, and again whenever it changes. A file that becomes wrong or vanishes changes nothing but
 * `problems`: the table that was read last stays in force.
 * @throws {RoutesFileError} when the file cannot be used now
 */
export async function openRoutesFile (options: RoutesFileOptions): Promise<RoutesFile> {
  const { file, clock, onRead } = options
  let cancelReading: (() => void) | undefined
  let changedAt = 0
  let running: Promise<void> | undefined
  let again = false
  let closed = false

  // Watched before it is read, so that no change falls between the two.
  const stopWatching = watchFile(file, {
    clock,
    changed,
    watching: options.onWatching,
    ...(options.watch && { watch: options.watch })
  })
  const first = understand(await readRoutesText(file), options)
  if (!first.table) {
    close()
    throw new RoutesFileError(file, first.problems)
  }
  let { table, written, problems, content } = first
  let readAt = clock.now()

  const source: RoutesFile = {
    file,
    get table () {
      return table!
    },
    get written () {
      return written
    },
    get readAt () {
      return readAt
    },
    get problems () {
      return problems
    },
    reload,
    async close () {
      close()
      await running
    }
  }
  onRead('ok', source)
  return source

  function changed (): void {
    if (closed) return
    if (!cancelReading) changedAt = clock.now()
    else if (clock.now() - changedAt > LONGEST_SETTLE_MS - SETTLE_MS) return
    cancelReading?.()
    cancelReading = clock.schedule(SETTLE_MS, () => {
      cancelReading = undefined
      // What goes wrong stands in `problems`.
      reload().catch(() => {})
    })
  }

  /** One reading at a time. What changes during one is read after it. */
  function reload (): Promise<void> {
    if (closed) return Promise.resolve()
    again = true
    running ??= readWhileChanged().finally(() => {
      running = undefined
    })
    return running
  }

  async function readWhileChanged (): Promise<void> {
    do {
      again = false
      take(await readRoutesText(file))
    } while (again)
  }

  function take (found: RoutesText): void {
    if (closed) return
    if (contentOf(found) === content) {
      onRead('unchanged', source)
      return
    }
    const reading = understand(found, options)
    problems = reading.problems
    content = reading.content
    if (reading.table) {
      table = reading.table
      written = reading.written
      readAt = clock.now()
    }
    onRead(reading.table ? 'ok' : 'failed', source)
  }

  function close (): void {
    closed = true
    cancelReading?.()
    stopWatching()
  }
}

interface FileReading extends RoutesReading {
  content: string
}

/** The same for files that say the same. */
const contentOf = (found: RoutesText): string =>
  'problem' in found ? `cannot be read: ${found.problem.message}` : `text: ${found.text}`

function understand (found: RoutesText, { read }: Pick<RoutesFileOptions, 'read'>): FileReading {
  const content = contentOf(found)
  if ('problem' in found) return { problems: [found.problem], content }
  try {
    return { ...read(found.text), content }
  } catch (error) {
    // A mistake of ours in reading it must not end a process that has calls.
    const message = `The file could not be understood (${(error as Error).name}). Please report this.`
    return { problems: [{ severity: 'error', line: 0, column: 0, path: '', message }], content }
  }
}
