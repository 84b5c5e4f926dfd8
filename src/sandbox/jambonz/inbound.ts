import { randomBytes, randomUUID } from 'node:crypto'
import { header, serializeMessage } from '../../sip/message.ts'
import type { SipRequest } from '../../sip/message.ts'
import type { IncomingCall } from '../../sip/user-agent.ts'
import type { JambonzContext } from './context.ts'
import { sandboxSdp } from './media.ts'
import { callHookPayload, uriUser } from './payloads.ts'
import type { Leg, SipObject } from './payloads.ts'
import type { CallerLeg } from './caller-leg.ts'
import type { Verb } from './verbs.ts'

/** Headers that the SBC writes itself into a call from an auth trunk, whatever the caller sent. */
const SBC_HEADERS = ['X-Account-Sid', 'X-Application-Sid', 'X-CID', 'X-Forwarded-For', 'X-Originating-Carrier']

/**
 * Serves a caller's INVITE: asks the call hook, then runs its verbs. When the hook fails, is late or replies with
 * anything but valid verbs, the caller gets a 480 and Jambonz sends no event (feature-server middleware).
 *
 * @param trunk the auth trunk that the call comes from
 */
export async function inboundCall (context: JambonzContext, call: IncomingCall, trunk?: string): Promise<void> {
  call.respond(100)
  const invite = trunk === undefined ? call.request : throughSbc(call.request, trunk)
  const leg = inboundLeg(context, invite)
  const { hooks, createSession, end } = context.register(leg)
  const session = createSession(callerLeg(context, call, leg))
  let cancelled = false
  let started = false
  call.onCancel(() => {
    if (started) session.callerCancelled()
    else cancelled = true
  })
  call.onBye(bye => session.callerHungUp(bye))
  call.onRefer(async message => await session.onCallerRefer?.(message) ?? { status: 501, reason: 'Not Implemented' })
  call.onNotify(message => session.onCallerNotify?.(message))

  const envVars = context.envVars(leg)
  let verbs: Verb[]
  try {
    verbs = context.parse(
      await hooks.post(
        context.options.callHook,
        callHookPayload(leg, {
          sip: sipObject(context, invite),
          callerName: callerName(invite),
          serviceProviderSid: 'sandbox',
          ...envVars && { envVars }
        })
      )
    )
    if (verbs.length === 0) throw new Error('no application provided')
  } catch (error) {
    context.alert(context.options.callHook, error as Error)
    if (!cancelled) call.respond(480, undefined, { headers: { 'X-Reason': (error as Error).message } })
    return await end()
  }
  if (cancelled) {
    // The feature server notices the CANCEL only now. It reports the end, and then, out of order, the beginning.
    const gone: Leg = { ...leg, callTerminationBy: 'caller' }
    session.notify({ ...gone, callStatus: 'no-answer', sipStatus: 487, sipReason: 'Request Terminated' })
    session.notify(gone)
    return await end()
  }
  started = true
  session.notify(leg)
  await session.run(verbs)
  await end()
}

/** The INVITE of an auth trunk as the SBC passes it on: without credentials, and with the SBC's own headers. */
function throughSbc (invite: SipRequest, trunk: string): SipRequest {
  const dropped = [...SBC_HEADERS, 'Authorization'].map(name => name.toLowerCase())
  const headers = invite.headers.filter(({ name }) => !dropped.includes(name.toLowerCase()))
  return { ...invite, headers: [...headers, { name: 'X-Originating-Carrier', value: trunk }] }
}

function callerLeg (context: JambonzContext, call: IncomingCall, leg: Leg): CallerLeg {
  const description = {
    headers: {
      'Content-Type': 'application/sdp',
      'X-Call-Sid': leg.callSid,
      'X-Application-Sid': context.applicationSid
    },
    body: sandboxSdp(context.host)
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
    info: (headers, body) => call.send('INFO', { headers, body }),
    refer: (to, headers) => call.refer(to, headers)
  }
}

function inboundLeg (context: JambonzContext, invite: SipRequest): Leg {
  const sbcCallid = header(invite, 'X-CID')
  const callId = header(invite, 'Call-ID') ?? ''
  return {
    callSid: randomUUID(),
    direction: 'inbound',
    // When From has no user part, the asserted identity counts.
    from: uriUser(header(invite, 'From') ?? '') || uriUser(header(invite, 'P-Asserted-Identity') ?? '') || '',
    to: uriUser(header(invite, 'To') ?? '') ?? '',
    // X-CID means that the caller plays the SBC too. Otherwise the double does, and gives the inner call its own
    // Call-ID.
    callId: sbcCallid === undefined ? randomUUID() : callId,
    sbcCallid: sbcCallid ?? callId,
    sipStatus: 100,
    sipReason: 'Trying',
    callStatus: 'trying',
    accountSid: context.accountSid,
    traceId: randomBytes(16).toString('hex'),
    applicationSid: context.applicationSid,
    fsSipAddress: context.fsSipAddress,
    originatingSipIp: header(invite, 'X-Forwarded-For') ?? context.host,
    originatingSipTrunkName: header(invite, 'X-Originating-Carrier') ?? 'sandbox'
  }
}

/** The display name in From, with its quotes. Empty when there is none. */
function callerName (invite: SipRequest): string {
  return /^\s*("(?:[^"\\]|\\.)*"|[^<"]*?)\s*</.exec(header(invite, 'From') ?? '')?.[1] ?? ''
}

/**
 * Matches header names that Jambonz writes in lower case: all except Diversion and those that begin with X- or P-.
 * P-Asserted-Identity is in lower case too.
 */
const LOWER_CASE = /^(?!x-|p-(?!asserted-identity$)|diversion$)/i

function sipObject (context: JambonzContext, invite: SipRequest): SipObject {
  const headers: Record<string, string> = {}
  for (const { name, value } of invite.headers) headers[LOWER_CASE.test(name) ? name.toLowerCase() : name] = value
  const added = {
    'X-Account-Sid': context.accountSid,
    'X-Application-Sid': context.applicationSid,
    'X-CID': header(invite, 'Call-ID') ?? '',
    'X-Forwarded-For': context.host,
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
