import { randomBytes } from 'node:crypto'
import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import { isPrivate } from '../probe/address.ts'
import type { Check } from './check.ts'
import { bridgeCode, createHookClient, type HookClient } from './hook-client.ts'
import { isLocal } from './public-url-findings.ts'

/** Whether a call can be transferred at all, and whether an agent can ask for it. Leaves nothing behind. */
export const transfersCheck: Check = {
  name: 'transfers',
  title: 'Can calls be transferred to people, and can agents ask for it?',
  readOnly: true,
  limitMs: 12_000,
  async run ({ settings, routes: { table } }, signal) {
    if (!table.policy || table.policy.allow.length === 0) {
      return [{
        code: 'policy-none',
        severity: 'skipped',
        seen: 'Transfers were not checked: without a number policy that allows something, all are refused with 403',
        todo: 'Write the countries or prefixes that may be called in the routes file'
      }]
    }
    if (!jambonzAccess(settings)) return [REFER_ONLY]
    const client = createHookClient(signal)
    try {
      return await agentApiFindings(settings, client)
    } finally {
      await client.close()
    }
  }
}

const REFER_ONLY: Finding = {
  code: 'transfers-refer-only',
  severity: 'warning',
  seen: 'The Jambonz REST settings are not set, so transfers over the API are refused: agents can only send a REFER',
  todo: 'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY'
}

/** Asks for a call that nobody knows, without a token: only a bridge refuses that in its own words. */
async function agentApiFindings (settings: Settings, client: HookClient): Promise<Finding[]> {
  const { AGENT_API_URL: named, PUBLIC_URL: published } = settings
  const setting = named === undefined ? 'PUBLIC_URL' : 'AGENT_API_URL'
  const url = new URL(named ?? published)
  const base = url.href.replace(/\/+$/, '')
  const reply = await client.ask('GET', `${base}/calls/doctor-${randomBytes(9).toString('hex')}`)
  if (!('status' in reply)) {
    return [{
      code: 'agent-api-unreachable',
      severity: 'failed',
      seen: `Nothing answers at ${setting} (${[url.host, reply.code].filter(Boolean).join(': ')}), where agents ask`,
      todo: 'Set AGENT_API_URL to an address of this bridge that agents reach'
    }]
  }
  if (bridgeCode(reply) !== 'BRIDGE_UNAUTHORIZED') {
    return [{
      code: 'agent-api-closed',
      severity: 'failed',
      seen: `No operator API answers at ${setting} (${url.host}, status ${reply.status}), so agents cannot ask for a ` +
        'transfer',
      todo: 'Publish /calls/<callSid> there for agents, or set AGENT_API_URL to an internal address'
    }]
  }
  return [
    {
      code: 'transfers-ok',
      severity: 'ok',
      seen: `Calls can be transferred, and agents that reach ${url.host} can ask for it`
    },
    ...plainHttp(url, setting)
  ]
}

/** The token of a call crosses the network. Within a private one that is usual. Pure. */
export function plainHttp (url: URL, setting: string): Finding[] {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isInside = isPrivate(host) || isLocal(host) || !/[.:]/.test(host)
  if (url.protocol !== 'http:' || isInside) return []
  return [{
    code: 'agent-api-http',
    severity: 'warning',
    seen: `${setting} is plain http at a public address (${url.host}): the token of a call can be read on its way`,
    todo: 'Set AGENT_API_URL to https://, or to an address of a private network'
  }]
}
