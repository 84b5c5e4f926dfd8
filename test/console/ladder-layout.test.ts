import t, { type Test } from 'tap'
import { present } from '../../src/calls/view.ts'
import { presentLadder } from '../../src/ladder/ladder-view.ts'
import { ALL_PARTIES } from '../../src/ladder/trace.ts'
import { folded } from '../fixtures/folded.ts'
import { project } from '../fixtures/paths.ts'
import { readOrderRecordings, readRecordings } from '../fixtures/recordings.ts'

const { cut, layoutLadder, PAUSE_MS, SIZES, spanOf } = await import(project('console/ladder-layout.js').href)
const { attemptTitles, msText, pauseBefore, sentenceOf } = await import(project('console/ladder-marks.js').href)

const CALLS = [...readRecordings(), ...readOrderRecordings()].map(recording => {
  const call = present(folded(recording))
  return { name: recording.name, call, ladder: presentLadder(call) }
})
const TIME_WIDTH = 56

/** Widths of letters as fonts have them: wide ones, narrow ones, and all alike. */
const FONTS: Record<string, (text: string) => number> = {
  wide: text => [...text].length * 8,
  narrow: text => [...text].length * 4.5,
  proportional: text => [...text].reduce((sum, letter) => sum + (/[il.,: ]/.test(letter) ? 3.5 : 7.25), 0)
}

type Drawn = (typeof CALLS)[number]

function layoutOf ({ call, ladder }: Drawn, width: number, measure: (text: string) => number, unit = 1) {
  const titles = attemptTitles(ladder, call)
  return layoutLadder({
    parties: ladder.parties,
    rows: ladder.rows,
    width,
    unit,
    timeWidth: TIME_WIDTH * unit,
    measure,
    measureName: measure,
    textOf: ({ what, count }: { what: string, count: number }) => `${what}${count > 1 ? ` ×${count}` : ''}`,
    titleOf: (row: { seq: number }) => titles.get(row.seq),
    pauseOf: (row: object) => pauseBefore(row, ladder, call)
  })
}

/** Nothing that is written leaves the ladder or lies on something else. */
function assertReadable (t: Test, layout: any, unit: number, about: string): void {
  const { width, height, timeWidth, lanes, items } = layout
  const problems: string[] = []
  const must = (holds: boolean, what: string) => holds || problems.push(what)

  let right = timeWidth
  for (const { party, x, name } of lanes) {
    const [from, to] = spanOf(name)
    must(from >= right - 0.01, `${party}: its name begins at ${from}, before ${right}`)
    must(to <= width + 0.01 && x > from && x < to, `${party}: its name is not over its lane`)
    right = to
  }
  let bottom = 0
  for (const { kind, y, height: own, label, line, from, to, row } of items) {
    const about = `${kind} ${row?.what ?? ''} at ${y}`
    must(Math.abs(y - bottom) < 0.01, `${about}: not below the one before`)
    bottom = y + own
    if (!label) continue
    const [left, end] = spanOf(label)
    must(left >= timeWidth && end <= width, `${about}: leaves the ladder: ${left} to ${end}`)
    must(label.y - SIZES.ascent * unit >= y - 0.01, `${about}: above its row`)
    must(label.y + SIZES.descent * unit <= bottom + 0.01, `${about}: below its row`)
    if (kind !== 'step') continue
    must(line > y && line < bottom, `${about}: its line is in another row`)
    const isBeside = from === to && (left > from + 4 * unit || end < from - 4 * unit)
    must(isBeside || label.y + SIZES.descent * unit <= line - 3 * unit, `${about}: the text is on its line`)
  }
  must(Math.abs(bottom - height) < 0.01, 'the last row is cut')
  t.same(problems, [], about)
}

await t.test('text is readable at every width, in every font, in all recorded calls', async t => {
  t.ok(CALLS.length > 60)
  for (const drawn of CALLS) {
    for (const [font, measure] of Object.entries(FONTS)) {
      for (const [width, unit] of [[320, 1], [334, 15 / 14], [700, 1], [860, 1], [1500, 19 / 14]] as const) {
        const layout = layoutOf(drawn, width, text => measure(text) * unit, unit)
        assertReadable(t, layout, unit, `${drawn.name} ${width} ${font}`)
      }
    }
  }
})

