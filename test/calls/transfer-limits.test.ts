import t from 'tap'
import type { FastifyBaseLogger } from 'fastify'
import { CallLog } from '../../src/call-log.ts'
import type { Call, Duty } from '../../src/calls/fold/call.ts'
import { transferRefusal } from '../../src/calls/fold/on-transfer.ts'
import { MOST_TRANSFERS, transfersOf } from '../../src/calls/fold/transfers.ts'
import { presentTransfer } from '../../src/calls/transfer-view.ts'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { buildTransferStage, CALLER, ID, PERSON, requestWith } from '../fixtures/transfer-stage.ts'
import { transferred } from '../fixtures/transferred.ts'

/*
 * Many transfers of one call, and what is said of a leg that is gone, a merge that failed and a call that is not found.
 */

await t.test('every transfer of a call can be asked about, and there are not too many of them', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  const ids = Array.from({ length: MOST_TRANSFERS }, (_value, i) => `tr-${i}`)
  for (const id of ids) {
    const at = stage.clock.now()
    await stage.calls.apply(CALLER, { kind: 'transfer', request: requestWith('blind', { id }), at })
    await stage.calls.apply(CALLER, { kind: 'cancel-transfer', by: 'agent', id, at })
  }
  const call = (await stage.get(CALLER))!
  t.same(transfersOf(call).map(({ request }) => request!.id), ids)
  for (const id of ids) {
    t.match(presentTransfer(await stage.transfer(id)), { id, mode: 'blind', result: 'returned', reason: 'cancelled' })
  }
  t.equal(transferRefusal(call, { callControl: true }), 'too-many')
  const last = requestWith('blind', { id: 'tr-last' })
  await stage.calls.apply(CALLER, { kind: 'transfer', request: last, at: stage.clock.now() })
  t.equal(await stage.transfer('tr-last'), undefined)
})

await t.test('a transfer that is over does not keep how the person was dialled', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult'))
  await stage.cancel()
  await stage.ask(requestWith('screen', { id: 'tr-2' }))
  t.match((await stage.transfer()).request, { id: ID, order: undefined })
  t.match((await stage.transfer('tr-2')).request, { prompt: {}, way: {} }, 'an open one does')
  await stage.quiet()
  t.ok(stage.asked.some(line => line.endsWith(PERSON)), 'the person is hung up on all the same')
})

await t.test('the person hangs up just before the redirect: nothing has failed, and the reason is true', async t => {
  const stage = buildTransferStage(t, { redirects: async () => false })
  await stage.connect()
  await stage.ask(requestWith('consult'))
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  await stage.complete()
  t.same(stage.failures, [])
  t.ok((await stage.get(PERSON))!.events.some(({ what, status }) => what === 'redirect' && status === 'leg gone'))
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  t.match((await stage.transfer()).outcome, { result: 'returned', reason: 'person-hung-up' })
})

for (const [story, why] of [
  ['consult-not-joined', 'the dial into the room of the caller failed (401)'],
  ['consult-not-redirected', 'Jambonz did not redirect the person']
] as const) {
  await t.test(`a merge that failed stands in the diagnosis of the caller's call: ${story}`, async t => {
    const { caller } = await transferred(t, story)
    const { evidence } = diagnose(caller)
    const failed = evidence.find(({ signal }) => signal === 'redirect-failed')
    t.match(failed, { seen: `merge failed: ${why}`, shows: 'the person stayed in the consultation' })
  })
}

await t.test('what is given up is an error only where something may be left behind', t => {
  const lines: string[] = []
  const write = (level: string) => ({ duty }: { duty?: string }) => {
    if (duty !== undefined) lines.push(`${level} ${duty}`)
  }
  const log = { debug () {}, info () {}, warn: write('warn'), error: write('error') } as unknown as FastifyBaseLogger
  for (const kind of ['find-call', 'delete-room', 'hang-up', 'send-message'] as const) {
    const duty: Duty = { id: kind, kind, target: '', due: 0, tries: 9, since: 0 }
    const at = { received: 0 }
    const after = { callSid: 'call-1', phase: 'ended', attempts: [], duties: [], at } as unknown as Call
    const before: Call = { ...after, duties: [duty] }
    new CallLog(log).changed(before, after, { kind: 'duty', id: kind, outcome: 'failed', at: 0 })
  }
  t.same(lines, ['warn find-call', 'error delete-room', 'error hang-up', 'warn send-message'])
  t.end()
})
