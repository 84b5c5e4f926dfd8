import t from 'tap'
import type { Explanation } from '../../src/explain/explanation.ts'
import { pcapFile, recordedSip, tcpFrames, udpFrames, type Wire } from '../fixtures/captures.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { readRecordings, type Recording } from '../fixtures/recordings.ts'

/*
 * The cause that is found depends neither on what differs between installations nor on what a file happens to lack. And
 * a report says nothing about what is not in the files.
 */

const recordings = readRecordings()
const called = (name: string): Recording => recordings.find(recording => recording.name === name)!

interface Line {
  at: number
  record: Record<string, unknown>
}

/** Hooks and LiveKit's events of a recording in the order of time. */
const linesOf = ({ requests, webhooks, start }: Recording): Line[] =>
  [
    ...requests.map(({ at_ms: at, url, body, replied }) => ({
      at: start + at,
      record: {
        url,
        body: JSON.parse(body) as unknown,
        ...(replied &&
          {
            replied: {
              status: replied.status,
              body: (replied as { body?: unknown }).body,
              time: start + (replied.at_ms ?? at + 5)
            }
          })
      }
    })),
    ...webhooks.map(({ at_ms: at, body }) => ({ at: start + at, record: { body: JSON.parse(body) as unknown } }))
  ].sort((a, b) => a.at - b.at)
const written = (lines: readonly Line[], timed = true): string =>
  lines.map(({ at, record }) => `${JSON.stringify(timed ? { time: at, ...record } : record)}\n`).join('')
const hookOf = ({ record }: Line): string => String(record['url'] ?? '')
const causeOf = ({ calls }: Explanation): string | undefined => calls[0]?.end?.cause

const fits = (recording: Recording, cause: string | undefined): boolean =>
  recording.causes.includes('*') || recording.causes.includes(cause ?? '')

await t.test('logs with the newest line first, as consoles show them', async t => {
  for (const recording of recordings) {
    const explanation = await explainedAll([written(linesOf(recording).reverse())])
    t.ok(fits(recording, causeOf(explanation)), `${recording.name}: ${causeOf(explanation)}`)
  }
})

await t.test('other numbers, hosts, ids and tokens, and a call that took longer', async t => {
  for (const recording of recordings) {
    const stretched = linesOf(recording).map(({ at, record }) => ({
      at: recording.start + (at - recording.start) * 1.3,
      record: {
        ...record,
        ...(record['replied'] ? { replied: { ...record['replied'] as object, time: undefined } } : {})
      }
    }))
    const other = written(stretched)
      .replace(
        /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
        id => id.replace(/[0-9a-f]/g, digit => (15 - parseInt(digit, 16)).toString(16))
      )
      .replace(/(?<![a-z0-9])c([0-9a-f]{26})(?![a-z0-9])/g, 'w$1').replaceAll('+15550001111', '+4930123456').replaceAll(
        '127.0.0.1',
        '10.20.30.40'
      )
    const explanation = await explainedAll([other])
    t.ok(fits(recording, causeOf(explanation)), `${recording.name}: ${causeOf(explanation)}`)
  }
})

await t.test('rooms that another rule names', async t => {
  for (
    const name of ['agent-without-audio', 'room-deleted-while-ringing', 'caller-rtp-pauses-20s', 'agent-name-typo']
  ) {
    const recording = called(`chain/${name}`)
    const room = /"name":"(jb_[^"]+)"/.exec(written(linesOf(recording)))![1]!
    for (const other of ['call-_+15550001111_AbCdEfGh', 'support']) {
      const explanation = await explainedAll([written(linesOf(recording)).replaceAll(room, other)])
      t.ok(fits(recording, causeOf(explanation)), `${name} in ${other}: ${causeOf(explanation)}`)
    }
  }
})

