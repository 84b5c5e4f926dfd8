import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { explain } from '../../src/cli/explain.ts'
import { pcapFile, portions, recordedSip, udpFrames } from '../fixtures/captures.ts'

const capture = (name: string): Buffer => pcapFile(udpFrames(recordedSip(name)))

async function run (args: string[], stdin: Buffer | string = ''): Promise<{ code: number, out: string, err: string }> {
  let out = ''
  let err = ''
  const code = await explain(args, {
    stdin: portions(stdin),
    stdout: {
      write: text => {
        out += text
      }
    },
    stderr: {
      write: text => {
        err += text
      }
    },
    env: { COLUMNS: '120' }
  })
  return { code, out, err }
}

await t.test('a failed call, from a file and from standard input', async t => {
  const file = join(t.testdir(), 'call.pcap')
  writeFileSync(file, capture('bad-credentials'))
  const fromFile = await run([file])
  t.equal(fromFile.code, 1)
  t.match(fromFile.out, /livekit-refused-credentials/)
  t.match(fromFile.out, /ms +caller +jambonz +bridge +livekit +agent/)
  t.equal(fromFile.err, '')
  const fromStdin = await run(['-', '--json'], capture('answered-caller-hangs-up'))
  t.equal(fromStdin.code, 0, fromStdin.out)
  t.match(JSON.parse(fromStdin.out), {
    calls: [{ end: { cause: 'caller-hung-up' }, began: '2026-01-31T10:00:00.002Z' }]
  })
})

await t.test('one call out of many', async t => {
  const folder = t.testdir()
  const files = ['bad-credentials', 'answered-room-deleted'].map(name => {
    const file = join(folder, name)
    // Recordings share the header that names the call: these are to be different ones.
    writeFileSync(
      file,
      pcapFile(
        udpFrames(
          recordedSip(name).map(wire => ({
            ...wire,
            raw: wire.raw.replace(/x-(lk-call|cid|call-sid): [^\r]+/g, `x-$1: ${name}-$1`)
          }))
        )
      )
    )
    return file
  })
  const both = JSON.parse((await run([...files, '--json'])).out)
  t.equal(both.calls.length, 2)
  const chosen = await run([...files, '--json', '--call', both.calls[1].legs[0].callId])
  t.equal(JSON.parse(chosen.out).calls.length, 1)
  const none = await run([...files, '--call', 'nobody'])
  t.equal(none.code, 2)
  t.match(none.out, /no-such-call[^]*Choose one of them/)
})

await t.test('what cannot be read: said with a next step, exit code 2', async t => {
  const folder = t.testdir({ empty: '', letter: 'Dear all,\n' })
  const locked = join(folder, 'locked')
  writeFileSync(locked, 'x')
  chmodSync(locked, 0)
  const cases: Array<[file: string, code: RegExp]> = [
    [join(folder, 'nothing.pcap'), /file-not-found/],
    [folder, /file-unreadable/],
    [join(folder, 'empty'), /empty-file/],
    [join(folder, 'letter'), /nothing-known/],
    ...process.getuid?.() === 0 ? [] : [[locked, /file-unreadable/] as [string, RegExp]]
  ]
  for (const [file, says] of cases) {
    const { code, out } = await run([file])
    t.equal(code, 2, file)
    t.match(out, says)
    t.notMatch(out, /^\s+at /m, 'no stack')
  }
})

await t.test('exit codes of log lines: 1 for a failure, also one of no call, 0 where nothing names one', async t => {
  const folder = t.testdir({
    conflict: '2026-01-31T10:00:00.003Z\tERROR\tlivekit\tservice/io_sip.go:120\tConflicting inbound SIP Trunks\t{}\n',
    quiet: `${JSON.stringify({ level: 30, callSid: 'sid-7', msg: 'CallSession:exec starting 1 tasks' })}\n`,
    warned: '2026-01-31T10:00:00.003Z\tINFO\tsip\tsip/inbound.go:636\tBYE for non-existent call\t{"callID": "SCL_7"}\n'
  })
  for (const [file, code] of [['conflict', 1], ['quiet', 0], ['warned', 0]] as const) {
    const result = await run([join(folder, file)])
    t.equal(result.code, code, file)
    t.match(result.out, /\S/)
  }
})

await t.test('usage', async t => {
  for (const args of [[], ['--loud', 'x'], ['-', '-']]) {
    const { code, out, err } = await run(args)
    t.equal(code, 2)
    t.match(err, /Usage: bridge explain/)
    t.equal(out, '')
  }
  const help = await run(['--help'])
  t.equal(help.code, 0)
  t.match(help.out, /Usage: bridge explain/)
})
