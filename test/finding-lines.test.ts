import t from 'tap'
import { SEVERITIES, type Finding } from '../src/finding.ts'
import { findingLines, indented, severityMark } from '../src/finding-lines.ts'
import { styleFor } from '../src/terminal.ts'

const finding: Finding = {
  code: 'trunk-missing',
  severity: 'failed',
  seen: 'The project has no inbound trunk',
  todo: 'Make it',
  command: 'bridge provision'
}

await t.test('what was seen, what to do, the command', async t => {
  t.strictSame(findingLines(finding), [
    '✗ The project has no inbound trunk  (trunk-missing)',
    '    → Make it',
    '    $ bridge provision'
  ])
  t.strictSame(findingLines({ code: 'clock-ok', severity: 'ok', seen: 'The clock is right' }), [
    '✓ The clock is right  (clock-ok)'
  ])
  t.strictSame(indented(['a', 'b'], 2), ['  a', '  b'])
})

await t.test('a mark for each severity, with colours, and where there is only ASCII', async t => {
  t.strictSame(SEVERITIES.map(severity => severityMark(severity)), ['✓', '!', '✗', '–'])
  t.strictSame(SEVERITIES.map(severity => severityMark(severity, { ascii: true })), ['ok', '!', 'FAILED', '-'])
  t.equal(
    findingLines(finding, { colour: true })[0],
    '\x1b[31m✗\x1b[0m The project has no inbound trunk  (trunk-missing)'
  )
  t.strictSame(findingLines(finding, { ascii: true }).slice(0, 2), [
    'FAILED The project has no inbound trunk  (trunk-missing)',
    '    -> Make it'
  ])
})

await t.test('what others wrote stays on its line, without control characters', async t => {
  const evil = 'a\x1b]0;evil\x07\r\nb\u2028c\u009b1m'
  const lines = findingLines({ ...finding, seen: evil, todo: evil, command: evil })
  t.equal(lines.length, 3)
  // eslint-disable-next-line no-control-regex
  for (const line of lines) t.notMatch(line, /[\x00-\x1f\x7f-\x9f\u2028]/)
})

await t.test('colours are for terminals, ASCII for those that know nothing else', async t => {
  t.strictSame(styleFor({ isTTY: true }, { LANG: 'en_US.UTF-8' }), { colour: true, ascii: false })
  t.strictSame(styleFor({}, {}), { colour: false, ascii: false })
  t.strictSame(styleFor({ isTTY: true }, { NO_COLOR: '1', LANG: 'C' }), { colour: false, ascii: true })
  t.strictSame(styleFor({ isTTY: true }, { TERM: 'dumb' }), { colour: false, ascii: true })
})
