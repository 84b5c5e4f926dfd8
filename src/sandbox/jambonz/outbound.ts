import { randomBytes, randomUUID } from 'node:crypto'
import { buildSdp } from '../../sip/sdp.ts'
import type { UserAgent } from '../../sip/user-agent.ts'
import type { Double } from '../jambonz.ts'
import { SANDBOX_RTP_PORT } from './dial.ts'
import { outboundCallHookPayload } from './payloads.ts'
import type { CallStatus, Leg } from './payloads.ts'
import type { CreateCall } from './rest.ts'
import { routeOf } from './route.ts'
import type { Session } from './session.ts'

/**
 * A call that the REST API places: status events first, and the call hook only once the called party has answered. An
 * unanswered one never reaches the call hook (feature-server rest_dial).
 *
 * @throws {Error} when the target leads nowhere
 */
export async function outboundCall (
  double: Double,
  callerSide: UserAgent,
  request: CreateCall
): Promise<{ sid: string, callId: string }> {
  const { clock } = double
  const route = routeOf(request.to, double.gateways)
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
    accountSid: double.accountSid,
    traceId: randomBytes(16).toString('hex'),
    fsSipAddress: double.fsSipAddress(),
    ...request.application_sid !== undefined && { applicationSid: request.application_sid },
    ...request.tag !== undefined && { customerData: request.tag }
  }
  const { session, over } = double.register(leg, request.call_hook, request.call_status_hook)
  const call = callerSide.invite(route.uri, {
    from: request.from,
    headers: { 'X-Call-Sid': leg.callSid, ...request.headers, 'Content-Type': 'application/sdp' },
    body: buildSdp({ ip: double.host, port: SANDBOX_RTP_PORT }),
    ...request.to.auth && { auth: request.to.auth }
  })
  const running = session({
    identity: {},
    offer: '',
    early () {},
    answer () {},
    // Live call control may end it before the answer.
    reject () {
      call.cancel()
    },
    bye: headers => call.bye(headers),
    refer: (to, headers) => call.send('REFER', { headers: { 'Refer-To': to, ...headers } })
  })

  function report (callStatus: CallStatus, sipStatus: number, sipReason: string): void {
    Object.assign(leg, { callStatus, sipStatus, sipReason })
    running.notify(leg)
  }
  report('trying', 100, 'Trying')
  const cancelTimer = clock.schedule((request.timeout ?? 60) * 1000, () => call.cancel())
  call.onProvisional(message => {
    if (message.status <= 100) return
    leg.sbcCallid = call.callId
    if (message.body !== '') report('early-media', message.status, message.reason)
    else if (message.status === 180) report('ringing', 180, message.reason)
  })
  call.onBye(bye => running.callerHungUp(bye))
  call.onRefer(async message => await running.onCallerRefer?.(message) ?? { status: 501, reason: 'Not Implemented' })
  call.onNotify(message => running.onCallerNotify?.(message))

  answered(
    double,
    request,
    running,
    over,
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
  double: Double,
  request: CreateCall,
  running: Session,
  over: () => Promise<void>,
  final: Promise<boolean>
): Promise<void> {
  if (await final) {
    running.answer()
    try {
      const hook = request.call_hook ?? double.options.callHook
      const reply = await running.hooks.post(hook, outboundCallHookPayload(running.leg, double.envVars(running.leg)))
      await running.run(double.parse(reply))
    } catch {
      // A call hook that fails ends a call that is up already with a BYE.
      await running.run([])
    }
  }
  await over()
}

function outcome (status: number): CallStatus {
  if (status === 486 || status === 603) return 'busy'
  return status === 487 ? 'no-answer' : 'failed'
}
