import { ServerError } from 'livekit-server-sdk'
import type { Finding } from '../finding.ts'
import { LiveKitError } from './rooms.ts'

/**
 * What a failed request to LiveKit's API means and what to do about it: a request to the SIP service as the SDK
 * throws it, or one about rooms. Texts and statuses are those of livekit-server 1.13. LiveKit's own text for a bad key
 * contains the token, so it is not passed on for a 401.
 * @param url LIVEKIT_URL, to name its host
 */
export function livekitFinding (error: unknown, url?: string): Finding {
  const who = `LiveKit${hostAndPort(url)}`
  const { name, cause, message } = (error ?? {}) as Partial<Error> & { cause?: { code?: string } }
  if (error instanceof LiveKitError ? NO_TLS.test(error.message) : NO_TLS.test(cause?.code ?? '')) {
    return plainPort(who, url)
  }
  if (error instanceof LiveKitError) return ofRooms(error, who)
  if (error instanceof ServerError) return ofServer(error, who)
  if (name === 'TimeoutError' || name === 'AbortError') return unreachable(`${who} does not answer in time`)
  if (error instanceof SyntaxError || message?.startsWith('cannot decode')) {
    return notLiveKit(`${who} answers with something that is not LiveKit's API`)
  }
  return unreachable(`${who} does not answer${cause?.code === undefined ? '' : ` (${cause.code})`}`)
}

/** The text of these errors is the bridge's own. */
function ofRooms ({ failure, message }: LiveKitError, who: string): Finding {
  switch (failure) {
    // Not the same as nobody there: it may do what was asked all the same, later.
    case 'timeout':
      return {
        ...unreachable(`${who} did not answer in time: ${message}`),
        todo: 'Where it answers other requests in time it is slow: see its load and the way there, or give it longer ' +
          '(LIVEKIT_TIMEOUT_MS); callers wait for it. Else correct LIVEKIT_URL, start the server, or let this ' +
          'machine out to it (HTTPS 443; 7880 on your own server)'
      }
    case 'unreachable':
    case 'skipped':
      return unreachable(`${who} does not answer: ${message}`)
    case 'refused-key':
      return keyRefused(`${who} refuses the API key or its secret: ${message}`)
    case 'not-found':
      return notLiveKit(`${who} answers with HTTP 404: ${message}`)
    case 'refused':
      return refused(`${who} refuses: ${message}`)
    case 'failed':
      return failing(`${who} cannot do it now: ${message}`)
  }
}

function ofServer ({ status, code, message }: ServerError, who: string): Finding {
  if (status === 401 || status === 403) return notAllowed(status, message, who)
  const id = /"((?:ST|SDR)_[A-Za-z0-9]+)"/.exec(message.replace(/^[^]*? and /, ''))?.[1] ?? 'unknown'
  if (message.includes('Conflicting inbound SIP Trunks')) {
    return {
      code: 'trunk-conflict',
      severity: 'failed',
      seen: `LiveKit allows one inbound trunk that takes every number, and this project has another one: ${id}`,
      todo:
        'Look at it, then delete it, give it the numbers it is for, let the bridge take it over, or use a LiveKit ' +
        'project of its own for the bridge',
      command: 'bridge provision --list'
    }
  }
  if (message.includes('Dispatch rule for the same trunk')) {
    return {
      code: 'rule-conflict',
      severity: 'failed',
      seen: `The bridge's trunk already has a dispatch rule that is not the bridge's: ${id}`,
      todo: 'Look at it, then delete it, bind it to another trunk, or let the bridge take it over',
      command: 'bridge provision --list'
    }
  }
  if (message.includes('redis required')) {
    return {
      code: 'livekit-without-redis',
      severity: 'failed',
      seen: `${who} runs without Redis, which its SIP service needs`,
      todo: 'Set redis.address in the configuration of livekit-server and of livekit-sip'
    }
  }
  if (status === 404 && code === 'not_found') {
    return {
      code: 'livekit-object-gone',
      severity: 'failed',
      seen: `${who} no longer has the object`,
      todo: 'Somebody deleted it meanwhile: run it again'
    }
  }
  if (status === 404 || status === 405) return notLiveKit(`${who} answers with HTTP ${status}`)
  return status >= 500
    ? failing(`${who} cannot do it now: ${status} ${message}`)
    : refused(`${who} refuses: ${status} ${message}`)
}

function notAllowed (status: number, message: string, who: string): Finding {
  if (/permission|not allowed|forbidden/i.test(message) || status === 403) {
    return {
      code: 'livekit-key-without-sip',
      severity: 'failed',
      seen: `${who} knows the API key but does not let it administer SIP`,
      todo:
        'Make an API key of this project that may administer SIP and put it into LIVEKIT_API_KEY and LIVEKIT_API_SECRET'
    }
  }
  if (/expired|not valid yet|used before issued/i.test(message)) {
    return {
      code: 'clock-skew',
      severity: 'failed',
      seen: `${who} finds the token expired or not valid yet`,
      todo: "Set the clock of this machine: it differs from LiveKit's by more than a minute",
      command: 'timedatectl'
    }
  }
  return keyRefused(
    message.startsWith('invalid API key')
      ? `${who} does not know the API key`
      : `${who} refuses the API key or its secret`
  )
}

const keyRefused = (seen: string): Finding => ({
  code: 'livekit-key-refused',
  severity: 'failed',
  seen,
  todo:
    'Take LIVEKIT_API_KEY and LIVEKIT_API_SECRET from the project that LIVEKIT_URL names, both from the same line, ' +
    "and see that this machine's clock is right"
})

const unreachable = (seen: string): Finding => ({
  code: 'livekit-unreachable',
  severity: 'failed',
  seen,
  todo: 'Correct LIVEKIT_URL, start the server, or allow this machine to connect to it (HTTPS 443; 7880 on your own ' +
    'server)'
})

const notLiveKit = (seen: string): Finding => ({
  code: 'not-livekit',
  severity: 'failed',
  seen,
  todo:
    'LIVEKIT_URL must be the address of a LiveKit server that knows SIP, like wss://myproject-1a2b3c4d.livekit.cloud'
})

const failing = (seen: string): Finding => ({
  code: 'livekit-failed',
  severity: 'failed',
  seen,
  todo: "Look at LiveKit's own log or status page, then run it again"
})

const refused = (seen: string): Finding => ({
  code: 'livekit-refused',
  severity: 'failed',
  seen,
  todo: 'Compare the settings, and the trunk and the rule, with what LiveKit says',
  command: 'bridge provision --list'
})

/** The other side answered TLS with something that is none. */
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|EPROTO|ERR_SSL_HTTP_REQUEST/

const plainPort = (who: string, url: string | undefined): Finding => ({
  code: 'livekit-url-scheme',
  severity: 'failed',
  seen: `${who} does not speak TLS on that port, and LIVEKIT_URL asks for it`,
  todo: `Set LIVEKIT_URL to ${url === undefined ? 'ws://…' : url.replace(/^(ws|http)s:/, '$1:')}, or name the port of ` +
    'what terminates TLS in front of LiveKit'
})

/** Host and port, as the end of a name; the port also where the URL leaves it out. */
function hostAndPort (url: string | undefined): string {
  if (url === undefined || !URL.canParse(url)) return ''
  const { protocol, host, hostname, port } = new URL(url)
  return port === '' ? ` at ${hostname}:${/s:$/.test(protocol) ? 443 : 80}` : ` at ${host}`
}