await t.test('every step is drawn once, in order, between the lanes of its parties', async t => {
  for (const drawn of CALLS) {
    const { items, lanes } = layoutOf(drawn, 860, FONTS['proportional']!)
    const at = Object.fromEntries(lanes.map(({ party, x }: any) => [party, x]))
    const steps = items.filter(({ kind }: any) => kind === 'step')
    t.same(
      steps.map(({ row, from, to }: any) => [row.seq, from, to]),
      drawn.ladder.rows.map(({ seq, from, to }) => [seq, at[from], at[to]]),
      drawn.name
    )
    t.same(lanes.map(({ party }: any) => party), drawn.ladder.parties)
  }
})

await t.test('a text is cut only where the whole ladder is too narrow for it', async t => {
  const measure = FONTS['wide']!
  const isCut = (layout: any) => layout.items.filter(({ label }: any) => label?.isCut)
  let cuts = 0
  for (const drawn of CALLS) {
    t.same(isCut(layoutOf(drawn, 1000, measure)), [], drawn.name)
    const narrow = layoutOf(drawn, 320, measure)
    for (const { row, label } of isCut(narrow)) {
      cuts++
      if (row) t.ok(measure(row.what) > narrow.width - TIME_WIDTH - 4 * 8, row.what)
      t.match(label.text, /…$/)
    }
  }
  t.ok(cuts > 0)
})

await t.test('all parties at once need more room than a phone has, and get it', async t => {
  const measure = FONTS['proportional']!
  const rows = ALL_PARTIES.flatMap((from, i) =>
    ALL_PARTIES.map((to, j) => ({ seq: i * 20 + j, from, to, via: 'sip', what: '180 Ringing', count: 1, ms: 0 })))
  const layout = layoutLadder({
    parties: ALL_PARTIES,
    rows,
    width: 330,
    unit: 1,
    timeWidth: TIME_WIDTH,
    measure,
    measureName: measure,
    textOf: ({ what }: any) => what
  })
  t.ok(layout.width > 330)
  assertReadable(t, layout, 1, 'all parties')
  const gaps = layout.lanes.slice(1).map(({ x }: any, i: number) => x - layout.lanes[i].x)
  t.ok(Math.min(...gaps) >= SIZES.lane)
})

await t.test('a party without a lane, and a call of which nothing is known', async t => {
  const measure = FONTS['wide']!
  const common = { width: 600, unit: 1, timeWidth: TIME_WIDTH, measure, measureName: measure }
  const row = { seq: 0, from: 'bridge', to: 'somebody', via: 'sip', what: 'x', count: 1, ms: 0 }
  const layout = layoutLadder({ ...common, parties: ['jambonz', 'bridge'], rows: [row], textOf: () => 'x' })
  assertReadable(t, layout, 1, 'drawn at the last lane')
  const empty = layoutLadder({ ...common, parties: [], rows: [], textOf: () => '' })
  t.same({ items: empty.items, lanes: empty.lanes, height: empty.height }, { items: [], lanes: [], height: 0 })
})

await t.test('a silence is shown, but not the time in which something came again and again', async t => {
  const pausesOf = (name: string) => {
    const drawn = CALLS.find(call => call.name === name)!
    return layoutOf(drawn, 860, FONTS['wide']!).items.filter(({ kind }: any) => kind === 'pause')
  }
  // It rang each second for eight seconds, and LiveKit was looked at 20 s after the end.
  const [last, ...others] = pausesOf('chain/no-agent-worker').map(({ ms }: any) => ms).reverse()
  t.ok(last > 19_000)
  for (const ms of others) t.ok(ms >= PAUSE_MS && ms < 2500, String(ms))
})

await t.test('cutting a text', async t => {
  const measure = FONTS['wide']!
  t.equal(cut('agent leg ringing', 200, measure), 'agent leg ringing')
  t.equal(cut('agent leg ringing', 80, measure), 'agent leg…', 'no space in front of the dots')
  t.equal(cut('👩‍🚀👩‍🚀', 16, measure), '👩…', 'no half of a letter')
  t.equal(cut('abc', 0, measure), '…')
})

await t.test('words', async t => {
  const texts = [0, 412, 1234, 60_495, 3_605_123].map(ms => msText(ms).replaceAll('\u202f', ' '))
  t.same(texts, ['0', '412', '1 234', '60 495', '3 605 123'])
  const row = { seq: 0, at: '', ms: 44, from: 'livekit', to: 'jambonz', via: 'sip', what: '180 Ringing', count: 5 }
  t.equal(sentenceOf(row, 'plain'), '44 milliseconds, LiveKit to Jambonz: 180 Ringing, 5 times')
  t.equal(sentenceOf({ ...row, to: 'livekit', count: 1 }, 'bad'), '44 milliseconds, LiveKit: 180 Ringing, failure')
})
