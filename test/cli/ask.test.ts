import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { terminalAsk } from '../../src/cli/ask.ts'

/** Two streams that say that they are a terminal. */
function terminal (isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY })
  const output = Object.assign(new PassThrough(), { isTTY })
  return { input, output, streams: [input, output] as unknown as [NodeJS.ReadStream, NodeJS.WriteStream] }
}

await t.test('y and yes are a yes, anything else is a no', async t => {
  for (
    const [answer, yes] of [['y', true], ['YES', true], [' yes ', true], ['', false], ['n', false], [
      'yesterday',
      false
    ]] as const
  ) {
    const { input, streams } = terminal()
    const asked = terminalAsk(undefined, ...streams)!('Really?')
    input.write(`${answer}\n`)
    t.equal(await asked, yes, JSON.stringify(answer))
  }
})

await t.test('where nobody can answer nobody is asked', async t => {
  t.equal(terminalAsk(undefined, ...terminal(false).streams), undefined)
})

await t.test('a terminal that is closed, and a process that is told to end, are a no', async t => {
  const closed = terminal()
  const first = terminalAsk(undefined, ...closed.streams)!('Really?')
  closed.input.end()
  t.equal(await first, false)
  const { output, streams } = terminal()
  const stop = new AbortController()
  const second = terminalAsk(stop.signal, ...streams)!('Really?')
  await once(output, 'data')
  stop.abort()
  t.equal(await second, false)
})
