import type { FastifyInstance } from 'fastify'
import { orderIdOfTransfer, type Order } from '../../src/calls/fold/order.ts'
import { findTransfer, type TransferRequest } from '../../src/calls/fold/transfers.ts'
import { presentTransfer } from '../../src/calls/transfer-view.ts'
import type { Clock } from '../../src/clock.ts'
import type { HttpReply } from './bridge.ts'

/** Stands for the routes of transfers, until the service has them. @returns undefined for other routes */
export function interimTransfers (app: FastifyInstance, clock: Clock) {
  let made = 0
  const hasRoutes = app.hasRoute({ method: 'POST', url: '/calls/:callSid/transfers' })

  return async (path: string, body?: string): Promise<HttpReply | undefined> => {
    const match = /^\/calls\/([^/]+)\/transfers(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path)
    if (!match || hasRoutes) return undefined
    const [, callSid = '', known, what] = match
    const id = known ?? `tr-${++made}-${callSid.slice(0, 8)}`
    const at = clock.now()
    if (what === 'complete') await app.calls.apply(callSid, { kind: 'complete-transfer', id, at })
    if (what === 'cancel') await app.calls.apply(callSid, { kind: 'cancel-transfer', id, at })
    if (known === undefined) {
      const request = requestOf(JSON.parse(body ?? '{}') as Wish, id, callSid, at)
      await app.calls.apply(callSid, { kind: 'transfer', request, at })
    }
    if (body !== undefined) app.runner.run(callSid).catch(() => {})
    const call = await app.calls.find(callSid)
    const transfer = call && findTransfer(call, id)
    return transfer
      ? { status: known === undefined ? 202 : 200, text: JSON.stringify(presentTransfer(transfer)) }
      : { status: 404, text: '' }
  }
}

interface Wish {
  to: string
  mode: TransferRequest['mode']
  carrier?: string
  ring?: number
}

function requestOf ({ to, mode, carrier = 'MyCarrier', ring = 30 }: Wish, id: string, callSid: string, at: number) {
  const base: TransferRequest = { id, mode, to, requestedBy: 'operator', afterPerson: 'end', ringS: ring }
  if (mode === 'refer') return base
  if (mode === 'blind' || mode === 'screen') {
    const screened = mode === 'screen' ? { screen: id } : {}
    return {
      ...base,
      way: { strategy: 'phone' as const, number: to, carrier, from: '+15551230000', ringS: ring, ...screened },
      ...(mode === 'screen' ? { prompt: { say: 'Press 1.' } } : {})
    }
  }
  const order: Order = {
    id: orderIdOfTransfer(id),
    placedBy: 'operator',
    to,
    from: '+15551230000',
    carrier,
    agent: 'demo-agent',
    ringS: ring,
    longestS: 7200,
    agentAt: mode === 'add' ? 'answer' : 'ringing',
    voicemail: 'off',
    onMachine: 'continue',
    orderedAt: at,
    transfer: { id, mode, callSid, attempt: 1 }
  }
  return { ...base, order }
}
