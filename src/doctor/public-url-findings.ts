import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import { TOLERANCE_S } from '../jambonz/signature.ts'
import { isPrivate } from '../probe/address.ts'
import type { Reply, Silence } from './hook-client.ts'

const PATHS = '/livekit-api, /status, /call-status, /action, /refer, /refer-complete, /redirect, /screen, ' +
  '/screen-digit, /amd and /livekit-events'

/** What the URL itself tells of who can reach it. */
export function addressFindings ({ protocol, host, hostname }: URL, addresses: readonly string[]): Finding[] {
  if (isLocal(hostname) || addresses.every(isPrivate)) {
    return [{
      code: 'public-url-local',
      severity: 'warning',
      seen: `PUBLIC_URL is an address of this machine or of a private network (${host})`,
      todo:
        'Jambonz and LiveKit can reach it only from the same network. If they are elsewhere, use a public address'
    }]
  }
  return protocol === 'http:'
    ? [{
        code: 'public-url-http',
        severity: 'warning',
        seen:
        'PUBLIC_URL is plain http: phone numbers and verbs, which hold the trunk\'s password, cross the network for ' +
        `anybody to read (${host})`,
        todo: 'Publish it with TLS, and set PUBLIC_URL to https://'
      }]
    : []
}

/** A name that only a private network knows. */
export const isLocal = (hostname: string): boolean => /(^|\.)(localhost|local|internal|svc|lan|home\.arpa)$/.test(hostname)

/** Hooks are taken, and only those that are authenticated. */
export function taken (
  url: URL,
  ms: number,
  { JAMBONZ_WEBHOOK_SECRET: secret, HTTP_USERNAME: username }: Settings
): Finding {
  const by = [secret !== undefined && "Jambonz' signature", username !== undefined && 'user name and password'].filter(
    Boolean
  ).join(', ')
  return {
    code: 'public-url-ok',
    severity: 'ok',
    seen: `This bridge answers at ${shown(url)} in ${ms} ms and takes hooks with ${
      by || 'nothing to prove who sent them'
    }. This is seen from this machine and does not prove that Jambonz and LiveKit can reach it`
  }
}

/** No reply at all. */
export function unreachable (url: URL, { code, message }: Silence): Finding {
  const finding = (seen: string, todo: string): Finding => ({
    code: 'public-url-unreachable',
    severity: 'failed',
    seen: `PUBLIC_URL (${shown(url)}) is not reached from here: ${seen}${code && ` (${code})`}`,
    todo
  })
  if (/^(ENOTFOUND|EAI_|ENODATA)/.test(code)) {
    return finding('its name has no address', 'Correct PUBLIC_URL, or make the DNS record')
  }
  if (/WRONG_VERSION|EPROTO|PACKET_LENGTH|HTTP_REQUEST/.test(code)) {
    return finding(
      'the port does not speak TLS',
      'Terminate TLS in front of the bridge, which speaks plain http itself, or correct the port'
    )
  }
  if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_|HOSTNAME|ISSUER/.test(code)) {
    return finding(
      `its certificate is not accepted: ${message.split('\n')[0]}`,
      'Have a certificate for this name from an authority that Jambonz knows; for one of your own also set ' +
        'NODE_EXTRA_CA_CERTS here and there'
    )
  }
  if (code === 'ECONNREFUSED') {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    return finding(
      `nobody listens on port ${port}`,
      'Start the bridge and what stands in front of it, or correct the port'
    )
  }
  if (/TIMEOUT|ETIMEDOUT/.test(code)) {
    return finding('no answer in time', 'A firewall drops it, or what stands in front does not reach the bridge')
  }
  if (/ECONNRESET|UND_ERR_SOCKET|EPIPE|HPE_/.test(code)) {
    return finding(
      'the connection was closed without an HTTP answer',
      'Something else listens there, or it wants https: correct PUBLIC_URL'
    )
  }
  return finding(
    'no connection',
    'Correct PUBLIC_URL. Where only this machine cannot reach it, run the doctor elsewhere'
  )
}

export const redirects = (url: URL, { status, location }: Reply): Finding => ({
  code: 'public-url-redirects',
  severity: 'failed',
  seen: `PUBLIC_URL (${shown(url)}) answers ${status} and redirects to ${
    originOf(location, url)
  }. Jambonz follows no redirection: every hook fails`,
  todo: 'Set PUBLIC_URL to where it leads, with its scheme and path, and give the Jambonz application the new URLs',
  command: 'bridge doctor --only application --fix'
})

/** @param how the bridge gets the path and does not know it, or answers only without it */
export const wrongPath = (url: URL, how: 'not stripped' | 'not there'): Finding => ({
  code: 'public-url-path',
  severity: 'failed',
  seen: how === 'not stripped'
    ? `A bridge answers at ${url.host}, and gets the path ${url.pathname} with every request, which it does not know`
    : `A bridge answers at ${url.origin}, without the path ${url.pathname} of PUBLIC_URL`,
  todo: how === 'not stripped'
    ? 'Have the ingress strip the path before it passes requests on, or leave it out of PUBLIC_URL'
    : 'Leave the path out of PUBLIC_URL, or have the ingress serve it there'
})

