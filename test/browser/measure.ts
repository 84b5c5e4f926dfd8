import { startChromium, type Tab } from '../fixtures/browser.ts'
import { enter, rowOf } from '../fixtures/console-page.ts'
import { setConsoleStage, TOKENS, withOwner, type Owner } from '../fixtures/console-stage.ts'
import { numberOf, registryWithMany } from '../fixtures/many-calls.ts'

/*
 * Measures what a test must not assert, because it depends on the machine: how soon the console is painted, what it
 * weighs, and how smoothly a list of 5,000 calls scrolls.
 */

const LOADS = 5
const SCROLLS = 5
const CALLS = 5000
/** Turns of the wheel, each in a frame of its own. */
const TURNS = 240

async function measureLoads (owner: Owner, open: () => Promise<Tab>): Promise<void> {
  const stage = await setConsoleStage(owner)
  for (let n = 0; n < LOADS; n++) {
    const tab = await open()
    let bytes = 0
    tab.devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength
    })
    await tab.devtools.send('Network.enable')
    const page = await enter(tab, stage, TOKENS.operator)
    const paintedMs = await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    // Before, the form asked for the token. Now the token is there, and the browser knows the files.
    await page.reload()
    await page.getByText('No call has come yet').waitFor()
    const againMs = await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    console.log(`load ${n + 1}: first paint ${ms(paintedMs)}, ${(bytes / 1000).toFixed(1)} kB on the wire with the ` +
      `sign-in and one reload; first paint after the reload ${ms(againMs)}`)
    await page.context().close()
  }
}

/** Runs in the page: turns the wheel once a frame. Resolves with how long each frame took, milliseconds. */
const SCROLL = `new Promise(resolve => {
  const gaps = []
  let before = performance.now()
  let turns = 0
  const step = ${CALLS * 32} / ${TURNS}
  requestAnimationFrame(function frame (now) {
    gaps.push(now - before)
    before = now
    scrollBy(0, turns % 20 < 15 ? step / 10 : step * 3)
    if (++turns < ${TURNS}) requestAnimationFrame(frame)
    else resolve(gaps.slice(1))
  })
})`

/**
 * A pause of the page is a task that takes long. What the processor did for it is less than what the clock says when
 * other programs want the processor too, so both are measured.
 */
async function measureScrolling (owner: Owner, open: () => Promise<Tab>): Promise<void> {
  const stage = await setConsoleStage(owner, { registry: await registryWithMany(CALLS) })
  const page = await enter(await open(), stage, TOKENS.operator)
  await rowOf(page, numberOf(0)).waitFor()
  const browser = page.context().browser()!
  for (let n = 0; n < SCROLLS; n++) {
    await page.evaluate('scrollTo(0, 0)')
    await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
    const gaps = await page.evaluate<number[]>(SCROLL)
    const tasks = tasksIn(String(await browser.stopTracing()))
    console.log(`${CALLS} calls, scroll ${n + 1}: frames ${spread(gaps)}; tasks by the clock ` +
      `${spread(tasks.map(({ dur }) => dur / 1000))}, of the processor ${spread(tasks.map(({ tdur }) => tdur / 1000))}`)
  }
}

interface Task {
  name: string
  pid: number
  tid: number
  /** Microseconds. */
  dur: number
  /** Microseconds of the processor. */
  tdur: number
  args: { name?: string }
}

/** The tasks of the page's main thread in a trace. */
function tasksIn (trace: string): Task[] {
  const { traceEvents } = JSON.parse(trace) as { traceEvents: Task[] }
  const main = new Set(traceEvents
    .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    .map(({ pid, tid }) => `${pid} ${tid}`))
  return traceEvents.filter(({ name, pid, tid, tdur }) =>
    /RunTask$/.test(name) && main.has(`${pid} ${tid}`) && tdur !== undefined)
}

function spread (values: number[]): string {
  const sorted = values.toSorted((one, other) => one - other)
  const p99 = sorted[Math.floor(sorted.length * 0.99)]
  return `p50 ${ms(sorted[sorted.length >> 1])}, p99 ${ms(p99)}, longest ${ms(sorted.at(-1))}`
}

function ms (value: number | undefined): string {
  return `${(value ?? NaN).toFixed(1)} ms`
}

await withOwner(async owner => {
  const { open } = await startChromium(owner)
  await measureLoads(owner, open)
  await measureScrolling(owner, open)
})