await t.test('hooks without any time beside events that have one', async t => {
  for (const name of ['agent-name-typo', 'no-agent-worker', 'agent-without-audio']) {
    const untimed = linesOf(called(`chain/${name}`)).map(({ at, record }) => ({
      at,
      record: { ...record, replied: undefined }
    }))
    const explanation = await explainedAll([written(untimed, false)])
    const cause = causeOf(explanation)
    t.ok(fits(called(`chain/${name}`), cause), `${name}: ${cause}: ${explanation.calls[0]?.summary}`)
    t.notMatch(JSON.stringify(explanation), /\d{7,} s\b/, 'no time since 1970')
  }
})

await t.test('without statuses, nothing shows that Jambonz refused the reply', async t => {
  const lines = linesOf(called('chain/caller-gives-up-during-hook')).filter(line => !hookOf(line).startsWith('/status'))
  const explanation = await explainedAll([written(lines)])
  t.equal(causeOf(explanation), 'lost')
  t.match(explanation.calls[0]?.notToldApart.join(), /gave up while the call hook was pending.*reply-refused/)
  t.equal(
    causeOf(await explainedAll([written(linesOf(called('jambonz/call-hook-empty-array')))])),
    'reply-refused',
    'an empty reply is one'
  )
})

await t.test('refusing a REFER on purpose is not reported as a fault of the hook', async t => {
  const explanation = await explainedAll([written(linesOf(called('chain/caller-leg-refers')))])
  t.notOk(codesOf(explanation).includes('hook-refused'), String(codesOf(explanation)))
})

await t.test('no command asks a bridge for a call that it never saw', async t => {
  for (const recording of recordings) {
    const explanation = await explainedAll([written(linesOf(recording))])
    const steps = explanation.calls.flatMap(({ nextSteps }) => nextSteps)
    const commands = [...findingsOf(explanation), ...steps].map(({ command }) => command ?? '')
    t.notOk(commands.some(command => command.includes('--fetch')), recording.name)
  }
})

const wires = (name: string, take: (wires: Wire[]) => Wire[]): Buffer => pcapFile(udpFrames(take(recordedSip(name))))

await t.test('a capture that begins after the INVITE', async t => {
  for (const from of [1, 2]) {
    const explanation = await explainedAll([wires('no-trunk-matches', all => all.slice(from))])
    t.equal(causeOf(explanation), 'livekit-no-route')
    t.match(explanation.calls[0]?.notToldApart.join(), /begin in the middle of the call/)
    t.notMatch(JSON.stringify(explanation), /\d{7,} s\b/, 'no time since 1970')
  }
  const cancel = await explainedAll([wires('no-trunk-matches', all => all.slice(-1))])
  t.match(cancel.calls[0]?.end, { cause: 'caller-gave-up', waitingOn: 'none' })
  t.match(cancel.calls[0]?.summary, /do not show what the caller was waiting for/)
})

await t.test('a capture that ends before anything was decided', async t => {
  for (
    const [name, kept] of [['bad-credentials', 5], ['bad-credentials', 1], ['no-common-codec', 6], [
      'no-trunk-matches',
      2
    ]] as const
  ) {
    const explanation = await explainedAll([wires(name, all => all.slice(0, kept))])
    t.equal(causeOf(explanation), undefined, `${name}, ${kept} messages`)
    t.equal(explanation.calls[0]?.findings[0]?.code, 'still-going')
    t.notOk(codesOf(explanation).includes('sip-host-silent'))
  }
})

await t.test('what LiveKit did not do is surer than why Jambonz cancelled', async t => {
  for (const cancelledAt of [3700, 6500]) {
    const explanation = await explainedAll([
      wires('no-trunk-matches', all =>
        all.map(wire =>
          wire.raw.startsWith('CANCEL') ? { ...wire, at: all[0]!.at + cancelledAt } : wire
        ))
    ])
    t.equal(causeOf(explanation), 'livekit-no-route', `${cancelledAt} ms`)
    t.match(explanation.calls[0]?.notToldApart.join(), /somebody ended over the API/)
  }
})

await t.test("a capture of LiveKit's 100 does not call it Jambonz's", async t => {
  const explanation = await explainedAll([pcapFile(tcpFrames(recordedSip('bad-credentials')))])
  t.match(explanation.calls[0]?.evidence[0], { signal: 'agent-leg-dialled', seen: 'INVITE to LiveKit' })
})
