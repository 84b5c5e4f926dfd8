import { randomBytes, randomUUID } from 'node:crypto'
import type { UserAgent } from '../../sip/user-agent.ts'
import type { JambonzContext } from './context.ts'
import { sandboxSdp } from './media.ts'
import { outboundCallHookPayload } from './payloads.ts'
import type { CallStatus, Leg } from './payloads.ts'
import type { CreateCall } from './rest.ts'
import { routeOf } from './route.ts'
import type { Session } from './session.ts'

/**
 * Places a call for the REST API. Status events come first; the call hook is asked only when the called party has
 * answered, so an unanswered call never reaches it (feature-server rest_dial).
 *
 * @throws {Error} when no gateway serves the target
 */
export async function outboundCall (
  context: JambonzContext,
  callerSide: UserAgent,
  request: CreateCall
): Promise<{ sid: string, callId: string }> {
  const { clock } = context
  const route = routeOf(request.to, context.gateways)
  if (route.uri === undefined) throw new Error('no route to the called party')
  const leg: Leg = {
    callSid: randomUUID(),
    direction: 'outbound',
    from: request.from,
    to: route.to,
    callId: randomUUID(),
    sipStatus: 100,
    sipReason: 'Trying',
    callStatus: 'trying',
    accountSid: context.accountSid,
    traceId: randomBytes(16).toString('hex'),
    fsSipAddress: context.fsSipAddress,
    ...request.application_sid !== undefined && { applicationSid: request.application_sid },
    ...request.tag !== undefined && { customerData: request.tag }
  }
  const { createSession, end } = context.register(leg, request.call_hook, request.call_status_hook)
  const call = callerSide.invite(route.uri, {
    from: request.from,
    headers: { 'X-Call-Sid': leg.callSid, ...request.headers, 'Content-Type': 'application/sdp' },
    body: sandboxSdp(context.host),
    ...request.to.auth && { auth: request.to.auth }
  })
  const session = createSession({
    identity: {},
    offer: '',
    early () {},
    answer () {},
    // Live call control can end the call before the answer.
    reject () {
      call.cancel()
    },
    bye: headers => call.bye(headers),
    refer: (to, headers) => call.send('REFER', { headers: { 'Refer-To': to, ...headers } })
  })

  function report (callStatus: CallStatus, sipStatus: number, sipReason: string): void {
    Object.assign(leg, { callStatus, sipStatus, sipReason })
    session.notify(leg)
  }
  report('trying', 100, 'Trying')
  const cancelTimer = clock.schedule((request.timeout ?? 60) * 1000, () => call.cancel())
  call.onProvisional(message => {
    if (message.status <= 100) return
    leg.sbcCallid = call.callId
    if (message.body !== '') report('early-media', message.status, message.reason)
    else if (message.status === 180) report('ringing', 180, message.reason)
  })
  call.onBye(bye => session.callerHungUp(bye))
  call.onRefer(async message => await session.onCallerRefer?.(message) ?? { status: 501, reason: 'Not Implemented' })
  call.onNotify(message => session.onCallerNotify?.(message))

  answered(
    context,
    request,
    session,
    end,
    call.final.then(final => {
      cancelTimer()
      const { status } = final
      if (status < 300) leg.sbcCallid = call.callId
      else report(outcome(status), status, final.reason)
      return status < 300
    })
  ).catch(() => {})
  return { sid: leg.callSid, callId: call.callId }
}

async function answered (
  context: JambonzContext,
  request: CreateCall,
  session: Session,
  end: () => Promise<void>,
  final: Promise<boolean>
): Promise<void> {
  if (await final) {
    session.answer()
    try {
      const hook = request.call_hook ?? context.options.callHook
      const reply = await session.hooks.post(hook, outboundCallHookPayload(session.leg, context.envVars(session.leg)))
      await session.run(context.parse(reply))
    } catch {
      // The call is already answered, so a call hook that fails ends it with a BYE.
      await session.run([])
    }
  }
  await end()
}

function outcome (status: number): CallStatus {
  if (status === 486 || status === 603) return 'busy'
  return status === 487 ? 'no-answer' : 'failed'
}
