import type { Step } from './trace.ts'

/** A step, and how often it occurred alone or as half of an alternating pair. */
export interface Row {
  step: Step
  count: number
}

export interface Change {
  /** New rows. */
  fresh: Row[]
  /** The last rows, whose counts have increased. */
  again: Row[]
}

/** Folds a growing list of steps into rows. */
export interface Folder {
  readonly rows: Row[]
  /** The last one or two rows, whose counts the current repetition increases. Empty when nothing repeats. */
  readonly repeating: Row[]
  /** Whether a step would continue the current repetition. */
  continues(step: Step): boolean
  push(step: Step): Change
  /** Releases a step that was held back. */
  end(): Change
}

/**
 * Creates a folder. Ringing repeats once a second as a pair of the SIP message and the status event, so pairs fold like
 * single steps. The first half of a possible pair is held back until the next step shows whether it is a pair.
 *
 * The steps come in the order in which they happened. Their times may contradict that order: under load an event may
 * wait after it got its time, and each host has its own clock. Such a step gets the time of the step before it.
 */
export function createFolder (): Folder {
  const rows: Row[] = []
  let held: Step | undefined
  let repeating: Row[] = []
  let latest = -Infinity

  function inOrder (step: Step): Step {
    latest = Math.max(latest, step.at)
    return step.at < latest ? { ...step, at: latest } : step
  }

  function add (step: Step): Row {
    const row = { step, count: 1 }
    rows.push(row)
    return row
  }

  function release (): Row[] {
    if (held === undefined) return []
    const row = add(held)
    held = undefined
    repeating = []
    return [row]
  }

  const folder: Folder = {
    rows,
    get repeating () {
      return repeating
    },
    continues (step) {
      const [one, two] = repeating
      if (one === undefined) return false
      if (two === undefined) return same(one.step, step)
      return same((held === undefined ? one : two).step, step)
    },
    push (given) {
      const step = inOrder(given)
      const last = rows.at(-1)
      const before = rows.at(-2)
      if (held !== undefined) {
        if (last !== undefined && before !== undefined && same(last.step, step)) {
          held = undefined
          before.count++
          last.count++
          repeating = [before, last]
          return { fresh: [], again: repeating }
        }
        const fresh = release()
        const next = folder.push(step)
        return { fresh: [...fresh, ...next.fresh], again: next.again }
      }
      // A row that counts as half of a pair does not count alone. Otherwise the order of the two would be lost.
      if (last !== undefined && same(last.step, step) && repeating.length < 2) {
        last.count++
        repeating = [last]
        return { fresh: [], again: repeating }
      }
      if (before !== undefined && last !== undefined && before.count === last.count && same(before.step, step)) {
        held = step
        return { fresh: [], again: [] }
      }
      repeating = []
      return { fresh: [add(step)], again: [] }
    },
    end: () => ({ fresh: release(), again: [] })
  }
  return folder
}

function same (a: Step, b: Step): boolean {
  return a.from === b.from && a.to === b.to && a.what === b.what && a.via === b.via
}
