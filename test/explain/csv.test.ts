import t from 'tap'
import { openCsv } from '../../src/explain/text/csv.ts'

/*
 * Rows of tables, as spreadsheets and consoles write them (RFC 4180), and as programs write them that forget quotes.
 */

const PIECES = ['a', 'é', '"', ',', '\n', ' ', ';']
/** Cells of up to three pieces, each combination once. */
const CELLS = ['', ...PIECES, ...PIECES.flatMap(a => PIECES.map(b => a + b)),
  ...PIECES.flatMap(a => PIECES.flatMap(b => PIECES.map(c => a + b + c)))]

const written = (cell: string): string => /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell

/** What the last line of a row gives. */
function read (row: string): unknown {
  const table = openCsv('time,message,level')!
  const results = row.split('\n').map(line => table.push(line))
  return results.slice(0, -1).every(result => result === 'more') ? results.at(-1) : results
}

const record = (message: string) => ({ time: '1', ...(message !== '' && { message }), level: 'info' })

await t.test('what was written comes back', async t => {
  const wrong = CELLS.filter(cell =>
    JSON.stringify(read(`1,${written(cell)},info`)) !== JSON.stringify(record(cell))
  )
  t.strictSame(wrong, [])
})

await t.test('a quote that nobody doubled is a character', async t => {
  t.strictSame(read('1,"he said "no" twice",info'), record('he said "no" twice'))
  t.strictSame(read('1,say "no" twice,info'), record('say "no" twice'))
})

await t.test('a row with other columns is none of the table', async t => {
  t.equal(read('1,info'), 'none')
  t.equal(read('1,a,b,info'), 'none')
})

await t.test('names between quotes, and other delimiters', async t => {
  t.strictSame(openCsv('"time";"message"')?.push('1;"a;b"'), { time: '1', message: 'a;b' })
  t.equal(openCsv('Dear all, it did not work'), undefined)
})