export function notBridge (url: URL, { status }: Reply): Finding {
  const finding = (what: string, todo: string): Finding => ({
    code: 'public-url-not-bridge',
    severity: 'failed',
    seen: `What answers at ${shown(url)}/livekit-api is no bridge: ${status}${what}`,
    todo
  })
  if (status === 401 || status === 403 || status === 407) {
    return finding(
      ', it refuses or asks for credentials',
      `Let what stands in front pass the hooks' paths unchanged: the bridge authenticates them itself (${PATHS})`
    )
  }
  if (status >= 502 && status <= 504) {
    return finding(
      ', a proxy that reaches nothing behind it',
      'Start the bridge, and see that the proxy has its address and port'
    )
  }
  if (status === 404) {
    return finding('', `Route the hooks' paths to the bridge (${PATHS}), or correct host and path of PUBLIC_URL`)
  }
  return finding('', 'Correct host and path of PUBLIC_URL')
}

export const otherBridge = (url: URL, agent: string, own: string): Finding => ({
  code: 'public-url-other-bridge',
  severity: 'warning',
  seen: `The bridge at ${shown(url)} has the agent ${
    agent.slice(0, 100) || '(none)'
  }, these settings have ${own}: it is another one, or runs with older settings`,
  todo: 'Restart it with these settings, or run the doctor with its own'
})

export const formHidden = (url: URL, { status }: { status: number }): Finding => ({
  code: 'application-form-hidden',
  severity: 'warning',
  seen: `Something in front of the bridge answers OPTIONS ${
    shown(url)
  }/livekit-api itself (${status}), so Jambonz' portal has no form for agent, metadata and fallback number`,
  todo: 'Have OPTIONS passed on to the bridge: switch off CORS handling for its paths'
})

export const closed = (url: URL, paths: readonly string[]): Finding => ({
  code: 'hook-paths-closed',
  severity: 'failed',
  seen: `At ${shown(url)} not every hook reaches the bridge: ${paths.join(', ')}`,
  todo: `Publish ${PATHS}, for POST`
})

/** @param replies one for each of the secrets, in their order */
export function refusedHook (
  url: URL,
  replies: readonly Reply[],
  { basic, signed, now }: { basic: boolean, signed: boolean, now: number }
): Finding {
  const proof = [signed && 'JAMBONZ_WEBHOOK_SECRET', basic && 'HTTP_USERNAME and HTTP_PASSWORD'].filter(Boolean).join(
    ', or '
  )
  const refused = replies.flatMap(({ status }, i) => status === 401 ? [i + 1] : [])
  if (refused.length < replies.length) {
    return {
      code: 'hook-signature-refused',
      severity: 'warning',
      seen: `The bridge at ${shown(url)} refuses hooks signed with secret ${
        refused.join(' and ')
      } of the ${replies.length} in JAMBONZ_WEBHOOK_SECRET`,
      todo: 'Restart every replica with these settings before Jambonz signs with that secret'
    }
  }
  const { date } = replies[0]!
  const apart = date === undefined ? 0 : Math.round(Math.abs(date - now) / 1000)
  if (signed && apart > TOLERANCE_S) {
    return {
      code: 'hook-signature-refused',
      severity: 'failed',
      seen: `The bridge at ${shown(url)} refuses a signed hook (401): its clock and this machine's are ${apart} s ` +
        `apart, and signatures hold ${TOLERANCE_S} s`,
      todo: 'Set the clocks',
      command: 'timedatectl'
    }
  }
  return {
    code: 'hook-signature-refused',
    severity: 'failed',
    seen: `The bridge at ${
      shown(url)
    } refuses a hook that is authenticated by these settings (401): it runs with another ${
      proof || 'authentication'
    }, or something in front changes bodies or drops headers`,
    todo:
      'Restart it with these settings, and have Jambonz-Signature, Authorization and the body passed on unchanged. ' +
      `What Jambonz signs with is another question: ${APPLICATION}`
  }
}

const APPLICATION = 'bridge doctor --only application'

/** @param meant the settings say so */
export const unsigned = (meant: boolean): Finding =>
  meant
    ? {
        code: 'hooks-unsigned',
        severity: 'warning',
        seen:
        'Hooks are taken without any proof of who sent them (ALLOW_UNSIGNED_HOOKS): anybody who reaches PUBLIC_URL ' +
        'can make calls in its name',
        todo: 'Set JAMBONZ_WEBHOOK_SECRET'
      }
    : {
        code: 'hooks-unsigned',
        severity: 'failed',
        seen:
        'The bridge at PUBLIC_URL takes a hook with a wrong signature: anybody who reaches it can make calls in its ' +
        'name',
        todo: 'Restart it with these settings: it runs with ALLOW_UNSIGNED_HOOKS'
      }

/** Without user and password, and never with a query. */
const shown = ({ origin, pathname }: URL): string => origin + pathname.replace(/\/+$/, '')

function originOf (location: string | undefined, base: URL): string {
  return location !== undefined && URL.canParse(location, base.origin)
    ? shown(new URL(location, base.origin))
    : 'another place'
}
