import type { EXPLAIN_CODES } from '../../src/finding-codes.ts'

/*
 * A line for each rule about log lines, as the project that the rule names writes it.
 */

export interface LogLineCase {
  code: typeof EXPLAIN_CODES[number] | 'bye-unanswered' | 'livekit-key-refused' | 'livekit-key-without-sip' |
    'livekit-without-redis'
  says: RegExp
  text: string
}

const AT = '2026-01-31T10:00:00.003Z'

/** pino, through pm2: how Jambonz's servers are run. */
const pm2 = (service: string, msg: string, fields: object = {}): string =>
  `4|${service}  | ${JSON.stringify({ level: 30, time: AT, pid: 7, hostname: 'jb-1', ...fields, msg })}\n`
const fs = (msg: string, fields: object = {}): string =>
  pm2('jambonz-feature-server', msg, { callId: 'fs-7', callSid: 'sid-7', accountSid: 'acc-7', ...fields })
const inbound = (msg: string, fields: object = {}): string =>
  pm2('sbc-inbound', msg, { callId: 'in-7@203.0.113.7', ...fields })
const outbound = (msg: string, fields: object = {}): string =>
  pm2('sbc-outbound', msg, { callId: 'out-7@10.0.0.7', ...fields })
const api = (msg: string, fields: object = {}): string => pm2('jambonz-api-server', msg, fields)
const failure = (message: string, type = 'Error'): object => ({ err: { type, message, stack: `${type}: ${message}` } })

/** zap's console encoder. */
const sip = (words: string, fields: object = {}, level = 'INFO'): string =>
  `${AT}\t${level}\tsip\tsip/inbound.go:434\t${words}\t${JSON.stringify({
    nodeID: 'NE_7',
    callID: 'SCL_seven',
    sipCallID: 'seven@sbc',
    fromIP: '198.51.100.7',
    fromUser: '+15550100007',
    toUser: '+15550100008',
    ...fields
  })}\n`
const closing = (reason: string, extra: object = {}, way = 'inbound'): string =>
  sip(`Closing ${way} call`, { status: 486, result: 'client_error', ...extra, reason })
const closingOut = (reason: string): string => closing(reason, {}, 'outbound')
const server = (words: string, fields: object = {}, level = 'INFO'): string =>
  `${AT}\t${level}\tlivekit.agents\tservice/agentservice.go:415\t${words}\t${JSON.stringify(fields)}\n`
const registered = (agentName: string): string =>
  server('worker registered', { namespace: '', jobType: 'JT_ROOM', agentName, workerID: 'AW_7' })

/** livekit-agents, in its format for people. */
const python = (words: string, level = 'ERROR', extra = '{"pid": 7, "job_id": "AJ_seven"}'): string =>
  `2026-01-31 10:00:00,003 - ${level} livekit.agents - ${words} ${extra}\n`
const crash = (exception: string): string =>
  python('unhandled exception while running the job task') +
  'Traceback (most recent call last):\n' +
  '  File "/app/agent.py", line 41, in entrypoint\n    await dial(ctx)\n' +
  `${exception}\n`
/** @livekit/agents for Node. */
const node = (msg: string, error: object = {}): string =>
  `${JSON.stringify({ level: 50, time: 1769853600003, pid: 7, hostname: 'w-1', jobID: 'AJ_seven', error, msg })}\n`
const dialError = (words: string): string =>
  `2026-01-31 10:00:00,003 - ERROR my-agent - error creating SIP participant: ${words}\n`

const REGISTRATION = 'res_pjsip_outbound_registration.c:1440 handle_registration_response'
const asterisk = (words: string, file = REGISTRATION): string =>
  `[2026-01-31 10:00:00] WARNING[1234]: ${file}: ${words}\n`
const freeswitch = (words: string): string =>
  `2026-01-31 10:00:00.003123 99.10% [WARNING] sofia_reg.c:614 ${words}\n`

