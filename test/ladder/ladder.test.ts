import fc from 'fast-check'
import t from 'tap'
import { createFolder } from '../../src/ladder/fold.ts'
import {
  createLiveLadder,
  ladderHeader,
  ladderOptionsFor,
  ladderRow,
  layout,
  renderLadder
} from '../../src/ladder/ladder.ts'
import type { LadderOptions } from '../../src/ladder/ladder.ts'
import { PARTIES, partiesOf } from '../../src/ladder/parties.ts'
import type { Party, Step } from '../../src/ladder/trace.ts'

const plain = (width: number): LadderOptions => ({ width, colour: false, ascii: false, rewrite: false })
const step = (at: number, from: Party, to: Party, what: string): Step => ({ at, from, to, what, via: 'sip' })

const party = fc.constantFrom(...PARTIES)
const steps = fc.array(
  fc.record({
    at: fc.integer({ min: 1000, max: 90_000 }),
    from: party,
    to: party,
    what: fc.oneof(
      fc.constantFrom('INVITE', '180 Ringing', 'POST /status agent-leg ringing'),
      fc.string({ maxLength: 200, unit: 'grapheme' })
    ),
    via: fc.constantFrom('sip' as const, 'http' as const, 'room' as const)
  }),
  { maxLength: 40 }
)
const width = fc.integer({ min: 20, max: 300 })

await t.test('no line is wider than the terminal between 80 and 160 columns', async () => {
  fc.assert(fc.property(steps, width, fc.boolean(), (all, columns, ascii) => {
    const limit = Math.min(160, Math.max(80, columns))
    for (const line of renderLadder(all, { ...plain(columns), ascii }).split('\n')) {
      if ([...line].length > limit) return false
      if (ascii && /[^\x20-\x7e]/.test(line)) return false
    }
    return true
  }))
})

await t.test('an arrow starts and ends at the lifelines of its parties', async () => {
  fc.assert(fc.property(party, party, width, fc.string({ maxLength: 60 }), (from, to, columns, what) => {
    fc.pre(from !== to)
    const { at: columnOf } = layout(columns)
    const [start, end] = [columnOf.get(from)!, columnOf.get(to)!]
    const line = [...ladderRow({ step: step(0, from, to, what), count: 1 }, 0, plain(columns)).at(-1) ?? '']
    const [left, right] = start < end ? [start, end] : [end, start]
    const head = start < end ? right - 1 : left + 1
    return line[left] === '│' && line[right] === '│' && line[head] === (start < end ? '▶' : '◀') &&
      line.slice(left + 1, right).every(char => char !== '│' || what.includes('│'))
  }))
})

await t.test('the times never go back, and the steps keep their order', async t => {
  const times = (text: string) => text.split('\n').slice(1).map(line => line.slice(0, 8).trim()).filter(Boolean)
  const shown = renderLadder([
    step(1000, 'caller', 'jambonz', 'INVITE'),
    step(1040, 'jambonz', 'bridge', 'POST /livekit-api'),
    step(1038, 'bridge', 'livekit', 'CreateRoom'),
    step(1041, 'livekit', 'bridge', 'room_started')
  ], plain(120))
  t.same(times(shown), ['0', '40', '40', '41'])
  t.match(shown, /POST \/livekit-api[^]*CreateRoom[^]*room_started/)

  fc.assert(fc.property(steps, width, (all, columns) => {
    const shown = times(renderLadder(all, plain(columns))).map(Number)
    return shown.every((ms, i) => ms >= (shown[i - 1] ?? 0))
  }))
})

await t.test('every step is drawn once, and the counts of the rows add up', async () => {
  fc.assert(fc.property(steps, all => {
    const folder = createFolder()
    for (const one of all) folder.push(one)
    folder.end()
    const counted = folder.rows.reduce((sum, row) => sum + row.count, 0)
    return counted === all.length &&
      all.every(one =>
        folder.rows.some(({ step: { from, to, what } }) => from === one.from && to === one.to && what === one.what)
      )
  }))
})

await t.test('a live ladder in a file has as many rows as the whole ladder', async () => {
  fc.assert(fc.property(steps, all => {
    let text = ''
    const live = createLiveLadder(more => {
      text += more
    }, plain(120))
    for (const one of all) live.step(one)
    live.end()
    const folder = createFolder()
    for (const one of all) folder.push(one)
    folder.end()
    const drawn = text.split('\n').filter(line => /^ *\d+ /.test(line)).length
    return drawn === folder.rows.length
  }))
})

