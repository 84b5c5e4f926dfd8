import { spec as SpecReporter, type TestEvent } from 'node:test/reporters'

/**
 * What `npm test` prints: Node's spec report without the thousands of assertions that pass. Each test file's own tests
 * get a line when they pass; what fails is shown at once, and again with its difference at the end, before the totals.
 */
export default async function * report (events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const spec = new SpecReporter()
  for await (const event of events) {
    const passedInside = event.type === 'test:pass' && event.data.nesting > 0
    if (passedInside || event.type === 'test:start') continue

    spec.write(event)
    yield * printed(spec)
  }
  spec.end()
  yield * spec
}

function * printed (spec: SpecReporter): Generator<string> {
  for (let text = spec.read(); text !== null; text = spec.read()) yield String(text)
}
