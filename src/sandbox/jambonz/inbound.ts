import { randomBytes, randomUUID } from 'node:crypto'
import { header, serializeMessage } from '../../sip/message.ts'
import type { SipRequest } from '../../sip/message.ts'
import { buildSdp } from '../../sip/sdp.ts'
import type { IncomingCall } from '../../sip/user-agent.ts'
import type { Double } from '../jambonz.ts'
import { SANDBOX_RTP_PORT } from './dial.ts'
import { callHookPayload, uriUser } from './payloads.ts'
import type { Leg, SipObject } from './payloads.ts'
import type { CallerLeg } from './session.ts'
import type { Verb } from './verbs.ts'

/**
 * A caller's INVITE: the call hook, then its verbs. A hook that fails, is late or replies with anything but valid verbs
 * costs the caller a 480 and leaves no event of any kind (feature-server middleware).
 */
export async function inboundCall (double: Double, call: IncomingCall): Promise<void> {
  call.respond(100)
  const leg = inboundLeg(double, call.request)
  const { hooks, session, over } = double.register(leg)
  const running = session(callerLeg(double, call))
  let cancelled = false
  let started = false
  call.onCancel(() => {
    if (started) running.callerCancelled()
    else cancelled = true
  })
  call.onBye(bye => running.callerHungUp(bye))
  call.onRefer(async message => await running.onCallerRefer?.(message) ?? { status: 501, reason: 'Not Implemented' })
  call.onNotify(message => running.onCallerNotify?.(message))

  const envVars = double.envVars(leg)
  let verbs: Verb[]
  try {
    verbs = double.parse(
      await hooks.post(
        double.options.callHook,
        callHookPayload(leg, {
          sip: sipObject(double, call.request),
          callerName: callerName(call.request),
          serviceProviderSid: 'sandbox',
          ...envVars && { envVars }
        })
      )
    )
    if (verbs.length === 0) throw new Error('no application provided')
  } catch (error) {
    double.alert(double.options.callHook, error as Error)
    if (!cancelled) call.respond(480, undefined, { headers: { 'X-Reason': (error as Error).message } })
    return await over()
  }
  if (cancelled) {
    // The feature server notices only now, reports the end, and then, out of order, the beginning.
    const gone: Leg = { ...leg, callTerminationBy: 'caller' }
    running.notify({ ...gone, callStatus: 'no-answer', sipStatus: 487, sipReason: 'Request Terminated' })
    running.notify(gone)
    return await over()
  }
  started = true
  running.notify(leg)
  await running.run(verbs)
  await over()
}

function callerLeg (double: Double, call: IncomingCall): CallerLeg {
  const description = {
    headers: { 'Content-Type': 'application/sdp' },
    body: buildSdp({ ip: double.host, port: SANDBOX_RTP_PORT })
  }
  const identity: Record<string, string> = {}
  for (const name of ['P-Asserted-Identity', 'Privacy']) {
    const value = header(call.request, name)
    if (value !== undefined) identity[name] = value
  }
  return {
    identity,
    offer: call.request.body,
    early: () => call.respond(183, 'Session Progress', description),
    answer: () => call.respond(200, 'OK', description),
    reject: (status, reason, headers) => call.respond(status, reason, headers && { headers }),
    bye: headers => call.bye(headers),
    refer: (to, headers) => call.refer(to, headers)
  }
}

function inboundLeg (double: Double, invite: SipRequest): Leg {
  const sbcCallid = header(invite, 'X-CID')
  const callId = header(invite, 'Call-ID') ?? ''
  return {
    callSid: randomUUID(),
    direction: 'inbound',
    // Without a user in From the asserted identity counts.
    from: uriUser(header(invite, 'From') ?? '') || uriUser(header(invite, 'P-Asserted-Identity') ?? '') || '',
    to: uriUser(header(invite, 'To') ?? '') ?? '',
    // With X-CID the caller plays the SBC as well; otherwise the double does and gives the inner call an id of its own.
    callId: sbcCallid === undefined ? randomUUID() : callId,
    sbcCallid: sbcCallid ?? callId,
    sipStatus: 100,
    sipReason: 'Trying',
    callStatus: 'trying',
    accountSid: double.accountSid,
    traceId: randomBytes(16).toString('hex'),
    applicationSid: double.applicationSid,
    fsSipAddress: double.fsSipAddress(),
    originatingSipIp: header(invite, 'X-Forwarded-For') ?? double.host,
    originatingSipTrunkName: header(invite, 'X-Originating-Carrier') ?? 'sandbox'
  }
}

/** The display name as it stands in From, quotes included; empty when there is none. */
function callerName (invite: SipRequest): string {
  return /^\s*("(?:[^"\\]|\\.)*"|[^<"]*?)\s*</.exec(header(invite, 'From') ?? '')?.[1] ?? ''
}

/** Standard header names come in lower case; X- and most P- headers and Diversion keep their spelling, except these. */
const LOWERED = /^(?!x-|p-(?!asserted-identity$)|diversion$)/i

function sipObject (double: Double, invite: SipRequest): SipObject {
  const headers: Record<string, string> = {}
  for (const { name, value } of invite.headers) headers[LOWERED.test(name) ? name.toLowerCase() : name] = value
  const added = {
    'X-Account-Sid': double.accountSid,
    'X-Application-Sid': double.applicationSid,
    'X-CID': header(invite, 'Call-ID') ?? '',
    'X-Forwarded-For': double.host,
    'X-Originating-Carrier': 'sandbox'
  }
  for (const [name, value] of Object.entries(added)) {
    if (header(invite, name) === undefined) headers[name] = value
  }
  return {
    headers,
    raw: serializeMessage(invite).toString(),
    body: invite.body,
    method: invite.method,
    version: '2.0',
    uri: invite.uri,
    payload: invite.body === '' ? [] : [{ type: header(invite, 'Content-Type') ?? '', content: invite.body }]
  }
}