export const LOG_LINE_CASES: readonly LogLineCase[] = [
  // feature-server
  {
    code: 'log-outdial-failed',
    says: /ended its leg with 486: the called party is busy/,
    text: fs('SingleDialer:exec outdial failure 486')
  },
  {
    code: 'log-outdial-failed',
    says: /could not even send/,
    text: fs('SingleDialer:exec Error creating call', failure('x'))
  },
  {
    code: 'log-no-answer',
    says: /within its timeout of 25 s/,
    text: fs('Dial:_attemptCall: ring no answer timer 25s exceeded')
  },
  {
    code: 'log-time-limit',
    says: /time limit of 3600 s/,
    text: fs('Dial:_onMaxCallDuration tearing down call as it has reached 3600s')
  },
  {
    code: 'log-refer-failed',
    says: /refused Jambonz's REFER with 405/,
    text: fs('TaskSipRefer:exec - received 405 to REFER')
  },
  {
    code: 'log-refer-failed',
    says: /said nothing of the transfer for 15 s/,
    text: fs('TaskSipRefer:exec - no NOTIFY received in 15 secs, exiting')
  },
  {
    code: 'log-refer-no-hook',
    says: /no referHook: Jambonz answered 501/,
    text: fs('DialTask:handleRefer - got REFER but no referHook, responding 501')
  },
  {
    code: 'log-refer-failed',
    says: /could not use what came back/,
    text: fs('DialTask:handleRefer - error processing incoming REFER', failure('timeout'))
  },
  {
    code: 'log-media-timeout',
    says: /Jambonz hung up/,
    text: fs('CallSession:_handleMediaTimeout: received MEDIA_TIMEOUT, hangup the call')
  },
  {
    code: 'log-hook-failed',
    says: /over its websocket/,
    text: fs('WsRequestor:request - all connection attempts failed', { url: 'wss://app.example.com' })
  },
  {
    code: 'log-speech-failed',
    says: /no credentials for the speech service/,
    text: fs('Say failed due to SpeechCredentialError, finished!')
  },
  {
    code: 'log-speech-failed',
    says: /refused or failed/,
    text: fs('Error synthesizing tts', failure('401 Unauthorized'))
  },
  {
    code: 'log-account-refused',
    says: /account cannot be used \(acc-9\)/,
    text: fs('Account is inactive or suspended acc-9', { account_sid: 'acc-9' })
  },
  {
    code: 'log-url-parsing-failed',
    says: /never sent it/,
    text: fs('URL parsing failed', failure('Invalid URL'))
  },
  {
    code: 'log-application-refused',
    says: /declined the caller/,
    text: fs('Error retrieving or parsing application: malformed jambonz application payload')
  },
  {
    code: 'no-application',
    says: /no application for the number/,
    text: fs('rejecting call to 15550100007: no application or webhook url')
  },
  {
    code: 'log-hook-status',
    says: /answered with 404, which Jambonz does not take/,
    text: fs('web callback returned unexpected status code 404', { url: '/status' })
  },
  {
    code: 'log-hook-failed',
    says: /could not be delivered/,
    text: fs('web callback returned unexpected error', failure('other side closed', 'SocketError'))
  },
  {
    code: 'log-media-server',
    says: /media server/,
    text: fs('InboundCallSession:_onTasksDone generating 480 due to media server failure')
  },
  {
    code: 'log-no-sbc',
    says: /no SBC to dial through/,
    text: fs('Error executing task  #1:1: dial', failure('no SBC found for outbound call'))
  },
  {
    code: 'log-backend-down',
    says: /could not reach drachtio/,
    text: fs('Error connecting to drachtio', failure('connect ECONNREFUSED 127.0.0.1:9022'))
  },
  {
    code: 'log-backend-down',
    says: /could not use Redis/,
    text: fs('redis error', failure('connect ECONNREFUSED 10.0.0.9:6379'))
  },
  {
    code: 'log-backend-down',
    says: /could not look something up/,
    text: fs('Error looking up account sid acc-7', failure('connect ECONNREFUSED 10.0.0.9:3306'))
  },

  {
    code: 'log-hook-failed',
    says: /sent again \(1\/2\)/,
    text: fs('Retrying request (1/2)', failure('connect ECONNREFUSED 192.0.2.9:3000'))
  },
  {
    code: 'log-not-answered',
    says: /declined the call with 603/,
    text: fs('InboundCallSession:_onTasksDone auto-generating non-success response to invite')
  },
  {
    code: 'log-caller-gave-up',
    says: /before anybody had answered/,
    text: fs('SingleDialer:exec got quick CANCEL from caller, abort outdial')
  },

  {
    code: 'log-api-call-failed',
    says: /REST API was refused: rest:dial: unknown property trunk/,
    text: fs('Database error', failure('rest:dial: unknown property trunk'))
  },
  {
    code: 'log-application-refused',
    says: /a call that it had made, and hung up/,
    text: fs('TaskRestDial:_onConnect error retrieving or parsing application, ending call', failure('bad verb'))
  },

  // sbc-inbound
  {
    code: 'log-caller-gave-up',
    says: /side that calls hung up/,
    text: inbound('caller hungup before connecting to feature server')
  },
  {
    code: 'log-caller-unknown',
    says: /\(203\.0\.113\.7\) is no gateway of a carrier/,
    text: inbound('identifyAccount: incoming user call', { source_address: '203.0.113.7', realm: 'sip.example.com' })
  },
  {
    code: 'log-rtpengine',
    says: /had no rtpengine/,
    text: inbound('No available rtpengines, rejecting call!')
  },
  {
    code: 'log-rtpengine',
    says: /did not answer/,
    text: inbound('unexpected error routing inbound call', failure('rtpengine timeout', 'RtpEngineError'))
  },
  {
    code: 'log-limit-exceeded',
    says: /because the account had/,
    text: inbound('checkLimits: account limits exceeded', { calls: 11, account_limit: 10 })
  },
  {
    code: 'log-account-refused',
    says: /no active subscription/,
    text: inbound('checkLimits: no active subscription found for account acc-7, rejecting call')
  },
  {
    code: 'log-loop',
    says: /answered 482/,
    text: inbound('Loop Detected, x-application-sid header on incoming call matches applicationSid')
  },
  {
    code: 'no-feature-server',
    says: /knew no feature-server/,
    text: inbound('No available feature servers, rejecting call!')
  },
  {
    code: 'log-feature-server-refused',
    says: /answered 480\. It does so when it cannot use the reply/,
    text: inbound('call failed to connect to feature server with 480')
  },
  {
    code: 'log-number-unknown',
    says: /not the number \(DID\)/,
    text: inbound('identifyAccount: rejecting call from carrier because DID has not been provisioned')
  },
  {
    code: 'log-carrier-ambiguous',
    says: /claim this call/,
    text: inbound('multiple accounts have added this carrier with default routing -- cannot determine which to use')
  },
  {
    code: 'log-account-refused',
    says: /serves another account/,
    text: inbound('identifyAccount: static IP for acc-1 but call for acc-2')
  },
  {
    code: 'log-caller-refused',
    says: /check the credentials/,
    text: inbound('Error from calling auth callback: Error: Incorrect statusCode: 500')
  },
  {
    code: 'log-register-refused',
    says: /could not register with Jambonz/,
    text: pm2(
      'sbc-sip-sidecar',
      'rejecting REGISTER from sip:192.0.2.9 as it has an ipv4 address and sip realm is required'
    )
  },
  {
    code: 'log-carrier-registration',
    says: /it answered 403/,
    text: pm2('sbc-sip-sidecar', 'user@carrier.example.com: got 403 registering to 192.0.2.44:5060')
  },
  {
    code: 'log-sbc-failed',
    says: /failed while it handled/,
    text: inbound('unexpected error routing inbound call', failure('x is not a function', 'TypeError'))
  },

  {
    code: 'log-rtpengine',
    says: /no free port/,
    text: 'Jan 31 10:00:00 sbc-1 rtpengine[812]: ERR: [call-7]: [core] Failed to get 2 consecutive ports on ' +
      'interface 198.51.100.7 for media relay\n'
  },
  {
    code: 'log-backend-down',
    says: /no application to give the INVITE to/,
    text: '2026-01-31 10:00:00.003123 No connected clients found to handle incoming INVITE request\n'
  },

  // sbc-outbound
  {
    code: 'log-no-carrier',
    says: /no carrier for the outbound call of account acc-7/,
    text: outbound('no outbound carriers found for account_sid acc-7')
  },
  {
    code: 'log-carrier-refused',
    says: /ended the outbound call with 403/,
    text: outbound('final call failure  403')
  },
  {
    code: 'log-crankback',
    says: /refused with 500/,
    text: outbound('got 500, cranking back to next destination')
  },
  {
    code: 'log-not-registered',
    says: /not registered/,
    text: outbound('returning 404 to unregistered user in valid domain: sip:desk@realm.example.com')
  },
  {
    code: 'log-sbc-refused',
    says: /does not come from its feature-server/,
    text: outbound('missing X-Jambonz-Routing header')
  },
  {
    code: 'log-sbc-failed',
    says: /failed while it dialled/,
    text: outbound('Error performing lcr', failure('no lcr'))
  },

  // api-server
  {
    code: 'no-feature-server',
    says: /API knew no feature-server/,
    text: api('No available feature servers to handle createCall API request')
  },
  {
    code: 'log-api-call-failed',
    says: /did not make the call/,
    text: api('Error sending createCall POST to http://10.0.0.7:3000/v1/createCall')
  },
  {
    code: 'log-api-call-failed',
    says: /answered 404 to a change/,
    text: api('Error sending updateCall POST to http://10.0.0.7:3000/v1/updateCall/sid-7, status: 404 body: Not Found')
  },

  // livekit-sip
  {
    code: 'log-trunk-conflict',
    says: /ST_one and ST_two/,
    text: server('Conflicting inbound SIP Trunks', {
      error: 'Conflicting inbound SIP Trunks: "ST_one" and "ST_two", using the same number(s) ["+15550100007"]'
    })
  },
  {
    code: 'log-no-offer',
    says: /it came without any/,
    text: sip('no offer type specified', { contentLength: 0 })
  },
  {
    code: 'log-flood',
    says: /no inbound trunk matched it \(to \+15550100008 from \+15550100007 at 198\.51\.100\.7\)/,
    text: closing('flood')
  },
  {
    code: 'log-flood',
    says: /no dispatch rule matched it.* The trunk ST_seven did match/,
    text: closing('flood', { sipTrunk: 'ST_seven' })
  },
  {
    code: 'log-no-trunk',
    says: /no inbound trunk for this call \(to/,
    text: sip('Rejecting inbound, no trunk found', {}, 'WARN')
  },
  {
    code: 'log-no-rule',
    says: /No dispatch rule matched/,
    text: sip("Rejecting inbound call, doesn't match any Dispatch Rules")
  },
  {
    code: 'log-overloaded',
    says: /answered 503/,
    text: sip('Rejecting inbound, auth check failed', { error: 'no response from servers' }, 'WARN')
  },
  {
    code: 'log-overloaded',
    says: /A quota of the LiveKit project is used up/,
    text: sip('Rejecting inbound, quota exceeded', {}, 'WARN')
  },
  {
    code: 'log-cannot-subscribe',
    says: /ringing timeout was over/,
    text: closing('cannot-subscribe')
  },
  {
    code: 'log-media-timeout',
    says: /LiveKit heard no RTP/,
    text: closing('media-timeout')
  },
  {
    code: 'log-media-mismatch',
    says: /codec or on encryption/,
    text: closing('no-common-codec')
  },
  {
    code: 'log-media-failed',
    says: /its side of the audio/,
    text: sip('Cannot start media', { error: 'no available ports' }, 'ERROR')
  },
  {
    code: 'log-no-ack',
    says: /never acknowledged/,
    text: sip('Call accepted, but no ACK received', { error: 'no ACK received for 200 OK' }, 'WARN')
  },
  {
    code: 'log-join-failed',
    says: /could not join the room/,
    text: sip('Cannot create LiveKit participant', { error: 'unauthorized' }, 'ERROR')
  },
  {
    code: 'log-wrong-pin',
    says: /asks for a PIN/,
    text: closing('wrong-pin')
  },
  {
    code: 'log-bad-credentials',
    says: /refused the trunk's credentials/,
    text: sip('Authentication failed - username mismatch', {}, 'WARN')
  },
  {
    code: 'log-dispatch-error',
    says: /an error instead of a dispatch rule/,
    text: sip('Rejecting inbound call, dispatch evaluation failed', {}, 'WARN')
  },
  {
    code: 'log-transfer-failed',
    says: /transfer to tel:\+15550100009 failed: the other side answered 603 Decline/,
    text: sip('inbound call failed to transfer', {
      error: 'call transfer failed: sip status: 603: Decline',
      transferTo: 'tel:+15550100009'
    })
  },
  {
    code: 'log-transfer-failed',
    says: /ended before its transfer was decided/,
    text: sip('refer canceled: call ended before transfer completed')
  },
  {
    code: 'log-late-bye',
    says: /BYE for a call that it does not have/,
    text: sip('BYE for non-existent call')
  },
  {
    code: 'log-register-refused',
    says: /takes no REGISTER: it answered 405/,
    text: sip('Inbound SIP request not handled', { method: 'REGISTER' })
  },
  {
    code: 'log-bad-credentials',
    says: /no INVITE with credentials came/,
    text: sip('auth challenge timed out without authenticated retry; finalizing call as error')
  },
  {
    code: 'log-retransmits',
    says: /same INVITE came again/,
    text: sip('remote appears to be retrying an invite', { invites: 3 }, 'WARN')
  },
  {
    code: 'log-invalid-invite',
    says: /answered 400/,
    text: sip('invalid invite', { error: 'no tag in From in INVITE' }, 'ERROR')
  },
  {
    code: 'log-waiting',
    says: /the file shows no more/,
    text: sip('Waiting for track subscription(s)')
  },
  { code: 'log-caller-gave-up', says: /cancelled the call/, text: closing('cancelled') },
  {
    code: 'log-flood',
    says: /no dispatch rule matched it/,
    text: '2026-01-31T10:00:00.003Z INFO sip/inbound.go:1383 Closing inbound call\n' +
      '  status: 486\n  reason: flood\n  toUser: 15550100008\n  sipTrunk: ST_seven\n'
  },
  { code: 'log-flood', says: /dropped the call/, text: 'level=info msg="Closing inbound call" status=486 reason=flood\n' },
  {
    code: 'bye-unanswered',
    says: /BYE was not answered/,
    text: sip('no response to BYE', { error: 'transaction failed to complete (0 intermediate responses)' })
  },
  {
    code: 'log-room-lost',
    says: /lost its connection to the room/,
    text: sip('lost connection to room, recovering')
  },
  {
    code: 'log-not-started',
    says: /livekit-sip could not start/,
    text: sip('cannot listen on the UDP signaling port 5060: bind: address already in use', {}, 'ERROR')
  },
  {
    code: 'log-outbound-failed',
    says: /answered 403: it does not allow/,
    text: closingOut('forbidden')
  },
  {
    code: 'log-outbound-failed',
    says: /answered 502: /,
    text: closingOut('upstream-server-error-502')
  },
  {
    code: 'log-outbound-failed',
    says: /answered 503 CPS limit exceeded: it has no way/,
    text: closing('upstream-server-error-503', {
      error: 'unexpected status from INVITE response: sip status: 503: CPS limit exceeded'
    }, 'outbound')
  },
  {
    code: 'log-outbound-failed',
    says: /nobody answered within ringing_timeout/,
    text: closingOut('no-answer')
  },
  {
    code: 'log-outbound-failed',
    says: /no final answer/,
    text: closingOut('upstream-no-response')
  },
  {
    code: 'log-outbound-failed',
    says: /could not find the address/,
    text: closingOut('dns-resolution')
  },
  {
    code: 'log-outbound-failed',
    says: /user name and password/,
    text: closingOut('auth-failed')
  },
  {
    code: 'log-outbound-failed',
    says: /blocks calls to this number/,
    text: closingOut('carrier-blocked')
  },
  {
    code: 'log-outbound-failed',
    says: /could not agree on a codec/,
    text: closingOut('encryption-required')
  },
  {
    code: 'log-outbound-failed',
    says: /the call failed/,
    text: closingOut('invite-failed')
  },
  {
    code: 'log-call-closed',
    says: /publish the caller's audio/,
    text: closing('publish-failed')
  },
  {
    code: 'log-call-closed',
    says: /send its answer/,
    text: closing('accept-failed')
  },
  {
    code: 'log-call-closed',
    says: /lost the room/,
    text: closing('connection-timeout')
  },
  {
    code: 'log-call-closed',
    says: /was shut down/,
    text: closing('server-shutdown')
  },
  {
    code: 'log-call-closed',
    says: /same identity/,
    text: closing('duplicate-identity')
  },
  {
    code: 'log-call-closed',
    says: /what the trunk and the rule say/,
    text: closing('media-config-error')
  },
  {
    code: 'log-call-closed',
    says: /ended the call because of an error/,
    text: closing('agent-error')
  },

  // livekit-server
  {
    code: 'log-worker-full',
    says: /Every worker for agent "desk" was full/,
    text: server('no worker available to handle job', {
      jobID: 'AJ_7',
      agentName: 'desk',
      error: 'no workers with sufficient capacity'
    })
  },
  {
    code: 'log-no-worker',
    says: /for a worker without a name\. Registered was agent "desk"/,
    text: registered('desk') + server('not dispatching agent job since no worker is available', {
      agentName: '',
      jobType: 'JT_ROOM',
      room: 'room-7'
    })
  },
  {
    code: 'log-job-refused',
    says: /agent "desk" did not take the job: it did not answer in time/,
    text: server('failed to assign job to worker', {
      agentName: 'desk',
      error: 'agent worker availability timeout'
    })
  },
  {
    code: 'log-job-failed',
    says: /A job of agent "desk" failed: the agent worker left/,
    text: server('job ended', {
      agentName: 'desk',
      jobID: 'AJ_7',
      status: 'JS_FAILED',
      error: 'agent worker left the room'
    })
  },
  {
    code: 'log-worker-gone',
    says: /last worker of agent "desk"/,
    text: server('last worker deregistered', { agentName: 'desk', workerID: 'AW_7' })
  },
  {
    code: 'log-webhook-failed',
    says: /deliver a webhook \(room_started\)/,
    text: server('failed to notify webhook', { event: 'room_started', error: 'giving up after 3 attempts' }, 'WARN')
  },

  // Agents
  {
    code: 'log-metadata-no-json',
    says: /as JSON that is not JSON/,
    text: crash('json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)')
  },
  {
    code: 'log-agent-crashed',
    says: /crashed in its job: TypeError: dial\(\) takes 0/,
    text: crash('TypeError: dial() takes 0 positional arguments but 1 was given')
  },
  {
    code: 'log-agent-crashed',
    says: /kept failing/,
    text: python('AgentSession is closing due to unrecoverable error: connection error')
  },
  {
    code: 'log-out-of-memory',
    says: /more memory/,
    text: python('job process exceeded memory limit, killing it')
  },
  {
    code: 'log-agent-crashed',
    says: /exit code -9/,
    text: python('process exited with non-zero exit code -9')
  },
  {
    code: 'log-worker-slow',
    says: /no process ready/,
    text: python('no warmed process available for job, waiting for one to be created', 'WARNING')
  },
  {
    code: 'log-worker-slow',
    says: /could not start a process/,
    text: python('error initializing process')
  },
  {
    code: 'log-worker-full',
    says: /took no more jobs/,
    text: python('worker is at full capacity, marking as unavailable', 'INFO')
  },
  {
    code: 'log-job-refused',
    says: /neither accepted nor rejected/,
    text: python('no answer was given inside the job_request_fnc, automatically rejecting the job', 'WARNING')
  },
  {
    code: 'log-job-refused',
    says: /about to stop/,
    text: node('Worker is draining and no longer available, rejecting job')
  },
  {
    code: 'log-worker-disconnected',
    says: /refused its key \(401\)/,
    text: python('failed to connect to livekit after 16 attempts: 401, message=Invalid response status')
  },
  {
    code: 'log-worker-disconnected',
    says: /lost its connection/,
    text: python('worker connection closed unexpectedly')
  },
  {
    code: 'log-agent-not-connected',
    says: /did not connect to the room/,
    text: python('The room connection was not established within 10 seconds after calling job_entry. ', 'WARNING')
  },
  {
    code: 'log-not-started',
    says: /no URL or key/,
    text: 'Traceback (most recent call last):\n  File "/app/livekit/agents/worker.py", line 684, in run\n' +
      'ValueError: api_key is required, or set LIVEKIT_API_KEY environment variable\n'
  },

  {
    code: 'log-not-started',
    says: /stopped with an error: OSError: \[Errno 98\] address already in use/,
    text: python('worker failed') +
      'Traceback (most recent call last):\n  File "/app/livekit/agents/worker.py", line 700, in run\n' +
      'OSError: [Errno 98] address already in use\n'
  },

  {
    code: 'log-metadata-no-json',
    says: /as JSON that is not JSON/,
    text: 'file:///app/agent.js:7\n    const order = JSON.parse(ctx.job.metadata)\n                       ^\n\n' +
      'SyntaxError: Unexpected end of JSON input\n    at JSON.parse (<anonymous>)\n' +
      '    at file:///app/node_modules/@livekit/agents/dist/ipc/job_proc_lazy_main.js:50:10\n'
  },

  // LiveKit's API, in agents and applications
  {
    code: 'log-transfer-failed',
    says: /answered 405 Method Not Allowed/,
    text: 'livekit.api.twirp_client.TwirpError: TwirpError(code=internal, message=twirp error unknown: call transfer ' +
      'failed: sip status: 405: Method Not Allowed, status=500)\n'
  },
  {
    code: 'log-outbound-failed',
    says: /blocks calls to this number \(twilio error 32203\)/,
    text: dialError('twirp error permission_denied: carrier blocked call (twilio error 32203): sip status: 603')
  },
  {
    code: 'log-outbound-failed',
    says: /answered 486 Busy Here: the called party is busy/,
    text: dialError('twirp error resource_exhausted: INVITE failed: sip status: 486: Busy Here')
  },
  {
    code: 'log-outbound-auth',
    says: /outbound trunk has none/,
    text: dialError('twirp error unknown: sip server required auth, but no username or password was provided')
  },
  {
    code: 'log-outbound-auth',
    says: /did not accept/,
    text: dialError('twirp error failed_precondition: max auth retry attempts reached for SIP invite')
  },
  {
    code: 'log-outbound-silent',
    says: /nothing came back/,
    text: dialError('twirp error canceled: transaction failed to complete (0 intermediate responses)')
  },
  {
    code: 'log-outbound-address',
    says: /sip\.example\.com does not resolve/,
    text: dialError('twirp error invalid_argument: lookup sip.example.com: no such host')
  },
  {
    code: 'log-outbound-no-answer',
    says: /within ringing_timeout/,
    text: dialError('twirp error canceled: sip request timed out')
  },
  {
    code: 'api-not-found',
    says: /outbound trunk/,
    text: '{"code": "not_found", "msg": "requested sip trunk does not exist"}\n'
  },
  {
    code: 'api-not-found',
    says: /may have left/,
    text: '{"code":"not_found","msg":"participant does not exist"}\n'
  },
  {
    code: 'api-not-found',
    says: /dispatch rule that the request names/,
    text: '{"code":"not_found","msg":"requested sip dispatch rule does not exist"}\n'
  },
  {
    code: 'log-transfer-failed',
    says: /refused by LiveKit itself/,
    text: "TwirpError: can't transfer non established call\n"
  },
  {
    code: 'api-no-sip-server',
    says: /No livekit-sip took the request/,
    text: '{"code":"unavailable","msg":"no response from servers"}\n'
  },
  {
    code: 'livekit-without-redis',
    says: /without Redis/,
    text: '{"code":"internal","msg":"sip not connected (redis required)"}\n'
  },
  {
    code: 'livekit-key-without-sip',
    says: /may not do this/,
    text: '{"code":"unauthenticated","msg":"permissions denied"}\n'
  },
  {
    code: 'livekit-key-refused',
    says: /refused the API key/,
    text: '{"code":"unauthenticated","msg":"invalid API key: APIseven"}\n'
  },
  {
    code: 'api-quota',
    says: /limit is used up/,
    text: '{"code":"resource_exhausted","msg":"quota limit exceeded"}\n'
  },
  {
    code: 'api-timeout',
    says: /longer than it may/,
    text: '{"code":"deadline_exceeded","msg":"request timed out"}\n'
  },
  {
    code: 'api-invalid',
    says: /missing or has a wrong form/,
    text: '{"code":"invalid_argument","msg":"should be a phone number or SIP user, not a full SIP URI"}\n'
  },
  {
    code: 'api-refused',
    says: /answered a request with an error \(unknown\)/,
    text: `${AT} error: cannot dial Error: twirp error unknown: the far end has moved\n`
  },
  {
    code: 'log-outbound-auth',
    says: /without a challenge/,
    text: `${AT} error: cannot dial Error: twirp error unknown: no auth header in response\n`
  },

  // PBXs and applications
  {
    code: 'log-media-mismatch',
    says: /PBX and the other side did not agree on a stream/,
    text: asterisk(
      "trunk7: Couldn't negotiate stream 0:audio-0:audio:sendrecv (nothing)",
      'res_pjsip_session.c:1033 handle_incoming_sdp'
    )
  },
  {
    code: 'log-pbx-dial-failed',
    says: /LiveKit refused a call of the PBX: it answered 403 Forbidden/,
    text: asterisk(
      "Call to 'PJSIP/+15550100007@trunk7' got 403 'Forbidden' from abcdefghijk.sip.livekit.cloud",
      'chan_pjsip.c'
    )
  },
  {
    code: 'log-pbx-dial-failed',
    says: /side that the PBX dialled refused a call of the PBX: it answered 480 Gone Fishing/,
    text: asterisk('got SIP response 480 "Gone Fishing" back from 203.0.113.7:5060', 'chan_sip.c')
  },
  {
    code: 'log-hook-failed',
    says: /Nothing accepted the connection to the call hook/,
    text: fs('Error retrieving or parsing application: connect ECONNREFUSED 192.0.2.7:443')
  },
  {
    code: 'log-hook-failed',
    says: /host name of the call hook's URL did not resolve/,
    text: fs('Error retrieving or parsing application: getaddrinfo ENOTFOUND hooks.example.com')
  },
  {
    code: 'log-hook-failed',
    says: /call hook was not answered in time/,
    text: fs('Error retrieving or parsing application: Headers Timeout Error', failure('Headers Timeout Error'))
  },
  {
    code: 'log-hook-status',
    says: /call hook was answered with 502/,
    text: fs('Error retrieving or parsing application: Unexpected HTTP Response', {
      err: { message: 'Unexpected HTTP Response', statusCode: 502 }
    })
  },
  {
    code: 'log-hook-status',
    says: /call hook was answered with a status which Jambonz does not take/,
    text: fs('Error retrieving or parsing application: Unexpected HTTP Response')
  },
  {
    code: 'log-carrier-refused',
    says: /^LiveKit ended the outbound call with 404: "/,
    text: outbound('forwarding call to sip endpoint sip:7@abcdefghijk.sip.livekit.cloud') +
      outbound('final call failure  404')
  },
  {
    code: 'log-register-refused',
    says: /register with LiveKit.* answered 405/,
    text: asterisk(
      "'405' fatal response received from 'sip:abcdefghijk.sip.livekit.cloud' on registration attempt to 'sip:x'"
    )
  },
  {
    code: 'log-register-refused',
    says: /got no answer/,
    text: asterisk(
      "No response received from 'sip:abcdefghijk.sip.livekit.cloud' on registration attempt to 'sip:x'"
    )
  },
  {
    code: 'log-pbx-refused',
    says: /refused INVITE from 198\.51\.100\.7:5060: it knows nobody/,
    text: asterisk(
      "Request 'INVITE' from '<sip:7@198.51.100.7>' failed for '198.51.100.7:5060' (callid: 7) - No matching endpoint",
      'res_pjsip/pjsip_distributor.c:688 log_failed_request'
    )
  },
  {
    code: 'log-pbx-dial-failed',
    says: /could not dial out/,
    text: asterisk('Everyone is busy/congested at this time (1:0/0/1)', 'app_dial.c:2760 dial_exec_full')
  },
  {
    code: 'log-pbx-dial-failed',
    says: /with USER_BUSY/,
    text: freeswitch('Hangup sofia/external/15550100008 [CS_CONSUME_MEDIA] [USER_BUSY]')
  },
  {
    code: 'log-outdial-failed',
    says: /application saw its dial end with 404/,
    text: `${
      JSON.stringify({ level: 30, pid: 2, call_sid: 'sid-7', msg: 'outbound dial failed with failed, 404' })
    }\n`
  },

  {
    code: 'log-outdial-failed',
    says: /dial end with 486: the called party is busy/,
    text: 'Outbound call failed: 486 Busy Here\n'
  },
  {
    code: 'log-outdial-failed',
    says: /dial to LiveKit end with 503/,
    text: `${
      JSON.stringify({
        level: 30,
        call_sid: 'sid-7',
        to: 'sip:room-7@abcdefghijk.sip.livekit.cloud',
        msg: 'call failed with 503 Service Unavailable'
      })
    }\n`
  },
  {
    code: 'log-no-trunk',
    says: /no inbound trunk for this call \(to \+15550100008/,
    text: server('No SIP trunk matched', { toUser: '+15550100008', fromUser: '+15550100007', src: '198.51.100.7' })
  },

  {
    code: 'unknown-error',
    says: /A log line reports an error that bridge explain does not know: "Wombat service: connection refused" \(file-1:1\)/,
    text: fs('Wombat service: connection refused')
  },
  {
    code: 'no-failure-named',
    says: /2 log lines of feature-server, .*call sid-7\. Nothing in these lines names a failure/,
    text: fs('CallSession:exec starting 1 tasks') + fs('CallSession:exec completed task #1:1: say')
  }
]

/** The first of the lines with this code, as a file. */
export function firstLine (code: LogLineCase['code']): [says: RegExp, file: string] {
  const found = LOG_LINE_CASES.find(line => line.code === code)
  if (!found) throw new Error(`no line for ${code}`)
  return [found.says, found.text]
}