await t.test('a live ladder on a terminal increases counts in place', async t => {
  const all = [
    step(0, 'caller', 'jambonz', 'INVITE'),
    step(1, 'livekit', 'jambonz', '180 Ringing'),
    step(2, 'jambonz', 'bridge', 'POST /status agent-leg ringing'),
    step(1001, 'livekit', 'jambonz', '180 Ringing'),
    step(1002, 'jambonz', 'bridge', 'POST /status agent-leg ringing'),
    step(2001, 'livekit', 'jambonz', '180 Ringing'),
    step(2002, 'jambonz', 'bridge', 'POST /status agent-leg ringing'),
    step(2100, 'livekit', 'jambonz', '486 Busy Here')
  ]
  const screen: string[] = []
  const live = createLiveLadder(text => {
    // The part of a terminal that the ladder needs: it moves the cursor up and clears to the end.
    // eslint-disable-next-line no-control-regex
    const up = /^\x1b\[(\d+)A\x1b\[0J$/.exec(text)?.[1]
    if (up !== undefined) screen.splice(-Number(up))
    else screen.push(...text.split('\n').slice(0, -1))
  }, { ...plain(160), rewrite: true })
  for (const one of all) live.step(one)
  live.end()
  t.equal(screen.join('\n') + '\n', renderLadder(all, plain(160)))
  t.match(screen[2], /180 Ringing ×3/)
  t.match(screen[3], /ringing ×3/)
  t.match(screen[4], /486 Busy Here/)
})

await t.test('steps fold alone and as pairs, and others keep their order', async t => {
  const rows = (text: string) => {
    const folder = createFolder()
    for (const what of text) folder.push(step(0, 'caller', 'jambonz', what))
    folder.end()
    return folder.rows.map(row => row.step.what + (row.count > 1 ? row.count : '')).join('')
  }
  t.equal(rows('aaab'), 'a3b')
  t.equal(rows('abababc'), 'a3b3c')
  t.equal(rows('abac'), 'abac', 'half of a pair is not folded')
  t.equal(rows('ababac'), 'a2b2ac')
  t.equal(rows('aba'), 'aba')
  t.equal(rows('abab'), 'a2b2')
})

await t.test('milliseconds count from the first step, and the header names all parties', async t => {
  const [header = '', first = '', second = ''] = renderLadder([
    step(5000, 'caller', 'jambonz', 'INVITE'),
    step(5042, 'jambonz', 'caller', '100 Trying')
  ], plain(160)).split('\n')
  for (const name of PARTIES) t.match(header, name)
  t.match(first, /^ +0 /)
  t.match(second, /^ +42 /)
  t.equal(ladderHeader(plain(160)), header)
})

await t.test('only a terminal without NO_COLOR gets colours', async t => {
  const tty = { isTTY: true, columns: 100 }
  t.match(ladderOptionsFor(tty, { LANG: 'en_US.UTF-8' }), { colour: true, ascii: false, rewrite: true, width: 100 })
  t.equal(ladderOptionsFor(tty, { NO_COLOR: '1' }).colour, false)
  t.equal(ladderOptionsFor({}, {}).colour, false)
  t.equal(ladderOptionsFor({}, {}).rewrite, false)
  t.equal(ladderOptionsFor(tty, { LANG: 'C' }).ascii, true)
  t.match(ladderOptionsFor(tty, { TERM: 'dumb' }), { colour: false, ascii: true, rewrite: false })
  const row = { step: step(0, 'caller', 'jambonz', '486 Busy Here'), count: 1 }
  const coloured = ladderRow(row, 0, { ...plain(120), colour: true })
  t.match(coloured[0], '\x1b[31m')
  // eslint-disable-next-line no-control-regex
  t.same(coloured.map(line => line.replace(/\x1b\[\d+m/g, '')), ladderRow(row, 0, plain(120)))
})

await t.test('the lifelines are those that the steps need, whoever is called', async t => {
  const dial = [step(0, 'caller', 'jambonz', 'INVITE'), step(1, 'bridge', 'jambonz', 'dial')]
  t.same(partiesOf(dial), PARTIES, 'without any far end a call goes to LiveKit')
  t.same(partiesOf([...dial, step(2, 'phone', 'jambonz', '180')]), ['caller', 'jambonz', 'bridge', 'phone'])
  const all = [
    ...dial,
    step(2, 'livekit', 'jambonz', '180'),
    ...(['phone', 'carrier', 'sip', 'retell'] as const).map(far => step(3, far, 'jambonz', '200 OK'))
  ]
  const parties = partiesOf(all)
  t.same(parties, [...PARTIES, 'retell', 'carrier', 'phone', 'sip'])
  for (const columns of [80, 120, 160]) {
    const shown = renderLadder(all, { ...plain(columns), parties })
    for (const name of parties) t.match(shown.split('\n')[0], name, `${columns} columns: ${name}`)
    for (const line of shown.split('\n')) t.ok([...line].length <= columns, line)
    t.equal(new Set(layout(columns, parties).at.values()).size, parties.length)
  }
})
